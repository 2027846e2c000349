"""A project whose spells are run by the real program, killed, and gone on with by another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmspell.providers.base import Request
from llmspell.testing import model
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer, ServerThread
from llmspell.traces.meta import RunMeta
from llmspell.traces.reader import RunFile
from llmspell.traces.runs import Runs

ENDINGS = {"lua": ".lua", "javascript": ".js"}


class Answering:
    """The small model; a message with a word of `hangs` in it gets no answer, one with a word of `fails` an error, one
    that begins with `letters` an answer a letter at a time, one that is in `told` the answer there."""

    def __init__(self) -> None:
        self.told: dict[str, Answer] = {}
        self.hangs: set[str] = set()
        self.fails: set[str] = set()

    def __call__(self, request: Request, number: int) -> Answer:
        said = request.messages[-1].content
        if said in self.told:
            return self.told[said]
        if any(word in said for word in self.hangs):
            return Answer(fault="hang")
        if any(word in said for word in self.fails):
            return Answer(status=400, message="not today")
        if said.startswith("letters"):
            return Answer(text=said, chunks=tuple(said))
        return model.answer(request, number)


@dataclass(frozen=True)
class Project:
    """A folder with an llmspell.toml, and the model's service that its spells ask."""

    folder: Path
    server: ModelServer
    answering: Answering

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return name

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`llmspell run …`."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),  # a killed host leaves its run's own temporary folder
            "OPENAI_API_BASE": self.server.openai_url,
            "OPENAI_API_KEY": "k",
            "LLMSPELL_DEFAULT_MODEL": "openai/test",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "llmspell", "run", *arguments],
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        running = self.start(*arguments)
        out, err = running.communicate(timeout=120)
        return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    def killed(self, *arguments: str, at: str) -> None:
        """Runs a spell and kills its host once the model has been asked something with `at` in it, for which it lets it
        wait, and that is stored."""
        self.answering.hangs.add(at)
        running = self.start(*arguments)
        deadline = time.monotonic() + 60
        while not (any(at in said for said in self.asked) and self._stored(at)):
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < deadline, f"nobody asked {at!r}"
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=30)
        self.answering.hangs.discard(at)

    def _stored(self, text: str) -> bool:
        return bool(self.runs) and any(text in str(line[8]) for line in self.lines(self.runs[-1].id))

    @property
    def asked(self) -> list[str]:
        """The last message of each request so far."""
        return [received.json["messages"][-1]["content"] for received in self.server.requests]

    @property
    def keys(self) -> list[str]:
        """The idempotency key of each request so far."""
        return [received.headers["idempotency-key"] for received in self.server.requests]

    @property
    def runs(self) -> list[RunMeta]:
        """Oldest first."""
        return Runs(self.folder / ".llmspell").list()

    def lines(self, run: str) -> list[tuple[Any, ...]]:
        """An event as far as a replay must give it again: all of it."""
        with RunFile(Runs(self.folder / ".llmspell").find(run)) as file:
            return [(e.seq, e.time, e.kind, e.phase, e.span, e.parent, e.name, e.site, e.data) for e in file.events()]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "llmspell.toml").touch()
    answering = Answering()
    with ServerThread(answer=answering) as server:
        yield Project(tmp_path, server, answering)


@pytest.fixture(params=ENDINGS)
def language(request: pytest.FixtureRequest) -> str:
    return request.param
