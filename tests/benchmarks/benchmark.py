"""What a benchmark is: a function that takes the laboratory and gives rows of the table, each a goal and what was found.

Contenders of one benchmark run in turn, round by round, so that a noisy minute hits all of them; medians are compared.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from measuring import Measured, measure

HERE: Final = Path(__file__).parent
PYTHON: Final = sys.executable
LLMSPELL: Final = str(Path(sys.executable).parent / "llmspell")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. ratio: measured to floor. met: whether the goal is reached. figures: for `--json`."""

    name: str
    goal: str
    floor: str
    measured: str
    met: bool
    ratio: float | None = None
    note: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_value(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sides:
    """Wall and CPU seconds of each round of one contender."""

    wall: Sequence[float]
    cpu: Sequence[float]

    @property
    def median_wall(self) -> float:
        return statistics.median(self.wall)

    @property
    def median_cpu(self) -> float:
        return statistics.median(self.cpu)

    @property
    def quiet_wall(self) -> float:
        """The round that was disturbed least: what a quiet machine would come nearest to."""
        return min(self.wall)

    def shown(self, scale: float = 1, unit: str = "s", digits: int = 2) -> str:
        wall, cpu = self.median_wall * scale, self.median_cpu * scale
        return f"{wall:.{digits}f} {unit} wall, {cpu:.{digits}f} {unit} CPU"

    def figures(self) -> dict[str, Any]:
        return {"wall": list(self.wall), "cpu": list(self.cpu)}


class Lab:
    """What benchmarks share. rounds: how often each contender runs; 0: as often as the benchmark thinks right.

    Settings, state and traces of the measured programs lie in a folder of its own.
    """

    def __init__(self, rounds: int, folder: Path) -> None:
        self._rounds = rounds
        self.folder = folder

    def rounds(self, usual: int, contenders: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
        """Each contender's results, taken in turn. One round before them warms caches and is forgotten."""
        found: dict[str, list[T]] = {name: [] for name in contenders}
        for name in contenders:
            contenders[name]()
        for _ in range(self._rounds or usual):
            for name, run in contenders.items():
                found[name].append(run())
        return found

    def environ(self, server: str = "", **more: str) -> dict[str, str]:
        """A clean environment for a measured program; server: the model server's address."""
        own = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_RUNTIME_DIR": str(self.folder),
        }
        if server:
            own |= {"OPENAI_API_BASE": f"{server}/v1", "OPENAI_BASE_URL": f"{server}/v1", "OPENAI_API_KEY": "k"}
            own |= {"LLMSPELL_DEFAULT_MODEL": "openai/test"}
        return own | more

    def spell(self, name: str, server: str = "", *arguments: str, **variables: str) -> Measured:
        """Runs one of `spells/` as a person would."""
        command = [LLMSPELL, "run", str(HERE / "spells" / name), *arguments]
        return measure(command, env=self.environ(server, **variables), cwd=self.folder)

    def peer(self, name: str, *arguments: str, server: str = "") -> Measured:
        """Runs one of `peers/`."""
        command = [PYTHON, str(HERE / "peers" / name), *arguments]
        return measure(command, env=self.environ(server), cwd=self.folder)


def sides(results: Iterable[Measured]) -> Sides:
    """Whole programs, start to exit."""
    kept = list(results)
    return Sides([each.wall for each in kept], [each.cpu for each in kept])


def per(results: Iterable[Measured], count: int, settled: str = "") -> Sides:
    """The stretch between the lines `begin` and `end`, by `count`. settled: see `Measured.between`."""
    pairs = [each.between("begin", "end", settled) for each in results]
    return Sides([wall / count for wall, _ in pairs], [cpu / count for _, cpu in pairs])


Function = Callable[[Lab], list[Row]]


def laboratory(rounds: int) -> tuple[Lab, tempfile.TemporaryDirectory[str]]:
    """A lab and the folder that goes with it."""
    folder = tempfile.TemporaryDirectory(prefix="llmspell-bench-")
    (Path(folder.name) / "llmspell.toml").touch()
    return Lab(rounds, Path(folder.name)), folder
