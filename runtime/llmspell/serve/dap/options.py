"""Options of `llmspell run` in a launch request, for editors that keep one list of them for running and debugging.

    "options": ["--param", "name=Ada", "--max-cost=0.5"]

Knows what each option means to a launch, and checks no value: whoever uses it does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import fields
from typing import Any

from llmspell.errors import UsageError
from llmspell.settings import SECTIONS, about
from llmspell.settings.check import from_text
from llmspell.settings.values import Kind

#: How a terminal shows a run; the editor shows it its own way.
_SHOWS = frozenset({"--trace", "--json"})
#: Options that are fields of the request.
_FIELDS = {"--answers": "answers", "--record": "record", "--state": "state"}
_HINT = "those that say what a run may do and use, --param, --input, --answers, --record and --state"


def spread(given: Mapping[str, Any]) -> dict[str, Any]:
    """The request with its options as the fields that they mean; a field of its own wins. Raises UsageError."""
    request = {name: value for name, value in given.items() if name != "options"}
    if not given.get("options"):
        return request
    flags = _flags()
    settings: dict[str, Any] = {}
    args: list[str] = []
    for name, text in _pairs(given["options"], {"--param", "--input", *_FIELDS, *flags}):
        if name == "--param":
            args.append(text)
        elif name == "--input":
            request.setdefault("params", _input(text))
        elif name in _FIELDS:
            request.setdefault(_FIELDS[name], text)
        else:
            key, kind = flags[name]
            value = from_text(kind, text)
            settings[key] = [*settings.get(key, ()), *value] if isinstance(value, list) else value
    if args:
        request["args"] = [*args, *request.get("args", ())]
    if settings:
        request["settings"] = {**settings, **request.get("settings", {})}
    return request


def _pairs(words: list[Any], known: Set[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value, which stands behind `=` or is the next word. Raises UsageError."""
    rest = iter([str(word) for word in words])
    for word in rest:
        if word in _SHOWS:
            continue
        name, equals, value = word.partition("=")
        if not name.startswith("--"):
            raise UsageError(f"launch: {word!r} is no option", hint='"options": ["--param", "name=Ada"]')
        if name not in known:
            raise UsageError(f"launch: the debugger knows no option {name!r}", hint=_HINT)
        if not equals:
            value = next(rest, None)
            if value is None:
                raise UsageError(f"launch: {name} has no value")
        yield name, value


def _flags() -> dict[str, tuple[str, Kind]]:
    """Which setting a flag is of."""
    return {
        what.flag: (f"{section}.{entry.name}", what.kind)
        for section, shape in SECTIONS.items()
        for entry in fields(shape)
        if (what := about(entry)).flag
    }


def _input(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"launch: --input is not JSON: {error}") from None
