"""Changes that somebody may want at a place: an agent or a tool made for a name that is asked for, a prompt moved into
a file of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmspell.api.names import camel, snake
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.tools import tool_class
from llmspell_lsp.checks.asked import kinds
from llmspell_lsp.checks.chunked import View, views
from llmspell_lsp.checks.finding import Edit
from llmspell_lsp.checks.given import given
from llmspell_lsp.checks.project import settings_of
from llmspell_lsp.checks.values import Place
from llmspell_lsp.features.actions import Change, FileChange, Kind
from llmspell_lsp.syntax.lookup import path_to
from llmspell_lsp.syntax.nodes import Function, Span, Table, Text

if TYPE_CHECKING:
    from llmspell_lsp.workspace.snapshot import Snapshot

_PROMPTS: Final = "system_prompt"
_FOLDER: Final = "prompts"
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][\w-]{0,60}")


def refactorings(snapshot: Snapshot, line: int, column: int) -> Iterator[tuple[str, Kind, str, bool]]:
    """Of each its title, its kind, its name for `refactored`, and whether it makes a file."""
    found = _at(snapshot, line, column)
    if found is None:
        return
    view, place, text = found
    for what in _missing(snapshot, view, place, text):
        yield f"Create the {what} {text.value!r}", "quickfix", what, False
    if _is_prompt(snapshot, view, place, text):
        yield "Move the prompt into a file", "refactor.extract", "prompt", True


def refactored(snapshot: Snapshot, name: str, line: int, column: int) -> Change | None:
    found = _at(snapshot, line, column)
    if found is None:
        return None
    view, place, text = found
    if name == "prompt":
        return _moved(snapshot, view, text) if _is_prompt(snapshot, view, place, text) else None
    return _made(view, name, text) if name in _missing(snapshot, view, place, text) else None


def _at(snapshot: Snapshot, line: int, column: int) -> tuple[View, Place, Text] | None:
    """The text at a place, with what it is there for."""
    for view in views(snapshot):
        if view.placed.start <= line < view.placed.end:
            for place in view.places:
                if isinstance(place.node, Text) and place.node.span.holds(line - view.placed.start, column):
                    return view, place, place.node
    return None


# Agents and tools


def _missing(snapshot: Snapshot, view: View, place: Place, text: Text) -> list[str]:
    """What a text asks for by a name that the spell gives to nothing."""
    if not text.value or "{{" in text.value or "://" in text.value or text.value in given(snapshot).names:
        return []
    words = view.infer.words
    return [
        kind
        for kind in sorted(set(kinds(view, place)))
        if kind == "agent" or (kind == "tool" and tool_class(words, text.value) is None)
    ]


def _made(view: View, what: str, text: Text) -> Change:
    """A skeleton before the statement."""
    statement = path_to(view.placed.chunk, text)[1]
    line = view.placed.start + statement.span.line
    name = json.dumps(text.value, ensure_ascii=False)
    variable = re.sub(r"\W", "_", snake(text.value or ""))
    lua = {
        "agent": f'Agent.new{{\n  name = {name},\n  system_prompt = "You are …",\n}}\n\n',
        "tool": (
            f"local {variable} = Tool.define{{\n  name = {name},\n"
            '  description = "What it does, and when to use it.",\n'
            '  parameters = { type = "object", properties = {} },\n'
            "  execute = function(params)\n    return params\n  end,\n}\n\n"
        ),
    }
    javascript = {
        "agent": f'new Agent({{\n  name: {name},\n  systemPrompt: "You are …",\n}});\n\n',
        "tool": (
            f"const {camel(variable)} = Tool.define({{\n  name: {name},\n"
            '  description: "What it does, and when to use it.",\n'
            '  parameters: { type: "object", properties: {} },\n'
            "  execute: (params) => params,\n});\n\n"
        ),
    }
    return Change((Edit(Span(line, 0, line, 0), (lua if view.lua else javascript)[what]),))


# Prompts


def _is_prompt(snapshot: Snapshot, view: View, place: Place, text: Text) -> bool:
    """Whether it can be read from a file where it stands."""
    if place.wanted.name != _PROMPTS or not text.value or text.inserts or snapshot.path is None:
        return False
    if view.lua:
        return True
    around = [each for each in path_to(view.placed.chunk, text) if isinstance(each, Function)]
    return not around or around[-1].is_async


def _moved(snapshot: Snapshot, view: View, text: Text) -> Change:
    settings = settings_of(snapshot)
    folder = (settings.project if settings is not None else Path(snapshot.path or "").parent) / _FOLDER
    first = name = _agent(view, text) or "prompt"
    number = 1
    while (folder / f"{name}.md").exists():
        number += 1
        name = f"{first}_{number}"
    path = f"{_FOLDER}/{name}.md"
    if view.lua:
        read = f'FileSystem.new():execute{{ operation = "read", path = "{path}" }}.content'
    else:
        read = f'(await new FileSystem().execute({{ operation: "read", path: "{path}" }})).content'
    edit = Edit(absolute(view.placed.start, text.span), read)
    return Change((edit,), (FileChange(str(folder / f"{name}.md"), text.value or ""),))


def _agent(view: View, text: Text) -> str:
    """The name of the agent whose prompt it is, if a file can be called so."""
    tables = [each for each in path_to(view.placed.chunk, text) if isinstance(each, Table)]
    for entry in tables[-1].entries if tables else ():
        if entry.key == "name" and isinstance(entry.value, Text) and _FILE_NAME.fullmatch(entry.value.value or ""):
            return entry.value.value or ""
    return ""
