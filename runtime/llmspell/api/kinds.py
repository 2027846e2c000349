"""What a text or a function means beyond its type: a hook point, an event, a tool's name; what a callback is given.

Hints that carry these marks give stubs their unions, the language server its completion inside strings, and
callbacks their typed arguments:

    def register(run, point: HookPointName, handler: HookHandler) -> HookHandle: ...
    async def update(run, key: StateKey, fn: Annotated[Callback, Takes(value=Any, result=Any)]) -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from llmspell.api.callback import Callback

StringKind = Literal[
    "hook_point", "event", "tool", "agent", "workflow", "model", "provider", "permission", "state_key", "path"
]  # fmt: skip
FunctionKind = Literal["hook_handler", "event_handler"]

#: Characters of a name. Names are compared, listed and kept: a text of megabytes is none.
NAME_LENGTH: Final = 200

_Handler = Callable[[Any], dict[str, Any]]


class Kind:
    """Marks a text by what it names."""

    __slots__ = ("name",)

    def __init__(self, name: StringKind) -> None:
        self.name: Final = name

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: _Handler) -> dict[str, Any]:
        found = {**handler(core_schema), "x-kind": self.name}
        return found if self.name == "path" else {**found, "maxLength": NAME_LENGTH}


class Takes:
    """Marks a function by the arguments it is given, by name, and what it may give back.

    A kind stands where the arguments depend on the hook point or event that is named beside it.
    """

    __slots__ = ("kind", "params", "result")

    def __init__(self, kind: FunctionKind | None = None, *, result: Any = None, **params: Any) -> None:
        self.kind: Final = kind
        self.params: Final = params
        self.result: Final = result

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: _Handler) -> dict[str, Any]:
        from llmspell.api.schemas import schema_of  # pydantic: only ever reached while generating

        found = handler(core_schema)
        if self.kind is not None:
            found["x-kind"] = self.kind
        if self.params:
            found["x-params"] = {name: schema_of(hint) for name, hint in self.params.items()}
        if self.result is not None:
            found["x-result"] = schema_of(self.result)
        return found


class Shape:
    """Marks a table as one of a shape that is described elsewhere: by its name alone, where the whole description would
    stand there many times over."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: Final = name

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: _Handler) -> dict[str, Any]:
        return {"type": "object", "x-name": self.name}


HookPointName = Annotated[str, Kind("hook_point")]
EventName = Annotated[str, Kind("event")]
ToolName = Annotated[str, Kind("tool")]
AgentName = Annotated[str, Kind("agent")]
WorkflowName = Annotated[str, Kind("workflow")]
PermissionName = Annotated[str, Kind("permission")]
ModelName = Annotated[str, Kind("model")]
ProviderName = Annotated[str, Kind("provider")]
StateKey = Annotated[str, Kind("state_key")]

HookHandler = Annotated[Callback, Takes("hook_handler")]
EventHandler = Annotated[Callback, Takes("event_handler")]
HookHandlers = dict[HookPointName, HookHandler]
"""`hooks = {…}` of an agent or a tool: handlers by hook point."""
