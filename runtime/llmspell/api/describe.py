"""How a class says what of it scripts may see: marks on classes, methods and properties, read by `gen`.

A mark costs an attribute at import; nothing here inspects, validates or imports pydantic. Docstrings and type hints
are the description: `gen` turns them into schemas, stubs, reference pages and bindings.

    @exposed(options=AgentOptions)
    class Agent(BaseAgent):
        @method(errors=("timeout",), example="agent:chat('Hello')")
        async def chat(self, message: str, options: ChatOptions | None = None) -> str:
            '''Sends one user turn and gives the answer's text.'''

`async def` is asynchronous in scripts, `def` synchronous, an async generator a stream, `@local` is answered inside
the worker (its Python body is only the description). An options class is a dataclass whose fields carry attribute
docstrings; a Callable hint is a script function, a hint of an exposed class is an object of that class.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

from llmspell.frozen import frozen

MemberKind = Literal["local", "sync", "async", "stream"]
Language = Literal["lua", "javascript"]

_BOTH: Final[tuple[Language, ...]] = ("lua", "javascript")

_CLASS: Final = "__llmspell_class__"
_MEMBER: Final = "__llmspell_member__"

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])


@frozen
class Doc:
    """Describes a parameter: `Annotated[str, Doc("The user's turn.")]`."""

    text: str

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        return {**handler(core_schema), "description": self.text}


@frozen
class Example:
    """A tool's example: arguments, and what comes back (None where it depends on the world)."""

    params: dict[str, Any]
    result: Any = None
    note: str = ""


@frozen
class ToolMark:
    """What makes an exposed class a built-in tool. See `tools.builtin.BuiltinTool`.

    params, result: a dataclass and a TypedDict (or type) that describe arguments and content.
    permissions: what it needs, of `read`, `write`, `net`, `exec`, `env`; automatic: see `providers.base.ToolSpec`.
    """

    name: str
    category: str
    params: type
    result: Any
    examples: tuple[Example, ...]
    permissions: tuple[str, ...] = ()
    timeout: float = 30_000
    max_output: int = 1_000_000

    @property
    def automatic(self) -> bool:
        return not {"write", "exec", "net"} & set(self.permissions)


@frozen
class ClassMark:
    name: str
    aliases: tuple[str, ...] = ()
    options: type | None = None
    positional: tuple[str, ...] = ()
    namespace: bool = False
    constructible: bool = True
    tool: ToolMark | None = None
    example: str = ""
    languages: tuple[Language, ...] = _BOTH


@frozen
class MemberMark:
    name: str
    kind: MemberKind
    static: bool = False
    overridable: bool = False
    property: bool = False
    live: bool = False
    open: bool = False
    prefix: bool = False
    errors: tuple[str, ...] = ()
    example: str = ""
    result: Any = None
    """A more exact type than the signature's, where that one is a host type."""
    params: tuple[tuple[str, Any], ...] = ()
    """More exact types of parameters, likewise."""
    languages: tuple[Language, ...] = _BOTH


def exposed(
    *,
    name: str | None = None,
    aliases: tuple[str, ...] = (),
    options: type | None = None,
    positional: tuple[str, ...] = (),
    namespace: bool = False,
    constructible: bool = True,
    tool: ToolMark | None = None,
    example: str = "",
    languages: tuple[Language, ...] = _BOTH,
) -> Callable[[C], C]:
    """Marks a class as visible to scripts under `name` (its own unless given) and `aliases`."""

    def mark(cls: C) -> C:
        found = ClassMark(
            name=name or cls.__name__,
            aliases=aliases,
            options=options,
            positional=positional,
            namespace=namespace,
            constructible=constructible and not namespace,
            tool=tool,
            example=example,
            languages=languages,
        )
        setattr(cls, _CLASS, found)
        return cls

    return mark


def method(
    *,
    static: bool = False,
    overridable: bool = False,
    prefix: bool = False,
    errors: tuple[str, ...] = (),
    example: str = "",
    result: Any = None,
    params: dict[str, Any] | None = None,
    name: str | None = None,
) -> Callable[[F], F]:
    """Marks a method.

    result, params: more exact types than the signature's. static: called on the class, `Agent.get("name")`; it is
    written as a function whose first argument is the run, not an instance. prefix: `get_cached_notes(key)` is a way to
    write `get_cached("notes", key)`.
    """

    def mark(function: F) -> F:
        plain = _plain(function)
        if inspect.isasyncgenfunction(plain):
            kind: MemberKind = "stream"
        elif inspect.iscoroutinefunction(plain):
            kind = "async"
        else:
            kind = "sync"
        found = MemberMark(
            name or plain.__name__,
            kind,
            static,
            overridable,
            prefix=prefix,
            errors=errors,
            example=example,
            result=result,
            params=tuple((params or {}).items()),
        )
        setattr(plain, _MEMBER, found)
        return function

    return mark


def local(
    *,
    static: bool = True,
    errors: tuple[str, ...] = (),
    example: str = "",
    name: str | None = None,
    languages: tuple[Language, ...] = _BOTH,
) -> Callable[[F], F]:
    """Marks a member that the engines' preludes answer themselves; the Python body is description only."""

    def mark(function: F) -> F:
        plain = _plain(function)
        found = MemberMark(name or plain.__name__, "local", static, errors=errors, example=example, languages=languages)
        setattr(plain, _MEMBER, found)
        return function

    return mark


def prop(*, live: bool = False, open: bool = False, static: bool = False, example: str = "") -> Callable[[F], F]:
    """Marks the getter under a `@property`. live: a table whose fields are read and written in the host. open: such a
    table whose fields are also the object's own, beside its members: `context.draft` is `context.fields.draft`."""

    def mark(function: F) -> F:
        setattr(
            function,
            _MEMBER,
            MemberMark(function.__name__, "sync", static, property=True, live=live or open, open=open, example=example),
        )
        return function

    return mark


def _plain(function: Any) -> Callable[..., Any]:
    """The function under a `@staticmethod` or `@classmethod`: marks may stand above or below those."""
    return function.__func__ if isinstance(function, staticmethod | classmethod) else function


def class_mark(cls: type) -> ClassMark | None:
    """The class's own mark; a subclass does not inherit it."""
    found = cls.__dict__.get(_CLASS)
    return found if isinstance(found, ClassMark) else None


def member_mark(member: Any) -> MemberMark | None:
    """The mark of a method or of a property's getter."""
    target = member.fget if isinstance(member, property) else member
    found = getattr(target, _MEMBER, None)
    return found if isinstance(found, MemberMark) else None
