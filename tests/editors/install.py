"""Fetches the editors that the tests drive into a cache folder, each with every library it needs, and nothing else.

    python tests/editors/install.py [NAME …]

An editor is a Debian package of one suite, unpacked beside the system with its own C library: nothing is installed and
nobody needs to be root. Packages come through the system's own apt, from the archive and with the keys that it is
configured with; an editor that is in the cache is not fetched again. Knows no test.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Editor:
    """A package, and how its program is started from the folder it was unpacked into (`$root`)."""

    name: str
    suite: str
    package: str
    program: str
    environ: tuple[str, ...] = ()
    arguments: str = ""


def _neovim(name: str, suite: str) -> Editor:
    environ = ("VIMRUNTIME=$root/usr/share/nvim/runtime",)
    # Its parsers of syntax are looked for where the package would have put them.
    return Editor(name, suite, "neovim", "usr/bin/nvim", environ, '--cmd "set runtimepath+=$root/usr/lib/nvim" ')


#: Neovims are called by what their suite held when this was written; the tests demand no more than 0.10 and 0.11.
EDITORS: Final = (
    _neovim("nvim-0.7", "bookworm"),
    _neovim("nvim-0.10", "trixie"),
    _neovim("nvim-0.12", "sid"),
    Editor("helix", "trixie", "hx", "usr/bin/hx", ("HELIX_RUNTIME=$root/usr/lib/hx/runtime",)),
    Editor(
        "emacs",
        "trixie",
        "emacs-nox",
        "usr/bin/emacs-nox",
        (
            "EMACSLOADPATH=$(echo $root/usr/share/emacs/[0-9]*/lisp)",
            "EMACSDATA=$(echo $root/usr/share/emacs/[0-9]*/etc)",
            "EMACSDOC=$EMACSDATA",
            "EMACSPATH=$(echo $root/usr/libexec/emacs/*/*)",
        ),
        '--dump-file="$(echo $EMACSPATH/*.pdmp)" ',
    ),
)

#: Of every suite; without the file apt uses the keys that it trusts anyway.
_KEYS: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class Failed(Exception):
    """Said in one line, without a traceback."""


def cache() -> Path:
    """Where editors are kept: $LLMSPELL_EDITORS_CACHE, else a folder of the user's cache."""
    chosen = os.environ.get("LLMSPELL_EDITORS_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen) if chosen else Path(base) / "llmspell-editors"


def program(name: str) -> Path:
    """What starts an editor, whether it has been fetched or not."""
    return cache() / name / "start"


def install(editor: Editor) -> Path:
    """Fetches an editor unless it is there. Whoever is interrupted leaves nothing that looks whole."""
    home = program(editor.name).parent
    if not home.exists():
        made = home.with_name(f".{editor.name}.{os.getpid()}")
        try:
            made.mkdir(parents=True)
            for package in _fetched(editor, made):
                _run(["dpkg-deb", "-x", str(package), str(made / "root")])
            shutil.rmtree(made / "apt")
            made.rename(home)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    start = program(editor.name)
    start.write_text(_script(editor, home / "root"), encoding="utf-8")
    start.chmod(0o755)
    return start


def _fetched(editor: Editor, made: Path) -> list[Path]:
    """The package and all it depends on, by an apt that thinks nothing is installed."""
    apt = made / "apt"
    for folder in ("lists/partial", "archives/partial", "parts"):
        (apt / folder).mkdir(parents=True)
    signed = f" [signed-by={_KEYS}]" if _KEYS.exists() else ""
    (apt / "sources.list").write_text(f"deb{signed} {_archive()} {editor.suite} main\n", encoding="utf-8")
    (apt / "status").touch()
    own = {
        "Dir::State::status": apt / "status",
        "Dir::State::lists": apt / "lists",
        "Dir::State::extended_states": apt / "extended",
        "Dir::Cache": apt,
        "Dir::Cache::archives": apt / "archives",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": apt / "parts",
        "Dir::Etc::preferencesparts": apt / "parts",
        "Dir::Etc::preferences": apt / "none",
        "Debug::NoLocking": "1",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "",
    }
    command = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in own.items())]
    _run([*command, "update"])
    _run([*command, "install", "--download-only", "--no-install-recommends", "--yes", editor.package])
    return sorted((apt / "archives").glob("*.deb"))


def _archive() -> str:
    """The address of Debian's own among the archives that apt is configured with."""
    asked = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
    for line in _run(["apt-get", "indextargets", "--format", asked, "Created-By: Packages"]).splitlines():
        origin, label, address = line.split("|")
        if (origin, label) == ("Debian", "Debian"):
            return address
    raise Failed("apt is configured with no archive of Debian, from which the editors come; `apt-get update` may help")


def _script(editor: Editor, root: Path) -> str:
    """Starts the program with its own loader and libraries; children of it see the system's as ever."""
    machine = platform.machine()
    folders = [each for each in (f"usr/lib/{machine}-linux-gnu", f"lib/{machine}-linux-gnu") if (root / each).is_dir()]
    loader = next(
        (f"{folder}/{each.name}" for folder in folders for each in sorted((root / folder).glob("ld-linux-*.so.*"))),
        None,
    )
    if loader is None or not (root / editor.program).exists():
        raise Failed(f"{editor.name}: the packages hold no {editor.program} that could be started")
    lines = ["#!/bin/sh", "# Made by tests/editors/install.py.", 'root=$(dirname "$(readlink -f "$0")")/root']
    for name, _, value in (each.partition("=") for each in editor.environ):
        lines.append(f'export {name}="{value}"')
    libraries = ":".join(f"$root/{folder}" for folder in folders)
    started = f'exec "$root/{loader}" --library-path "{libraries}" --argv0 "$root/{editor.program}"'
    return "\n".join([*lines, f'{started} "$root/{editor.program}" {editor.arguments}"$@"', ""])


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{command[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        raise Failed(f"{' '.join(command[:1])} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def main(names: Sequence[str]) -> int:
    known = {editor.name: editor for editor in EDITORS}
    failed = 0
    for name in names or known:
        if name not in known:
            print(f"install: no editor is called {name!r}; there are {', '.join(known)}", file=sys.stderr)
            return 2
        try:
            print(f"{name}: {install(known[name])}", flush=True)
        except Failed as error:
            failed = 1
            print(f"install: {name}: {error}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
