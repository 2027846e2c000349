"""Which files a module's name may mean: `require("lib.tools")` in Lua, `import … from "./tools.js"` in JavaScript.

Read by the runtime, which loads the first that a run may read, and by the language server. Opens no file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

#: Bytes of a module.
LARGEST: Final = 4 * 1024 * 1024


def candidates(language: str, name: str, here: Path, base: Path, project: Path) -> list[Path]:
    """The files in the order in which they are tried; only those of the project, by their path or by where links lead.

    here: the folder of the file that asks. base: the spell's own folder. project: absolute, without links.
    """
    if "\0" in name:
        return []
    if language == "lua":
        stem = name.replace(".", "/")
        found = [folder / end for folder in dict.fromkeys((here, base)) for end in (f"{stem}.lua", f"{stem}/init.lua")]
    elif name.startswith(("./", "../", "/")):
        target = here / name
        found = [target, target.with_name(target.name + ".js"), target / "index.js"] if target.name else [target]
    else:
        found = []
    return [
        path
        for each in found
        if (path := Path(os.path.normpath(each))).is_relative_to(project) or _resolved(path).is_relative_to(project)
    ]


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links that lead to each other
        return path
