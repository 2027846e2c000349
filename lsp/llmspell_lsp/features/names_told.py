"""What hover says of names in texts: who is called so and where, a model's price and window, a module's file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from llmspell_lsp.analysis.named import mentioning
from llmspell_lsp.documents.uris import path_of
from llmspell_lsp.features.subjects import called
from llmspell_lsp.syntax.nodes import Call, Table, Text
from llmspell_lsp.workspace import providers

if TYPE_CHECKING:
    from llmspell_lsp.analysis.named import Named
    from llmspell_lsp.features.meaning import Text_
    from llmspell_lsp.workspace.snapshot import Snapshot

_WORDS: Final = {"agent": "agent", "tool": "tool", "workflow": "workflow", "state_key": "state key", "event": "event"}
#: What a line about somebody repeats of what it is made for.
_PURPOSES: Final = ("system_prompt", "systemPrompt", "description")
_LONGEST: Final = 200
#: Places that are listed.
_MOST: Final = 5


def named(snapshot: Snapshot, of: Named) -> str:
    """Who or what is called so: where it is made, and what for."""
    word = _WORDS.get(of.kind)
    if word is None:
        return ""
    infer = snapshot.types
    about = called(infer, of)
    here = [each for each in mentioning(infer, of.name) if each.kind == of.kind and called(infer, each) == about]
    makers = [each for each in here if each.gives]
    lines = [f"{word} `{of.name}`"]
    if makers:
        purpose = _purpose(makers[-1])
        lines += [f"> {purpose}"] if purpose else []
        rows = sorted({each.span.line + 1 for each in makers})[:_MOST]
        told = "set" if of.kind == "state_key" else "emitted" if of.kind == "event" else "made"
        lines.append(f"{told} in line {', '.join(map(str, rows))}")
    elif snapshot.project is not None:
        given = snapshot.project.given(snapshot.document.uri, of.kind).get(of.name)
        if given is not None:
            lines.append(f"in {_file(snapshot, given.uri)}, line {given.span.line + 1}")
    return "\n\n".join(lines)


def _purpose(maker: Named) -> str:
    """The first line of what it is told to be."""
    call = maker.site.node
    tables = [each for each in call.arguments if isinstance(each, Table)] if isinstance(call, Call) else []
    for table in tables:
        for entry in table.entries:
            if entry.key in _PURPOSES and isinstance(entry.value, Text):
                text = " ".join((entry.value.value or entry.value.raw).split())
                return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return ""


def _file(snapshot: Snapshot, uri: str) -> str:
    path = path_of(uri)
    if path is None or snapshot.path is None:
        return uri
    return os.path.relpath(path, os.path.dirname(snapshot.path))  # noqa: PTH120


def module(snapshot: Snapshot, name: str) -> str:
    """Which file is meant, and what it exports."""
    if snapshot.project is None:
        return ""
    path = snapshot.project.path(snapshot.document.uri, name)
    found = snapshot.project.module(snapshot.document.uri, name)
    if path is None or snapshot.path is None:
        return ""
    exports = [each for each in found.exports if each] if found is not None else []
    told = f"\n\nexports {', '.join(f'`{each}`' for each in exports)}" if exports else ""
    return f"`{os.path.relpath(path, os.path.dirname(snapshot.path))}`{told}"  # noqa: PTH120


def model(text: Text_) -> str:
    """Its window and its price; "" for a model that nobody knows."""
    table = text.wanted.table
    beside = next((each.value for each in table.entries if each.key == "provider"), None) if table is not None else None
    provider = beside.value or "" if isinstance(beside, Text) else ""
    found = providers.model(text.value, provider)
    if found is None:
        return ""
    told = [f"model `{text.value}`"]
    if found.context:
        writes = f", writes up to {found.max_output:,}" if found.max_output else ""
        told.append(f"reads up to {found.context:,} tokens{writes}")
    if found.input_price is not None and found.output_price is not None:
        told.append(f"${found.input_price:.4g} a million tokens in, ${found.output_price:.4g} out")
    return "\n\n".join(told)


def provider(name: str) -> str:
    """How its key is found; "" for one that nobody knows."""
    if not providers.is_known(name):
        return ""
    keys = providers.key_variables(name)
    told = f"its key is in {' or '.join(f'`{each}`' for each in keys)}" if keys else ""
    return f"provider `{name}`" + (f"\n\n{told}" if told else "")
