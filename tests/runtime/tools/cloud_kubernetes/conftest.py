"""An API server on loopback for the tests of `kubernetes`, held to what the official client knows of the API.

Every request must be an operation of the client's generated API (path, verb, query, media type), every body and every
answer must be what the client's generated models take. What is none is kept in `wrong` and refused with 400.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml
from aiohttp import web
from kubernetes import client

from llmspell.tools.integration.kubernetes_tool import KubernetesTool

TOKEN = "eyToken-of-a-service-account"
_ANY = "[^/]+"


@dataclass
class Operation:
    """One of the client's generated operations. body, answer: names of its models."""

    path: str
    shape: re.Pattern[str]
    query: set[str]
    media: set[str]
    answer: str


@cache
def operations() -> dict[str, list[Operation]]:
    """By verb, the longest fixed path first: `/api/…` before the open paths of custom objects."""
    found: dict[str, list[Operation]] = {}
    for file in Path(kubernetes.__file__).parent.glob("client/api/*_api.py"):
        text = file.read_text()
        for begin in re.finditer(r"    def (_\w+_serialize)\(", text):
            block = text[begin.end() : text.index("_request_auth=_request_auth\n        )", begin.end())]
            verb, path = (re.findall(rf"{name}='([^']+)'", block)[0] for name in ("method", "resource_path"))
            query = set(re.findall(r"_query_params\.append\(\('(\w+)'", block))
            chosen = re.search(r"select_header_content_type\(\s*\[(.*?)\]", block, re.DOTALL)
            media = set(re.findall(r"'([^']+)'", chosen.group(1))) if chosen else set()
            before = text[text.rindex("    def ", 0, begin.start() - 1) : begin.start()]
            answer = re.search(r"'20[01]': \"(\w+)\"", before)
            shape = re.compile(re.sub(r"\\\{\w+\\\}", _ANY, re.escape(path)) + r"\Z")
            entry = Operation(path, shape, query, media, answer.group(1) if answer else "")
            found.setdefault(verb, []).append(entry)
    for rows in found.values():
        rows.sort(key=lambda each: (each.path.count("{"), -len(each.path)))
    return found


def operation(verb: str, path: str) -> Operation | None:
    """Open paths, those of custom objects, are not for the groups that the API itself describes."""
    found = next((each for each in operations().get(verb, ()) if each.shape.match(path)), None)
    own = {each.path.split("/")[2] for each in operations()["GET"] if each.path.startswith("/apis/")} - {"{group}"}
    opened = found is not None and "{group}" in found.path and path.count("/") > 3
    return None if opened and path.split("/")[2] in own else found


@pytest.fixture
def witness() -> Callable[[str, str], Operation | None]:
    """The official client's operation of a verb and a path."""
    return operation


def plain(model: Any) -> dict[str, Any]:
    """An object of the official client as a server would send it."""
    return client.ApiClient().sanitize_for_serialization(model)


def checked(value: Any, model: str) -> Any:
    """Raises where the official client's model does not take it."""
    return client.ApiClient().deserialize(json.dumps(value), model, "application/json")


Key = tuple[str, str, str, str]


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Server:
    """objects: by (API version, plural, namespace, name). logs: by pod."""

    url: str = ""
    port: int = 0
    objects: dict[Key, dict[str, Any]] = field(default_factory=dict[Key, dict[str, Any]])
    logs: dict[str, str] = field(default_factory=dict[str, str])
    asked: list[Asked] = field(default_factory=list[Asked])
    wrong: list[str] = field(default_factory=list[str])
    answers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=dict)  # pyright: ignore
    token: str = TOKEN

    @property
    def net(self) -> list[str]:
        return [f"127.0.0.1:{self.port}"]

    def has(self, plural: str, model: Any, api_version: str = "v1") -> dict[str, Any]:
        """Puts an object of the official client's models into the cluster."""
        value = {**plain(model), "apiVersion": api_version}
        about = value["metadata"]
        about.setdefault("uid", f"uid-{about['name']}")
        about["managedFields"] = [{"manager": "kubectl", "operation": "Apply"}]
        self.objects[api_version, plural, about.get("namespace", ""), about["name"]] = value
        return value

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        data = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = json.loads(data) if data else None
        self.asked.append(Asked(request.method, path, dict(request.query), headers, body))
        if headers.get("authorization") != f"Bearer {self.token}" and not request.get_extra_info("peercert"):
            return _status(401, "Unauthorized", "Unauthorized")
        found = operation(request.method, path)
        wrong = _wrong(found, request, body)
        if wrong or found is None:
            self.wrong.append(wrong)
            return _status(400, "BadRequest", wrong)
        if path in self.answers:
            return await self.answers[path](request)
        if path == "/apis/example.org/v1":
            return _answer(found, _DISCOVERED)
        return self._done(request, found, path, body)

    def _done(self, request: web.Request, found: Operation, path: str, body: Any) -> web.StreamResponse:
        parts = path.strip("/").split("/")
        api_version = parts[1] if parts[0] == "api" else "/".join(parts[1:3])
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = rest[1] if rest[0] == "namespaces" and len(rest) > 2 else ""
        plural, *more = rest[2:] if namespace else rest
        key = (api_version, plural, namespace, more[0] if more else "")
        if more[1:] == ["log"]:
            return web.Response(text=self.logs[more[0]][-int(request.query["limitBytes"]) :])
        if request.method == "POST":
            return self._made(found, (*key[:3], body["metadata"]["name"]), body)
        if not more:
            return _answer(found, self._listed(request, key))
        if found.media and "apply" in request.headers.get("content-type", ""):
            return self._applied(request, found, key, body)
        value = self.objects.get(key)
        if value is None:
            return _status(404, "NotFound", f'{plural} "{more[0]}" not found')
        if more[1:] == ["scale"]:
            value["spec"]["replicas"] = body["spec"]["replicas"]
            scale = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": key[3]}}
            return _answer(found, {**scale, "spec": {"replicas": body["spec"]["replicas"]}})
        if request.method == "DELETE":
            del self.objects[key]
            gone = {"kind": "Status", "apiVersion": "v1", "status": "Success"}
            return _answer(found, gone if found.answer == "V1Status" else value)
        return _answer(found, value)

    def _listed(self, request: web.Request, key: Key) -> dict[str, Any]:
        rows = [
            value
            for (version, plural, namespace, _), value in sorted(self.objects.items())
            if (version, plural) == key[:2] and key[2] in {"", namespace}
        ]
        for selector, reads in (("labelSelector", _label), ("fieldSelector", _at)):
            for part in filter(None, request.query.get(selector, "").split(",")):
                name, _, wanted = part.partition("=")
                rows = [each for each in rows if reads(each, name) == wanted]
        start = int(request.query.get("continue", "0"))
        end = start + int(request.query["limit"])
        about = {"resourceVersion": "1"} | ({"continue": str(end)} if end < len(rows) else {})
        items = [{name: item for name, item in each.items() if name not in {"kind", "apiVersion"}} for each in rows]
        return {"kind": "List", "apiVersion": key[0], "metadata": about, "items": items[start:end]}

    def _made(self, found: Operation, key: Key, body: Any) -> web.StreamResponse:
        if key in self.objects:
            return _status(409, "AlreadyExists", f'{key[1]} "{key[3]}" already exists')
        self.objects[key] = body
        return _answer(found, body, status=201)

    def _applied(self, request: web.Request, found: Operation, key: Key, body: Any) -> web.StreamResponse:
        old = self.objects.get(key)
        owned = old is not None and old["metadata"].get("managedFields")
        if owned and request.query.get("force") != "true":
            return _status(409, "Conflict", 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas')
        if request.query.get("dryRun") != "All":
            self.objects[key] = body
        return _answer(found, body, status=200 if old else 201)


_DISCOVERED = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": "example.org/v1",
    "resources": [
        {"name": "widgets", "singularName": "widget", "namespaced": True, "kind": "Widget", "verbs": ["get"]},
        {"name": "widgets/status", "singularName": "", "namespaced": True, "kind": "Widget", "verbs": ["get"]},
        {
            "name": "zones",
            "singularName": "zone",
            "namespaced": False,
            "kind": "Zone",
            "shortNames": ["zo"],
            "verbs": [],
        },
    ],
}


def _wrong(found: Operation | None, request: web.Request, body: Any) -> str:
    if found is None:
        return f"the official client has no {request.method} {request.raw_path}"
    unknown = set(request.query) - found.query
    if unknown:
        return f"{request.method} {found.path} takes no {unknown}"
    media = request.headers.get("content-type", "")
    if found.media and media not in found.media:
        return f"{request.method} {found.path} takes no {media!r}"
    if (
        body is not None
        and request.method in {"POST", "PATCH"}
        and "scale" not in found.path
        and found.answer[:1] == "V"
    ):
        try:
            checked(body, found.answer)
        except Exception as error:
            return f"{found.answer} is another: {error}"
    if request.method == "DELETE" and body is not None:
        checked(body, "V1DeleteOptions")
    return ""


def _answer(found: Operation, value: Any, status: int = 200) -> web.Response:
    if found.answer.startswith("V"):
        checked(value, found.answer)  # a server of ours that answers what no server would proves nothing
    return web.json_response(value, status=status)


def _status(code: int, reason: str, message: str) -> web.Response:
    value = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    checked(value, "V1Status")
    return web.json_response(value, status=code)


def _label(value: dict[str, Any], name: str) -> Any:
    return value["metadata"].get("labels", {}).get(name)


def _at(value: Any, name: str) -> Any:
    for part in name.split("."):
        value = value.get(part, {}) if isinstance(value, dict) else {}
    return value


async def serve(found: Server, tls: Any = None) -> web.AppRunner:
    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{path:.*}", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    found.port = runner.addresses[0][1]
    found.url = f"http{'s' if tls else ''}://127.0.0.1:{found.port}"
    return runner


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A cluster; at a test's end nothing was asked that the official client could not ask."""
    found = Server()
    runner = await serve(found)
    yield found
    await runner.cleanup()
    assert found.wrong == []


@pytest.fixture
def cluster() -> Callable[[Any], Awaitable[tuple[Server, web.AppRunner]]]:
    """Makes one more server, over TLS."""

    async def made(tls: Any) -> tuple[Server, web.AppRunner]:
        found = Server()
        return found, await serve(found, tls)

    return made


def written(path: Path, cluster: dict[str, Any], user: dict[str, Any] | None = None, **more: Any) -> Path:
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "here", "cluster": cluster}],
        "users": [{"name": "me", "user": {"token": TOKEN} if user is None else user}],
        "contexts": [{"name": "test", "context": {"cluster": "here", "user": "me", "namespace": "shop"}}],
        **more,
    }
    path.write_text(yaml.safe_dump(value))
    return path


@pytest.fixture
def kubeconfig() -> Callable[..., Path]:
    """`kubeconfig(path, cluster, user)` writes one whose context is `test`, in the namespace `shop`."""
    return written


@pytest.fixture
def environ(server: Server, tmp_path: Path) -> dict[str, str]:
    """The host's environment of a person whose KUBECONFIG names the server."""
    return {"PATH": "/usr/bin:/bin", "KUBECONFIG": str(written(tmp_path / "config", {"server": server.url}))}


@pytest.fixture
def kube(call: Any, server: Server, environ: dict[str, str]) -> Callable[..., Awaitable[Any]]:
    """`await kube("get", kind=…, name=…, options={…})`, by a tool that may write."""

    async def asked(operation: str, **params: Any) -> Any:
        options = {"read_only": False, **params.pop("options", {})}
        given = {name: params.pop(name) for name in ("read", "exec", "more") if name in params}
        host, net = params.pop("environ", environ), params.pop("net", server.net)
        params = {"operation": operation, **params}
        return await call(KubernetesTool, params, options=options, environ=host, net=net, **given)

    return asked
