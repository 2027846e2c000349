"""kubernetes writes only where it may, stays in its namespaces, reaches only what was named, and ends when it is told."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from kubernetes import client

from llmspell import errors
from llmspell.errors import PermissionDenied, RateLimitError, SchemaError, ToolError
from llmspell.tools.integration import kube_yaml, kubernetes_tool

both = pytest.mark.parametrize("language", ["lua", "js"])

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
PODS = "/api/v1/namespaces/shop/pods"


@pytest.mark.parametrize("operation", sorted(kubernetes_tool._WRITES))
async def test_nothing_is_written_where_it_only_reads(kube: Any, server: Any, operation: str) -> None:
    given = {"kind": "deployment", "name": "x", "replicas": 1, "manifest": MAP, "dry_run": True}
    with pytest.raises(PermissionDenied, match="read-only"):
        await kube(operation, **given, options={"read_only": True})
    assert server.asked == []


async def test_it_stays_in_its_namespaces(kube: Any, server: Any) -> None:
    narrow = {"options": {"allowed_namespaces": ["shop"]}}
    assert (await kube("list", kind="pods", **narrow))["items"] == []
    asked = len(server.asked)
    away = {**MAP, "metadata": {"name": "c", "namespace": "kube-system"}}
    for operation, given in (
        ("list", {"kind": "pods", "namespace": "kube-system"}),
        ("list", {"kind": "pods", "all_namespaces": True}),
        ("list", {"kind": "nodes"}),
        ("get", {"kind": "namespace", "name": "kube-system"}),
        ("describe", {"kind": "node", "name": "n"}),
        ("logs", {"name": "p", "namespace": "kube-system"}),
        ("delete", {"kind": "pod", "name": "p", "namespace": "kube-system"}),
        ("create", {"manifest": away}),
        ("apply", {"manifest": away}),
        ("apply", {"manifest": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}}),
    ):
        with pytest.raises(PermissionDenied):
            await kube(operation, **given, **narrow)
    assert len(server.asked) == asked
    with pytest.raises(SchemaError, match="manifest says"):
        await kube("apply", manifest=away, namespace="shop", **narrow)


@pytest.mark.parametrize("name", ["..", ".", "../secrets/s", "a/b", "a?watch=true", "a%2fb", "p#x", "\0", "ü"])
async def test_a_name_cannot_leave_its_place(kube: Any, server: Any, name: str) -> None:
    for operation, given in (("get", {"kind": "pod"}), ("logs", {}), ("delete", {"kind": "pod"})):
        with pytest.raises(SchemaError):
            await kube(operation, name=name, **given)
    for manifest in (
        {**MAP, "metadata": {"name": name}},
        {**MAP, "metadata": {"name": "c", "namespace": f"../{name}"}},
    ):
        for operation in ("apply", "create"):
            if operation == "apply" or "namespace" in manifest["metadata"]:
                with pytest.raises(SchemaError):
                    await kube(operation, manifest=manifest)
    for version in ("../v1", f"a/{name}/../v1", ".."):
        with pytest.raises(SchemaError):
            await kube("apply", manifest={**MAP, "apiVersion": version})
    assert server.asked == []


@pytest.mark.parametrize(
    "given",
    [
        {}, {"manifest": MAP, "yaml": "a: 1"}, {"manifest": {"kind": "Pod"}}, {"yaml": "[1]"}, {"yaml": "x"},
        {"yaml": "kind: A\napiVersion: v1\nmetadata: 3"}, {"yaml": "a: &x [1]\nb: *x"}, {"yaml": "a: 1\n---\nb: 2"},
        {"yaml": "a: !!python/name:os.system x"}, {"yaml": "{" * 50_000}, {"yaml": "? {a: 1}\n: 2"},
        {"manifest": {**MAP, "data": {"x": float("nan")}}},
    ],
)  # fmt: skip
async def test_manifests_that_are_none(kube: Any, server: Any, given: dict[str, Any]) -> None:
    with pytest.raises(ToolError) as error:
        await kube("apply", **given)
    assert "Traceback" not in error.value.message
    assert server.asked == []


async def test_only_what_was_named_is_reached(kube: Any, server: Any, kubeconfig: Any, tmp_path: Path) -> None:
    with pytest.raises(PermissionDenied, match="may not reach"):
        await kube("list", kind="pods", net=["example.org"])

    async def inside(host: str, port: int) -> list[str]:
        return ["169.254.169.254"]

    path = kubeconfig(tmp_path / "named", {"server": f"http://cluster.example:{server.port}"}, {})
    with pytest.raises(PermissionDenied, match=r"is the private address 169\.254\.169\.254"):
        environ = {"KUBECONFIG": str(path)}
        await kube("list", kind="pods", environ=environ, net=["cluster.example"], more={"resolver": inside})

    async def moved(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data")

    server.answers[PODS] = moved
    with pytest.raises(ToolError, match="302"):
        await kube("list", kind="pods")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [(401, ToolError, False), (403, ToolError, False), (404, ToolError, False), (410, ToolError, False),
     (429, RateLimitError, True), (500, ToolError, True), (503, ToolError, True)],
)  # fmt: skip
async def test_refusals_say_what_they_are_and_nothing_is_sent_twice(
    kube: Any, server: Any, status: int, error: type[Exception], retryable: bool
) -> None:
    async def answer(_: web.Request) -> web.Response:
        value = {"kind": "Status", "apiVersion": "v1", "message": f"because of {status}", "code": status}
        return web.json_response(value, status=status, headers={"Retry-After": "2"} if status == 429 else {})

    server.answers[PODS] = answer
    with pytest.raises(error, match=f"because of {status}") as found:
        await kube("list", kind="pods")
    assert found.value.retryable is retryable  # pyright: ignore
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b"[" * 100_000, b"[]", b"1", b'{"items": 3}', b'{"items": [1, null, {"metadata": 7}]}',
     b'{"items": [{"spec": [], "status": {"containerStatuses": {"a": 1}}}], "metadata": []}'],
)  # fmt: skip
async def test_answers_that_are_none(kube: Any, server: Any, body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body)

    server.answers[PODS] = server.answers[f"{PODS}/p"] = answer
    with suppress(ToolError):
        assert set(await kube("list", kind="pods")) == {"items", "next"}
    with suppress(ToolError):
        assert set(await kube("get", kind="pod", name="p")) == {"object"}


async def test_an_answer_is_bounded_and_a_server_that_hangs_is_left(kube: Any, server: Any) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        with suppress(ConnectionError):
            while True:
                await answer.write(b"x" * 65536)
        return answer

    gone, reached = asyncio.Event(), asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        raise AssertionError

    server.answers[PODS] = endless
    with pytest.raises(ToolError, match="more than 100000 bytes"):
        await kube("list", kind="pods", options={"max_size": 100_000})
    server.answers[PODS] = hang
    with pytest.raises(errors.TimeoutError, match="within 1500 ms"):
        await kube("list", kind="pods", options={"timeout": 1500})
    async with asyncio.timeout(60):
        await gone.wait()
    gone.clear()
    reached.clear()
    task = asyncio.create_task(kube("list", kind="pods"))
    async with asyncio.timeout(20):
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await gone.wait()


async def test_a_missing_extra_says_what_to_install(kube: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    kube_yaml._library.cache_clear()
    with pytest.raises(ToolError) as error:
        await kube("list", kind="pods")
    assert error.value.hint == "pip install 'llmspell[integration]'"


SPELLS = {
    "lua": "local k = KubernetesTool.new{ read_only = false }\n"
    "k:execute{ operation = 'create', manifest = { apiVersion = 'v1', kind = 'Secret', metadata = { name = 's' }, data = { p = 'aHVzaA==' } } }\n"
    "k:execute{ operation = 'create', manifest = { apiVersion = 'v1', kind = 'ConfigMap', metadata = { name = 'c', labels = {} }, data = {} } }\n"
    "local pods = k:execute{ operation = 'list', kind = 'pods' }\n"
    "local secret = k:execute{ operation = 'get', kind = 'secret', name = 's' }\n"
    "local ok, err = pcall(function() return Kubernetes.new():execute{ operation = 'delete', kind = 'pod', name = 'web-0' } end)\n"
    "return { pods.items[1].name, secret.object.data.p, ok, err.type }",
    "js": "const k = new KubernetesTool({ readOnly: false });\n"
    "await k.execute({ operation: 'create', manifest: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { p: 'aHVzaA==' } } });\n"
    "await k.execute({ operation: 'create', manifest: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', labels: {} }, data: {} } });\n"
    "const pods = await k.execute({ operation: 'list', kind: 'pods' });\n"
    "const secret = await k.execute({ operation: 'get', kind: 'secret', name: 's' });\n"
    "let ok = true, type = '';\n"
    "try { await new Kubernetes().execute({ operation: 'delete', kind: 'pod', name: 'web-0' }) }"
    " catch (error) { ok = false; type = error.type }\n"
    "return [pods.items[0].name, secret.object.data.p, ok, type];",
}


@both
@pytest.mark.mission(105)
async def test_a_spell_looks_into_a_cluster_and_its_replay_asks_nobody(
    cast: Any, server: Any, environ: dict[str, str], language: str
) -> None:
    server.has("pods", client.V1Pod(metadata=client.V1ObjectMeta(name="web-0", namespace="shop")))
    given = {"flags": {"permissions.net": server.net}, "environ": environ}
    spell = await cast(**{language: SPELLS[language]}, **given)
    assert spell.value == ["web-0", "***", False, "permission"]
    assert server.token not in json.dumps([event.data for event in spell.events], default=str)
    asked = len(server.asked)
    again = await cast(**{language: SPELLS[language]}, replay=spell.recording, **given)
    assert again.value == spell.value
    assert len(server.asked) == asked
