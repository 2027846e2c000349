"""A long workflow whose host is killed at random moments, gone on with until it is done.

Finished steps are not asked again; what was in flight is asked again by the same name; the result is that of a run
which nobody touched. The model's service counts.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from llmspell.engines import sandbox
from llmspell.providers.base import Request
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer, ServerThread
from llmspell.traces.reader import RunFile
from llmspell.traces.runs import Runs

pytestmark = pytest.mark.skipif(not sandbox.support().worker, reason="spells have no processes here")

#: Lines of steps at once: so many may be in flight when the host dies.
LINES = 4
SPELLS = {
    "spell.lua": """
      local clerk = Agent.new{ name = "clerk", retries = 0 }
      local lines = {}
      for line = 1, LINES do
        lines[line] = { type = "loop", max_iterations = params.rounds, body = {
          { agent = clerk, input = "line " .. line .. " round {{iteration}} after {{params.word}}" },
          function(value) return #value end,
        } }
      end
      local first = Workflow.loop{ max_iterations = params.rounds, body = {
        { agent = clerk, input = "alone in round {{iteration}}" } } }
      local all = Workflow.parallel{ steps = lines }
      return { first:run(""), all:run("") }""",
    "spell.js": """
      const clerk = new Agent({ name: "clerk", retries: 0 });
      const lines = [];
      for (let line = 1; line <= LINES; line++) {
        lines.push({ type: "loop", maxIterations: params.rounds, body: [
          { agent: clerk, input: `line ${line} round {{iteration}} after {{params.word}}` },
          (value) => value.length,
        ] });
      }
      const first = Workflow.loop({ maxIterations: params.rounds, body: [
        { agent: clerk, input: "alone in round {{iteration}}" }] });
      const all = Workflow.parallel({ steps: lines });
      return [await first.run(""), await all.run("")];""",
}


def answer(request: Request, number: int) -> Answer:
    """Of a length that the question decides."""
    said = request.messages[-1].content
    digest = hashlib.sha256(said.encode()).digest()
    return Answer(text=f"{said}: {'x' * (digest[0] % 50)}")


@pytest.mark.parametrize(
    ("rounds", "times"), [(5, 1), pytest.param(20, 25, marks=pytest.mark.soak)], ids=["some", "all"]
)
@pytest.mark.parametrize("name", SPELLS)
def test_killed_and_resumed_until_it_is_done(tmp_path: Path, name: str, rounds: int, times: int) -> None:
    """With `rounds` of 20 there are 200 steps, half of which ask."""
    steps = rounds * (LINES + 1)
    (tmp_path / "llmspell.toml").touch()
    (tmp_path / name).write_text(SPELLS[name].replace("LINES", str(LINES)))
    begin = [name, "--json", "--param", f"rounds={rounds}", "--param", "word=tea"]
    for number in range(times):
        chance = random.Random(f"{name} {rounds} {number}")
        with ServerThread(answer=answer, latency=(0, 20), seed=number) as server:
            code, whole = run(tmp_path, server, begin)
            assert (code, len(server.requests)) == (0, steps)
            server.requests.clear()
            kills, arguments = 0, begin
            finished: dict[str, int] = {}
            while True:
                code, out = run(tmp_path, server, arguments, None if kills > 30 else chance.uniform(0.2, 0.8))
                if code == 0 and kills:
                    break
                if code == 0:  # it was too quick
                    server.requests.clear()
                    continue
                assert code == -signal.SIGKILL
                kills += 1
                if not recorded(tmp_path):  # it was killed before it was stored, or after it had ended: once more
                    kills, arguments = 0, begin
                    finished.clear()
                    server.requests.clear()
                    continue
                arguments = ["--json", "--resume", "last"]
                asked = Counter(each.json["messages"][-1]["content"] for each in server.requests)
                finished |= {said: asked[said] for said in answered(tmp_path)}
            assert out.partition('"run"')[0] == whole.partition('"run"')[0]
            check(server, steps, kills, finished)


def run(folder: Path, server: ModelServer, arguments: list[str], kill_after: float | None = None) -> tuple[int, str]:
    """Its exit code and what it printed. kill_after: seconds until its host is killed, unless it is done before."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LLMSPELL_DEFAULT_MODEL": "openai/test",
    }
    environ |= {"OPENAI_API_BASE": server.openai_url, "OPENAI_API_KEY": "k"}
    running = subprocess.Popen(
        [sys.executable, "-m", "llmspell", "run", *arguments],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = running.communicate(timeout=kill_after or 120)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGKILL)
        out, err = running.communicate(timeout=30)
    assert running.returncode in (0, -signal.SIGKILL), err
    return running.returncode, out


def recorded(folder: Path) -> bool:
    """Whether the last run that is stored was killed: else that came before it was stored, or after it had ended."""
    return Runs(folder / ".llmspell").list()[-1].status == "lost"


def answered(folder: Path) -> set[str]:
    """What the models have answered, as far as it is stored of the run that was killed."""
    runs = Runs(folder / ".llmspell")
    with RunFile(runs.path(runs.list()[-1].id)) as file:
        return {row.input["messages"][-1]["content"] for row in file.answers() if row.kind == "llm" and row.ok}


def check(server: ModelServer, steps: int, kills: int, finished: dict[str, int]) -> None:
    """By the service's own count. finished: how often each question had been asked when a run was killed that had its
    answer."""
    asked = [(each.json["messages"][-1]["content"], each.headers["idempotency-key"]) for each in server.requests]
    names = dict(asked)
    assert len(names) == len(set(names.values())) == steps
    assert all(names[said] == key for said, key in asked)
    assert len(asked) <= steps + LINES * kills
    again = Counter(said for said, _ in asked)
    assert {said: again[said] for said in finished} == finished
    # A step is begun when the one before is committed: its question is never asked again.
    for line in ("alone in", *(f"line {number + 1} " for number in range(LINES))):
        rounds = [int(said.partition("round ")[2].split()[0]) for said, _ in asked if said.startswith(line)]
        assert rounds == sorted(rounds)
