"""A script's text in the colours of its parts. Imports pygments (30 ms): only for screens that show source."""

from __future__ import annotations

from typing import Final

from pygments import lex
from pygments.lexer import Lexer
from pygments.lexers.javascript import JavascriptLexer
from pygments.lexers.scripting import LuaLexer
from pygments.token import Comment, Keyword, Name, Number, String

from llmspell_tui.widgets.lines import Line, clean

#: Kinds of token, inner ones first, and the roles of `theme` they are shown in.
_ROLES: Final = (
    (Comment, "dim"),
    (String, "string"),
    (Number, "number"),
    (Keyword.Constant, "number"),
    (Keyword, "key"),
    (Name.Function, "name"),
)


def coloured(text: str, file: str) -> list[Line]:
    """The lines of a Lua or JavaScript text as pieces; any other file's plain."""
    lexer = _lexer(file)
    if lexer is None:
        return [[(clean(line), "text")] for line in text.split("\n")]
    lines: list[Line] = [[]]
    for kind, part in lex(text, lexer):
        role = _role(kind)
        first, *more = part.split("\n")
        if first:
            lines[-1].append((clean(first), role))
        for piece in more:
            lines.append([(clean(piece), role)] if piece else [])
    if not lines[-1]:
        lines.pop()
    return lines


def _lexer(file: str) -> Lexer | None:
    if file.endswith(".lua"):
        return LuaLexer(stripnl=False)
    return JavascriptLexer(stripnl=False) if file.endswith((".js", ".mjs")) else None


def _role(kind: tuple[str, ...]) -> str:
    """kind: pygments' name of it, from the outside in: `("Literal", "String", "Double")`."""
    return next((role for group, role in _ROLES if kind[: len(group)] == tuple(group)), "text")
