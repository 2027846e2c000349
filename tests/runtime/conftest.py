"""Runs a spell through the real runtime, in both languages, and gives back everything that happened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from llmspell.engines import values
from llmspell.engines.process import Zygote
from llmspell.events.event import Event
from llmspell.providers.base import Request
from llmspell.providers.replies import newest
from llmspell.runtime import Asking, Result, Runtime
from llmspell.spell import Spell
from llmspell.testing import model as small_model
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer
from llmspell.traces.recording import Recording


@dataclass
class Cast:
    """A run that has ended. output: what it printed, by stream. file: where it is stored."""

    result: Result
    events: list[Event]
    output: dict[str, str] = field(default_factory=lambda: {"out": "", "err": ""})
    file: Path = Path()

    @property
    def recording(self) -> Recording:
        """What a replay of it answers from: `await cast(…, replay=done.recording)`."""
        return Recording.load(self.file, values.unpack)

    @property
    def value(self) -> Any:
        return self.result.unwrap()

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


Caster = Callable[..., Any]


class _Kept:
    """A zygote that a runtime may use but not end."""

    def __init__(self, zygote: Zygote) -> None:
        self.worker = zygote.worker

    def close(self) -> None:
        """It serves the next test too."""


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """One for the whole session: to make one takes as long as a spell."""
    found = Zygote.spawn(["lua", "javascript"])
    yield found
    found.close()


@pytest.fixture
async def cast(tmp_path: Path, zygote: Zygote) -> AsyncIterator[Caster]:
    """`await cast(lua="…")` or `await cast(js="…")`: runs it in a sandboxed worker below tmp_path.

    environ: the host's variables (none of the real ones). model: the loopback service that answers as OpenAI.
    on_output: told when it prints. More arguments are fields of `Asking`.
    """
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    (tmp_path / "llmspell.toml").touch()
    runtimes: list[Runtime] = []

    async def run(
        *,
        lua: str | None = None,
        js: str | None = None,
        environ: Mapping[str, str] | None = None,
        model: ModelServer | None = None,
        on_output: Callable[[Event], None] | None = None,
        **asking: Any,
    ) -> Cast:
        path = tmp_path / ("spell.lua" if lua is not None else "spell.js")
        path.write_text(lua if lua is not None else js or "", encoding="utf-8")
        runtime = Runtime(
            zygote=_Kept(zygote), environ={**home, **(_reaching(model) if model else {}), **(environ or {})}
        )
        runtimes.append(runtime)
        events: list[Event] = []
        output = {"out": "", "err": ""}

        def heard(event: Event) -> None:
            events.append(event)
            if on_output is not None and event.kind == "output":
                on_output(event)

        def say(stream: str, text: str) -> None:
            output[stream] += text

        started = runtime.start(Spell.read(path), Asking(on_event=heard, say=say, **asking))
        return Cast(await started.result(), events, output, started.store.path if started.store else Path())

    yield run
    for runtime in runtimes:
        await runtime.close()


def _reaching(model: ModelServer) -> dict[str, str]:
    return {
        "LLMSPELL_DEFAULT_MODEL": "openai/test",
        "OPENAI_API_BASE": model.openai_url,
        "OPENAI_API_KEY": "none needed",
    }


@pytest.fixture
async def silent() -> AsyncIterator[ModelServer]:
    """A service that answers as `model` does, but never a message that begins with `hang`."""

    def answer(request: Request, number: int) -> Answer:
        hangs = newest(request, "user").startswith("hang")
        return Answer(fault="hang") if hangs else small_model.answer(request, number)

    async with ModelServer(answer=answer) as server:
        yield server


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A model's service on loopback: `model.will(Answer(…))` tells its next answers, `model.requests` are the bytes it
    received."""
    async with ModelServer() as server:
        yield server


@pytest.fixture(params=["lua", "js"])
def language(request: pytest.FixtureRequest) -> str:
    """The endings of spells' names: a test that asks for it is made in both languages."""
    return request.param
