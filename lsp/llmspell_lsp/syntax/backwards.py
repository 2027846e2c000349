"""The brackets around a place and the expression before it, found by reading tokens backwards.

Stops at the beginning of the chunk and at the innermost block: what is outside does not bear on what is typed. A
bracket that does not match is half typed, and passed over. Knows tokens and no tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.syntax.tokens import Token, tokens

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Chunks

MOST_TOKENS: Final = 6_000
"""A scan gives up after so many: 1 ms, a table of some 500 lines."""


class Frame(NamedTuple):
    """Brackets that a place is in."""

    kind: Literal["call", "table", "array", "index", "group", "insert", "names", "pattern"]
    """A "table" is Lua's or a JavaScript object; an "insert" is `${…}`, and nothing outside it is told; "names" are
    those of `import { … }` and `export { … }`, a "pattern" is what `const { … }` takes apart."""
    line: int
    column: int
    """Where it opens; of `f"x"` and `f{}` the call's argument."""
    argument: int = 0
    """How many commas stand before the place: which argument of a call, which entry of a table."""
    key: str | None = None
    """Table: the key whose value the place is in; None while a key, or a value without one, is typed."""
    key_span: Span | None = None
    callee: Span | None = None
    """Call: the expression that is called, without `new`."""
    constructs: bool = False


class _At(NamedTuple):
    line: int
    token: Token


_CLOSERS: Final = {")": "(", "]": "[", "}": "{", "end": "b", "until": "b"}
_BLOCKS: Final = frozenset(["function", "do", "if", "repeat"])
_LUA_STOPS: Final = frozenset(["local", "return", "then", "else", "elseif", "while", "for", "goto", "break"])
_JAVASCRIPT_STOPS: Final = frozenset(
    "const let var if for while switch return throw import export else do try finally case break continue".split()
)
_PATTERNS: Final[dict[str, Literal["names", "pattern"]]] = {
    "import": "names",
    "export": "names",
    "const": "pattern",
    "let": "pattern",
    "var": "pattern",
}
_BLOCK_AFTER: Final = frozenset([")", "=>", ";", "}", "{", "else", "do", "try", "finally", "static"])


class Scan:
    """The tokens before a place, nearest first, read line by line as they are asked for."""

    __slots__ = ("_chunks", "_lua", "_more", "_read", "_start")

    def __init__(self, chunks: Chunks, line: int, column: int) -> None:
        self._chunks = chunks
        self._lua = chunks.language == "lua"
        self._start = chunks.at(line).start
        self._read: list[_At] = []
        self._more = self._backwards(line, column)

    def _backwards(self, line: int, column: int) -> Iterator[_At]:
        chunks = self._chunks
        while line >= self._start:
            for token in reversed(tokens(chunks.lines[line], chunks.skeletons[line].enter, chunks.language)):
                if token.end <= column and token.kind != "comment" and token.text:
                    yield _At(line, token)
            line -= 1
            column = 1 << 60

    def at(self, index: int) -> _At | None:
        read = self._read
        while len(read) <= index:
            token = next(self._more, None)
            if token is None or len(read) >= MOST_TOKENS:
                return None
            read.append(token)
        return read[index]

    def after(self, index: int) -> str:
        found = self.at(index)
        if found is None:
            return ""
        kind = found.token.kind
        return (
            found.token.text
            if kind in {"mark", "keyword"} or found.token.text == "from"
            else "name"
            if kind == "name"
            else kind
        )

    def frames(self, *, text: bool = False) -> tuple[Frame, ...]:
        """The brackets around the place, innermost first. `text`: a text literal begins there."""
        found: list[Frame] = []
        closers: list[str] = []
        commas = 0
        entry: list[int] = []
        """The tokens of the current entry at this depth that stand first so far, the first one last."""
        entry_done = False
        index = -1
        if text and self._lua and (begins := self.at(0)) is not None and self._ends_operand(begins):
            callee, _ = self._operand(0)
            if callee is not None:
                found.append(Frame("call", begins.line, begins.token.end, callee=callee))
        stops = _LUA_STOPS if self._lua else _JAVASCRIPT_STOPS
        while (here := self.at(index := index + 1)) is not None:
            token = here.token
            word, kind = token.text, token.kind
            if kind not in {"mark", "keyword"}:
                if not closers and not entry_done:
                    entry.append(index)
                continue
            closer = _CLOSERS.get(word)
            if closer is not None and (self._lua or kind == "mark"):
                closers.append(closer)
                continue
            opener = "b" if kind == "keyword" and self._lua and word in _BLOCKS else "{" if word == "${" else word
            if opener in {"(", "[", "{", "b"}:
                if closers:
                    if opener in closers:
                        # What else stands open within is half typed.
                        while closers.pop() != opener:
                            pass
                        if not closers and not entry_done:
                            entry.append(index)
                    continue
                if opener == "b" or (word == "{" and not self._lua and self._is_block(index)):
                    break
                if word == "${":
                    found.append(Frame("insert", here.line, token.column))
                    break
                frame = self._frame(here, index, commas, entry)
                found.append(frame)
                if frame.kind == "table" and self._lua and (called := self._call(here, index)) is not None:
                    found.append(called)
                commas, entry, entry_done = 0, [], False
                if found[-1].kind == "call" and found[-1].callee is not None:
                    # The callee begins the value of the entry around: go on before it.
                    entry.append(index)
                continue
            if closers:
                continue
            if kind == "keyword" and word in stops:
                break
            if word == "," or (word == ";" and self._lua):
                commas += 1
                entry_done = True
            elif word == ";":
                break
            elif not entry_done:
                entry.append(index)
        return tuple(found)

    def _frame(self, here: _At, index: int, commas: int, entry: list[int]) -> Frame:
        line, token = here
        before = self.at(index + 1)
        if token.text == "{":
            word = before.token.text if before is not None and before.token.kind == "keyword" else ""
            if word in _PATTERNS:
                return Frame(_PATTERNS[word], line, token.column, commas)
            key, place = self._key(entry)
            return Frame("table", line, token.column, commas, key, place)
        if token.text == "(":
            called = self._call(here, index)
            return (
                called._replace(argument=commas) if called is not None else Frame("group", line, token.column, commas)
            )
        if before is not None and self._ends_operand(before):
            return Frame("index", line, token.column)
        return Frame("index" if self._lua else "array", line, token.column, commas)

    def _key(self, entry: list[int]) -> tuple[str | None, Span | None]:
        if len(entry) < 2:
            return None, None
        sign = self._read[entry[-2]].token.text
        if sign != ("=" if self._lua else ":"):
            return None, None
        line, token = self._read[entry[-1]]
        place = Span(line, token.column, line, token.end)
        if token.text == "[":
            # `["key"] =`: the text stands just after the bracket.
            line, token = self._read[entry[-1] - 1]
            place = Span(line, token.column, line, token.end)
        if token.kind == "text" and not token.open:
            return token.text.strip("\"'`"), place
        return (token.text, place) if token.kind in {"name", "keyword", "number"} else (None, place)

    def _call(self, here: _At, index: int) -> Frame | None:
        """The call whose arguments open at a token, if what stands before it can be called."""
        before = self.at(index + 1)
        if before is None or not self._ends_operand(before):
            return None
        line, token = here
        if token.text == "{" and before.line != line and before.token.kind == "text":
            return None
        callee, past = self._operand(index + 1)
        if callee is None:
            return None
        before = self.at(past)
        word = before.token.text if before is not None and before.token.kind == "keyword" else ""
        if word == "function" or (not self._lua and word in {"catch", "class"}):
            return None
        if word == "new" and before is not None and self._is_called(index + 1, past):
            # `new Agent(…).chat(…)`: what is made is what stands before the dot.
            made = Span(before.line, before.token.column, callee.end_line, callee.end_column)
            return Frame("call", line, token.column, callee=made)
        return Frame("call", line, token.column, callee=callee, constructs=word == "new")

    def receiver(self) -> Span | None:
        """The expression before the mark that is the first token."""
        span, past = self._operand(1)
        if span is not None and not self._lua:
            before = self.at(past)
            if before is not None and before.token.text == "new" and self._is_called(1, past):
                return Span(before.line, before.token.column, span.end_line, span.end_column)
        return span

    def _is_called(self, first: int, past: int) -> bool:
        """Whether there are a call's brackets among the tokens of a chain."""
        return any(each.token.text == ")" for each in self._read[first:past])

    def _ends_operand(self, here: _At) -> bool:
        kind, text = here.token.kind, here.token.text
        if kind == "mark":
            return text in {")", "]", "}", "?."}
        return kind in {"name", "text"} or text in {"this", "super", "import", "end"}

    def _operand(self, index: int) -> tuple[Span | None, int]:
        """The chain of names, calls and members that ends with a token, and the index of the token before it."""
        last = self.at(index)
        if last is None:
            return None, index
        if last.token.text == "?.":
            # `f?.(x)`
            index += 1
            if (last := self.at(index)) is None:
                return None, index
        end = (last.line, last.token.end)
        first: _At | None = None
        while (here := self.at(index)) is not None and self._ends_operand(here) and here.token.text != "?.":
            text = here.token.text
            if text in _CLOSERS and here.token.kind in {"mark", "keyword"}:
                index = self._matching(index)
                if (opened := self.at(index)) is None:
                    break
                first = opened
                index += 1
                before = self.at(index)
                if before is None:
                    break
                if before.token.text == "?.":
                    index += 1
                    continue
                if not self._ends_operand(before) or before.token.text == "}":
                    break
                continue
            first = here
            index += 1
            before = self.at(index)
            if before is None:
                break
            if before.token.text in {".", ":", "?."} and (self._lua or before.token.text != ":"):
                index += 1
                continue
            if here.token.kind == "text" and self._ends_operand(before) and before.token.kind != "text":
                continue
            break
        if first is None:
            return None, index
        return Span(first.line, first.token.column, *end), index

    def _matching(self, index: int) -> int:
        """The index of the bracket that a closer belongs to, or past the end."""
        depth = 0
        while (here := self.at(index)) is not None:
            text, kind = here.token.text, here.token.kind
            if kind == "mark" or kind == "keyword":
                if text in _CLOSERS and (self._lua or kind == "mark"):
                    depth += 1
                elif text in {"(", "[", "{", "${"} or (self._lua and kind == "keyword" and text in _BLOCKS):
                    depth -= 1
                    if depth == 0:
                        return index
            index += 1
        return index

    def _is_block(self, index: int) -> bool:
        """Whether a brace of JavaScript opens a block and not an object."""
        before = self.at(index + 1)
        if before is None:
            return True
        token = before.token
        return token.text in _BLOCK_AFTER or token.kind == "name"
