"""What Lua and JavaScript themselves give a spell inside its sandbox: `table.concat`, `Array#map`, `console.log`.

Read from `lua.txt` and `javascript.txt`, one name a line, at the language's first use; a test holds both against the
live globals of the engines. Types in them are written as doc comments write them, with `T` for a list's item and
`this` for the value itself. Knows no registry name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final, Literal

Language = Literal["lua", "javascript"]

#: The closing bracket of the parameters is the last one before the result or the two spaces.
_LINE: Final = re.compile(
    r"^(?P<name>[\w.#]+)(?P<call>\((?:[^()]|\([^()]*\))*\))?(?:: (?P<result>\S+(?: \S+)*))?(?:  +(?P<doc>.*))?$"
)


@dataclass(slots=True, frozen=True)
class Parameter:
    name: str
    type: str
    optional: bool = False
    variadic: bool = False


@dataclass(slots=True, frozen=True)
class Entry:
    """One name of the language. params: None for a value that is not called. result: a type as text, "" for none."""

    full_name: str
    params: tuple[Parameter, ...] | None
    result: str
    doc: str

    @property
    def name(self) -> str:
        return re.split(r"[.#]", self.full_name)[-1]

    @property
    def signature(self) -> str:
        """As a person writes it: `table.concat(list: any[], between?: string): string`."""
        if self.params is None:
            return f"{self.full_name}: {self.result}"
        inner = ", ".join(
            f"...{'' if each.name == '...' else each.name}: {each.type}"
            if each.variadic
            else f"{each.name}{'?' if each.optional else ''}: {each.type}"
            for each in self.params
        )
        return f"{self.full_name}({inner}){': ' + self.result if self.result else ''}"


class Natives:
    """The names of one language."""

    def __init__(self, language: Language) -> None:
        self.language: Final[Language] = language
        text = (Path(__file__).parent / f"{language}.txt").read_text(encoding="utf-8")
        self.entries: Final[Mapping[str, Entry]] = {
            entry.full_name: entry for line in text.splitlines() if line and line[0] != "#" for entry in _read(line)
        }

    @cached_property
    def libraries(self) -> Mapping[str, Mapping[str, Entry]]:
        """What stands below a name: `string` holds `format`; `Array#` holds what every list has."""
        found: dict[str, dict[str, Entry]] = {}
        for full_name, entry in self.entries.items():
            if parts := re.fullmatch(r"(\w+)([.#])(\w+)", full_name):
                library = f"{parts[1]}#" if parts[2] == "#" else parts[1]
                found.setdefault(library, {})[parts[3]] = entry
        return found

    @cached_property
    def globals(self) -> frozenset[str]:
        """Every global name that is the language's own."""
        return frozenset(re.split(r"[.#]", name)[0] for name in self.entries)


def _read(line: str) -> Iterator[Entry]:
    found = _LINE.match(line)
    if found is None:
        raise ValueError(f"natives: cannot read {line!r}")
    call = found["call"]
    params = None if call is None else tuple(_parameters(call[1:-1]))
    yield Entry(found["name"], params, found["result"] or "", found["doc"] or "")


def _parameters(text: str) -> Iterator[Parameter]:
    for part in _split(text):
        name, _, type_ = part.partition(": ")
        if name == "...":
            yield Parameter("...", type_, variadic=True)
        elif name.startswith("..."):
            yield Parameter(name[3:], type_, variadic=True)
        else:
            yield Parameter(name.rstrip("?"), type_, optional=name.endswith("?"))


def _split(text: str) -> Iterator[str]:
    """The parts between commas outside brackets."""
    depth = start = 0
    for index, letter in enumerate(text):
        depth += (letter in "(<[") - (letter == ")" or letter == "]" or (letter == ">" and text[index - 1] != "="))
        if letter == "," and depth == 0:
            yield text[start:index].strip()
            start = index + 1
    if text[start:].strip():
        yield text[start:].strip()


@cache
def natives(language: Language) -> Natives:
    return Natives(language)
