"""Names of files and folders that go on a path which is being typed. Reads one folder, and no file."""

from __future__ import annotations

import os
from itertools import islice
from typing import Final

MOST: Final = 1_000
"""Entries of a folder that are looked at: a listing of more is no help, and takes longer than a key may."""


def listed(base: str, typed: str) -> list[tuple[str, bool]]:
    """The entries of the folder that a path is in so far, folders first; True for a folder. base: where relative paths
    start. Hidden ones only where a dot is typed."""
    above, _, last = typed.rpartition("/")
    folder = os.path.join(base, os.path.expanduser(f"{above}/" if above or typed.startswith("/") else ""))  # noqa: PTH111, PTH118  pathlib is slower, and this is done at a key
    found: list[tuple[str, bool]] = []
    try:
        with os.scandir(folder) as entries:
            for each in islice(entries, MOST):
                if each.name.startswith(".") and not last.startswith("."):
                    continue
                found.append((each.name, each.is_dir()))
    except (OSError, ValueError):
        return []
    return sorted(found, key=lambda each: (not each[1], each[0].lower(), each[0]))
