"""A page: headings, fields, long texts and JSON values as entries that fold. Pure; `Document` shows it.

An entry's children are the entries after it that lie deeper. Folds are kept by the entry's path (`request.messages.0`),
so that they hold for the next span with values of the same shape.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from llmspell_tui.widgets.lines import Line, Piece, clean, shortened, width_of, wrapped

#: From here on a value is folded until it is unfolded.
_DEEP, _MANY = 3, 24
#: Entries of one page; a value with more says how many are left out.
_MOST: Final = 20_000
_SHORT: Final = 60
#: Characters and lines of a text inside a value from which on it is folded to its beginning: a screenful.
_LONG: Final = 1_000
_LINES: Final = 20
#: Characters of a text that is tried as JSON: 5 ms.
_JSON: Final = 500_000


@dataclass(frozen=True, slots=True)
class Entry:
    """text: wrapped below the pieces. folds: whether it has something inside. tight: folded until it is unfolded.
    glimpse: of what is inside, shown while it is folded."""

    path: str
    depth: int
    pieces: tuple[Piece, ...]
    text: str = ""
    role: str = "text"
    folds: bool = False
    tight: bool = False
    glimpse: str = ""

    def named(self, path: str) -> Entry:
        """The same under a path of its own."""
        return replace(self, path=path)


@dataclass(slots=True)
class Page:
    entries: list[Entry] = field(default_factory=list)

    def heading(self, title: str, note: str = "") -> Page:
        """What follows, up to the next heading, folds below it."""
        self.entries.append(Entry(title, 0, ((title, "strong"), (f"  {note}", "dim")), folds=True))
        return self

    def fields(self, *pairs: tuple[str, str] | tuple[str, str, str]) -> Page:
        """Name and value a line, with the value's role if it has one; empty values are left out."""
        width = max((len(pair[0]) for pair in pairs if pair[1]), default=0)
        for name, value, *role in pairs:
            if value:
                said = (value, role[0] if role else "text")
                self.entries.append(Entry(name, 1, ((f"{name:<{width}}  ", "dim"), (clean(said[0]), said[1]))))
        return self

    def text(self, text: str, role: str = "text", depth: int = 1) -> Page:
        self.entries.append(Entry("", depth, (), text=text, role=role))
        return self

    def said(self, text: str, path: str = "") -> Page:
        """What somebody said: a text, or what it holds where it is JSON."""
        if text[:1] in ("{", "[") and len(text) < _JSON:
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                pass
            else:
                for name, item in value.items() if isinstance(value, dict) else enumerate(value):
                    self.value(str(name), item, path=path)
                return self
        return self.text(text) if text else self

    def line(self, *pieces: Piece, depth: int = 1) -> Page:
        self.entries.append(Entry("", depth, pieces))
        return self

    def choice(self, number: int, text: str, note: str = "") -> Page:
        """One of several answers, with the digit that takes it. Its path is `choice.NUMBER`."""
        pieces: tuple[Piece, ...] = ((f"{number} ", "key"), (text, "text"), (note, "dim"))
        self.entries.append(Entry(f"choice.{number}", 1, pieces))
        return self

    def value(self, name: str, value: Any, depth: int = 1, path: str = "", *, tight: bool = False) -> Page:
        """A JSON value: objects and lists fold, long texts wrap below their name. tight: folded until unfolded."""
        if len(self.entries) >= _MOST:
            return self
        path = f"{path}.{name}" if path else name
        label: Piece = (clean(name), "name")
        match value:
            case dict() | list() if value:
                inside = _inside(cast("dict[str, Any] | list[Any]", value))
                tight = tight or depth >= _DEEP or len(inside) > _MANY
                note = _note(value)
                self.entries.append(Entry(path, depth, (label, (note, "dim")), folds=True, tight=tight))
                for place, (key, item) in enumerate(inside):
                    if len(self.entries) >= _MOST:
                        left = len(inside) - place
                        self.entries.append(Entry("", depth + 1, ((f"… {left:,} more, not shown", "warn"),)))
                        break
                    self.value(key, item, depth + 1, path)
            case str() if len(value) > _SHORT or "\n" in value:
                long = len(value) > _LONG or value.count("\n") >= _LINES
                pieces = (label, (f"  {len(value):,} characters", "dim")) if long else (label,)
                glimpse = clean(value[:_SHORT]) if long else ""
                self.entries.append(Entry(path, depth, pieces, folds=True, tight=long or tight, glimpse=glimpse))
                self.entries.append(Entry("", depth + 1, (), text=value, role="string"))
            case _:
                self.entries.append(Entry(path, depth, (label, ("  ", "text"), _scalar(value))))
        return self

    def layout(self, width: int, folded: Mapping[str, bool]) -> list[tuple[int, Line]]:
        """The lines that are to be seen, each with its entry's number. folded: what was folded and unfolded by hand."""
        out: list[tuple[int, Line]] = []
        hidden: int | None = None
        for number, entry in enumerate(self.entries):
            if hidden is not None and entry.depth > hidden:
                continue
            hidden = None
            margin = "  " * entry.depth
            if entry.folds:
                closed = folded.get(entry.path, entry.tight)
                hidden = entry.depth if closed else None
                line: Line = [(margin + ("▸ " if closed else "▾ "), "dim"), *entry.pieces]
                if closed and entry.glimpse:
                    line.append((f"  {shortened(entry.glimpse, max(width - width_of(line) - 3, 0))}", "string"))
                out.append((number, line))
                continue
            if entry.pieces:
                out.append((number, [(margin + ("  " if entry.depth > 1 else ""), "dim"), *entry.pieces]))
            if entry.text:
                inner = margin if entry.depth < 2 else margin + "  "
                for text in wrapped(entry.text, max(width - len(inner) - 1, 12)):
                    out.append((number, [(inner, "dim"), (text, entry.role)]))
        return out

    def plain(self, number: int) -> str:
        """An entry as text, with all that lies in it: what `y` copies."""
        first = self.entries[number]
        out: list[str] = []
        for entry in self.entries[number:]:
            if out and entry.depth <= first.depth:
                break
            out.append("  " * (entry.depth - first.depth) + ("".join(text for text, _ in entry.pieces) or entry.text))
        return "\n".join(out)

    def around(self, number: int) -> int:
        """The entry that this one lies in, itself for an outermost one."""
        depth = self.entries[number].depth
        return next((at for at in range(number - 1, -1, -1) if self.entries[at].depth < depth), number)

    def foldable(self) -> Collection[str]:
        return [entry.path for entry in self.entries if entry.folds]


def _inside(value: dict[str, Any] | list[Any]) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(str(key), item) for key, item in value.items()]
    return [(str(place), item) for place, item in enumerate(value)]


def _note(value: dict[str, Any] | list[Any]) -> str:
    """What a folded value says of itself: `{role, content}`, `[4]`."""
    if isinstance(value, list):
        return f"  [{len(value)}]"
    names = ", ".join(clean(str(name)) for name in list(value)[:6])
    return f"  {{{names}{', …' if len(value) > 6 else ''}}}"


def _scalar(value: Any) -> Piece:
    match value:
        case None:
            return ("null", "dim")
        case bool():
            return ("true" if value else "false", "number")
        case int() | float():
            return (f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value), "number")
        case str():
            return (clean(value) if value else '""', "string")
        case dict():
            return ("{}", "dim")
        case list():
            return ("[]", "dim")
        case _:
            return (clean(str(value)), "text")
