"""A run at a glance, as data: each agent with its status and last activity, the metrics, the time.

A fold of events, so that a script, a screen and a program on the event stream all see the same picture, live and of a
stored run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.traces.counting import Counting
from llmspell.traces.spans import usage_of

#: The end of each kind of an agent's work, by what begins it.
_WORK: Final[Mapping[str, str]] = {
    "execution_started": "execution",
    "execution_completed": "execution",
    "llm_call_started": "llm_call",
    "llm_call_completed": "llm_call",
    "tool_called": "tool",
    "tool_completed": "tool",
}


@dataclass(slots=True)
class AgentSeen:
    """One agent. last_activity: the time of its last event, in milliseconds since 1970."""

    id: str
    name: str
    type: str = ""
    last_activity: float = 0.0
    executing: int = 0
    calling: int = 0
    using: int = 0
    failed: bool = False
    executions: int = 0
    llm_calls: int = 0
    tool_calls: int = 0
    errors: int = 0
    tokens: int = 0
    cost: float = 0.0

    @property
    def status(self) -> str:
        """`waiting_for_llm`, `using_tool` or `executing` while it works, else `idle`, or `error` after a failure."""
        if self.calling:
            return "waiting_for_llm"
        if self.using:
            return "using_tool"
        if self.executing:
            return "executing"
        return "error" if self.failed else "idle"

    def to_value(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "status": self.status,
            "last_activity": self.last_activity,
            "executions": self.executions,
            "llm_calls": self.llm_calls,
            "tool_calls": self.tool_calls,
            "errors": self.errors,
            "tokens": self.tokens,
            "cost": self.cost,
        }


class Dashboard:
    """Give it every event of a run in order. `counting` holds the metrics."""

    def __init__(self) -> None:
        self.counting = Counting()
        self.agents: dict[str, AgentSeen] = {}
        self.spell = ""
        self.status = "running"
        self.started = 0.0
        self.timestamp = 0.0

    def add(self, event: Event) -> None:
        self.timestamp = event.time
        self.counting.add(event)
        if event.kind == "spell_started":
            self.spell, self.started = event.name, event.time
        elif event.kind == "spell_completed":
            self.status = str(event.data.get("status", "ok"))
        name = event.data.get("agent_name")
        if isinstance(name, str) and name:
            self._agent(name, event)

    def snapshot(self) -> dict[str, Any]:
        """`{run, agents, metrics, timestamp}`; agents in the order in which they were first seen."""
        agents = [agent.to_value() for agent in self.agents.values()]
        return {
            "run": {
                "spell": self.spell,
                "status": self.status,
                "started": self.started,
                "llm_calls": sum(agent.llm_calls for agent in self.agents.values()),
                "tokens": sum(agent.tokens for agent in self.agents.values()),
                "cost": sum(agent.cost for agent in self.agents.values()),
            },
            "agents": agents,
            "metrics": self.counting.metrics.snapshot(),
            "timestamp": self.timestamp,
        }

    def _agent(self, name: str, event: Event) -> None:
        agent = self.agents.get(name)
        if agent is None:
            agent = self.agents[name] = AgentSeen(name, name)
        agent.last_activity = event.time
        data = event.data
        if event.kind == "agent_created":
            agent.type = str(data.get("agent_type", ""))
            agent.id = str(data.get("agent_id") or name)
        elif event.kind == "error":
            agent.errors += 1
        work = _WORK.get(event.kind)
        if work is None:
            return
        step = 1 if event.phase == "start" else -1
        over = step < 0
        match work:
            case "execution":
                agent.executing = max(0, agent.executing + step)
                agent.executions += over
                agent.failed = over and data.get("status") == "error"
            case "llm_call":
                agent.calling = max(0, agent.calling + step)
                agent.llm_calls += over
            case _:
                agent.using = max(0, agent.using + step)
                agent.tool_calls += over
        if over and work != "execution":  # an execution's figures are those of its calls again
            read, written, cost = usage_of(data)
            agent.tokens += read + written
            agent.cost += cost or 0.0
