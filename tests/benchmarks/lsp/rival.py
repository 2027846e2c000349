"""typescript-language-server, to be measured beside ours with our own `.d.ts`. Installed by the benchmark alone, once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

#: tsserver's last line: version 7 has another server, which this one does not start.
_PACKAGES: Final = ("typescript-language-server@6.0.2", "typescript@5.9.3")

STUB: Final = Path(__file__).parents[3] / "runtime/llmspell/api/generated/llmspell.gen.d.ts"


def installed() -> tuple[Sequence[str], dict[str, Any]]:
    """Its command and initialization options. Raises RuntimeError, with the reason, where it cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise RuntimeError("npm is not there")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "llmspell" / "bench-lsp"
    program = folder / "node_modules/typescript-language-server/lib/cli.mjs"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", *_PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode or not program.exists():
            raise RuntimeError(f"npm could not install {' '.join(_PACKAGES)}: {done.stderr.strip()[-200:]}")
    server = {"path": str(folder / "node_modules/typescript/lib/tsserver.js")}
    return [node, str(program), "--stdio"], {"tsserver": server, "disableAutomaticTypingAcquisition": True}


def prepare(folder: Path) -> None:
    """A project as `llmspell init` makes it: the stub and a jsconfig.json that knows it."""
    (folder / "types").mkdir()
    shutil.copy(STUB, folder / "types" / STUB.name)
    config = {
        "compilerOptions": {
            "checkJs": True,
            "target": "esnext",
            "module": "esnext",
            "moduleDetection": "force",
            "lib": ["esnext"],
            "types": [],
        },
        "include": ["*.js", f"types/{STUB.name}"],
    }
    (folder / "jsconfig.json").write_text(json.dumps(config))
