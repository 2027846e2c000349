"""What is around a script where it stands, as values to open: agents, state, messages, the run. Reads only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llmspell.run import Run
from llmspell.security.masking import Masker
from llmspell.serve.dap.spans import Open, Spans
from llmspell.traces.describe import describe

#: Characters of a text that are shown.
_SHOWN: Final = 400

Part = tuple[str, Any]


def scopes(run: Run, spans: Spans, chain: list[Open], about: dict[str, Any]) -> list[tuple[str, Callable[[], Any]]]:
    """Names, and what makes each when it is opened. chain: of spans at the place; about: what is about to happen."""
    found: list[tuple[str, Callable[[], Any]]] = []
    if about:
        found.append(("About", lambda: about))
    found.append(("Agents", lambda: _agents(run)))
    found.append(("State", lambda: dict(spans.state)))
    if messages := _messages(run, chain):
        found.append(("Messages", lambda: messages))
    found.append(("Run", lambda: _run(run, spans)))
    return found


def _agents(run: Run) -> dict[str, Any]:
    from llmspell.agents.directory import Directory

    directory = run.service(Directory, Directory.of)
    found: dict[str, Any] = {}
    for name in directory.names():
        agent: Any = directory.get(name)
        told: dict[str, Any] = {"class": type(agent).__name__, "id": agent.id}
        if hasattr(agent, "conversation_history"):
            told["model"] = _unless_it_fails(lambda agent=agent: agent.model)
            told["messages"] = agent.conversation_history()
        found[name] = told
    return found


def _unless_it_fails(read: Callable[[], Any]) -> Any:
    """A model that is not set up is no reason to show nothing."""
    try:
        return read()
    except Exception as error:
        return f"<{error}>"


def _messages(run: Run, chain: list[Open]) -> Any:
    """Of the agent that is at work there: what its model is asked, else its conversation so far."""
    for span in chain:
        request = span.about.get("request")
        if isinstance(request, dict) and request.get("messages"):
            return request["messages"]
    from llmspell.agents.directory import Directory

    directory = run.service(Directory, Directory.of)
    for span in chain:
        if span.name in directory.names():
            agent: Any = directory.get(span.name)
            if hasattr(agent, "conversation_history"):
                return agent.conversation_history()
    return None


def _run(run: Run, spans: Spans) -> dict[str, Any]:
    return {
        "id": run.identity.session,
        "spell": run.identity.label,
        "tokens": run.tokens,
        "cost": run.cost,
        "calls": run.calls,
        "events": run.log.seq,
        "under way": [f"{span.title}{f' at {span.site}' if span.site else ''}" for span in spans.open.values()],
    }


def plain(run: Run, value: Any) -> Any:
    """As plain data, secrets hidden."""
    return run.service(Masker).value(describe(value))


def parts(value: Any) -> list[Part]:
    match value:
        case dict():
            return [(str(key), item) for key, item in value.items()]
        case list():
            return [(f"[{number}]", item) for number, item in enumerate(value)]
        case _:
            return []


def text(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value[:_SHOWN]}…"' if len(value) > _SHOWN else f'"{value}"'
        case dict():
            return "{" + ", ".join(f"{key}: {_short(item)}" for key, item in [*value.items()][:8]) + "}"
        case list():
            return f"{len(value)} of them" if value else "[]"
        case _:
            return str(value)


def _short(value: Any) -> str:
    return "…" if isinstance(value, dict | list) and value else text(value)[:60]
