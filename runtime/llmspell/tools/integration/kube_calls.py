"""What each operation of the Kubernetes tool asks of the API server, and what is given on. Knows no kubeconfig."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from llmspell import errors
from llmspell.errors import PermissionDenied, SchemaError, ToolError
from llmspell.frozen import frozen
from llmspell.security.masking import MASK
from llmspell.tools.data.json_text import parse
from llmspell.tools.integration import kube_resources, kube_views, kube_yaml, wire
from llmspell.tools.integration.kube_config import Cluster
from llmspell.tools.integration.kube_resources import Resource
from llmspell.tools.web.service import Answer, Service, needed

if TYPE_CHECKING:
    from llmspell.tools.integration.kubernetes_tool import KubernetesOptions, KubernetesParams

#: Bytes of a log that are asked for; more come by `since_seconds` or `tail_lines`.
LOG_BYTES: Final = 1_000_000
#: Who owns the fields that apply sets.
_MANAGER: Final = "llmspell"
_MERGE: Final = "application/merge-patch+json"
_APPLY: Final = "application/apply-patch+yaml"


@frozen
class Calls:
    """One call's worth of the API."""

    cluster: Cluster
    reach: wire.Reach
    options: KubernetesOptions

    async def perform(self, asked: KubernetesParams) -> dict[str, Any]:
        """The tool's content."""
        match asked.operation:
            case "list":
                return await self._list(asked)
            case "get":
                resource, found = await self._one(asked)
                return {"object": self._shown(resource, found, asked)}
            case "describe":
                return await self._describe(asked)
            case "logs":
                return await self._logs(asked)
            case "delete":
                return await self._delete(asked)
            case "scale":
                return await self._scale(asked)
            case "create" | "apply":
                return await self._write(asked)

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        kind: str = "application/json",
    ) -> bytes:
        """The answer's bytes, when its status is 2xx."""
        given = {key: _word(value) for key, value in (query or {}).items() if value is not None}
        headers = dict(self.cluster.headers) | ({"content-type": kind} if body is not None else {})
        data = None if body is None else _json(body)
        url = self.cluster.server + path + (f"?{urlencode(given)}" if given else "")
        reply = await wire.send("kubernetes", method, url, headers, data, self.reach)
        if 200 <= reply.status < 300:
            return reply.data
        said: Any = reply.data.decode("utf-8", "replace")
        if self.cluster.token:  # it is in no variable, so nobody else would know it as a secret
            said = said.replace(self.cluster.token, MASK)
        with suppress(ValueError, RecursionError):  # a proxy's page is text
            said = json.loads(said)
        raise _refusal(Answer(reply.status, reply.headers, said), self)

    async def _object(self, method: str, path: str, *more: Any) -> dict[str, Any]:
        data = await self._ask(method, path, *more)
        try:
            value = await asyncio.to_thread(parse, data.decode(), 100, "last")
        except (UnicodeDecodeError, ToolError):
            raise ToolError(
                "kubernetes: the server answered what is no JSON", hint="check the cluster's address"
            ) from None
        return kube_views.table(value)

    async def _resource(self, kind: str, api_version: str | None) -> Resource:
        found = kube_resources.known(kind, api_version)
        if found is None and api_version is None:
            raise kube_resources.unknown(kind)
        if found is None:
            served = await self._object("GET", kube_resources.root(api_version or ""))
            found = kube_resources.discovered(kind, api_version or "", served.get("resources") or [])
        if not found.namespaced and self.options.allowed_namespaces is not None:
            raise PermissionDenied(
                f"kubernetes may not use {found.plural}: they belong to no namespace",
                hint="its options name `allowed_namespaces`",
                data={"permission": "namespace", "needed": found.plural},
            )
        return found

    def _namespace(self, resource: Resource, given: str | None) -> str | None:
        """The namespace to work in, where the resource has one."""
        if not resource.namespaced:
            return None
        found = given or self.options.namespace or self.cluster.namespace
        allowed = self.options.allowed_namespaces
        if allowed is not None and found not in allowed:
            raise PermissionDenied(
                f"kubernetes may not use the namespace {found!r}: its options leave it out",
                hint=f"`allowed_namespaces` names {', '.join(allowed) or 'nothing'}",
                data={"permission": "namespace", "needed": found},
            )
        return found

    async def _place(self, asked: KubernetesParams) -> tuple[Resource, str | None]:
        resource = await self._resource(str(needed(asked.kind, "kind", asked.operation)), asked.api_version)
        return resource, self._namespace(resource, asked.namespace)

    def _shown(self, resource: Resource, found: Any, asked: KubernetesParams) -> dict[str, Any]:
        return kube_views.shown(resource, found, asked.show_values and self.options.show_secrets)

    async def _list(self, asked: KubernetesParams) -> dict[str, Any]:
        resource = await self._resource(str(needed(asked.kind, "kind", "list")), asked.api_version)
        namespace = None
        if not asked.all_namespaces:
            namespace = self._namespace(resource, asked.namespace)
        elif self.options.allowed_namespaces is not None:
            raise PermissionDenied(
                "kubernetes may not list all namespaces: its options name some", hint="give one `namespace` at a time"
            )
        query = {
            "labelSelector": asked.labels,
            "fieldSelector": asked.fields,
            "limit": asked.limit,
            "continue": asked.cursor or None,
        }
        found = await self._object("GET", resource.path(namespace), query)
        items = [kube_views.summary(resource, each) for each in kube_views.rows(found.get("items"))]
        return {"items": items, "next": str(kube_views.table(found.get("metadata")).get("continue") or "")}

    async def _one(self, asked: KubernetesParams) -> tuple[Resource, dict[str, Any]]:
        name = needed(asked.name, "name", asked.operation)
        resource, namespace = await self._place(asked)
        return resource, await self._object("GET", resource.path(namespace, name))

    async def _describe(self, asked: KubernetesParams) -> dict[str, Any]:
        """The object, its summary, and what happened to it lately; a node's events lie in any namespace."""
        resource, found = await self._one(asked)
        about = kube_views.table(found.get("metadata"))
        selector = f"involvedObject.kind={resource.kind},involvedObject.name={about.get('name', '')}"
        if about.get("uid") and resource.kind != "Node":  # the kubelet writes a node's name for its uid
            selector += f",involvedObject.uid={about['uid']}"
        events = await self._resource_events(about.get("namespace"), selector)
        return {
            "summary": kube_views.summary(resource, found),
            "object": self._shown(resource, found, asked),
            "events": events,
        }

    async def _resource_events(self, namespace: str | None, selector: str) -> list[dict[str, Any]]:
        event = kube_resources.known("Event", None)
        assert event is not None
        listed = await self._object("GET", event.path(namespace), {"fieldSelector": selector, "limit": 100})
        found = [kube_views.summary(event, each) for each in kube_views.rows(listed.get("items"))]
        names = ("type", "reason", "message", "count", "last")
        return sorted(({name: each[name] for name in names} for each in found), key=lambda each: each["last"])

    async def _logs(self, asked: KubernetesParams) -> dict[str, Any]:
        name = needed(asked.name, "name", "logs")
        resource = await self._resource(asked.kind or "Pod", asked.api_version)
        if resource.kind != "Pod":
            raise SchemaError(f"`logs` are of pods, not of {resource.plural}", hint="list its pods by `labels` first")
        query = {
            "container": asked.container,
            "tailLines": asked.tail_lines,
            "sinceSeconds": asked.since_seconds,
            "previous": asked.previous or None,
            "timestamps": asked.timestamps or None,
            "limitBytes": LOG_BYTES,
        }
        data = await self._ask("GET", resource.path(self._namespace(resource, asked.namespace), name, "log"), query)
        return {"log": data.decode("utf-8", "replace"), "truncated": len(data) >= LOG_BYTES}

    async def _delete(self, asked: KubernetesParams) -> dict[str, Any]:
        name = needed(asked.name, "name", "delete")
        resource, namespace = await self._place(asked)
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": asked.propagation}
        await self._object("DELETE", resource.path(namespace, name), _dry(asked), body)
        return {"deleted": True}

    async def _scale(self, asked: KubernetesParams) -> dict[str, Any]:
        name, replicas = needed(asked.name, "name", "scale"), needed(asked.replicas, "replicas", "scale")
        resource, namespace = await self._place(asked)
        if resource.kind not in kube_resources.SCALED and kube_resources.known(resource.kind, None):
            raise SchemaError(
                f"{resource.plural} cannot be scaled", hint=f"one of {', '.join(sorted(kube_resources.SCALED))}"
            )
        body = {"spec": {"replicas": replicas}}
        path = resource.path(namespace, name, "scale")
        found = await self._object("PATCH", path, {**_dry(asked), "fieldManager": _MANAGER}, body, _MERGE)
        return {"replicas": int(kube_views.table(found.get("spec")).get("replicas") or 0)}

    async def _write(self, asked: KubernetesParams) -> dict[str, Any]:
        manifest = await _manifest(asked)
        about = manifest["metadata"]
        resource = await self._resource(str(manifest["kind"]), str(manifest["apiVersion"]))
        if asked.namespace and about.get("namespace") not in {None, asked.namespace}:
            raise SchemaError(
                f"`namespace` is {asked.namespace!r}, the manifest says {about['namespace']!r}", hint="give one of them"
            )
        namespace = self._namespace(resource, asked.namespace or about.get("namespace"))
        if namespace is not None:
            manifest = {**manifest, "metadata": {**about, "namespace": namespace}}
        query = {**_dry(asked), "fieldManager": _MANAGER}
        if asked.operation == "create":
            found = await self._object("POST", resource.path(namespace), query, manifest)
        else:
            name = needed(about.get("name"), "metadata.name", "apply")
            query["force"] = asked.force or None
            found = await self._object("PATCH", resource.path(namespace, name), query, manifest, _APPLY)
        return {"object": self._shown(resource, found, asked)}


async def _manifest(asked: KubernetesParams) -> dict[str, Any]:
    """The object to write, from a table or from YAML."""
    if (asked.manifest is None) == (asked.yaml is None):
        raise SchemaError(f"`{asked.operation}` needs `manifest` or `yaml`, one of them", hint="leave the other out")
    found: Any = asked.manifest
    if asked.yaml is not None:
        found = await asyncio.to_thread(kube_yaml.read, asked.yaml, "`yaml`")
    about = found.get("metadata") if isinstance(found, dict) else None
    if not isinstance(about, dict) or not found.get("kind") or not found.get("apiVersion"):
        raise SchemaError("a manifest needs `apiVersion`, `kind` and `metadata`", hint="one object at a time")
    return kube_resources.with_tables(found)


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise SchemaError(f"the manifest cannot be written as JSON: {error}") from None


def _dry(asked: KubernetesParams) -> dict[str, Any]:
    return {"dryRun": "All" if asked.dry_run else None}


def _word(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _refusal(answer: Answer, calls: Calls) -> errors.LlmspellError:
    """The server's Status as an error."""
    service = Service("kubernetes", calls.cluster.server, {}, calls.reach.permissions)
    found = service.refusal(answer)
    if answer.status == 409 and isinstance(found, ToolError):
        hint = "`apply` with `force` takes the fields over" if "conflict" in found.message else "it exists: use `apply`"
        return ToolError(found.message, hint=hint, data=found.data)
    return found
