"""Export: the run shown as JSON lines, OTLP or Chrome trace, its waterfall or the screen as SVG; to a new file.

What is written is told by the name's ending (`ENDINGS`). A file that is there stays as it is, and one that could not be
written whole is taken away again.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

from llmspell.errors import LlmspellError
from llmspell_tui.app.reading import Reading
from llmspell_tui.model.run import RunModel

#: Ending -> what it is called, what is in it.
FORMS: Final = {
    ".jsonl": ("JSON lines", "every event, one a line, as `llmspell trace export` has them"),
    ".otlp.json": ("OTLP", "spans for OpenTelemetry collectors"),
    ".chrome.json": ("Chrome trace", "for chrome://tracing and Perfetto"),
    ".svg": ("Picture", "the waterfall as SVG: the rows left by folds, filter and moment"),
    ".screen.svg": ("Screen", "the screen as it is now, as SVG"),
}
_FONT: Final = re.compile(r"@font-face\s*\{[^}]*\}\s*")
ENDINGS: Final = (".jsonl", ".otlp.json", ".chrome.json", ".screen.svg", ".svg")


class Exporting(Reading):
    async def action_export(self) -> None:
        from llmspell_tui.widgets.choosing import Choice, ChoiceSheet  # only for who exports

        model = self.desk.model
        if model is None:
            self.notice("there is no run to export")
            return
        self._drawn = self.picture()  # the screen as it is before anything is asked over it: 20 ms
        run = model.run_id
        choices = [Choice(ending, title, f"{run}{ending}  {said}") for ending, (title, said) in FORMS.items()]
        title = f"Export {run} to {_shown(Path.cwd())}"
        await self.open_sheet(ChoiceSheet(self.desk, title, choices, lambda choice: self._export_as(choice.name)))

    def _export_as(self, ending: str) -> None:
        model = self.desk.model
        if model is not None:
            self.run_worker(self._ask_where(model, ending), group="ask")

    async def _ask_where(self, model: RunModel, ending: str) -> None:
        await self.close_sheet()
        await self.ask("export", "export to", f"{model.run_id}{ending}", check=wrong, hint=" ".join(ENDINGS))

    _drawn = ""

    def picture(self) -> str:
        """The screen as SVG that asks nobody for anything: Textual's names a font on another host."""
        return _FONT.sub("", self.export_screenshot())

    async def answered(self, purpose: str, text: str) -> None:
        if purpose == "export":
            drawn, self._drawn = self._drawn, ""
            self.run_worker(self._export(_target(text), drawn), group="export")
        else:
            await super().answered(purpose, text)

    async def _export(self, target: Path, drawn: str = "") -> None:
        model, source = self.desk.model, self.path_shown
        if model is None:
            return
        self.notice("exporting …")
        try:
            if target.name.endswith(".screen.svg"):
                text = drawn or self.picture()
                await asyncio.to_thread(into, target, lambda out: out.write(text))
            elif target.suffix == ".svg":
                from llmspell_tui.app.picture import picture  # for this alone

                shown = picture(model, light=self.desk.palette.mode == "light")
                await asyncio.to_thread(into, target, lambda out: out.write(shown))
            elif source is not None:
                await asyncio.to_thread(write, source, target)
        except LlmspellError as error:
            self.notice(f"{_shown(target)} was not written: {error.message}")
        except OSError as error:
            self.notice(f"{_shown(target)} was not written: {reason(error)}")
        else:
            self.notice(f"wrote {_shown(target)}")


def wrong(text: str) -> str:
    """What is wrong with a file's name."""
    target = _target(text)
    if not text.strip().endswith(ENDINGS):
        return f"one of {', '.join(ENDINGS)}"
    if not target.parent.is_dir():
        return f"there is no folder {str(target.parent)!r}"
    if not os.access(target.parent, os.W_OK):
        return f"nothing can be written to {str(target.parent)!r}"
    return "it is there already" if target.exists() else ""


def reason(error: OSError) -> str:
    """As a person says it."""
    return (error.strerror or str(error)).lower()


def _target(text: str) -> Path:
    return Path(text.strip()).expanduser()


def _shown(path: Path) -> str:
    return repr(str(path.absolute()))


def into(target: Path, fill: Callable[[IO[str]], object]) -> None:
    """A new file. Raises OSError, and FileExistsError rather than write over one; what is half written is removed."""
    out = target.open("x", encoding="utf-8", errors="backslashreplace")
    try:
        with out:
            fill(out)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def write(source: Path, target: Path) -> None:
    """A stored run in the form that the target's name ends with. Blocking. Raises StoreError and OSError."""
    from llmspell.traces.chrome import chrome
    from llmspell.traces.encode import Encoder
    from llmspell.traces.otlp import otlp
    from llmspell.traces.reader import RunFile

    def fill(out: IO[str]) -> None:
        if target.name.endswith(".otlp.json"):
            json.dump(otlp(file.meta(), file.events()), out, ensure_ascii=False)
        elif target.name.endswith(".chrome.json"):
            json.dump(chrome(file.meta(), file.events()), out, ensure_ascii=False)
        else:
            line = Encoder().line
            for event in file.events():
                out.write(line(event))

    with RunFile(source) as file:
        into(target, fill)
