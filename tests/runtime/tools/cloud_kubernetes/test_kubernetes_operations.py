"""kubernetes asks what the official client would ask, and gives what a person looks for."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes import client, config
from pydantic import BaseModel

from llmspell.errors import PermissionDenied, SchemaError, ToolError
from llmspell.tools.integration import kube_resources
from llmspell.tools.integration.kube_resources import RESOURCES

THEN = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def about(name: str, namespace: str | None = "shop", **labels: str) -> Any:
    return client.V1ObjectMeta(name=name, namespace=namespace, labels=labels or None, creation_timestamp=THEN)


def pod(name: str, namespace: str = "shop", **labels: str) -> Any:
    variables = [
        client.V1EnvVar(name="DB_PASSWORD", value="hush"),
        client.V1EnvVar(name="COLOR", value="red"),
        client.V1EnvVar(
            name="API_TOKEN",
            value_from=client.V1EnvVarSource(secret_key_ref=client.V1SecretKeySelector(name="s", key="k")),
        ),
    ]
    state = client.V1ContainerState(waiting=client.V1ContainerStateWaiting(reason="CrashLoopBackOff"))
    return client.V1Pod(
        metadata=about(name, namespace, **labels),
        spec=client.V1PodSpec(
            containers=[client.V1Container(name="web", image="web:1", env=variables)], node_name="node-1"
        ),
        status=client.V1PodStatus(
            phase="Running",
            pod_ip="10.0.0.9",
            container_statuses=[
                client.V1ContainerStatus(
                    name="web", image="web:1", image_id="i", ready=False, restart_count=4, state=state
                )
            ],
        ),
    )


def deployment(name: str) -> Any:
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels={"app": name}),
        spec=client.V1PodSpec(containers=[client.V1Container(name="web", image="web:1")]),
    )
    selector = client.V1LabelSelector(match_labels={"app": name})
    return client.V1Deployment(
        metadata=about(name),
        spec=client.V1DeploymentSpec(replicas=3, selector=selector, template=template),
        status=client.V1DeploymentStatus(ready_replicas=2, available_replicas=2, updated_replicas=3),
    )


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.plural)
def test_every_known_kind_is_where_the_official_client_has_it(resource: Any, witness: Any) -> None:
    place = "ns" if resource.namespaced else None
    listed = witness("GET", resource.path(place))
    assert listed is not None and "{group}" not in listed.path
    assert listed.answer == f"{_model(resource)}List"
    assert witness("GET", resource.path(None)) is not None
    for verb in ("GET", "PATCH", "DELETE"):
        one = witness(verb, resource.path(place, "name"))
        assert one is not None and "{group}" not in one.path and "{name}" in one.path
    assert witness("POST", resource.path(place)) is not None
    scaled = witness("PATCH", resource.path(place, "name", "scale"))
    assert (scaled is not None and "{group}" not in scaled.path) == (resource.kind in kube_resources.SCALED)


def test_fields_that_hold_tables_hold_lists_in_no_model_of_the_official_client() -> None:
    held: dict[str, set[str]] = {}
    for model in _models():
        for name, found in model.model_fields.items():
            held.setdefault(found.serialization_alias or name, set()).update(_kinds(found.annotation))
    assert [name for name in kube_resources.TABLES if "table" not in held.get(name, ())] == []
    assert [name for name in kube_resources.TABLES if "list" in held[name]] == []


def _models() -> list[Any]:
    import kubernetes.client.models as folder

    modules = [
        importlib.import_module(f"{folder.__name__}.{each.name}") for each in pkgutil.iter_modules(folder.__path__)
    ]
    found = [each for module in modules for each in vars(module).values()]
    return [each for each in found if isinstance(each, type) and issubclass(each, BaseModel) and each is not BaseModel]


def _kinds(annotation: Any) -> Iterator[str]:
    """`list`, `table`, and `other` for what is neither."""
    origin = typing.get_origin(annotation)
    if origin in {typing.Union, types.UnionType}:
        for each in typing.get_args(annotation):
            yield from _kinds(each)
    elif origin is list:
        yield "list"
    elif origin is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        yield "table"
    elif annotation is not type(None):
        yield "other"


def _model(resource: Any) -> str:
    return {"Event": "CoreV1Event"}.get(resource.kind, f"{resource.version.upper()}{resource.kind}")


async def test_lists_in_short_by_pages_labels_and_fields(kube: Any, server: Any) -> None:
    for number in range(3):
        server.has("pods", pod(f"web-{number}", app="web"))
    server.has("pods", pod("db-0", app="db"))
    server.has("pods", pod("far", namespace="other", app="web"))
    first = await kube("list", kind="pods", labels="app=web", fields="status.phase=Running", limit=2)
    assert [each["name"] for each in first["items"]] == ["web-0", "web-1"]
    second = await kube("list", kind="Pod", labels="app=web", limit=2, cursor=first["next"])
    assert ([each["name"] for each in second["items"]], second["next"]) == (["web-2"], "")
    assert first["items"][0] == {
        "name": "web-0",
        "namespace": "shop",
        "status": "CrashLoopBackOff",
        "ready": "0/1",
        "restarts": 4,
        "node": "node-1",
        "ip": "10.0.0.9",
        "containers": ["web"],
        "images": ["web:1"],
        "labels": {"app": "web"},
        "created": "2025-01-02T03:04:05+00:00",
    }
    everywhere = await kube("list", kind="po", all_namespaces=True)
    assert [each["namespace"] for each in everywhere["items"]] == ["other", "shop", "shop", "shop", "shop"]
    assert [each["name"] for each in (await kube("list", kind="po", namespace="other"))["items"]] == ["far"]
    asked = server.asked[0]
    assert asked.query == {"labelSelector": "app=web", "fieldSelector": "status.phase=Running", "limit": "2"}


async def test_each_kind_shows_how_it_is(kube: Any, server: Any) -> None:
    server.has("deployments", deployment("web"), "apps/v1")
    server.has(
        "services",
        client.V1Service(
            metadata=about("web"),
            spec=client.V1ServiceSpec(
                type="LoadBalancer", cluster_ip="10.1.1.1", selector={"app": "web"}, ports=[{"port": 80}]
            ),
            status=client.V1ServiceStatus(
                load_balancer=client.V1LoadBalancerStatus(ingress=[client.V1LoadBalancerIngress(hostname="lb.example")])
            ),
        ),
    )
    server.has(
        "nodes",
        client.V1Node(
            metadata=about("node-1", None, **{"node-role.kubernetes.io/control-plane": ""}),
            spec=client.V1NodeSpec(unschedulable=True),
            status=client.V1NodeStatus(
                conditions=[
                    client.V1NodeCondition(type="Ready", status="True"),
                    client.V1NodeCondition(type="DiskPressure", status="True"),
                ],
                addresses=[client.V1NodeAddress(type="InternalIP", address="10.0.0.1")],
                allocatable={"cpu": "4"},
            ),
        ),
    )
    server.has("namespaces", client.V1Namespace(metadata=about("shop", None), status={"phase": "Active"}))
    server.has("configmaps", client.V1ConfigMap(metadata=about("c"), data={"b": "1", "a": "2"}))
    job = client.V1JobSpec(template={"spec": {"containers": [{"name": "x"}]}}, completions=1)
    server.has("jobs", client.V1Job(metadata=about("j"), spec=job, status={"succeeded": 1}), "batch/v1")

    async def only(kind: str) -> dict[str, Any]:
        (found,) = (await kube("list", kind=kind))["items"]
        return found

    found = await only("deploy")
    assert {key: found[key] for key in ("replicas", "ready", "updated", "available", "images")} == {
        "replicas": 3, "ready": 2, "updated": 3, "available": 2, "images": ["web:1"],
    }  # fmt: skip
    found = await only("svc")
    assert (found["type"], found["external"], found["ports"][0]["port"]) == ("LoadBalancer", ["lb.example"], 80)
    found = await only("nodes")
    assert (found["ready"], found["schedulable"], found["pressure"]) == (True, False, ["DiskPressure"])
    assert (found["roles"], found["addresses"]) == (["control-plane"], ["10.0.0.1"])
    assert (await only("ns"))["status"] == "Active"
    assert (await only("cm"))["keys"] == ["a", "b"]
    assert (await only("jobs"))["succeeded"] == 1


async def test_describe_tells_what_happened(kube: Any, server: Any) -> None:
    value = server.has("pods", pod("web-0"))
    for number, (name, uid) in enumerate([("web-0", value["metadata"]["uid"]), ("web-0", "of-an-older"), ("x", "x")]):
        server.has(
            "events",
            client.CoreV1Event(
                metadata=about(f"e{number}"),
                involved_object=client.V1ObjectReference(kind="Pod", name=name, uid=uid),
                reason="BackOff",
                message="Back-off restarting",
                type="Warning",
                count=7,
                last_timestamp=THEN,
            ),
        )
    found = await kube("describe", kind="pod", name="web-0")
    assert found["events"] == [
        {
            "type": "Warning",
            "reason": "BackOff",
            "message": "Back-off restarting",
            "count": 7,
            "last": "2025-01-02T03:04:05+00:00",
        }
    ]
    assert found["summary"]["status"] == "CrashLoopBackOff"
    assert "managedFields" not in found["object"]["metadata"]
    assert (await kube("list", kind="events", fields="involvedObject.name=x"))["items"][0]["object"] == "Pod/x"


async def test_logs(kube: Any, server: Any) -> None:
    server.logs["web-0"] = "one\ntwo ü\n"
    found = await kube(
        "logs", name="web-0", container="web", tail_lines=5, since_seconds=60, previous=True, timestamps=True
    )
    assert found == {"log": "one\ntwo ü\n", "truncated": False}
    assert server.asked[0].query == {
        "container": "web", "tailLines": "5", "sinceSeconds": "60", "previous": "true", "timestamps": "true",
        "limitBytes": "1000000",
    }  # fmt: skip
    server.logs["big"] = "x" * 3_000_000
    assert (await kube("logs", name="big", tail_lines=None))["truncated"]
    with pytest.raises(SchemaError, match="of pods"):
        await kube("logs", kind="deployment", name="web")


async def test_secrets_are_masked_unless_asked_for_and_allowed(kube: Any, server: Any) -> None:
    notes = {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"k":"aHVzaA=="}}', "mine": "yes"}
    secret = client.V1Secret(metadata=about("s"), data={"k": "aHVzaA=="}, type="Opaque")
    secret.metadata.annotations = notes
    server.has("secrets", secret)
    server.has("pods", pod("web-0"))
    for kind in ("secrets", "Secret"):
        for operation in ("get", "describe"):
            found = (await kube(operation, kind=kind, name="s", api_version="v1"))["object"]
            assert (found["data"], found["metadata"]["annotations"]) == ({"k": "***"}, {"mine": "yes"})
    listed = (await kube("list", kind="secrets"))["items"]
    assert (listed[0]["keys"], listed[0]["type"]) == (["k"], "Opaque")
    assert "aHVzaA" not in str(listed)
    with pytest.raises(PermissionDenied, match="values of Secrets"):
        await kube("get", kind="secret", name="s", show_values=True)
    allowed = {"show_secrets": True}
    assert (await kube("get", kind="secret", name="s", options=allowed))["object"]["data"] == {"k": "***"}
    shown = await kube("get", kind="secret", name="s", show_values=True, options=allowed)
    assert shown["object"]["data"] == {"k": "aHVzaA=="}
    variables = (await kube("get", kind="pod", name="web-0"))["object"]["spec"]["containers"][0]["env"]
    assert [each.get("value") for each in variables] == ["***", "red", None]
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "t"}, "stringData": {"p": "hush"}}
    assert (await kube("create", manifest=manifest))["object"]["stringData"] == {"p": "***"}
    assert server.objects["v1", "secrets", "shop", "t"]["stringData"] == {"p": "hush"}


MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: dates
data:
  day: 2025-01-02
  answer: "42"
"""


async def test_things_are_made_changed_scaled_and_deleted(kube: Any, server: Any) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    made = (await kube("create", manifest=manifest))["object"]
    assert (made["metadata"], made["data"]) == ({"name": "c", "namespace": "shop"}, {"a": "1"})
    with pytest.raises(ToolError, match="already exists") as error:
        await kube("create", manifest=manifest)
    assert "apply" in (error.value.hint or "")
    await kube("apply", yaml=MANIFEST)
    assert server.objects["v1", "configmaps", "shop", "dates"]["data"]["day"] == "2025-01-02"
    asked = server.asked[-1]
    assert (asked.method, asked.headers["content-type"]) == ("PATCH", "application/apply-patch+yaml")
    assert asked.query == {"fieldManager": "llmspell"}
    server.has("deployments", deployment("web"), "apps/v1")
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:2"}]}}
    changed = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
    }
    with pytest.raises(ToolError, match="1 conflict") as error:
        await kube("apply", manifest=changed)
    assert "force" in (error.value.hint or "")
    await kube("apply", manifest=changed, force=True, dry_run=True)
    stored = server.objects["apps/v1", "deployments", "shop", "web"]
    assert stored["spec"]["template"]["spec"]["containers"][0]["image"] == "web:1"
    assert await kube("scale", kind="deployment", name="web", replicas=0) == {"replicas": 0}
    assert (server.asked[-1].method, stored["spec"]["replicas"]) == ("PATCH", 0)
    assert await kube("delete", kind="deployment", name="web", propagation="Foreground") == {"deleted": True}
    assert server.asked[-1].body["propagationPolicy"] == "Foreground"
    with pytest.raises(ToolError, match="not found"):
        await kube("get", kind="deployment", name="web")
    with pytest.raises(SchemaError, match="cannot be scaled"):
        await kube("scale", kind="pod", name="web", replicas=1)


async def test_kinds_that_not_every_cluster_has(kube: Any, server: Any) -> None:
    widget = {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w"}, "size": 3}
    assert (await kube("create", manifest=widget))["object"]["size"] == 3
    for name in ("widgets", "Widget", "widget"):
        assert (await kube("get", kind=name, name="w", api_version="example.org/v1"))["object"]["size"] == 3
    listed = await kube("list", kind="zo", api_version="example.org/v1")
    assert (listed["items"], server.asked[-1].path) == ([], "/apis/example.org/v1/zones")
    with pytest.raises(SchemaError, match="has no kind 'gadget'"):
        await kube("list", kind="gadget", api_version="example.org/v1")
    with pytest.raises(SchemaError) as error:
        await kube("list", kind="deploiments")
    assert "deployments" in (error.value.hint or "")


async def test_the_official_client_sees_the_same(kube: Any, server: Any, environ: dict[str, str]) -> None:
    """By the same kubeconfig, against the same server, with its own network stack."""
    server.has("pods", pod("web-0"))

    def asked() -> Any:
        with config.new_client_from_config(environ["KUBECONFIG"]) as api:
            return client.CoreV1Api(api).list_namespaced_pod("shop", limit=1).items

    (theirs,) = await asyncio.to_thread(asked)
    ours = (await kube("get", kind="pod", name="web-0"))["object"]
    assert theirs.metadata.uid == ours["metadata"]["uid"]
    assert server.asked[0].headers["authorization"] == server.asked[1].headers["authorization"]
