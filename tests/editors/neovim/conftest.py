"""A Neovim with the plugin and nothing else, in a copy of the examples, with a home of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.editors.found import EDITORS, ROOT, editor
from tests.editors.neovim.driver import Neovim, started

#: Starts a Neovim with the plugin: version, words of its command line, environment beside the usual one.
Start = Callable[..., Neovim]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Real spells: a copy of the examples."""
    shutil.copytree(ROOT / "examples", tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_RUNTIME_DIR": str(home),
    }


@pytest.fixture
def start(project: Path, environ: dict[str, str]) -> Iterator[Start]:
    with ExitStack() as stack:

        def begin(version: str, *arguments: str, plugin: bool = True, **more: str) -> Neovim:
            program = editor(version)
            words = ["--clean", "-i", "NONE", "-n"]
            if plugin:
                words += ["--cmd", f"set runtimepath^={EDITORS / 'neovim'}"]
            both: Mapping[str, str] = {**environ, **more}
            return stack.enter_context(started(program, [*words, *arguments], project, both))

        yield begin


@pytest.fixture(params=["nvim-0.10", "nvim-0.12"])
def nvim(request: pytest.FixtureRequest, start: Start) -> Neovim:
    neovim = start(request.param)
    neovim.command("set columns=140 lines=50")
    return neovim
