"""What becomes of requests: answered, refused, cancelled, superseded, failed. Beside the test, with handlers of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell_lsp.protocol.failures import Refused
from llmspell_lsp.protocol.methods import Command, Encoded, Later, Method
from llmspell_lsp.protocol.progress import Progress
from llmspell_lsp.protocol.session import Session

Beside = Callable[..., Any]
URI = "file:///spell.lua"
AT = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}}
HOVER, COMPLETION, RENAME = "textDocument/hover", "textDocument/completion", "textDocument/rename"


def failing(session: Session, params: dict[str, Any]) -> Any:
    raise LookupError("a defect")


def test_a_failing_handler_costs_one_request_and_a_line_in_the_log(beside: Beside, tmp_path: Path) -> None:
    client = beside(Method(HOVER, failing))
    client.initialize()
    client.open(URI, "x = = 1")
    answer = client.ask(HOVER, AT)
    assert answer["error"]["code"] == -32603
    assert "LookupError: a defect" in answer["error"]["message"]
    assert client.diagnostics(URI)
    assert "test_handlers.py" in (tmp_path / "lsp.log").read_text()
    assert [message["params"]["type"] for message in client.seen if message.get("method") == "window/logMessage"] == [1]


@pytest.mark.parametrize(
    "params",
    [
        None,
        {"position": {"line": 0, "character": 0}},
        {"textDocument": {}, "position": {"line": 0, "character": 0}},
        {"textDocument": {"uri": 3}, "position": {"line": 0, "character": 0}},
        {"textDocument": {"uri": URI}},
        {"textDocument": {"uri": URI}, "position": {"line": "0", "character": 0}},
        {"textDocument": {"uri": URI}, "position": {"line": True, "character": 0}},
        {"textDocument": {"uri": URI}, "position": [0, 0]},
    ],
)
def test_wrong_parameters_are_the_clients_fault(beside: Beside, params: Any) -> None:
    client = beside(Method(HOVER, lambda session, params: session.place(params) and None))
    client.initialize()
    client.open(URI, "")
    assert client.code(HOVER, params) == -32602
    assert client.result(HOVER, AT) is None


def test_with_pygls_there_its_types_tell_whose_fault_a_failure_was(beside: Beside) -> None:
    def careless(session: Session, params: dict[str, Any]) -> Any:
        return {"contents": params["textDocument"]["uri"] + params["position"]["nothing"]}

    client = beside(Method(HOVER, careless))
    client.initialize()
    client.code("workspace/executeCommand", {"command": "nothing"})  # answered by pygls
    assert client.code(HOVER, {"textDocument": {}}) == -32602
    assert client.code(HOVER, AT) == -32603


def test_a_handler_may_give_bytes_that_are_json_already(beside: Beside) -> None:
    client = beside(Method(HOVER, lambda session, params: Encoded(b'{"contents":"x"}')))
    client.initialize()
    assert client.result(HOVER, AT) == {"contents": "x"}


def test_a_refusal_says_what_it_is(beside: Beside) -> None:
    def refuse(session: Session, params: dict[str, Any]) -> Any:
        raise Refused("not here", {"why": 1})

    client = beside(Method(RENAME, refuse))
    client.initialize()
    assert client.ask(RENAME, AT)["error"] == {"code": -32803, "message": "not here", "data": {"why": 1}}


def test_an_answer_may_come_later_and_others_first(beside: Beside) -> None:
    waiting: list[Later] = []

    def later(session: Session, params: dict[str, Any]) -> Later:
        waiting.append(Later())
        return waiting[-1]

    def answer(session: Session, params: dict[str, Any]) -> Any:
        waiting.pop().answer({"contents": "at last"})

    client = beside(Method(HOVER, later), Method(RENAME, answer))
    client.initialize()
    client.send({"id": "first", "method": HOVER, "params": AT})
    assert client.result(RENAME, {**AT, "newName": "x"}) is None
    assert client.answer("first")["result"] == {"contents": "at last"}


def test_a_request_that_waits_for_its_answer_can_be_cancelled(beside: Beside) -> None:
    waiting: list[Later] = []
    entered = threading.Event()

    def later(session: Session, params: dict[str, Any]) -> Later:
        waiting.append(Later())
        session.inbox.post(entered.set)
        return waiting[-1]

    client = beside(Method(HOVER, later))
    client.initialize()
    client.send({"id": "first", "method": HOVER, "params": AT})
    assert entered.wait(30)
    client.notify("$/cancelRequest", {"id": "first"})
    assert client.answer("first")["error"]["code"] == -32800
    assert waiting[0].over
    waiting[0].answer({"contents": "nobody hears it"})
    assert client.result("shutdown") is None


class Gate:
    """A handler that stands still until it is opened, so that what comes meanwhile is queued."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.was_cancelled: bool | None = None

    def __call__(self, session: Session, params: dict[str, Any]) -> Any:
        self.entered.set()
        assert self.opened.wait(30)
        self.was_cancelled = session.inbox.is_cancelled("gate")

    def close(self, client: Any) -> None:
        client.send({"id": "gate", "method": RENAME, "params": {**AT, "newName": "x"}})
        assert self.entered.wait(30)


def test_a_cancelled_request_is_answered_while_another_is_still_at_work(beside: Beside) -> None:
    gate = Gate()
    client = beside(Method(RENAME, gate), Method(HOVER, lambda session, params: None))
    client.initialize()
    gate.close(client)
    client.send({"id": "second", "method": HOVER, "params": AT})
    client.notify("$/cancelRequest", {"id": "second"})
    assert client.answer("second")["error"]["code"] == -32800
    assert gate.was_cancelled is None
    client.notify("$/cancelRequest", {"id": "gate"})
    client.notify("$/cancelRequest", {"id": "unheard of"})
    gate.opened.set()
    assert client.answer("gate")["result"] is None


def test_of_completions_at_every_key_only_the_newest_is_worked_out(beside: Beside) -> None:
    gate, asked = Gate(), list[str]()

    def complete(session: Session, params: dict[str, Any]) -> Any:
        asked.append(session.snapshot(URI).document.text)
        return []

    client = beside(Method(RENAME, gate), Method(COMPLETION, complete, newest=True))
    client.initialize()
    client.open(URI, "")
    gate.close(client)
    for version, text in enumerate(("a", "ab", "abc"), 2):
        client.change(URI, version, {"text": text})
        client.send({"id": text, "method": COMPLETION, "params": AT})
    # Answered while the gate is closed: nothing has been worked out.
    assert client.answer("a")["error"]["code"] == -32801
    assert client.answer("ab")["error"]["code"] == -32801
    gate.opened.set()
    assert client.answer("abc")["result"] == []
    assert asked == ["abc"]


def test_commands_are_carried_out_by_pygls(beside: Beside) -> None:
    client = beside(commands=[Command("llmspell.add", lambda session, a, b: a + b)])
    capabilities = client.initialize()["capabilities"]
    assert capabilities["executeCommandProvider"] == {"commands": ["llmspell.add"]}
    assert client.result("workspace/executeCommand", {"command": "llmspell.add", "arguments": [1, 2]}) == 3
    assert client.code("workspace/executeCommand", {"command": "llmspell.sub"}) == -32602
    assert client.code("workspace/executeCommand", {"command": 3}) == -32602
    assert client.result("workspace/executeCommand", {"command": "llmspell.add", "arguments": ["a", "b"]}) == "ab"


def test_what_still_waits_for_pygls_at_the_end_is_refused(beside: Beside) -> None:
    client = beside(commands=[Command("llmspell.here", lambda session: None)])
    client.initialize()
    client.send({"id": "late", "method": "workspace/executeCommand", "params": {"command": "llmspell.here"}})
    client.result("shutdown")
    client.notify("exit")
    answer = client.answer("late")
    assert answer.get("error", {}).get("code", -32800) == -32800


def test_the_stream_passes_to_pygls_between_two_messages(beside: Beside) -> None:
    seen: list[str] = []
    client = beside(
        Method(HOVER, lambda session, params: seen.append(threading.current_thread().name)),
        commands=[Command("llmspell.here", lambda session: None)],
    )
    client.initialize()
    client.open(URI, "x = = 1")
    assert client.diagnostics(URI)
    for _ in range(200):
        client.result(HOVER, AT)
    assert client.result("workspace/executeCommand", {"command": "llmspell.here"}) is None
    client.change(URI, 2, {"text": "x = 1"})
    assert client.diagnostics(URI) == []
    assert len(seen) == 200


def test_progress_is_told_under_the_clients_token_or_under_one_of_ours(beside: Beside) -> None:
    def work(session: Session, params: dict[str, Any]) -> Any:
        for progress in (Progress(session, params.get("workDoneToken")), Progress(session, ask=True)):
            progress.begin("Looking")
            progress.report("half", 50)
            progress.end()

    client = beside(Method(HOVER, work))
    client.initialize({"window": {"workDoneProgress": True}})
    client.result(HOVER, {**AT, "workDoneToken": "t"})
    told = [message["params"] for message in client.seen if message.get("method") == "$/progress"]
    assert [each["value"]["kind"] for each in told] == ["begin", "report", "end"] * 2
    assert told[0]["token"] == "t"
    created = next(message for message in client.seen if message.get("method") == "window/workDoneProgress/create")
    assert told[3]["token"] == created["params"]["token"]


def test_without_leave_progress_is_silent(beside: Beside) -> None:
    def work(session: Session, params: dict[str, Any]) -> Any:
        Progress(session, ask=True).begin("Looking")

    client = beside(Method(HOVER, work))
    client.initialize()
    client.result(HOVER, AT)
    assert not [message for message in client.seen if message.get("method") == "$/progress"]
