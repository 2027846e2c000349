"""Values on their way between a worker's frames and host objects: functions, objects, promises and errors by number.

Knows the neutral forms of `engines.values`, and objects only as instances of exposed classes.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final
from weakref import WeakValueDictionary

from llmspell.agents.texts import OUTPUT_SCHEMA, AgentOutput
from llmspell.api.check import PLAIN, form, present
from llmspell.api.describe import class_mark
from llmspell.bridge.functions import Caller, ScriptFunction, ScriptPromise
from llmspell.engines.values import (
    DEPTH_LIMIT,
    ErrorValue,
    FunctionRef,
    Listed,
    Mapped,
    Moment,
    ObjectRef,
    PromiseRef,
    Record,
)
from llmspell.errors import ArgumentError, LimitError, LlmspellError, revived

#: A value may be one of several arguments in a list.
_DEEPEST: Final = DEPTH_LIMIT + 2
#: They stay as long as the run, an agent takes 5 KB.
_MOST_OBJECTS: Final = 100_000


class Crossing:
    """The numbers of one run's objects and functions.

    An object that has crossed stays as long as the run: the script may hold it, and its number must stay its own.
    """

    def __init__(self, caller: Caller, language: str) -> None:
        self._caller = caller
        self._language = language
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}  # by id(), which is safe because of the above
        self._functions: WeakValueDictionary[int, ScriptFunction] = WeakValueDictionary()
        self._received: dict[int, int] = {}
        self._gone: deque[int] = deque()  # filled by whatever thread happens to collect garbage

    def object(self, number: int) -> Any:
        """Raises ArgumentError for a number that was never given out: only a broken worker names one."""
        try:
            return self._objects[number]
        except KeyError:
            raise ArgumentError(f"there is no object {number}") from None

    def inward(self, value: Any, site: str, level: int = 0) -> Any:
        """A frame's value as the host uses it. Raises ArgumentError for what no engine of ours sends: too deep a
        value, an object that was never given out."""
        if type(value) in PLAIN:
            return value
        inner, into = level + 1, self.inward
        match value:
            case bytes():
                return value
            case _ if level > _DEEPEST:
                raise ArgumentError(f"a value is nested deeper than {DEPTH_LIMIT} levels")
            case list():
                return [item if type(item) in PLAIN else into(item, site, inner) for item in value]
            case dict():
                return {key: item if type(item) in PLAIN else into(item, site, inner) for key, item in value.items()}
            case FunctionRef(number):
                return self._function(number, site, ScriptFunction)
            case PromiseRef(number):
                return self._function(number, site, ScriptPromise)
            case ObjectRef(number):
                return self.object(number)
            case Record(_, fields):
                return _output(form(into(fields, site, inner), OUTPUT_SCHEMA))
            case ErrorValue(fields):
                return revived(fields)
            case Mapped(pairs):
                return Mapped(tuple((into(key, site, inner), into(item, site, inner)) for key, item in pairs))
            case Listed(items):
                return Listed(tuple(into(item, site, inner) for item in items))
            case _:
                return value

    def outward(self, value: Any) -> Any:
        """A host's value as a frame carries it. Raises ArgumentError for one that cannot cross."""
        if type(value) in PLAIN:
            return value
        out = self.outward
        match value:
            case str() | int() | float() | bytes():
                return value
            case list() | tuple():
                return [item if type(item) in PLAIN else out(item) for item in value]
            case dict():
                return {key: item if type(item) in PLAIN else out(item) for key, item in value.items()}
            case ScriptFunction() if not value.is_of(self._caller):
                raise ArgumentError("a function of one script cannot cross to another", hint="pass plain data")
            case ScriptPromise():
                return PromiseRef(value.number)
            case ScriptFunction():
                return FunctionRef(value.number)
            case AgentOutput():
                shown = present(value.to_value(), OUTPUT_SCHEMA, self._language)
                return Record("AgentOutput", out(shown))
            case LlmspellError():
                return ErrorValue(value.to_value())
            case Mapped(pairs):
                return Mapped(tuple((out(key), out(item)) for key, item in pairs))
            case Listed(items):
                return Listed(tuple(map(out, items)))
            case Moment() | ObjectRef() | FunctionRef() | PromiseRef() | ErrorValue():
                return value
            case _:
                return self.reference(value)

    def table(self, value: dict[str, Any]) -> dict[str, Any]:
        """A hook's context as a frame carries it: a field that cannot cross is left out, and so stays what it is."""
        found: dict[str, Any] = {}
        for key, item in value.items():
            try:
                found[key] = item if type(item) in PLAIN else self.outward(item)
            except ArgumentError:
                continue
        return found

    def reference(self, value: Any) -> ObjectRef:
        """The object by its number, given at its first crossing."""
        mark = next((found for base in type(value).__mro__ if (found := class_mark(base))), None)
        if mark is None:
            raise ArgumentError(f"a value of {type(value).__name__} cannot cross to a script")
        number = self._numbers.get(id(value))
        if number is None:
            if len(self._objects) >= _MOST_OBJECTS:
                raise LimitError(
                    f"the spell has made {_MOST_OBJECTS} agents, tools, listeners and the like, the limit",
                    limit="objects",
                    hint="make them once, outside of loops",
                )
            number = self._numbers[id(value)] = len(self._objects) + 1
            self._objects[number] = value
        return ObjectRef(number, mark.name, tuple(getattr(value, "actions", ())))

    def released(self) -> list[tuple[int, int]]:
        """The functions that the host no longer holds, with how often it had received each, since the last time."""
        found: list[tuple[int, int]] = []
        while self._gone:
            number = self._gone.popleft()
            if number not in self._functions and (times := self._received.pop(number, 0)):
                found.append((number, times))
        return found

    def _function(self, number: int, site: str, kind: type[ScriptFunction]) -> ScriptFunction:
        self._received[number] = self._received.get(number, 0) + 1
        found = self._functions.get(number)
        if found is None:
            found = self._functions[number] = kind(self._caller, number, site, self._gone.append)
        return found


def _output(fields: dict[str, Any]) -> Any:
    known = {name: fields[name] for name in AgentOutput.__dataclass_fields__ if name in fields}
    return AgentOutput(**known) if "content" in known else fields
