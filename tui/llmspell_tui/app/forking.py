"""Runs from recordings: the run shown once more without asking anybody, or from the row under the cursor, edited.

What came before that row is answered from the recording; live calls begin at the first change. An edit of the spell's
input begins with the first line, and is free as long as the same is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from llmspell.errors import LlmspellError, StoreError
from llmspell.traces.summary import as_sent
from llmspell_tui.app.breaking import Breaking
from llmspell_tui.feed.payload import Payloads
from llmspell_tui.model.calls import call_at
from llmspell_tui.model.run import RunModel
from llmspell_tui.theme import kind_word
from llmspell_tui.widgets.lines import clean

if TYPE_CHECKING:
    from llmspell.events.event import Event
    from llmspell_tui.host.client import Started
    from llmspell_tui.widgets.editing import EditSheet, Field

#: Seconds between two looks for an event that is about to be written, and how often.
_LOOK, _LOOKS = 0.02, 25
#: An edited prompt and answer become the agent's history; these parts its next calls have as the spell says.
_ONCE: Final = "for this call only"
_ANSWER: Final = "what the call is to give, without making it; empty: it is made"


class Forking(Breaking):
    async def action_replay(self) -> None:
        model, path = self.desk.model, self.path_shown
        if model is None or path is None:
            self.notice("there is no run to replay")
        elif model.status == "running":
            self.notice("the run goes on: it can be replayed once it has ended, or x cancels it")
        else:
            self.notice("replaying …")
            self.run_worker(self._started(f"a replay of {model.run_id}", replay=str(path)), group="again")

    async def action_rerun(self) -> None:
        """Of a run that was started elsewhere: its spell as it is now, with the same parameters."""
        model = self.desk.model
        page = model.page if model is not None else None
        if self.session is not None or model is None or page is None:
            await super().action_rerun()
        elif not (spell := _spell(model)):
            self.notice(f"{page.spell!r} is not there any more; `llmspell dev FILE` runs a spell")
        else:
            self.notice("starting …")
            self.run_worker(self._again(spell), group="again")

    async def _again(self, spell: str) -> str:
        start, payloads = None, self.desk.payloads
        if payloads is not None:
            start, _ = await _read(payloads, 1)
        return await self._started("run again", file=spell, params=start.data.get("params") if start else None)

    async def action_from_here(self) -> None:
        """An editor for the call under the cursor, or the spell's input; what it says starts the run."""
        from llmspell_tui.widgets.editing import EditSheet  # with Textual's TextArea: 60 ms

        model, path, payloads, chosen = self.desk.model, self.path_shown, self.desk.payloads, max(self.desk.chosen, 0)
        going = model is not None and model.status == "running"
        if going and not self._own(model):
            self.notice("the run goes on elsewhere: from here it can be run again once it has ended (x cancels it)")
            return
        if model is None or path is None or payloads is None or chosen >= len(model.spans):
            self.notice("there is no run to go on from")
            return
        spans = model.spans
        of_spell = spans.kind(chosen) == "spell"
        call = chosen if of_spell else call_at(model, chosen)
        of = chosen if call is None else call
        at = spans.first(of)
        start, trouble = await _read(payloads, at)
        if start is None:
            self.notice(trouble)
            return
        end, _ = await _read(payloads, spans.last(of))
        fields = _fields(start.kind, as_sent(start.data, {} if end is None else end.data))

        async def apply(changed: dict[str, Any]) -> str:
            await self._end(model)
            if of_spell:
                given = {"file": _spell(model), "replay_prefix": str(path), **changed}
                return await self._started("free as long as it asks the same", **given)
            edit = {"edit": changed} if changed else {}
            said = f"from event {at:,} on; what came before is free"
            return await self._started(said, file=_spell(model), fork=f"{path}@{at}", **edit)

        title = f"Run from {kind_word(spans.kind(of))} {clean(start.name)}"
        if of_spell:
            title = "Run with another input"
        if not fields:
            self.notice("starting …")
            self.run_worker(self._bare(apply), group="again")
            return
        does = "ends this run and runs" if going else "runs"
        await self.open_sheet(EditSheet(self.desk, title, fields, apply, does=does))

    def _own(self, model: RunModel | None) -> bool:
        """Whether a run is under way in this window's host."""
        return model is not None and self._client is not None and model.run_id in self._client.runs

    async def _end(self, model: RunModel) -> None:
        """Of a run of this window's own that goes on: a recording has an end."""
        if self._own(model) and self._client is not None:
            with suppress(LlmspellError):  # it has ended this very moment
                await self._client.cancel(model.run_id, "run again from one of its calls")

    async def _bare(self, apply: Any) -> None:
        if wrong := await apply({}):
            self.notice(wrong)

    async def _started(self, said: str, **wanted: Any) -> str:
        """Start a run and show it; what is wrong, "" for nothing. A spell that runs on save goes on from this run."""
        if self.wishes.state != "keep" and "replay" not in wanted:
            wanted["state"] = self.wishes.state
        try:
            started = await (await self.hosted()).start(**wanted)
        except LlmspellError as error:
            text = f"{error.message}: {error.hint}" if error.hint else error.message
            self.notice(text)
            return text
        if self.session is not None and _same(self.session.file, started) and "replay" not in wanted:
            self.session.run, self.session.path = started.run, started.path
        self.told_trouble("", self.session.file if self.session is not None else "")
        await self.close_sheet()
        await self.show_run(Path(started.path))
        await self.action_screen("trace")
        self.notice(said)
        return ""

    # The editor of the person's own

    def action_in_editor(self) -> None:
        from llmspell_tui.widgets.editing import EditSheet

        sheet = self.sheet
        if isinstance(sheet, EditSheet):
            text = self.edited(sheet.text, ".json" if sheet.field.json else ".txt")
            if text is not None:
                _put(sheet, text)


def _put(sheet: EditSheet, text: str) -> None:
    sheet.put(text.removesuffix("\n"))


async def _read(payloads: Payloads, seq: int) -> tuple[Event | None, str]:
    """An event of the file, which may be told before it is written; none where `seq` is 0."""
    try:
        for _ in range(_LOOKS if seq else 0):
            if (event := await asyncio.to_thread(payloads.event, seq)) is not None:
                return event, ""
            await asyncio.sleep(_LOOK)
    except StoreError as error:
        return None, error.message
    return None, "its first event is not stored"


def _spell(model: RunModel) -> str:
    """The spell's file, as a person here would name it: the run's rows are marked with that. "" where it is gone."""
    page = model.page
    if page is None or not Path(page.spell).is_file():
        return ""
    path, here = Path(page.spell), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else page.spell


def _same(file: str, started: Started) -> bool:
    return Path(file).resolve() == Path(started.file).resolve()


def _fields(kind: str, sent: Mapping[str, Any]) -> list[Field]:
    """What can be edited of a call as it was sent, or of the spell's input. kind: of the event that began it."""
    from llmspell_tui.widgets.editing import Field

    match kind:
        case "spell_started":
            return [Field.value("params", "Input", sent.get("params") or {}, "{}")]
        case "tool_called":
            arguments = Field.value("arguments", "Arguments", sent.get("params") or {})
            return [arguments, Field("answer", "Answer", "", True, f"JSON: {_ANSWER}")]
        case "llm_call_started" if isinstance(request := sent.get("request"), dict):
            return _of_request(cast("dict[str, Any]", request), str(sent.get("provider") or ""))
        case _:
            return []


def _of_request(request: dict[str, Any], provider: str) -> list[Field]:
    from llmspell_tui.widgets.editing import Field

    messages: list[Any] = [each for each in request.get("messages") or [] if isinstance(each, dict)]
    last = next((each for each in reversed(messages) if each.get("role") == "user"), {})
    said = last.get("content")
    name, temperature = str(request.get("model") or ""), request.get("temperature")
    prompt = [Field("prompt", "Prompt", said)] if isinstance(said, str) else []
    return [
        *prompt,
        Field("system", "System", str(request.get("system") or ""), False, "no system prompt", _ONCE),
        Field("model", "Model", f"{provider}/{name}" if provider and provider != name else name, note=_ONCE),
        Field.value("messages", "Messages", messages),
        Field.value("temperature", "Temperature", temperature, "a number; the model's own unless given", _ONCE),
        Field.value("max_tokens", "Most tokens", request.get("max_tokens"), "a number; no limit unless given", _ONCE),
        Field("answer", "Answer", "", hint=_ANSWER),
    ]
