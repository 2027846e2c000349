"""A project with spells that are run, recorded and replayed by the real program, away from any network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmspell.providers.base import Request
from llmspell.testing import model
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer, ServerThread
from llmspell.traces.reader import RunFile
from llmspell.traces.runs import Runs

SPELLS = Path(__file__).parent / "spells"
ENDINGS = {"lua": ".lua", "javascript": ".js"}
LATENCY = (1, 30)

#: An event as far as a replay must give it again: all of it.
Line = tuple[Any, ...]


@dataclass(frozen=True)
class Project:
    """A folder with an llmspell.toml. server: the model's service, which only `record` is told of."""

    folder: Path
    server: ModelServer

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def record(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """`llmspell run …` with a model, a key and a variable that spells may read."""
        reached = {"OPENAI_API_BASE": self.server.openai_url, "OPENAI_API_KEY": "a key that no replay needs"}
        more = {"LLMSPELL_DEFAULT_MODEL": "openai/test", "TOPIC": "tea", **environ}
        return self.run(*arguments, **reached, **more)

    def replay(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`llmspell run --replay …` with no network, no key and none of the variables."""
        return self._run([*unshare(), sys.executable, "-m", "llmspell", "run", "--replay", *arguments], {}, cwd)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-m", "llmspell", "run", *arguments], environ, None)

    def _run(
        self, command: list[str], environ: Mapping[str, str], cwd: Path | None
    ) -> subprocess.CompletedProcess[str]:
        home = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": str(self.folder)}
        return subprocess.run(
            command,
            cwd=cwd or self.folder,
            env={**home, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @property
    def runs(self) -> list[str]:
        """The ids of the stored runs, oldest first."""
        return [meta.id for meta in Runs(self.folder / ".llmspell").list()]

    def file(self, run: str) -> Path:
        return Runs(self.folder / ".llmspell").find(run)

    def lines(self, run: str) -> list[Line]:
        with RunFile(self.file(run)) as file:
            return [(e.seq, e.time, e.kind, e.phase, e.span, e.parent, e.name, e.site, e.data) for e in file.events()]


def unshare() -> list[str]:
    """What makes a program run where there is no network, not even loopback. Skips where that is not permitted."""
    for options in (["-rn"], ["-n"]):
        command = ["unshare", *options]
        if (
            shutil.which("unshare")
            and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
        ):
            return command
    pytest.skip("network namespaces cannot be made here")


class Answering:
    """The small model; it never answers a message with `hang`, and one with `busy` only at the second try."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, request: Request, number: int) -> Answer:
        said = request.messages[-1].content
        if "hang" in said:
            return Answer(fault="hang")
        if "busy" in said and said not in self._told:
            self._told.add(said)
            return Answer(status=429, message="slow down", headers=(("retry-after-ms", "5"),))
        return model.answer(request, number)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "llmspell.toml").write_text('[permissions]\nenv = ["TOPIC"]\n')
    with ServerThread(latency=LATENCY, answer=Answering()) as server:
        yield Project(tmp_path, server)


@pytest.fixture(params=ENDINGS)
def language(request: pytest.FixtureRequest) -> str:
    return request.param
