"""A binding with one class of each kind, and a host that answers it: what the JavaScript engine's tests talk to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from llmspell.engines.values import FunctionRef, ObjectRef
from llmspell.errors import ArgumentError, LlmspellError, RateLimitError


def method(name: str, kind: str = "async", *, static: bool = False, overridable: bool = False) -> dict[str, Any]:
    return {"name": name, "kind": kind, "static": static, "overridable": overridable}


def bound(name: str, *methods: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "extends": None,
        "aliases": [],
        "namespace": False,
        "constructible": True,
        "options": [],
        "positional": [],
        "methods": list(methods),
        "properties": [],
    } | more


BINDING: dict[str, Any] = {
    "classes": [
        bound(
            "BaseAgent",
            method("execute", overridable=True),
            method("on", "sync"),
            options=["name", "system_prompt"],
            properties=[
                {"name": "name", "writable": False, "live": False},
                {"name": "system_prompt", "writable": True, "live": False},
                {"name": "state", "writable": True, "live": True},
            ],
        ),
        bound(
            "Agent",
            method("chat"),
            method("stream_chat", "stream"),
            method("add_tool", "sync"),
            method("list", static=True),
            extends="BaseAgent",
            aliases=["Helper"],
            options=["name", "system_prompt", "max_turns"],
            positional=["system_prompt"],
        ),
        bound("Hidden", constructible=False),
        bound("eventBus", method("emit", "sync", static=True), namespace=True, constructible=False),
        bound("host", method("echo", "sync", static=True), method("later", static=True), namespace=True),
        bound("host2", method("run", static=True), method("run_now", "sync", static=True), namespace=True),
    ],
    "errors": [
        {"name": "RateLimitError", "type": "rate_limit"},
        {"name": "TimeoutError", "type": "timeout"},
        {"name": "ToolError", "type": "tool"},
    ],
}


class Desk:
    """Answers BINDING. `host` is set once the spell has started; `calls` are the names in the order they came."""

    def __init__(self) -> None:
        self.host: Any = None
        self.calls: list[tuple[str, Any, Any]] = []
        self.cancelled = 0
        self.states: dict[int, Any] = {}
        self.options: dict[int, dict[str, Any]] = {}
        self.overrides: dict[int, dict[str, FunctionRef]] = {}
        self.modules: dict[str, str] = {}

    @property
    def answers(self) -> dict[str, Callable[[int | None, list[Any]], Any]]:
        table: dict[str, Callable[[int | None, list[Any]], Any]] = {
            "Agent.new": self._new,
            "BaseAgent.new": self._new,
            "BaseAgent.name": lambda agent, _: self.options[agent or 0].get("name", "agent"),
            "BaseAgent.system_prompt": lambda agent, _: self.options[agent or 0].get("system_prompt"),
            "BaseAgent.system_prompt=": self._write_prompt,
            "BaseAgent.state": self._read_state,
            "BaseAgent.state=": self._write_state,
            "BaseAgent.execute": self._execute,
            "BaseAgent.execute:base": self._execute_base,
            "BaseAgent.on": lambda _agent, _args: None,
            "Agent.chat": self._chat,
            "Agent.stream_chat": self._stream,
            "Agent.add_tool": lambda agent, args: [agent, *args],
            "Agent.list": lambda _none, args: [ObjectRef(number, "Agent") for number in self.options],
            "Agent.search": lambda agent, args: ["search", agent, *args],
            "Stream.next": self._next_chunk,
            "Stream.close": lambda stream, _: self.calls.append(("closed", stream, [])),
            "eventBus.emit": lambda _none, args: args,
            "host.echo": self._echo,
            "host.later": self._later,
            "host2.run": self._run,
            "host2.run_now": lambda _none, args: None,
            "module.load": self._module,
        }
        return {name: self._noting(name, answer) for name, answer in table.items()}

    def _noting(self, name: str, answer: Callable[[int | None, list[Any]], Any]) -> Callable[..., Any]:
        def noted(receiver: int | None, args: list[Any]) -> Any:
            self.calls.append((name, receiver, args))
            return answer(receiver, args)

        return noted

    def _new(self, _none: int | None, args: list[Any]) -> ObjectRef:
        options, subclass = args
        number = len(self.options) + 1
        self.options[number] = options
        self.overrides[number] = (subclass or {}).get("overrides", {})
        self.states[number] = {}
        return ObjectRef(number, "Agent", ("search",))

    def _write_prompt(self, agent: int | None, args: list[Any]) -> None:
        self.options[agent or 0]["system_prompt"] = args[0]

    def _read_state(self, agent: int | None, args: list[Any]) -> Any:
        value: Any = self.states[agent or 0]
        for key in args[0]:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def _write_state(self, agent: int | None, args: list[Any]) -> None:
        path, value = args
        if not path:
            self.states[agent or 0] = value
            return
        place = self.states[agent or 0]
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = value

    async def _execute(self, agent: int | None, args: list[Any]) -> Any:
        override = self.overrides[agent or 0].get("execute")
        if override is None:
            return await self._execute_base(agent, args)
        value = await self.host.invoke(override.number, ObjectRef(agent or 0, "Agent"), *args)
        return ["through the host", value]

    async def _execute_base(self, agent: int | None, args: list[Any]) -> Any:
        return ["base", agent, *args]

    async def _chat(self, agent: int | None, args: list[Any]) -> str:
        if args[0] == "fail":
            raise RateLimitError("too many", retry_after=250, data={"provider": "p"})
        return f"{self.options[agent or 0].get('system_prompt', '')}: {args[0]}"

    def _stream(self, _agent: int | None, args: list[Any]) -> ObjectRef:
        self.states[1000] = list(args[0])
        return ObjectRef(1000, "Stream")

    def _next_chunk(self, stream: int | None, _args: list[Any]) -> list[Any] | None:
        left = self.states[stream or 0]
        return [left.pop(0)] if left else None

    def _echo(self, _none: int | None, args: list[Any]) -> Any:
        if args and args[0] == "refuse":
            raise ArgumentError("that is wrong")
        return args[0] if args else None

    async def _later(self, _none: int | None, args: list[Any]) -> Any:
        """later(value, ms): the value after a while."""
        try:
            await asyncio.sleep((args[1] if len(args) > 1 else 1) / 1000)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if args[0] == "refuse":
            raise LlmspellError("refused later")
        return args[0]

    async def _run(self, _none: int | None, args: list[Any]) -> Any:
        """run(function, …): what the script's function gives."""
        function, *rest = args
        return await self.host.invoke(function.number, *rest)

    def _module(self, _none: int | None, args: list[Any]) -> dict[str, str]:
        from llmspell.engines.javascript import modules

        label = args[0].removeprefix("./")
        text = self.modules[label]
        source = text if label.endswith(".json") else modules.prepare(text).source
        return {"label": label, "source": source}
