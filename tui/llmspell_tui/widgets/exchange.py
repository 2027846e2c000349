"""The I/O page of a span: what went in, what came out, as a conversation where it is one. Pure."""

from __future__ import annotations

from typing import Any, Final, cast

from llmspell.events.event import Event
from llmspell.traces.summary import as_sent
from llmspell_tui.feed.payload import SpanPayload
from llmspell_tui.widgets.page import Page

#: Of a request: what has a heading of its own.
_SAID: Final = frozenset({"messages", "system", "tools", "model"})
#: Fields of an end event that other pages show.
_FIGURES: Final = frozenset({"status", "duration", "usage", "agent_name", "agent_type", "workflow_id", "workflow_type"})


def exchange(payload: SpanPayload, streamed: str, running: bool) -> Page:
    """streamed: as much of a model's answer as has come, while it is still coming."""
    start, end = payload.start, payload.end
    page = Page()
    if start is None:
        return page
    match start.kind:
        case "llm_call_started":
            _request(page, as_sent(start.data, {} if end is None else end.data).get("request"))
            _answer(page, end, streamed, running)
        case "tool_called":
            _titled(page, "Arguments", (end or start).data.get("params", start.data.get("params")), nothing="none")
            _result(page, end, "result", running)
        case "hook_called":
            _titled(page, "Asked", _without(start.data, "handler", "point"))
            _titled(page, "Changed", end.data.get("changes") if end else None, nothing="nothing")
            _failed(page, end)
        case _:
            given = start.data.get("input", start.data.get("task", start.data.get("params")))
            _titled(page, "Input", given, nothing="none")
            _printed(page, payload)
            _result(page, end, "output" if end and "output" in end.data else "result", running)
    return page


def _request(page: Page, request: Any) -> None:
    if not isinstance(request, dict):
        return
    asked = cast("dict[str, Any]", request)
    if system := asked.get("system"):
        page.heading("System").text(str(system))
    for message in _maps(asked.get("messages")):
        _message(page, message)
    if tools := _maps(asked.get("tools")):
        page.heading("Tools", f"{len(tools)}")
        for tool in tools:
            page.value(str(tool.get("name", "?")), _without(tool, "name"), tight=True)
    if rest := _without(asked, *_SAID):
        page.heading("Settings")
        for name, value in rest.items():
            page.value(name, value)


def _message(page: Page, message: dict[str, Any]) -> None:
    role = str(message.get("role", "?"))
    page.heading(role.capitalize(), str(message.get("name", "")))
    content = message.get("content")
    if isinstance(content, str):
        page.said(content)
    elif content:
        page.value("content", content)
    for call in _maps(message.get("tool_calls")):
        _call(page, call)
    if rest := _without(message, "role", "content", "tool_calls", "name"):
        for name, value in rest.items():
            page.value(name, value)


def _call(page: Page, call: dict[str, Any]) -> None:
    arguments = call.get("arguments", call.get("params", call.get("input")))
    page.value(f"→ {call.get('name', 'tool')}", arguments if arguments is not None else _without(call, "name"))


def _answer(page: Page, end: Event | None, streamed: str, running: bool) -> None:
    if end is None:
        if streamed or running:
            page.heading("Answer", "as it arrives" if running else "cut off").text(streamed + ("▌" if running else ""))
        return
    page.heading("Answer", str(end.data.get("finish_reason") or ""))
    response = end.data.get("response")
    if isinstance(response, str):
        page.said(response)
    elif response is not None:
        page.value("response", response)
    elif streamed:
        page.text(streamed)
    for call in _maps(end.data.get("tool_calls")):
        _call(page, call)
    _failed(page, end)


def _printed(page: Page, payload: SpanPayload) -> None:
    printed = "".join(str(event.data.get("text", "")) for event in payload.inner if event.kind == "output")
    if printed:
        page.heading("Printed", "the beginning" if payload.more else "").text(printed.rstrip("\n"))


def _result(page: Page, end: Event | None, name: str, running: bool) -> None:
    if end is None:
        page.heading("Output", "not yet" if running else "none")
        return
    if name in end.data:
        _titled(page, "Output", end.data[name], nothing="nothing")
    else:
        _titled(page, "Output", {k: v for k, v in end.data.items() if k not in _FIGURES and k != "error"})
    _failed(page, end)


def _failed(page: Page, end: Event | None) -> None:
    error = end.data.get("error") if end else None
    if error:
        _titled(page, "Error", error)


def _titled(page: Page, title: str, value: Any, *, nothing: str = "") -> None:
    """A heading with the value below: a text as text, a map's fields each on a line."""
    match value:
        case _ if value in (None, "", {}, []):
            if nothing:
                page.heading(title, nothing)
        case str():
            page.heading(title).text(value)
        case dict():
            page.heading(title)
            for name, item in cast("dict[str, Any]", value).items():
                page.value(str(name), item)
        case list():
            items = cast("list[Any]", value)
            page.heading(title, f"{len(items)}")
            for place, item in enumerate(items):
                page.value(str(place), item)
        case _:
            page.heading(title).value("value", value)


def _maps(value: Any) -> list[dict[str, Any]]:
    return [item for item in cast("list[Any]", value) if isinstance(item, dict)] if isinstance(value, list) else []


def _without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names and item not in (None, {}, [])}
