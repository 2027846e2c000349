"""What a language binds: classes, their members and errors, as plain values. No behaviour.

The registry (`llmspell.api`) writes a `Binding` to `bindings.gen.json`; each engine turns it into globals. Names
are snake_case here; JavaScript shows them in camelCase through `llmspell.api.names`.

How members become frames (`protocol`):

* a constructor: ask `Agent.new` with `[options, subclass]`; it answers an ObjectRef. `subclass` is None, or for a
  script's own class `{"name": "SecureAgent", "overrides": {"execute": <function of (self, ...)>}}`. Options that the
  base class does not declare stay on the instance of a script's class; on a host class they go to the host, which
  answers with a did-you-mean. A class with `positional` takes its arguments by those option names instead when the
  first is not an option table (`Agent.new("system prompt")`, `AgentTool.new(agent, "name")`).
* a method: call (async) or ask (sync) `Agent.chat` with the receiver; a static one has receiver None. A class may have
  a static and an instance method of one name (`Agent.execute("name", input)`, `agent:execute(input)`): in Lua the
  static one is meant where the first argument is not an instance.
* a stream: call `Agent.stream_chat` answers an ObjectRef of class `Stream`, whose `next` (async) gives
  `[value]`, or None at the end, and `close` (sync) ends it early. Scripts see an iterator.
* a property: ask `Agent.id` with `[]`; to write it, ask `Agent.id=` with `[value]`.
* a live property (`state`): ask `BaseAgent.state` with `[path]` gives the value there, `BaseAgent.state=` with
  `[path, value]` writes it; a path is a list of keys. A table read from it is again live. Where it is `open`, the
  object's own undeclared fields are read and written through it.
* an overridable method that a script's class overrides is called through the host (so hooks and events see it):
  the instance's method sends the plain name, the host calls the override back, and a call of the base's own method
  from inside it (`super.execute(…)`, `BaseAgent.execute(self, …)`) sends `Agent.execute:base`.
* `local` members live in the engine's prelude and never reach the host.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

MemberKind = Literal["local", "sync", "async", "stream"]


class Method(TypedDict):
    name: str
    kind: MemberKind
    static: bool
    overridable: bool
    prefix: NotRequired[bool]
    """Whether `get_cached_notes(key)` is a way to write `get_cached("notes", key)`."""


class Property(TypedDict):
    name: str
    writable: bool
    live: bool
    """Whether it is a table whose fields are read and written in the host."""
    static: bool
    """A namespace's own property."""
    open: NotRequired[bool]
    """Whether fields that the object does not declare are those of this live table."""


class Class(TypedDict):
    name: str
    extends: str | None
    aliases: list[str]
    namespace: bool
    """A single object (`Hooks`, `eventBus`): all members static; Lua takes `.` and `:` alike."""
    constructible: bool
    options: list[str]
    """Declared option names, inherited ones included."""
    positional: list[str]
    methods: list[Method]
    properties: list[Property]


class ErrorClass(TypedDict):
    name: str
    """`RateLimitError`"""
    type: str
    """`rate_limit`"""


class Binding(TypedDict):
    classes: list[Class]
    errors: list[ErrorClass]
