"""The modules a spell loads: `require("name")` in Lua, `import … from "./name.js"` in JavaScript.

Only files of the project that the run may read, wherever links lead; a replay takes their texts from the recording.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from llmspell.api.modules import LARGEST, candidates
from llmspell.errors import ArgumentError, ToolError
from llmspell.run import Run
from llmspell.security import touched
from llmspell.security.files import place, read_bytes


class Modules:
    """`texts`: what was loaded, by label. folder: where a script's own modules lie."""

    def __init__(self, run: Run, folder: Path, language: str) -> None:
        self._run = run
        self._base = folder
        self._language = language
        self.texts: dict[str, str] = {}
        self.loaded: Callable[[str, str], None] | None = None  # told each label and text

    def load(self, name: str, origin: str) -> dict[str, Any]:
        """`{label, source}` of the module that the file labelled `origin` calls `name`. Raises ArgumentError."""
        found = self._run.effects.read("module", name, origin, lambda: self._read(name, origin))
        if "error" in found:
            raise ArgumentError(found["error"], hint=found["hint"])
        self.texts[found["label"]] = found["source"]
        if self.loaded is not None:
            self.loaded(found["label"], found["source"])
        touched.loaded(self._run.identity.run_id, Path.cwd() / found["label"])
        if self._language == "javascript":
            source = _prepared(found["label"], found["source"], debugged=self._run.debugged)
            return {"label": found["label"], "source": source}
        return found

    def _read(self, name: str, origin: str) -> dict[str, Any]:
        tried = self._candidates(name, origin)
        for path in tried:
            with suppress(ToolError), place(str(path), self._run.permissions, "read") as found:
                source = read_bytes(found, LARGEST)
                return {"label": self._label(path), "source": source.decode("utf-8", "replace")}
        listed = ", ".join(self._label(path) for path in tried) or "nothing: only files of the project can be loaded"
        return {"error": f"there is no module {name!r}", "hint": f"looked for {listed}"}

    def _candidates(self, name: str, origin: str) -> list[Path]:
        project = self._run.identity.project.resolve()
        return candidates(self._language, name, self._folder_of(origin), self._base, project)

    def _folder_of(self, origin: str) -> Path:
        path = Path(origin)
        return (path if path.is_absolute() else Path.cwd() / path).parent if origin else self._base

    def _label(self, path: Path) -> str:
        """As the person would write it: relative to where they stand, if it is below."""
        try:
            return str(path.relative_to(Path.cwd()))
        except ValueError:
            return str(path)


def _prepared(label: str, source: str, *, debugged: bool) -> str:
    if label.endswith(".json"):
        return source
    from llmspell.engines.javascript import modules  # tree-sitter, 10 ms, only for modules

    prepared = modules.prepare(source).source
    if debugged:
        from llmspell.engines.javascript.instrumentation import instrument  # for scripts under a debugger

        return instrument(prepared)
    return prepared
