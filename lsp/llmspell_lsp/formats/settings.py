"""`llmspell.toml`: what is wrong in it, and which keys its tables have. The settings' own table is the only list."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from llmspell.errors import SettingsError
from llmspell.settings.check import checked, nearest, unknown, wrong
from llmspell.settings.lint import LEVELS, SEVERITIES
from llmspell.settings.load import known_keys
from llmspell.settings.values import SECTIONS, About, ProviderSettings
from llmspell_lsp.formats.toml_text import MISSING, Entry, Header, Name, read
from llmspell_lsp.formats.values import Problem
from llmspell_lsp.syntax.nodes import Span

_OPEN: Final = ("providers", "config", "lint")
#: A table of a person's own keys, which the terminal interface checks.
_KEYS: Final = ("tui", "keys")
_AT: Final = re.compile(r" \(at line (\d+), column (\d+)\)$")
SHOWN: Final[Mapping[str, str]] = {
    "text": "string", "number": "number", "whole": "whole number", "switch": "true or false",
    "texts": "list of strings", "path": "path", "paths": "list of paths",
}  # fmt: skip


# What is wrong


def problems(lines: Sequence[str]) -> Iterator[Problem]:
    yield from _syntax(lines)
    toml = read(lines)
    for header in toml.headers[1:]:
        yield from _of_header(header)
    for entry in toml.entries:
        yield from _of_entry(entry)


def _syntax(lines: Sequence[str]) -> Iterator[Problem]:
    try:
        tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _AT.search(message)
        line, column = (int(place[1]) - 1, int(place[2]) - 1) if place else (len(lines) - 1, len(lines[-1]))
        said = message[: place.start()] if place else message.removesuffix(" (at end of document)")
        line = min(line, len(lines) - 1)
        column = min(column, len(lines[line]))
        if column == len(lines[line]) and column:
            column -= 1
        yield Problem(Span(line, column, line, min(column + 1, len(lines[line]))), f"this is not TOML: {said}")
    except RecursionError:
        yield Problem(Span(0, 0, 0, len(lines[0])), "this is not TOML: it is nested too deeply")


def _of_header(header: Header) -> Iterator[Problem]:
    if not header.names or header.path == _KEYS:
        return
    first = header.names[0]
    if first.text not in SECTIONS and first.text not in _OPEN:
        yield _refused(first, unknown(first.text, {}, (*SECTIONS, *_OPEN), ""), (*SECTIONS, *_OPEN))
    elif header.is_list and first.text != "config":
        yield _problem(first, wrong(".".join(header.path), [], f"a section, written [{'.'.join(header.path)}]", ""))
    elif first.text != "config" and len(header.names) > (2 if first.text == "providers" else 1):
        beyond = header.names[2 if first.text == "providers" else 1]
        known = keys(header.path[: header.names.index(beyond)])
        if beyond.text in known:
            yield _problem(beyond, wrong(".".join(header.path), {}, SHOWN[known[beyond.text].kind], ""))
        else:
            yield _refused(beyond, unknown(".".join(header.path), {}, known, ""), known)


def _of_entry(entry: Entry) -> Iterator[Problem]:
    path = entry.path
    own = {len(path) - len(entry.own) + index: name for index, name in enumerate(entry.own)}
    held = entry.held
    if path[:2] == _KEYS and (len(path) > len(_KEYS) or isinstance(held, dict)):
        return
    if path[0] not in SECTIONS and path[0] not in _OPEN:
        if 0 in own:
            yield _refused(own[0], unknown(path[0], _value(held), (*SECTIONS, *_OPEN), ""), (*SECTIONS, *_OPEN))
        return
    depth = 3 if path[0] == "providers" else 2
    if path[0] == "config" or entry.mark < 0:
        return
    if len(path) < depth:
        if held is not MISSING and not isinstance(held, dict):
            yield _problem(entry.key, wrong(".".join(path), held, f"a section, written [{'.'.join(path)}]", ""))
        return
    at = depth - 1
    name, known = ".".join(path[:depth]), keys(path[:at])
    if path[at] not in known:
        if at in own:
            yield _refused(own[at], unknown(name, _value(held), known, ""), known)
        return
    if len(path) > depth:
        if at in own and not entry.inline:
            yield _problem(own[at], wrong(name, {}, SHOWN[known[path[at]].kind], ""))
        return
    if held is MISSING:
        return
    try:
        value = checked(name, known[path[at]], held, "", Path("/"))
    except SettingsError as error:
        choices = known[path[at]].choices
        near = nearest(held, choices) if isinstance(held, str) and choices else None
        inner = Span(entry.value.line, entry.value.column + 1, entry.value.end_line, entry.value.end_column - 1)
        yield Problem(inner if near else entry.value, _said(error), near or "")
        return
    if name == "hooks.files" and any(each.endswith(".py") for each in value):
        message = "hooks.files: Python runs outside the sandbox; name it with --hooks, or in your own config.toml"
        yield Problem(entry.value, message)


def keys(table: tuple[str, ...]) -> dict[str, About]:
    """What a table may hold; nothing for one that is open or unknown."""
    if len(table) == 2 and table[0] == "providers":
        return known_keys(ProviderSettings)
    if table == ("lint",):
        return {
            code: About(level, "text", f"how much `{code}` matters", choices=LEVELS)
            for code, level in SEVERITIES.items()
        }
    return known_keys(SECTIONS[table[0]]) if len(table) == 1 and table[0] in SECTIONS else {}


def _value(held: Any) -> Any:
    return "…" if held is MISSING else held


def _refused(name: Name, error: SettingsError, known: Sequence[str] | Mapping[str, Any]) -> Problem:
    return Problem(name.span, _said(error), nearest(name.text, list(known)) or "")


def _problem(name: Name, error: SettingsError) -> Problem:
    return Problem(name.span, _said(error))


def _said(error: SettingsError) -> str:
    hint = "" if not error.hint or error.hint.startswith("known here") else f"; {error.hint}"
    return f"{error.message}{hint}"
