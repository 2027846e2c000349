"""What waits to be done, and what needs no handler."""

from __future__ import annotations

import threading
from typing import Any

from llmspell_lsp.protocol.failures import Refused
from llmspell_lsp.protocol.inbox import Inbox, Message

COMPLETION = "textDocument/completion"


class Refusals(list[tuple[Any, int]]):
    def __call__(self, id_: Any, error: Refused) -> None:
        self.append((id_, error.code))


def inbox() -> tuple[Inbox, Refusals]:
    refusals = Refusals()
    return Inbox(refusals, frozenset({COMPLETION})), refusals


def request(id_: int, uri: str = "a", method: str = COMPLETION) -> Message:
    return {"id": id_, "method": method, "params": {"textDocument": {"uri": uri}}}


def change(version: int, uri: str = "a", text: str = "") -> Message:
    return {
        "method": "textDocument/didChange",
        "params": {
            "textDocument": {"uri": uri, "version": version},
            "contentChanges": [{"text": text or str(version)}],
        },
    }


def cancel(id_: Any) -> Message:
    return {"method": "$/cancelRequest", "params": {"id": id_}}


def taken(box: Inbox) -> list[Any]:
    items: list[Any] = []
    while (item := box.take(0)) is not None:
        assert isinstance(item, dict)
        items.append(item.get("id", item.get("method", "").rpartition("/")[2]))
    return items


def test_messages_come_in_order_and_none_after_the_end() -> None:
    box, _ = inbox()
    for id_ in (1, 2, 3):
        box.put(request(id_, uri=str(id_)))
    box.close()
    assert taken(box) == [1, 2, 3]
    assert box.take(None) is None


def test_a_queued_request_that_is_cancelled_is_answered_at_once() -> None:
    box, refusals = inbox()
    box.put(request(1, method="textDocument/rename"))
    box.put(request(2, method="textDocument/rename"))
    box.put(cancel(1))
    assert refusals == [(1, -32800)]
    assert taken(box) == [2]


def test_a_request_being_handled_can_know_that_it_is_cancelled() -> None:
    box, refusals = inbox()
    box.put(request(1))
    box.take(0)
    box.put(cancel(1))
    assert box.is_cancelled(1)
    assert refusals == []
    box.put(request(1))
    box.take(0)
    assert not box.is_cancelled(1)


def test_a_cancellation_of_nothing_known_goes_to_the_loop_and_a_senseless_one_nowhere() -> None:
    box, refusals = inbox()
    box.put(cancel(77))
    for senseless in ({"method": "$/cancelRequest"}, {"method": "$/cancelRequest", "params": [1]}, cancel({"a": 1})):
        box.put(senseless)
    assert taken(box) == ["cancelRequest"]
    assert refusals == []


def test_of_two_completions_around_a_change_only_the_newer_is_wanted() -> None:
    box, refusals = inbox()
    for message in (request(1), change(2), request(2), change(3), request(3)):
        box.put(message)
    assert refusals == [(1, -32801), (2, -32801)]
    assert taken(box) == ["didChange", 3]


def test_questions_about_one_text_another_document_or_of_another_method_are_all_answered() -> None:
    box, refusals = inbox()
    box.put(request(1))
    box.put(request(2))
    box.put(request(3, uri="b"))
    box.put(request(4, method="textDocument/rename"))
    box.put(change(2))
    box.put(request(5, uri="b"))
    box.put(request(6, method="textDocument/rename"))
    assert refusals == []
    assert taken(box) == [1, 2, 3, 4, "didChange", 5, 6]


def test_changes_side_by_side_become_one_with_the_last_version() -> None:
    box, _ = inbox()
    for message in (change(2), change(3), change(4), change(9, uri="b"), change(5)):
        box.put(message)
    first = box.take(0)
    assert isinstance(first, dict)
    assert first["params"]["textDocument"]["version"] == 4
    assert [each["text"] for each in first["params"]["contentChanges"]] == ["2", "3", "4"]
    assert taken(box) == ["didChange", "didChange"]


def test_a_change_of_no_sensible_shape_is_left_alone() -> None:
    box, _ = inbox()
    shapes: list[Any] = [None, [], {}, {"textDocument": {"uri": "a"}}, {"textDocument": "a", "contentChanges": 3}]
    for params in shapes:
        box.put({"method": "textDocument/didChange", "params": params})
    assert len(taken(box)) == len(shapes)


def test_a_call_of_another_thread_is_taken_in_its_turn() -> None:
    box, _ = inbox()
    box.put(request(1))
    called: list[str] = []
    thread = threading.Thread(target=lambda: box.post(lambda: called.append("x")))
    thread.start()
    thread.join()
    assert isinstance(box.take(None), dict)
    item = box.take(None)
    assert callable(item)
    item()
    assert called == ["x"]
