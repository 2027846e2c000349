"""What tests of a prefix ask of a run that was cast: its recording as a prefix, who was asked, which calls were free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell.engines import values
from llmspell.testing.server import ModelServer
from llmspell.traces.prefix import Prefix

if TYPE_CHECKING:
    from conftest import Cast


def prefix(done: Cast) -> Prefix:
    return Prefix.load(done.file, values.unpack)


def asked(model: ModelServer) -> list[str]:
    return [received.json["messages"][-1]["content"] for received in model.requests]


def free(done: Cast) -> list[bool]:
    return [event.data.get("from_recording") is True for event in done.of("llm_call_completed")]
