"""What is being typed at a place, read backwards from it: a comment, a text, a member of something, an argument, a key.

Works on tokens and not on the tree, because half-typed text has no right tree and a valid one may mislead (`agent:`, a
line end and `print(1)` is good Lua). Reads no further up than the chunk and the innermost block. Knows no scopes and no
registry; `receiver` and `callee` are places and words for those who do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from llmspell_lsp.syntax.backwards import MOST_TOKENS, Frame, Scan
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.syntax.tokens import Token, tokens

if TYPE_CHECKING:
    from llmspell_lsp.syntax.chunks import Chunks


@dataclass(frozen=True, slots=True)
class TextAt:
    """The text literal that a place is in."""

    line: int
    column: int
    """Where it begins, its quote included."""
    quote: str
    """`"`, `'`, "`", or Lua's `[[`, `[==[`."""
    before: str
    """What it holds before the place, as it stands in the file, line ends as LF."""


@dataclass(frozen=True, slots=True)
class Context:
    kind: Literal["code", "member", "text", "comment", "number"]
    word: Span
    """The name that the place touches, all of it; empty where there is none."""
    prefix: str
    """Of that name, what stands before the place."""
    after: str
    """The token before the name: such as "=", "(", ",", "local", "new", "function", "goto", "import", "from", ".";
    "" at the beginning of the chunk. For a name it is "name", for a text "text", for a number "number"."""
    receiver: Span | None = None
    """kind "member": the expression before the mark."""
    mark: str = ""
    """kind "member": `.`, `:` or `?.`."""
    text: TextAt | None = None
    frames: tuple[Frame, ...] = ()
    """Innermost first, up to the innermost block; `f{ a = ▮ }` is in a table and, outside it, in a call."""
    line_start: bool = False
    """Nothing but blanks stands before the name on its line."""

    @property
    def at_key(self) -> bool:
        """Whether a key of a table is being typed (in Lua it may still turn out a value)."""
        if self.kind != "code" or not self.frames or self.frames[0].kind != "table" or self.frames[0].key is not None:
            return False
        return self.after in {"{", ",", ";"}


LONGEST: Final = 20_000
"""Characters of a line beyond which nothing is told of it: its tokens alone would take 10 ms."""

_LONG: Final = re.compile(r"--\[=*\[")


def context(chunks: Chunks, line: int, column: int) -> Context:
    """What is being typed at a place. `chunks` must be up to date."""
    lines = chunks.lines
    if len(lines[line]) > LONGEST:
        return Context("code", Span(line, column, line, column), "", "")
    enter = chunks.skeletons[line].enter
    row = tokens(lines[line], enter, chunks.language)
    inside = _inside(row, column)
    blank = not lines[line][:column].strip()
    if inside is not None:
        place = Span(line, column, line, column)
        text = _text(chunks, line, column, inside) if row[inside].kind == "text" else None
        if text is None:
            return Context("comment", place, "", "", line_start=blank)
        scan = Scan(chunks, text.line, text.column)
        return Context("text", place, "", scan.after(0), text=text, frames=scan.frames(text=True), line_start=blank)
    word, prefix, kind = Span(line, column, line, column), "", "code"
    for token in row:
        if token.column < column <= token.end or (token.column == column and token.kind in {"name", "keyword"}):
            if token.kind in {"name", "keyword"}:
                word = Span(line, token.column, line, token.end)
                prefix = lines[line][token.column : column]
            elif token.kind == "number":
                kind = "number"
                word = Span(line, token.column, line, token.end)
            if token.column < column:
                break
    scan = Scan(chunks, line, word.column)
    after = scan.after(0)
    line_start = not lines[line][: word.column].strip()
    marks = {".", ":"} if chunks.language == "lua" else {".", "?."}
    if after in marks and kind == "code":
        receiver = scan.receiver()
        if receiver is not None:
            return Context("member", word, prefix, after, receiver, after, None, scan.frames(), line_start)
    return Context(kind, word, prefix, after, frames=scan.frames(), line_start=line_start)


def _inside(row: tuple[Token, ...], column: int) -> int | None:
    """Which token is the text or comment that a column is in: between its quotes, or in a comment up to its end."""
    for index, token in enumerate(row):
        if token.kind != "text" and token.kind != "comment":
            continue
        if token.column < column < token.end or (token.inner and token.column == column):
            return index
        if column == token.end and (token.open or _ends_open(token)):
            return index
    return None


def _ends_open(token: Token) -> bool:
    """Whether what is typed at a token's end is still in it: a line comment, a template's part before `${`."""
    if token.kind == "comment":
        return token.text.startswith("//") or (token.text.startswith("--") and not _LONG.match(token.text))
    return not token.text.endswith(('"', "'", "`", "]"))


def _text(chunks: Chunks, line: int, column: int, index: int) -> TextAt | None:
    """The text around a place, from its beginning; None if that is out of reach."""
    lines, skeletons, language = chunks.lines, chunks.skeletons, chunks.language
    at = line
    row = tokens(lines[at], skeletons[at].enter, language)
    depth = 0
    for _ in range(MOST_TOKENS):
        token = row[index]
        if token.kind == "text" and depth == 0 and not token.inner:
            quote = token.text[0]
            if quote == "[":
                quote = token.text[: token.text.find("[", 1) + 1]
            begin = token.column + len(quote)
            if at == line:
                return TextAt(at, token.column, quote, lines[at][begin:column])
            parts = [lines[at][begin:], *lines[at + 1 : line], lines[line][:column]]
            return TextAt(at, token.column, quote, "\n".join(parts))
        if token.kind == "mark":
            # Past an inserted expression, to the template's part before it.
            depth += (token.text == "}") - (token.text in {"{", "${"})
        index -= 1
        while index < 0:
            at -= 1
            if at < 0:
                return None
            row = tokens(lines[at], skeletons[at].enter, language)
            index = len(row) - 1
    return None
