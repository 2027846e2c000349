"""The smallest language that can be a spell's: one call a line, in JSON. An engine as another distribution would add it.

agent = Agent.new {"name": "ada"}      a constructor: a question
answer = agent.chat "hello"            a method: a call that the next line waits for
Hooks.register "before_llm_call" rename     rename: a line `def` below, a function of the script's
print $answer                          `$name` stands for what was kept
return $answer
def rename: set prompt "changed"       a function of one field: changes it in its first argument
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from llmspell.engines.binding import Binding
from llmspell.engines.engine import Host, HostError
from llmspell.engines.protocol import Start
from llmspell.engines.values import FunctionRef, ObjectRef

SUFFIXES = (".mini",)

_LINE = re.compile(r"(?:(?P<name>\w+) = )?(?P<holder>\w+)\.(?P<member>\w+) ?(?P<args>.*)")
_FUNCTION = re.compile(r"def (?P<name>\w+): set (?P<field>\w+) (?P<value>.*)")


def warm(binding: Binding) -> MiniEngine:
    return MiniEngine(binding)


class MiniEngine:
    """`engines.engine.Engine`, whole."""

    def __init__(self, binding: Binding) -> None:
        self._classes = {name: one for one in binding["classes"] for name in (one["name"], *one["aliases"])}
        self._host: Host
        self._label = ""
        self._lines: deque[tuple[int, str]] = deque()
        self._kept: dict[str, Any] = {}
        self._functions: list[tuple[str, str, Any]] = []
        self._ready: deque[Callable[[], None]] = deque()
        self._waits: tuple[int, str, int] | None = None
        self._over = False

    def attach(self, host: Host) -> MiniEngine:
        self._host = host
        return self

    def start(self, start: Start) -> None:
        self._label = start["label"]
        for number, line in enumerate(start["source"].split("\n"), 1):
            if found := _FUNCTION.fullmatch(line.strip()):
                self._functions.append((found["name"], found["field"], json.loads(found["value"])))
            elif line.strip():
                self._lines.append((number, line.strip()))

    def settle(self, call: int, ok: bool, value: Any) -> None:
        if self._waits is not None and self._waits[0] == call:
            _, name, number = self._waits
            self._waits = None
            if ok:
                self._kept[name] = value
            else:
                self._fail(value, number)

    def invoke(self, callback: int, function: int, args: list[Any], echo: bool) -> None:
        def run() -> None:
            _, field, value = self._functions[function]
            self._host.within(callback)
            self._host.result(callback, True, {**args[0], field: value} if echo else value)
            self._host.within(0)

        self._ready.append(run)

    def cancel(self, callback: int) -> None:
        pass

    def release(self, functions: list[tuple[int, int]]) -> None:
        pass

    def interrupt(self, *, forced: bool) -> None:
        """Its lines never compute for long."""

    def pump(self) -> None:
        while not self._over and (self._ready or (self._waits is None and self._lines)):
            if self._ready:
                self._ready.popleft()()
                continue
            number, line = self._lines.popleft()
            try:
                self._run(number, line)
            except HostError as error:
                self._fail(error.fields, number)
        if not self._over and self._waits is None:
            self._over = True
            self._host.done(None)

    def _run(self, number: int, line: str) -> None:
        site = f"{self._label}:{number}"
        word, _, rest = line.partition(" ")
        if word == "print":
            self._host.tell("print", ["out", f"{self._values(rest)[0]}\n"], site)
        elif word == "return":
            self._over = True
            self._host.done(self._values(rest)[0])
        elif found := _LINE.fullmatch(line):
            self._call(found["name"] or "_", found["holder"], found["member"], self._values(found["args"]), number)
        else:
            raise HostError(_error("syntax", f"what is {line!r}?"))

    def _call(self, name: str, holder: str, member: str, args: list[Any], number: int) -> None:
        site = f"{self._label}:{number}"
        if member == "new":
            made = f"{self._classes[holder]['name']}.new"
            self._kept[name] = self._host.ask(made, None, [args[0] if args else {}, None], site)
            return
        kept = self._kept.get(holder)
        receiver = kept.number if isinstance(kept, ObjectRef) else None
        frame, kind = self._member(kept.class_name if isinstance(kept, ObjectRef) else holder, member)
        if kind == "sync":
            self._kept[name] = self._host.ask(frame, receiver, args, site)
        else:
            self._waits = (self._host.call(frame, receiver, args, site), name, number)

    def _member(self, class_name: str | None, member: str) -> tuple[str, str]:
        if class_name == "Async":  # what engines answer themselves is not in the binding, but this is the host's
            return f"Async.{member}", "async"
        while class_name is not None:
            for method in self._classes[class_name]["methods"]:
                if method["name"] == member:
                    return f"{self._classes[class_name]['name']}.{member}", method["kind"]
            class_name = self._classes[class_name]["extends"]
        raise HostError(_error("script", f"there is no {member}"))

    def _values(self, text: str) -> list[Any]:
        values: list[Any] = []
        at = 0
        while at < len(text):
            if text[at] == " ":
                at += 1
            elif (found := re.compile(r"\$(\w+)").match(text, at)) is not None:
                values.append(self._kept[found[1]])
                at = found.end()
            elif (found := re.compile(r"(?!true|false|null)[a-z]\w*").match(text, at)) is not None:
                values.append(FunctionRef([name for name, _, _ in self._functions].index(found[0])))
                at = found.end()
            else:
                value, at = json.JSONDecoder().raw_decode(text, at)
                values.append(value)
        return values

    def _fail(self, fields: dict[str, Any], number: int) -> None:
        self._over = True
        self._host.fail({**fields, "source": fields.get("source") or f"{self._label}:{number}"})


def _error(kind: str, message: str) -> dict[str, Any]:
    empty = {"hint": "", "source": "", "stack": [], "retry_after": None, "retryable": False, "cause": None, "data": {}}
    return {**empty, "type": kind, "name": "Error", "message": message}
