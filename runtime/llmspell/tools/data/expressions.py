"""Regular expressions in bounded time: RE2, linear in the text; `regex` under a time-out where a pattern needs more.

Positions are characters. Blocks: runs in a thread.
"""

from __future__ import annotations

import builtins
import re
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from llmspell import errors
from llmspell.errors import ToolError

if TYPE_CHECKING:
    from llmspell.tools.data.regex_tool import RegexParams

_FLAGS: Final = {"ignore_case": "i", "multiline": "m", "dot_all": "s"}
#: RE2's memory for one expression; past it, it says that the pattern is too large.
_RE2_MEMORY: Final = 8 << 20
#: A backtracking engine compiles such patterns in well under a second.
_REGEX_PATTERN: Final = 1000
_MAX_OUTPUT: Final = 10_000_000
_MAX_REFERENCES: Final = 200
_REFERENCE: Final = re.compile(r"\$(?:(\$)|(\d{1,2})|\{(\w{1,100})\}|\Z|(?=.))", re.DOTALL)


def answer(asked: RegexParams, engine: str) -> dict[str, Any]:
    """The tool's content. Raises ToolError, and TimeoutError for the engine `regex`."""
    search = _Regex(asked) if engine == "regex" else _Re2(asked)
    match asked.operation:
        case "test":
            return {"matched": search.first() is not None}
        case "search" | "match":
            found = search.first() if asked.operation == "search" else search.whole()
            return {"matched": found is not None, "match": None if found is None else _shown(found)}
        case "find_all":
            matches, truncated = _some(search.all(), asked.limit)
            return {"matches": [_shown(one) for one in matches], "count": len(matches), "truncated": truncated}
        case "replace":
            matches, truncated = _some(search.all(), asked.limit)
            text = _replaced(asked.text, matches, asked.replacement or "")
            return {"text": text, "count": len(matches), "truncated": truncated}
        case "split":
            matches, truncated = _some((one for one in search.all() if one.group()), asked.limit)
            starts = [0, *(one.end() for one in matches)]
            ends = [*(one.start() for one in matches), len(asked.text)]
            parts = [asked.text[start:end] for start, end in zip(starts, ends)]
            return {"parts": parts, "count": len(matches), "truncated": truncated}


class _Re2:
    def __init__(self, asked: RegexParams) -> None:
        import re2  # 9 ms

        options = re2.Options()
        options.max_mem = _RE2_MEMORY
        options.log_errors = False
        try:
            self.pattern: Any = re2.compile(_with_flags(asked), options)
        except re2.error as error:
            said = error.args[0] if error.args else error
            said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            raise ToolError(
                f"{asked.pattern[:200]!r} is no pattern of this engine: {said}",
                hint='backreferences and lookaround need engine = "regex"',
            ) from None
        self.text = asked.text

    def first(self) -> Any:
        return self.pattern.search(self.text)

    def whole(self) -> Any:
        return self.pattern.fullmatch(self.text)

    def all(self) -> Iterator[Any]:
        return self.pattern.finditer(self.text)


class _Regex:
    """All matching of one call shares one time-out; other threads run meanwhile (`concurrent`)."""

    def __init__(self, asked: RegexParams) -> None:
        import regex  # 43 ms

        if len(asked.pattern) > _REGEX_PATTERN:
            raise ToolError(f"a pattern for this engine has at most {_REGEX_PATTERN} characters", hint="use re2")
        try:
            self.pattern: Any = regex.compile(_with_flags(asked), regex.VERSION0, cache_pattern=False)
        except (regex.error, RecursionError, OverflowError, MemoryError) as error:
            raise ToolError(f"{asked.pattern[:200]!r} is no pattern: {error}", hint="check its parentheses") from None
        self.text = asked.text
        self.milliseconds = asked.timeout
        self.end = time.monotonic() + asked.timeout / 1000

    def first(self) -> Any:
        return self._within(self.pattern.search)

    def whole(self) -> Any:
        return self._within(self.pattern.fullmatch)

    def all(self) -> Iterator[Any]:
        found = self._within(self.pattern.finditer)
        while (one := self._within(lambda *_, **__: next(found, None))) is not None:
            yield one

    def _within(self, work: Callable[..., Any]) -> Any:
        left = self.end - time.monotonic()
        try:
            if left > 0:
                return work(self.text, timeout=left, concurrent=True)
        except builtins.TimeoutError:
            pass
        raise errors.TimeoutError(
            f"the pattern took longer than {self.milliseconds} ms",
            hint="write it without repetitions inside repetitions, or use re2",
        )


def _with_flags(asked: RegexParams) -> str:
    letters = "".join(_FLAGS[flag] for flag in asked.flags or ())
    return f"(?{letters}){asked.pattern}" if letters else asked.pattern


def _some(matches: Iterator[Any], limit: int) -> tuple[list[Any], bool]:
    found = list(islice(matches, limit))
    return found, len(found) == limit and next(matches, None) is not None


def _shown(match: Any) -> dict[str, Any]:
    return {
        "text": match.group(),
        "start": match.start(),
        "end": match.end(),
        "groups": list(match.groups()),
        "named": match.groupdict(),
    }


def _replaced(text: str, matches: list[Any], replacement: str) -> str:
    template = _template(replacement)
    parts: list[str] = []
    size = position = 0
    for match in matches:
        pieces = [text[position : match.start()], *(_filled(piece, match) for piece in template)]
        parts += pieces
        size += sum(map(len, pieces))
        position = match.end()
        if size > _MAX_OUTPUT:
            raise ToolError(f"the new text would be longer than {_MAX_OUTPUT} characters", hint="set a lower limit")
    return "".join((*parts, text[position:]))


def _template(replacement: str) -> list[str | tuple[int | str]]:
    """The replacement as text and references to groups (in tuples)."""
    found: list[str | tuple[int | str]] = []
    position = 0
    for reference in _REFERENCE.finditer(replacement):
        found.append(replacement[position : reference.start()])
        _, number, name = reference.groups()
        found.append("$" if number is None and name is None else (int(number) if number is not None else name,))
        position = reference.end()
        if len(found) > _MAX_REFERENCES:
            raise ToolError(f"the replacement has more than {_MAX_REFERENCES // 2} references", hint="make it simpler")
    return [*found, replacement[position:]]


def _filled(piece: str | tuple[int | str], match: Any) -> str:
    if isinstance(piece, str):
        return piece
    try:
        return match.group(piece[0]) or ""
    except (IndexError, KeyError):
        raise ToolError(f"the pattern has no group {piece[0]!r}", hint="write $$ for a dollar sign") from None
