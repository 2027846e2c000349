"""`strict`: a server on loopback that takes only what a service's published description has, and notes what was wrong.

A test asks it the same thing twice: with the service's official client, and with our tool. What either does that the
description does not have is answered 400 and stands in `wrong`, so that a mistake of the server shows itself at the
official client, and a mistake of the tool at the server.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from aiohttp import web


@dataclass(frozen=True)
class Reply:
    value: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Rule:
    """One operation. path: a pattern of the unquoted path. query, body: each parameter's kind, `!` after those that
    must be there; kinds: str, int, bool, list, table, any, or a pattern. form: whether the body may be a form."""

    method: str
    path: str
    answer: Callable[..., Any]
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, str] | None = None
    form: bool = False
    name: str = ""


@dataclass
class Seen:
    """A request as far as two clients should agree on it: the operation, and its parameters as plain values."""

    operation: str
    params: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Strict:
    rules: list[Rule]
    refuse: Callable[[Mapping[str, str]], Reply | None]
    url: str = ""
    port: int = 0
    seen: list[Seen] = field(default_factory=list[Seen])
    wrong: list[str] = field(default_factory=list[str])
    #: Given in the place of the operations' own answers, in turn.
    instead: list[Reply] = field(default_factory=list[Reply])

    @property
    def net(self) -> list[str]:
        return [f"127.0.0.1:{self.port}"]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = self._answer(request.method, request.raw_path, headers, body)
        if isinstance(reply.value, bytes | str):
            data = reply.value if isinstance(reply.value, bytes) else reply.value.encode()
            return web.Response(body=data, status=reply.status, headers=reply.headers)
        if reply.value is None:
            return web.Response(status=reply.status, headers=reply.headers)
        return web.json_response(reply.value, status=reply.status, headers=reply.headers)

    def _answer(self, method: str, raw: str, headers: dict[str, str], body: bytes) -> Reply:
        path, _, query = raw.partition("?")
        refused = self.refuse(headers)
        if refused is not None:
            return refused
        for rule in self.rules:
            found = re.fullmatch(rule.path, unquote(path))
            if rule.method != method or found is None:
                continue
            try:
                params = _checked(parse_qsl(query, keep_blank_values=True), rule.query)
                if rule.body is not None:
                    params |= _checked(_body(rule, headers, body), rule.body)
                elif body not in {b"", b"{}"}:
                    raise ValueError("it has a body")
            except ValueError as error:
                return self._refused(f"{method} {path}: {error}")
            self.seen.append(Seen(rule.name or f"{method} {path}", params, headers))
            if self.instead:
                return self.instead.pop(0)
            answer = rule.answer(found, params)
            return answer if isinstance(answer, Reply) else Reply(answer)
        return self._refused(f"{method} {path}: there is no such operation")

    def _refused(self, problem: str) -> Reply:
        self.wrong.append(problem)
        return Reply({"message": problem}, 400)

    def pair(self, *but: str) -> None:
        """The last two requests are one operation with the same parameters. but: those that may differ."""
        assert self.wrong == []
        first, second = self.seen[-2:]
        assert first.operation == second.operation
        assert {name: value for name, value in first.params.items() if name not in but} == {
            name: value for name, value in second.params.items() if name not in but
        }


def _body(rule: Rule, headers: dict[str, str], body: bytes) -> list[tuple[str, Any]]:
    kind = headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/x-www-form-urlencoded" and rule.form:
        return parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body))
    if kind != "application/json":
        raise ValueError(f"its body is {kind!r}")
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("its body is no table")
    return list(found.items())


def _checked(given: list[tuple[str, Any]], kinds: Mapping[str, str]) -> dict[str, Any]:
    """Plain values by name; a name that comes more than once in a form or a query is a list."""
    known = {name.rstrip("!"): kind for name, kind in kinds.items()}
    found: dict[str, Any] = {}
    for name, value in given:
        if name not in known:
            raise ValueError(f"there is no parameter {name!r}")
        plain = _value(name, value, known[name])
        found[name] = [*found[name], *plain] if known[name] == "list" and name in found else plain
    missing = [name for name in kinds if name.endswith("!") and name.rstrip("!") not in found]
    if missing:
        raise ValueError(f"{missing[0].rstrip('!')!r} is missing")
    return found


def _value(name: str, value: Any, kind: str) -> Any:
    match kind:
        case "any":
            return value
        case "int" if str(value).isdigit():
            return int(value)
        case "bool" if str(value).lower() in {"true", "false", "1", "0"}:
            return str(value).lower() in {"true", "1"}
        case "str" if isinstance(value, str):
            return value
        case "table" | "list":
            plain = json.loads(value) if isinstance(value, str) and value[:1] in {"{", "["} else value
            if kind == "table" and isinstance(plain, dict):
                return plain
            if kind == "list" and isinstance(plain, list | str):
                return plain if isinstance(plain, list) else [plain]
        case pattern if isinstance(value, str) and kind not in {"int", "bool", "str"} and re.fullmatch(pattern, value):
            return value
        case _:
            pass
    raise ValueError(f"{name!r} = {value!r} is no {kind}")


@pytest.fixture
async def strict() -> AsyncIterator[Callable[..., Awaitable[Strict]]]:
    """`await strict(rules, refuse)` starts the server; refuse(headers): what it says to a request it does not trust."""
    async with AsyncExitStack() as ends:

        async def started(rules: list[dict[str, Any]], refuse: Callable[[Mapping[str, str]], Any]) -> Strict:
            def refused(headers: Mapping[str, str]) -> Reply | None:
                found = refuse(headers)
                return None if found is None else Reply(**found)

            server = Strict([Rule(**rule) for rule in rules], refused)
            app = web.Application(client_max_size=10_000_000)
            app.router.add_route("*", "/{path:.*}", server.handle)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            ends.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            server.port = runner.addresses[0][1]
            server.url = f"http://127.0.0.1:{server.port}"
            return server

        yield started


@pytest.fixture
def reply() -> Callable[..., Reply]:
    return Reply
