"""A session as a person has it: `llmspell dev` in a real tmux, on the research example, with a model's service on
loopback. Each step is judged by what the pane says.

`make pictures` writes README's pictures from this very session (LLMSPELL_PICTURES is the folder they go to).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.tui.driven.drawing import svg
from tests.tui.driven.tmux import Tmux, missing
from tests.tui.saves import atomic

from llmspell.providers.base import Request
from llmspell.providers.replies import Replies, load, newest
from llmspell.testing.answers import Answer, from_reply
from llmspell.testing.server import ModelServer, ServerThread

ROOT = Path(__file__).parents[3]
PICTURES = ("trace", "hooks", "moment", "edit", "diff")

#: What is saved over the example: the line before which it goes, and a hook that changes a prompt.
SAVED = {
    "lua": (
        "\nlocal ANSWER",
        """
-- The city council reads the report.
Hooks.register("before_llm_call", function(context)
  context.prompt = context.prompt .. " Only what a city council can use."
end, { agent = "librarian" })
""",
    ),
    "js": (
        "\nconst ANSWER",
        """
// The city council reads the report.
Hooks.register("beforeLLMCall", (context) => {
  context.prompt += " Only what a city council can use.";
}, { agent: "librarian" });
""",
    ),
}
EDIT = "In one sentence: "
SHORT = "Trees cool a street by 4.4 °C, for 96 euros a tree and year."


class Model:
    """Answers as the example's replies say: how far a conversation has come is read from it, as a real model does."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies.entries

    def __call__(self, request: Request, number: int) -> Answer:
        asked = newest(request, "user").casefold()
        turns = [message.role for message in request.messages]
        since = turns[len(turns) - turns[::-1].index("user") :]
        reply = [each for each in self._replies if each.match in asked][since.count("assistant")]
        answer = from_reply(reply, number)
        if EDIT.strip().casefold() in asked and answer.text:
            return Answer(text=json.dumps({**json.loads(answer.text), "answer": SHORT}))
        return answer


class Session:
    """The example in a project of its own, its model, and the terminal that shows it."""

    def __init__(self, folder: Path, language: str, server: ModelServer) -> None:
        self.project = folder / "research"
        shutil.copytree(ROOT / "examples" / "research", self.project, ignore=shutil.ignore_patterns("replies.json"))
        (self.project / "llmspell.toml").touch()
        self.spell = self.project / f"spell.{language}"
        self.language = language
        self.server = server
        self.counts: dict[str, int] = {}  # of each run's events, as the pane said
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "TZ": "UTC",
            "LANG": "C.UTF-8",
            "OPENAI_BASE_URL": server.openai_url,
            "OPENAI_API_KEY": "sk-loopback",
        }
        command = [sys.executable, "-m", "llmspell", "dev", "--model", "openai/gpt-4o-mini", self.spell.name]
        self.tmux = Tmux(self.project, command, self.environ)
        self.press, self.type, self.until = self.tmux.press, self.tmux.type, self.tmux.until
        self._folder = Path(os.environ.get("LLMSPELL_PICTURES") or folder).absolute()
        self._wanted = "LLMSPELL_PICTURES" in os.environ

    def picture(self, name: str, *texts: str) -> None:
        """The pane as SVG, which holds these texts."""
        captured = self.tmux.still() if self._wanted else self.tmux.pane(colours=True)
        drawn = svg(captured, self.tmux.size, f"llmspell dev {self.spell.name}")
        said = " ".join(each.text or "" for each in ElementTree.fromstring(drawn).iter())
        assert all(text in said for text in texts), said
        (self._folder / f"{name}.svg").write_text(drawn, encoding="utf-8")

    def through(self, *said: str) -> str:
        """What the pane says once the run is through, and these words in its status; its events are counted."""
        seen = self.until(top("✓ ok", *said), lambda seen: events(seen) > 0)
        self.counts[self.runs()[-1]] = events(seen)
        return seen

    def report(self) -> str:
        return (self.project / "output" / "report.md").read_text(encoding="utf-8")

    def runs(self) -> list[str]:
        """Oldest first."""
        return sorted(path.stem for path in (self.project / ".llmspell" / "runs").glob("*.db"))

    def exported(self, run: str) -> int:
        """How many lines `llmspell trace export` writes of a run."""
        done = subprocess.run(
            [sys.executable, "-m", "llmspell", "trace", "export", run],
            cwd=self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=True,
        )
        return done.stdout.count(b"\n")


@pytest.fixture(params=["lua", pytest.param("js", marks=pytest.mark.soak)])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    if reason := missing():
        assert "LLMSPELL_PICTURES" not in os.environ, reason
        pytest.skip(reason)
    model = Model(load(ROOT / "examples" / "research" / "replies.json"))
    with ServerThread(answer=model, latency=(40, 160), seed=3) as server:
        session = Session(tmp_path_factory.mktemp("t"), request.param, server)
        yield session
        session.tmux.close()


def top(*words: str) -> Callable[[str], bool]:
    """The line of the run's status says these."""
    return lambda seen: all(word in seen.split("\n", 1)[0] for word in words)


def events(seen: str) -> int:
    """How many the pane says there are."""
    found = re.search(r"([\d,]+) events", seen.split("\n", 1)[0])
    return int(found[1].replace(",", "")) if found else -1


def below(words: str, *wanted: str) -> Callable[[str], bool]:
    """The tree's row below the first that says some words says others."""

    def judge(seen: str) -> bool:
        rows = [line[:80] for line in seen.split("\n")[3:]]
        at = next((at for at, line in enumerate(rows) if words in line), len(rows))
        return all(word in "".join(rows[at + 1 : at + 2]) for word in wanted)

    return judge


def fired(count: int) -> Callable[[str], bool]:
    """So many hooks are in their timeline."""
    return lambda seen: len(re.findall(r"^[✓■] [\d.]+ m?s +before_", seen, re.MULTILINE)) == count


@pytest.mark.mission(144, 160)
def test_from_a_save_to_the_difference_of_two_runs(session: Session) -> None:
    starts(session)
    saves_a_change(session)
    opens_the_hook(session)
    scrubs_back(session)
    runs_again_from_a_span(session)
    compares(session)
    leaves(session)


def starts(session: Session) -> None:
    seen = session.through("1 error", "8 calls")
    assert "before_llm_call" not in seen and len(session.server.requests) == 8
    session.until("notes/embargoed.md is embargoed")
    assert "96 euros a year" in session.report()


def saves_a_change(session: Session) -> None:
    place, hook = SAVED[session.language]
    atomic(session.spell, session.spell.read_text(encoding="utf-8").replace(place, hook + place, 1))
    session.until(top(f"saved {session.spell.name}"))
    session.through("1 error", "8 calls")
    assert len(session.server.requests) == 16
    session.press("g")
    session.until("A librarian", below("M gpt-4o-mini", "H before_llm_call"))
    for _ in range(5):
        session.press("j")
    session.until("in      agent librarian")
    session.press(">")
    session.until("[I/O]", "You know the notes", "Only what a city council")
    session.picture("trace", "A librarian", "before_llm_call", "You know the notes")


def opens_the_hook(session: Session) -> None:
    session.press("5")
    session.until("[Hooks]", fired(9))
    session.press("g")
    above = session.spell.read_text(encoding="utf-8").partition("The city council")[0]
    site = f"{session.spell.name}:{above.count(chr(10)) + 2}"  # the line below the comment
    session.until("▾ before_llm_call  ± prompt", "looked at  model call gpt-4o-mini", f"handler    {site}")
    session.until("- What do the notes say about this?", "+ What do the notes say about this?", "city council")
    session.picture("hooks", "before_llm_call", "■ vetoed", "city council can use.")


def scrubs_back(session: Session) -> None:
    """To where the lead's first call is under way: what came later has not happened."""
    session.press("1")
    session.until("[Trace]")
    session.press("/")
    session.until("text, or kind:tool")
    session.type("A lead")
    session.press("Enter")
    session.until("A lead", "▾ Output", "cooling_celsius")
    session.press("<", "j")
    shown = session.until("[Detail]", "in      agent lead", below("A lead", "✓", "M gpt-4o-mini"))
    asked = re.search(r"events  (\d+) to \d+", shown)
    assert asked is not None
    session.press(">")
    session.until("[I/O]", "You lead a research desk")
    at, whole = events(shown), events(shown)
    while at != int(asked[1]):
        session.press("{")
        at = events(session.until(top(f"of {whole}"), lambda seen, at=at: events(seen) < at))
    session.until(top("▸ running", "7 calls", f"at event {at} of {whole}"), below("A lead", "▸", "M gpt-4o-mini"))
    session.until(lambda seen: seen.count("T calculator") == 1 and "w write" not in seen)
    session.picture("moment", "▸ running", f"at event {at} of {whole}")
    session.press("5")  # the hooks of then: the report is not written yet
    session.until("[Hooks]", fired(8))
    session.press("0")
    session.until(fired(9), lambda seen: not top("at event")(seen))
    session.press("1")
    session.until("[Trace]", top("✓ ok", "8 calls"), below("A lead", "✓", "M gpt-4o-mini"))


def runs_again_from_a_span(session: Session) -> None:
    session.press("R")
    session.until("Run from model call gpt-4o-mini")
    session.until("[Prompt]")
    session.type(EDIT)
    session.until("[Prompt*]", f"{EDIT}How much cooler are streets")
    session.picture("edit", "[Prompt*]", "Run from model call gpt-4o-mini", EDIT.strip())
    session.press("C-s")
    session.until(top("what came before is free"))
    session.through("6 of 8 calls free")
    assert len(session.server.requests) == 18
    for live in session.server.requests[-2:]:
        assert live.json["messages"][1]["content"].startswith(f"{EDIT}How much cooler")
    assert SHORT in session.report()


def compares(session: Session) -> None:
    session.press("3")
    first = re.compile(r"first difference: event \d+ llm_call_completed gpt-4o-mini .* data\.request\.messages")
    edited = re.compile(rf"±.*How much cooler.*{EDIT}How much cooler")
    seen = session.until(first.search, edited.search, "1 line differs")
    upper = seen.partition("model call gpt-4o-mini")[0].split("\n")
    differs = next(at for at, line in enumerate(upper) if line.startswith("± ") and "M gpt-4o-mini" in line)
    assert "A lead" in upper[differs - 1]  # all that came before is the same, though it was free
    session.picture("diff", "first difference:", "6 of 8 calls free", EDIT.strip())


def leaves(session: Session) -> None:
    session.press("q")
    session.tmux.ended()
    assert len(session.counts) == 3 and list(session.counts) == session.runs()
    for run, count in session.counts.items():
        assert session.exported(run) == count


def test_readme_shows_the_pictures_of_this_session() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"\((tui/pictures/[\w-]+\.svg)\)", readme)
    assert set(shown) == {f"tui/pictures/{name}.svg" for name in PICTURES}
    assert {ROOT / name for name in shown} == set((ROOT / "tui" / "pictures").iterdir())
    for name in shown:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "llmspell dev spell.lua" in text and "http" not in text.replace("http://www.w3.org/2000/svg", "")
