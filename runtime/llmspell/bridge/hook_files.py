"""The hook files of a run: read, started before the spell, started anew when they fail, ended with it.

`[hooks] files` and `--hooks FILE` name them. Lua and JavaScript run in workers of their own, Python in the host; a
recording keeps their texts, and what Python handlers answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from llmspell.bridge.hook_file import Around, HookFile
from llmspell.errors import LlmspellError, UsageError
from llmspell.hooks.python_file import PythonHandler, Served, load
from llmspell.hooks.table import Context
from llmspell.identity import inherited_environment
from llmspell.run import Run
from llmspell.security import touched
from llmspell.spell import LANGUAGES, Spell

_LONGEST: Final = 1024 * 1024
_KINDS: Final = ".lua, .js, .mjs or .py"


class HookFiles:
    """One run's."""

    def __init__(self, around: Around, paths: tuple[str, ...]) -> None:
        self._around = around
        self._paths = paths
        self._files: list[HookFile] = []
        self._restarting: dict[HookFile, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Loads all, one after the other. Raises UsageError for a file that cannot be read, and what a file threw."""
        run = self._around.run

        def look() -> dict[str, Any]:
            env = inherited_environment(run.settings.hooks.env, run.environ)
            return {"files": [_read(Path(path)) for path in self._paths], "env": env}

        read = run.effects.read("hook_files", "", None, look)
        for number, found in enumerate(read["files"], 1):
            touched.loaded(run.identity.run_id, Path(found["path"]))
            if found["language"] == "python":
                self._start_python(found["label"], found["source"])
                continue
            spell = Spell(Path(found["path"]), found["label"], found["language"], found["source"])
            file = HookFile(self._around, spell, number, read["env"], self._restart)
            self._files.append(file)
            await file.load()

    def idle(self) -> bool:
        """Whether every worker waits."""
        return all(file.idle() for file in self._files)

    def stop(self) -> None:
        for file in self._files:
            file.stop()

    # -- starting anew -------------------------------------------------------------------------------------------

    def _restart(self, file: HookFile) -> None:
        run = self._around.run
        if file.is_spent:
            if run.hooks.on_error == "fail":
                run.fail(
                    LlmspellError(
                        f"the hook file {file.label} has failed too often",
                        hint='mend it; with [hooks] on_error = "ignore" the run would go on without it',
                    )
                )
            return
        self._restarting[file] = run.spawn_apart(self._again(file))
        run.hooks.pause = self._pause

    async def _again(self, file: HookFile) -> None:
        run = self._around.run
        try:
            await file.load()
        except LlmspellError as error:
            if run.hooks.on_error == "fail":
                run.fail(error)
            else:
                run.warn(f"the hook file {file.label} could not be started again: {error.message}")
        finally:
            del self._restarting[file]
            if not self._restarting:
                run.hooks.pause = None

    async def _pause(self) -> None:
        """Nobody is asked while somebody who would be asked is away; the files themselves do not wait."""
        if self._around.run.guest is None:
            while self._restarting:
                await asyncio.wait(list(self._restarting.values()))

    # -- Python --------------------------------------------------------------------------------------------------

    def _start_python(self, label: str, source: str) -> None:
        """In a replay nothing of the file runs: its handlers are known, and what they answered."""
        run = self._around.run
        loaded: list[PythonHandler] = []

        def handler_at(index: int) -> PythonHandler:
            if not loaded:  # its description came from a recording, which the run has gone on from
                loaded.extend(load(source, label))
            return loaded[index]

        def look() -> list[dict[str, Any]]:
            loaded.extend(load(source, label))
            return [{"name": each.name, **each.served.to_value()} for each in loaded]

        described = run.effects.read("hook_file", label, None, look)
        for index, entry in enumerate(described):
            options = {name: value for name, value in entry.items() if name != "name"}
            served = Served(**options)
            site = f"{label}:{entry['name']}"
            handler = _Recorded(run, site, partial(handler_at, index))
            run.hooks.register(**served.to_value(), handler=handler, site=site, source=self)


class _Recorded:
    """A Python handler whose answers are part of the recording."""

    def __init__(self, run: Run, site: str, handler: Callable[[], PythonHandler]) -> None:
        self._run = run
        self._handler = handler
        self.site = site

    async def __call__(self, context: Context) -> Context:
        async def perform() -> dict[str, Any]:
            return await self._handler().changes(context)

        changes: dict[str, Any] = await self._run.effects.once("hook", self.site, None, perform)
        return {**context, **changes}


def _read(path: Path) -> dict[str, str]:
    """What a recording keeps of a file. Raises UsageError."""
    label = _label(path)
    language = "python" if path.suffix == ".py" else LANGUAGES.get(path.suffix.lower())
    if language is None:
        raise UsageError(f"the hook file {label!r} is in no language that hooks are written in", hint=_KINDS)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"the hook file {label!r} is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        hint = "paths are below the settings file's folder; those of --hooks below the current one"
        raise UsageError(f"the hook file {label!r} cannot be read: {error.strerror}", hint=hint) from None
    if len(text) > _LONGEST:
        raise UsageError(f"the hook file {label!r} is {len(text) / 1048576:.1f} MB, too long for one")
    return {"path": str(path), "label": label, "language": language, "source": text}


def _label(path: Path) -> str:
    """As the person would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
