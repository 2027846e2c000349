"""A run's own temporary folder. `tempfile` would make it too, after 5 ms of imports."""

from __future__ import annotations

import os
from pathlib import Path


def new_folder() -> Path:
    """One that nobody else can look into."""
    name = f"llmspell-{os.urandom(8).hex()}"
    try:
        folder = Path(os.environ.get("TMPDIR") or "/tmp", name)
        folder.mkdir(mode=0o700)
    except OSError:
        folder = Path("/tmp", name)
        folder.mkdir(mode=0o700)
    return folder


def remove(folder: Path) -> None:
    """Removes it with all that is in it, as far as that can be done."""
    try:
        folder.rmdir()
    except OSError:  # as a rule it is empty, and shutil takes 2 ms to import
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
