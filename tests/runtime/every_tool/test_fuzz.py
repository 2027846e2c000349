"""Whatever a tool is given: a clear error, or a result of the declared shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tool_fuzzing import Trial
from tool_shapes import NAMES
from tool_world import World

from llmspell.api.registry import registry

#: Examples in `make test`, and seconds they may take a tool; `make soak` takes more of both.
SAMPLE, SECONDS = 40, 0.3
MANY, LONG = 3000, 60.0


def _files(folder: Path) -> dict[str, bytes]:
    """Everything below the folder but the run's own."""
    found = (path for path in folder.rglob("*") if path.is_file() and folder / "scratch" not in path.parents)
    return {str(path): path.read_bytes() for path in found}


@pytest.mark.parametrize("name", NAMES)
def test_drawn_arguments_in_an_open_folder(name: str, call: Any, world: World, project: Path) -> None:
    (project / "notes.txt").write_text("a|b\n")
    outside = _files(project.parent)
    trial = Trial(name, call, world, closed=False, seconds=SECONDS)
    trial.run(SAMPLE)
    print(name, dict(trial.outcomes))
    assert trial.outcomes["accepted"]
    assert trial.outcomes["validation"]
    assert world.strangers == 0
    changed = {path for path, data in _files(project.parent).items() if outside.get(path) != data}
    assert [path for path in changed if not Path(path).is_relative_to(project / "output")] == []


@pytest.mark.parametrize("name", [name for name in NAMES if registry().tools[name]["permissions"]])
def test_drawn_arguments_with_nothing_permitted(name: str, call: Any, world: World, project: Path) -> None:
    before = _files(project.parent)
    trial = Trial(name, call, world, closed=True, seconds=SECONDS / 2)
    trial.run(SAMPLE // 2)
    print(name, dict(trial.outcomes))
    assert trial.outcomes.total()
    assert world.asked == [] and world.mails == [] and world.strangers == 0
    assert _files(project.parent) == before


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_many_drawn_arguments(name: str, call: Any, world: World, project: Path) -> None:
    trial = Trial(name, call, world, closed=False, seconds=LONG)
    trial.run(MANY, random=True)
    print(name, dict(trial.outcomes))
    assert trial.outcomes["accepted"] and world.strangers == 0
