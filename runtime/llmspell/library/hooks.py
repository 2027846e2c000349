"""The namespace `Hooks`: handlers for every agent and tool of a spell."""

from __future__ import annotations

from typing import TypedDict

from llmspell.api.bounds import Milliseconds
from llmspell.api.describe import exposed, method, prop
from llmspell.api.kinds import AgentName, HookHandler, HookPointName, ToolName, WorkflowName
from llmspell.hooks.handlers import handler_of, own_point
from llmspell.hooks.ready import Hook
from llmspell.hooks.table import Registration
from llmspell.run import Run


class UseOptions(TypedDict, total=False):
    agent: AgentName
    """Only for the agent of this name."""
    tool: ToolName
    """Only for the tool of this name."""
    workflow: WorkflowName
    """Only inside the workflow of this name."""


class HookOptions(TypedDict, total=False):
    priority: int
    """Higher is asked earlier; 0 unless given."""
    agent: AgentName
    """Only for the agent of this name."""
    tool: ToolName
    """Only for the tool of this name."""
    workflow: WorkflowName
    """Only inside the workflow of this name."""
    once: bool
    """Asked one time, then gone."""
    timeout: Milliseconds
    """Milliseconds it may take; `[hooks] timeout` unless given, which is 30,000 unless set."""


class RegisteredHook(TypedDict):
    point: str
    priority: int
    agent: str | None
    tool: str | None
    workflow: str | None
    enabled: bool
    source: str


@exposed(constructible=False)
class HookHandle:
    """What `Hooks.register` and `Hooks.use` give: a registered handler, or all those of a built-in hook."""

    def __init__(self, run: Run, registrations: list[Registration]) -> None:
        self._run = run
        self._registrations = registrations

    @property
    @prop()
    def point(self) -> str:
        """The hook point it serves; of a built-in hook, the first."""
        return self._registrations[0].point

    @property
    @prop()
    def enabled(self) -> bool:
        """Whether it is asked."""
        return self._registrations[0].enabled

    @method(example="handle:disable()")
    def disable(self) -> None:
        """Stops asking it, until `enable`."""
        for registration in self._registrations:
            registration.enabled = False

    @method()
    def enable(self) -> None:
        """Asks it again."""
        for registration in self._registrations:
            registration.enabled = True

    @method()
    def unregister(self) -> None:
        """Takes it away for good."""
        for registration in self._registrations:
            self._run.hooks.unregister(registration)


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
        given, guest = options or {}, self._run.guest
        registration = self._run.hooks.register(
            own_point(point, for_any_spell=guest is not None),
            handler_of(handler),
            priority=given.get("priority", 0),
            agent=given.get("agent"),
            tool=given.get("tool"),
            workflow=given.get("workflow"),
            once=given.get("once", False),
            timeout=given.get("timeout"),
            site=self._run.site,
            source=guest,
            cut_off=None if guest is None else guest.cut_off,
        )
        return HookHandle(self._run, [registration])

    @method(
        params={"options": UseOptions | None},
        example='Hooks.use(CacheHook.new{ ttl = 60000 }, { agent = "ada" })',
    )
    def use(self, hook: Hook, options: UseOptions | None = None) -> HookHandle:
        """Sets a built-in hook to work: for everything, or for one agent, tool or workflow."""
        given = options or {}
        registrations = [
            self._run.hooks.register(
                point,
                handler,
                priority=priority,
                agent=given.get("agent"),
                tool=given.get("tool"),
                workflow=given.get("workflow"),
                site=handler.site,
                source=self._run.guest,
            )
            for point, (handler, priority) in hook.handlers().items()
        ]
        return HookHandle(self._run, registrations)

    @method(result=list[RegisteredHook])
    def list(self) -> list[RegisteredHook]:
        """The handlers registered so far, in the order they are asked."""
        return [
            {
                "point": found.point,
                "priority": found.priority,
                "agent": found.agent,
                "tool": found.tool,
                "workflow": found.workflow,
                "enabled": found.enabled,
                "source": found.site,
            }
            for found in self._run.hooks.listed()
        ]
