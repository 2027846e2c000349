"""The house stands: imports point down, cold paths stay cold, packages are whole, no file names a machine."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "runtime" / "llmspell"
PACKAGES = (PACKAGE, ROOT / "lsp" / "llmspell_lsp", ROOT / "tui" / "llmspell_tui")

#: The seven names the project was given, and the files that every project has.
TOP_LEVEL = frozenset(
    {"pyproject.toml", "runtime", "lsp", "tui", "editors", "tests", "examples"}
    | {"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "Makefile", "requirements.lock"}
)

#: What must not be imported before it is used: each costs 30 ms to 4 s, and most of them tens of megabytes.
HEAVY = frozenset(
    {"litellm", "textual", "pydantic", "aiohttp", "tree_sitter", "pygls", "lsprotocol", "openai", "numpy"}
)

# Written in pieces, so that this file does not find itself.
_HOSTS = ("py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js.org", "registry.yarn" + "pkg.com")
_PLACES = (r"(?<![\w./-])/wo" + r"rk/\w", r"\.\./sha" + "red", "bash_" + "jobs")
_MACHINE = re.compile("|".join((*map(re.escape, _HOSTS), *_PLACES)))


def run_python(*arguments: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@cache
def ignored() -> frozenset[str]:
    """The names that .gitignore keeps out of the repository, `*.suffix` patterns left out."""
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip("/") for line in lines if line and not line.startswith(("#", "*"))) | {".git"}


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file of the repository. Walks the folders: a copy without git must pass as well."""
    for entry in sorted(folder.iterdir()):
        if entry.name in ignored() or entry.suffix in {".pyc", ".egg-info"}:
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from files(entry)
        elif entry.is_file():
            yield entry


# Layers


@pytest.mark.mission(156)
def test_imports_point_down() -> None:
    lint = "from importlinter.cli import lint_imports_command as lint; lint()"
    done = run_python("-c", lint, "--no-cache", "--no-logo")
    assert done.returncode == 0, done.stdout + done.stderr
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert f"Contracts: {len(contracts)} kept, 0 broken." in done.stdout


def test_every_command_in_the_table_has_its_module() -> None:
    from llmspell.cli.commands import COMMANDS

    for name, command in COMMANDS.items():
        module = import_module(command.module)
        assert callable(module.configure) and callable(module.run), name


# Cold imports


def imported(*arguments: str, cwd: Path) -> set[str]:
    """The top-level modules that one process imports. `-X importtime` also sees what a process that ends itself did."""
    done = run_python("-X", "importtime", *arguments, cwd=cwd)
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    said = "\n".join(line for line in done.stderr.splitlines() if not line.startswith("import time:"))
    assert done.returncode == 0, said
    return {module.partition(".")[0] for module in modules} | modules


@pytest.mark.parametrize(
    "arguments",
    [("-c", "import llmspell")]
    + [("-m", "llmspell", *words) for words in (("--help",), ("help",), ("config", "path"), ("run", "--help"))],
    ids=" ".join,
)
def test_cold_paths_import_nothing_heavy(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert imported(*arguments, cwd=tmp_path) & HEAVY == set()


@pytest.mark.parametrize(("name", "text"), [("hello.lua", 'print("hello")'), ("hello.js", 'console.log("hello")')])
def test_a_hello_spell_imports_nothing_heavy(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert run_python("-m", "llmspell", "run", name, cwd=tmp_path).stdout == "hello\n"
    assert imported("-m", "llmspell", "run", name, cwd=tmp_path) & HEAVY == set()


def test_help_imports_no_command_no_argparse_and_no_asyncio(tmp_path: Path) -> None:
    modules = imported("-m", "llmspell", "--help", cwd=tmp_path)
    assert modules & {"argparse", "asyncio", "dataclasses"} == set()
    ours = {module.removeprefix("llmspell.") for module in modules if module.startswith("llmspell.")}
    assert ours <= {"cli", "cli.main", "cli.commands", "errors", "version"}


def test_help_costs_at_most_a_tenth_of_a_second_of_cpu_more_than_python_itself(tmp_path: Path) -> None:
    def cpu(*arguments: str) -> float:
        def once() -> float:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            run_python(*arguments, cwd=tmp_path)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

        return min(once() for _ in range(3))

    assert cpu("-m", "llmspell", "--help") - cpu("-c", "pass") <= 0.1


# Packages


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """The wheel as hatchling builds it; unpacked, not installed, and no network is asked for."""
    folder = tmp_path_factory.mktemp("wheel")
    done = run_python("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    unpacked = folder / "unpacked"
    zipfile.ZipFile(built).extractall(unpacked)
    return zipfile.Path(built)


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.Path) -> None:
    held = set(wheel.root.namelist())
    wanted = {str(path.relative_to(package.parent)) for package in PACKAGES for path in files(package)}
    assert wanted <= held, f"missing: {sorted(wanted - held)}"
    assert "llmspell/py.typed" in wanted
    for pattern in ("*.gen.json", "*.gen.lua", "*.gen.d.ts", "*.lua", "*.js"):
        assert any(fnmatch(name, f"llmspell/{pattern}") for name in held), f"the wheel holds no {pattern}"
    strangers = {
        name for name in held if not name.startswith(("llmspell/", "llmspell_lsp/", "llmspell_tui/", "llmspell-"))
    }
    assert not strangers


def test_the_unpacked_wheel_runs_away_from_the_repository(wheel: zipfile.Path, tmp_path: Path) -> None:
    unpacked = Path(str(wheel.root.filename)).parent / "unpacked"
    script = f"import sys; sys.path.insert(0, {str(unpacked)!r}); from llmspell.cli.main import entry; entry()"
    done = run_python("-I", "-c", script, "--version", cwd=tmp_path)
    assert done.stdout.startswith("llmspell 0."), done.stderr
    assert run_python("-I", "-c", script, "init", "made", cwd=tmp_path).returncode == 0
    assert list((tmp_path / "made/.llmspell/stubs").iterdir())


def test_the_editable_install_imports_from_the_source_root(tmp_path: Path) -> None:
    done = run_python("-I", "-c", "import llmspell; print(llmspell.__file__)", cwd=tmp_path)
    assert done.stdout.strip() == str(PACKAGE / "__init__.py")


def test_the_version_is_said_once() -> None:
    import llmspell

    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert told["project"]["dynamic"] == ["version"]
    said = ROOT / told["tool"]["hatch"]["version"]["path"]
    assert f'VERSION = "{llmspell.__version__}"' in said.read_text(encoding="utf-8")


# The repository


def test_top_level_names_are_the_ones_agreed_on() -> None:
    names = {path.name for path in ROOT.iterdir()} - ignored()
    visible = {name for name in names if not name.startswith(".") and not name.endswith(".egg-info")}
    assert visible <= TOP_LEVEL, f"not agreed on: {sorted(visible - TOP_LEVEL)}"


def test_no_file_names_a_package_host_or_a_path_of_the_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if _MACHINE.search(line)
    ]
    assert not found, "\n".join(found)


def locked() -> dict[str, list[str]]:
    """Each package of requirements.lock with the lines that belong to it."""
    entries: dict[str, list[str]] = {}
    name = ""
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if line[:1].strip() and not line.startswith("#"):
            name = line.partition("==")[0]
            assert "==" in line, line
            entries[name] = []
        if name:
            entries[name].append(line)
    return entries


def test_the_lock_pins_every_package_by_hash_and_names_no_address() -> None:
    entries = locked()
    assert len(entries) > 50
    for name, lines in entries.items():
        assert any(re.search(r"--hash=sha256:[0-9a-f]{64}", line) for line in lines), f"{name} has no hash"
        assert not any("://" in line or "--index" in line for line in lines), f"{name} names an address"


def test_the_lock_holds_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    entries = {name.partition("[")[0]: lines[0] for name, lines in locked().items()}
    for text in (*project["project"]["dependencies"], *project["dependency-groups"]["dev"]):
        wanted = Requirement(text)
        pinned = entries.get(wanted.name)
        assert pinned is not None, f"{wanted.name} is not in requirements.lock: make lock"
        version = re.split(r"[ ;\\]", pinned.partition("==")[2])[0]
        assert wanted.specifier.contains(version), f"{wanted} does not take {version}: make lock"
