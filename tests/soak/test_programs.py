"""Random programs give the same in a worker and in process, in Lua and in JavaScript, and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import resource
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from llmspell.engines import sandbox
from llmspell.runtime import Asking, Runtime, Spell

sys.path.insert(0, str(Path(__file__).parent))
from programs import Text, programs

pytestmark = pytest.mark.skipif(not sandbox.support().worker, reason="spells have no processes here")

SAMPLE, ALL, CHUNK = 100, 10_000, 50
#: What a host may grow by over the last three quarters of the programs, in MB: threads that come and go fragment the
#: allocator's arenas for a while.
GROWTH = 32.0


@dataclass
class Outcome:
    """Everything of a run that must not depend on where it ran."""

    value: Any = None
    error: tuple[str, str, str] | None = None
    printed: list[str] = field(default_factory=list[str])
    events: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])

    @property
    def meaning(self) -> tuple[Any, ...]:
        """What must not depend on the language either."""
        failed = self.error is not None and self.error[2]
        return self.value, failed, self.printed


class Bench:
    """One runtime for all programs."""

    def __init__(self, home: Path) -> None:
        self._runner = asyncio.Runner()
        environ = {"HOME": str(home), "LLMSPELL_DEFAULT_MODEL": "offline/automatic"}
        self._runtime = Runtime(environ=environ)

    def close(self) -> None:
        self._runner.run(self._runtime.close())
        self._runner.close()

    def cast(self, program: Text) -> dict[tuple[str, bool], Outcome]:
        """The outcome by language, and by whether it was in process."""
        return self._runner.run(self._cast(program))

    async def _cast(self, program: Text) -> dict[tuple[str, bool], Outcome]:
        ways = [(language, trusted) for language in ("lua", "javascript") for trusted in (False, True)]
        found = await asyncio.gather(*(self._one(program, language, trusted) for language, trusted in ways))
        return dict(zip(ways, found, strict=True))

    async def _one(self, program: Text, language: str, trusted: bool) -> Outcome:
        outcome = Outcome()

        def heard(event: Any) -> None:
            kept = {key: value for key, value in event.data.items() if key not in ("duration", "timestamp")}
            outcome.events.append(
                (event.kind, event.phase, event.span, event.parent, event.name, event.site, str(kept))
            )

        spell = Spell.of(program.lua if language == "lua" else program.javascript, language)
        asking = Asking(trusted=trusted, store=False, on_event=heard, say=lambda _, text: outcome.printed.append(text))
        result = await self._runtime.start(spell, asking).result()
        outcome.value = result.value
        if result.error is not None:
            outcome.error = (result.error.type, result.error.source, result.error.message)
        return outcome


def children() -> list[int]:
    """The living processes below this one, but the zygote."""
    mine = Path(f"/proc/self/task/{Path('/proc/self').resolve().name}/children").read_text().split()
    below = [Path(f"/proc/{child}/task/{child}/children") for child in mine]
    return [int(pid) for path in below if path.exists() for pid in path.read_text().split()]


def descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def memory() -> float:
    """MB that this process holds now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1048576


@pytest.mark.parametrize("count", [SAMPLE, pytest.param(ALL, marks=pytest.mark.soak)])
def test_random_programs_mean_the_same_everywhere(tmp_path: Path, count: int) -> None:
    """In a process of its own: what other tests leave in this one, memory and processes, says nothing of programs."""
    command = [sys.executable, __file__, str(tmp_path), str(count)]
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def prove(home: Path, count: int) -> None:
    bench = Bench(home)
    try:
        check(bench, CHUNK, 0)  # what is loaded once is loaded
        before = descriptors()
        held = [memory()]
        for number in range(count // CHUNK):
            check(bench, CHUNK, number)
            held.append(memory())
        assert descriptors() == before
        assert children() == []
        assert held[-1] - max(held[: len(held) // 4 + 1]) < GROWTH
    finally:
        bench.close()


def check(bench: Bench, count: int, number: int) -> None:
    """So many programs; hypothesis remembers those of one call."""

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(programs())
    def every_program(program: Text) -> None:
        outcomes = bench.cast(program)
        for language in ("lua", "javascript"):
            assert outcomes[language, False] == outcomes[language, True], getattr(program, language)
        lua, javascript = outcomes["lua", False], outcomes["javascript", False]
        assert lua.meaning == javascript.meaning, f"{program.lua}\n--\n{program.javascript}"

    every_program()


if __name__ == "__main__":
    prove(Path(sys.argv[1]), int(sys.argv[2]))
