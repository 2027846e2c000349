"""The namespace `Hooks`: handlers for every agent and tool of a spell."""

from __future__ import annotations

from typing import TypedDict

from llmspell.api.describe import exposed, method, prop
from llmspell.api.kinds import HookHandler, HookPointName
from llmspell.hooks.handlers import handler_of, own_point
from llmspell.hooks.table import Registration
from llmspell.run import Run


class HookOptions(TypedDict, total=False):
    priority: int
    """Higher is asked earlier; 0 unless given."""
    agent: str
    """Only for the agent of this name."""
    tool: str
    """Only for the tool of this name."""
    once: bool
    """Asked one time, then gone."""
    timeout: float
    """Milliseconds it may take; 30,000 unless given."""


class RegisteredHook(TypedDict):
    point: str
    priority: int
    agent: str | None
    tool: str | None
    enabled: bool
    source: str


@exposed(constructible=False)
class HookHandle:
    """One registered handler, as `Hooks.register` gives it."""

    def __init__(self, run: Run, registration: Registration) -> None:
        self._run = run
        self._registration = registration

    @property
    @prop()
    def point(self) -> str:
        """The hook point it serves."""
        return self._registration.point

    @property
    @prop()
    def enabled(self) -> bool:
        """Whether it is asked."""
        return self._registration.enabled

    @method(example="handle:disable()")
    def disable(self) -> None:
        """Stops asking it, until `enable`."""
        self._registration.enabled = False

    @method()
    def enable(self) -> None:
        """Asks it again."""
        self._registration.enabled = True

    @method()
    def unregister(self) -> None:
        """Takes it away for good."""
        self._run.hooks.unregister(self._registration)


@exposed(name="Hooks", namespace=True)
class Hooks:
    """Handlers that see, change, veto and retry what the runtime is about to do, for the whole spell.

    A handler gets a context table. What it writes to the point's writable fields takes effect; fields that it adds
    live on from `before_…` to `after_…`; an error it throws is a veto. `llmspell hooks list` shows the points.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @method(
        params={"options": HookOptions | None},
        errors=("invalid_argument",),
        example='Hooks.register("before_llm_call", function(context) context.prompt = context.prompt .. " Brief." end)',
    )
    def register(self, point: HookPointName, handler: HookHandler, options: HookOptions | None = None) -> HookHandle:
        """Asks `handler` at each such point. Any spelling of the point's name will do."""
        given = options or {}
        registration = self._run.hooks.register(
            own_point(point),
            handler_of(handler),
            priority=given.get("priority", 0),
            agent=given.get("agent"),
            tool=given.get("tool"),
            once=given.get("once", False),
            timeout=given.get("timeout"),
            site=self._run.site,
        )
        return HookHandle(self._run, registration)

    @method(result=list[RegisteredHook])
    def list(self) -> list[RegisteredHook]:
        """The handlers registered so far, in the order they are asked."""
        return [
            {
                "point": found.point,
                "priority": found.priority,
                "agent": found.agent,
                "tool": found.tool,
                "enabled": found.enabled,
                "source": found.site,
            }
            for found in self._run.hooks.listed()
        ]
