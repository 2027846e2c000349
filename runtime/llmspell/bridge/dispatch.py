"""Finding and calling the member of the library that a frame names, with arguments checked against the registry.

Agent.new                  a constructor
Agent.chat                 a method; receiver None: a static one, or a namespace's
Agent.execute:base         the library's own method, from inside a script's override
Agent.id, Agent.id=        a property read and written; a live one takes a path first

A worker that was taken over may name anything: only what the registry lists is ever looked up, on an object of the
class that is named.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from llmspell import library
from llmspell.api.callback import Callback, Later
from llmspell.api.check import Checker, form, present
from llmspell.api.describe import class_mark, member_mark
from llmspell.api.names import camel
from llmspell.api.objects import ScriptClass
from llmspell.api.registry import Member, registry
from llmspell.engines.values import DEPTH_LIMIT
from llmspell.errors import ArgumentError
from llmspell.library.stream import Stream
from llmspell.run import Run

if TYPE_CHECKING:
    from llmspell.agents.beginning import Beginning  # 1 ms, for spells with agents

#: Characters of a name that an error repeats.
_SHOWN: Final = 80


class Dispatch:
    """The library as one script of a run sees it."""

    def __init__(self, run: Run, language: str) -> None:
        self._run = run
        self._language = language
        self._namespaces: dict[str, Any] = {}

    def call(self, name: str, receiver: Any, args: list[Any]) -> Any:
        """What the member gives: a value, or for an asynchronous one an awaitable. Raises LlmspellErrors."""
        class_name, _, rest = name.partition(".")
        described = registry().classes.get(class_name)
        if described is None or (receiver is not None and class_name not in _names(type(receiver))):
            raise _unknown(name)
        if rest == "new":
            return self._construct(class_name, args)
        member_name, base, way = rest.partition(":")
        if member_name.endswith("="):
            return self._write(receiver, class_name, member_name[:-1], args)
        member = self._member(class_name, member_name, receiver)
        if member is None and not base:
            return self._unlisted(receiver, class_name, member_name, args)
        if member is None or member.kind == "local" or (base and (way != "base" or not member.overridable)):
            raise _unknown(name)
        target = self._target(class_name, member, receiver)
        function = getattr(target, f"base_{member_name}") if base else _function(target, member)
        checked = self._arguments(member, args)
        if member.static:
            return self._given(member, function(self._run, *checked))
        return self._given(member, function(*checked))

    def _given(self, member: Member, value: Any) -> Any:
        if inspect.isawaitable(value) and not isinstance(value, Callback):
            return self._awaited(member, value)
        if isinstance(value, AsyncGenerator):
            return Stream(self._run, value)
        return _begun(present(value, member.result, self._language))

    async def _awaited(self, member: Member, value: Any) -> Any:
        return present(await value, member.result, self._language)

    def _member(self, class_name: str, name: str, receiver: Any) -> Member | None:
        described = registry().classes.get(class_name)
        static = receiver is None and not (described or {}).get("namespace", False)
        return registry().method(class_name, name, static=static)

    def _target(self, class_name: str, member: Member, receiver: Any) -> Any:
        if receiver is not None:
            return receiver
        if member.static:
            return library.load(class_name)
        found = self._namespaces.get(class_name)
        if found is None:
            found = self._namespaces[class_name] = library.load(class_name)(self._run)
        return found

    def _arguments(self, member: Member, args: list[Any]) -> list[Any]:
        given = list(args)
        while given and given[-1] is None:
            given.pop()  # nil and undefined at the end are arguments left out
        where = _called(member.full_name, self._language)
        checked: list[Any] = []
        for parameter in member.params:
            if parameter.variadic:
                checked.extend(parameter.checker.take(value, where, self._language) for value in given[len(checked) :])
                return checked
            if len(checked) >= len(given):
                if parameter.required:
                    raise ArgumentError(
                        f"{where}: missing argument {parameter.name!r}", hint=_signature(member, self._language)
                    )
                return checked
            value = given[len(checked)]
            if value is None and not parameter.required:
                checked.append(None)
                continue
            checked.append(parameter.checker.take(value, f"{where}: {parameter.name}", self._language))
        if len(given) > len(member.params):
            raise ArgumentError(
                f"{where}: takes {len(member.params)}, not {len(given)} arguments",
                hint=_signature(member, self._language),
            )
        return checked

    def _construct(self, class_name: str, args: list[Any]) -> Any:
        options, subclass = (*args, None, None)[:2]
        cls: Any = library.load(class_name)
        if not hasattr(cls, "create"):
            raise ArgumentError(f"{class_name} is not made by scripts")
        script_class = None if subclass is None else _script_class(subclass)
        made = class_name if script_class is None else script_class.name or class_name
        where = f"new {made}" if self._language == "javascript" else f"{made}.new"
        checker = registry().options(class_name)
        if checker is None:
            if options:
                raise ArgumentError(f"{where}: takes no options")
            given: dict[str, Any] = {}
        else:
            given = checker.take({} if options is None else options, where, self._language)
        set_ones = {key: value for key, value in given.items() if value is not None}
        try:
            return _begun(cls.create(self._run, set_ones, script_class))
        except ArgumentError as error:
            error.message = f"{where}: {error.message}"
            raise

    def _unlisted(self, receiver: Any, class_name: str, name: str, args: list[Any]) -> Any:
        """A property, or an action of the receiver."""
        found = registry().property(class_name, name)
        if receiver is None or (found is None and name not in getattr(receiver, "actions", ())):
            raise _unknown(f"{class_name}.{name}")
        if found is None:
            return receiver.act(name, *args[:1])
        if found["live"]:
            return receiver.live_state.read(self._path(receiver, args[0] if args else []))
        return present(getattr(receiver, name), found["schema"], self._language)

    def _write(self, receiver: Any, class_name: str, name: str, args: list[Any]) -> Later | None:
        found = registry().property(class_name, name)
        if receiver is None or found is None or not found["writable"]:
            raise ArgumentError(f"{class_name}.{name[:_SHOWN]} cannot be assigned")
        if len(args) != (2 if found["live"] else 1):
            raise ArgumentError(f"{class_name}.{name} is assigned one value")
        if found["live"]:
            path, value = self._path(receiver, args[0]), args[1]
            return receiver.live_state.write(path, value if path else form(value, {"type": "object"}))
        setattr(receiver, name, Checker(found["schema"]).take(args[0], f"{class_name}.{name}", self._language))
        return None

    def _path(self, receiver: Any, path: Any) -> list[Any]:
        """A path with indexes from 0: Lua counts the items of a list from 1."""
        if not isinstance(path, list) or not all(isinstance(key, str | int | float | bool) for key in path):
            raise ArgumentError("a path of a state is a list of keys: texts and numbers")
        if len(path) > DEPTH_LIMIT:
            raise ArgumentError(f"a state does not nest deeper than {DEPTH_LIMIT}")
        if self._language != "lua":
            return path
        found: list[Any] = []
        for key in path:
            listed = isinstance(receiver.live_state.read(found), list)
            found.append(key - 1 if listed and isinstance(key, int) else key)
        return found


def _begun(made: Any) -> Any:
    """An object, once handlers that are asked at its beginning have answered: the script waits for it."""
    beginning: Beginning | None = getattr(made, "beginning", None)
    if beginning is None or not beginning.under_way:
        return made

    async def ready() -> Any:
        await beginning.ready()
        return made

    return Later(ready())


def _script_class(given: Any) -> ScriptClass:
    """What an engine tells of a script's own class."""
    match given:
        case {"name": str(name), **rest}:
            overrides = rest.get("overrides") or {}
            if isinstance(overrides, dict) and all(isinstance(each, Callback) for each in overrides.values()):
                return ScriptClass(name, overrides)
        case _:
            pass
    raise ArgumentError("a class of a script has a name, and functions that override")


def _unknown(name: str) -> ArgumentError:
    class_name, _, member_name = name.partition(".")
    return ArgumentError(f"{class_name[:_SHOWN]} has no member {member_name[:_SHOWN]!r}")


@cache
def _names(cls: type) -> frozenset[str]:
    """The registry's names of a class and its bases."""
    return frozenset(mark.name for base in cls.__mro__ if (mark := class_mark(base)) is not None)


def _function(target: Any, member: Member) -> Callable[..., Any]:
    return getattr(target, _attribute(target if isinstance(target, type) else type(target), member.name, member.static))


@cache
def _attribute(cls: type, name: str, static: bool) -> str:
    """The Python attribute of a member: usually its name; a static one may be called otherwise."""
    for base in cls.__mro__:
        for attribute, value in vars(base).items():
            function = value.__func__ if isinstance(value, staticmethod) else value
            mark = member_mark(function) if not isinstance(value, property) else None
            if mark is not None and mark.name == name and mark.static == static:
                return attribute
    raise LookupError(f"{cls.__name__} has no {name}")


@cache
def _called(name: str, language: str) -> str:
    """A member as the spell's language writes it."""
    return camel(name) if language == "javascript" else name


def _signature(member: Member, language: str) -> str:
    shown = ", ".join(_called(parameter.name, language) for parameter in member.params)
    return f"{_called(member.full_name, language)}({shown})"
