"""Any messages, in any order: every request is answered, and the session lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell_lsp.protocol import requests

Beside = Callable[..., Any]

URIS = st.sampled_from(["file:///a.lua", "file:///b.js", "untitled:c", "file:///llmspell.toml", ""])
TEXTS = st.sampled_from(["", "x = = 1", "local t = {\n  a:", "const a = {", "🎉\r\n\ud800", "Agent.new({ name = '"])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["uri", "text", "line", "id"]), inner),
    max_leaves=4,
)
POSITION = st.fixed_dictionaries({"line": st.integers(-1, 6), "character": st.integers(-1, 30)}) | JUNK
RANGE = st.fixed_dictionaries({"start": POSITION, "end": POSITION}) | JUNK
CHANGES = st.lists(st.fixed_dictionaries({"text": TEXTS | JUNK}, optional={"range": RANGE}) | JUNK, max_size=3) | JUNK
DOCUMENT = st.fixed_dictionaries(
    {"uri": URIS | JUNK},
    optional={
        "version": st.integers(-2, 9) | JUNK,
        "languageId": st.sampled_from(["lua", "javascript", "x"]),
        "text": TEXTS,
    },
)
PARAMS = JUNK | st.fixed_dictionaries(
    {"textDocument": DOCUMENT | JUNK},
    optional={
        "position": POSITION,
        "range": RANGE,
        "contentChanges": CHANGES,
        "text": TEXTS | JUNK,
        "newName": TEXTS | JUNK,
        "previousResultId": JUNK,
        "context": JUNK,
        "settings": JUNK,
        "event": JUNK,
        "changes": JUNK,
    },
)
METHODS = sorted(
    {method.name for method in requests.methods()} - {"initialize", "initialized", "shutdown", "exit", "$/setTrace"}
    | {"textDocument/didOpen", "textDocument/didChange", "$/cancelRequest", "no/such", "$/no/such"}
)
MESSAGES = st.lists(st.tuples(st.sampled_from(METHODS), PARAMS, st.booleans()), min_size=1, max_size=12)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(MESSAGES)
def test_whatever_a_client_sends_every_request_is_answered(
    beside: Beside, messages: list[tuple[str, Any, bool]]
) -> None:
    client = beside()
    client.initialize({"textDocument": {"diagnostic": {}}})
    asked: list[str] = []
    for number, (method, params, is_request) in enumerate(messages):
        message = {"method": method, "params": params}
        if is_request:
            asked.append(f"{number}")
            message["id"] = asked[-1]
        client.send(message)
    for id_ in asked:
        answer = client.answer(id_)
        assert ("result" in answer) != ("error" in answer)
        assert answer.get("error", {}).get("code", 0) != -32603, answer
    assert client.result("shutdown") is None
