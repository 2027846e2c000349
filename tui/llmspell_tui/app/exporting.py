"""Export: the run shown as JSON lines, OTLP or Chrome trace, its waterfall or the screen as SVG; to a new file.

What is written is told by the name's ending: `.jsonl`, `.otlp.json`, `.chrome.json`, `.svg` (the waterfall of the rows
left by folds, filter and moment), `.screen.svg`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

from llmspell.errors import LlmspellError
from llmspell_tui.app.reading import Reading

ENDINGS: Final = (".jsonl", ".otlp.json", ".chrome.json", ".screen.svg", ".svg")


class Exporting(Reading):
    async def action_export(self) -> None:
        model = self.desk.model
        if model is None:
            self.notice("there is no run to export")
            return
        await self.ask("export", "export to", f"{model.run_id}.jsonl", check=wrong, hint=" ".join(ENDINGS))

    async def answered(self, purpose: str, text: str) -> None:
        if purpose == "export":
            self.run_worker(self._export(_target(text)), group="export")
        else:
            await super().answered(purpose, text)

    async def _export(self, target: Path) -> None:
        model, source = self.desk.model, self.path_shown
        if model is None:
            return
        self.notice("exporting …")
        try:
            if target.name.endswith(".screen.svg"):
                await asyncio.to_thread(target.write_text, self.export_screenshot(), "utf-8")
            elif target.suffix == ".svg":
                from llmspell_tui.model.picture import picture  # for this alone

                drawn = picture(model, light=self.desk.palette.mode == "light")
                await asyncio.to_thread(target.write_text, drawn, "utf-8")
            elif source is not None:
                await asyncio.to_thread(write, source, target)
        except (LlmspellError, OSError) as error:
            self.notice(f"{str(target)!r} was not written: {error}")
        else:
            self.notice(f"wrote {str(target)!r}")


def wrong(text: str) -> str:
    """What is wrong with a file's name."""
    target = _target(text)
    if not text.strip().endswith(ENDINGS):
        return f"one of {', '.join(ENDINGS)}"
    if not target.parent.is_dir():
        return f"there is no folder {str(target.parent)!r}"
    return "it is there already" if target.exists() else ""


def _target(text: str) -> Path:
    return Path(text.strip()).expanduser()


def write(source: Path, target: Path) -> None:
    """A stored run in the form that the target's name ends with. Blocking. Raises StoreError and OSError."""
    from llmspell.traces.chrome import chrome
    from llmspell.traces.encode import Encoder
    from llmspell.traces.otlp import otlp
    from llmspell.traces.reader import RunFile

    with RunFile(source) as file, target.open("x", encoding="utf-8") as out:
        if target.name.endswith(".otlp.json"):
            json.dump(otlp(file.meta(), file.events()), out, ensure_ascii=False)
        elif target.name.endswith(".chrome.json"):
            json.dump(chrome(file.meta(), file.events()), out, ensure_ascii=False)
        else:
            line = Encoder().line
            for event in file.events():
                out.write(line(event))
