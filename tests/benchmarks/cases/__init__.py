"""The table of goals, a module a subject. `BENCHMARKS` has every row's function, in the order of the table."""

from __future__ import annotations

from typing import Final

from benchmark import Function

from cases import calls, crowds, engine, events, memory, runaways, startup, state, tools, vectors, workflows

BENCHMARKS: Final[dict[str, Function]] = {
    "help": startup.help_page,
    "hello": startup.hello,
    "cold answer": startup.cold_answer,
    "three agents": calls.three_agents,
    "tool agent": calls.tool_agent,
    "200 agents": crowds.native,
    "200 agents, litellm": crowds.through_litellm,
    "memory": memory.host_and_workers,
    "replay": calls.replay,
    "everything on": calls.everything_on,
    "host calls": engine.host_calls,
    "events": events.bus_and_store,
    "fork to first line": engine.first_line,
    "idle agents": memory.idle_agents,
    "state, sqlite": state.sqlite,
    "state, rocksdb": state.rocksdb,
    "state, postgres": state.postgres,
    "workflow steps": workflows.steps,
    "fan-out": workflows.fan_out,
    "map_reduce": workflows.items,
    "direct tool call": tools.direct_call,
    "tool categories": tools.categories,
    "vectors": vectors.recall,
    "runaways": runaways.runaways,
}
