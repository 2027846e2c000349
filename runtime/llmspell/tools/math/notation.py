"""How people write arithmetic, as Python's grammar: `15% of 2500`, `2^10`, `5!`, `2pi`, `3 × 4`. Calculates nothing."""

from __future__ import annotations

import re
from typing import Final

from llmspell.errors import ToolError
from llmspell.frozen import frozen

MAX_NESTING: Final = 60

_TOKEN: Final = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+\-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*|π|τ|φ)"
    r"|(?P<operator>\*\*|//|<=|>=|==|!=|[+\-*/^%!(),<>×÷−·])"
)
_SAME: Final = {"^": "**", "×": "*", "÷": "/", "−": "-", "·": "*", "π": "pi", "τ": "tau", "φ": "phi"}
_WORDS: Final = frozenset({"and", "or", "not", "if", "else", "of"})


@frozen
class Token:
    kind: str
    text: str
    spaced: bool
    """Whether white space stands before it."""


def to_python(expression: str) -> str:
    """The expression as Python would write it. Raises ToolError at what is no arithmetic."""
    out: list[str] = []
    kinds: list[str] = []
    tokens = _tokens(expression)
    for index, token in enumerate(tokens):
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.text == "!" and _ends_value(kinds):
            _wrap(out, kinds, "factorial(", ")")
            continue
        if token.text == "%" and _ends_value(kinds) and _is_percent(token, after):
            _wrap(out, kinds, "((", ")/100)")
            continue
        if token.text == "of":
            if not out or not out[-1].endswith("/100)"):
                raise ToolError(f"`of` follows a percentage only, in {expression!r}", hint="write `15% of 2500`")
            _add(out, kinds, "*", "operator")
            continue
        kind = "word" if token.text in _WORDS else token.kind
        if _ends_value(kinds) and (token.kind == "number" or kind == "name" or token.text == "("):
            if kinds[-1] == "name" and token.text == "(":
                pass  # a call
            elif token.kind == "number":
                raise ToolError(
                    f"two numbers stand beside each other in {expression!r}", hint="put an operator between"
                )
            else:
                _add(out, kinds, "*", "operator")  # 2pi, 2(3 + 4)
        _add(out, kinds, token.text, kind)
    if not out:
        raise ToolError("the expression is empty", hint="write something like `2 + 2`")
    return " ".join(out)


def _tokens(expression: str) -> list[Token]:
    found: list[Token] = []
    position, spaced, nesting = 0, False, 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            character = expression[position]
            raise ToolError(
                f"{character!r} at position {position + 1} of {expression!r} is not arithmetic",
                hint="use numbers, operators, parentheses, functions and constants; no text, lists or units",
            )
        position = match.end()
        if match.lastgroup == "space":
            spaced = True
            continue
        text = match.group()
        nesting += (text == "(") - (text == ")")
        if nesting > MAX_NESTING:
            raise ToolError(f"more than {MAX_NESTING} parentheses lie in each other", hint="calculate it in parts")
        kind = "name" if text in {"π", "τ", "φ"} else str(match.lastgroup)
        found.append(Token(kind, _SAME.get(text, text), spaced))
        spaced = False
    return found


def _is_percent(token: Token, after: Token | None) -> bool:
    """`10%` stands alone or before an operator; `10 % 3` and `10%(3)` are remainders. `10 % -3` is one by its space."""
    if after is None or after.text in {
        ")",
        ",",
        "*",
        "/",
        "//",
        "**",
        "of",
        "<",
        ">",
        "<=",
        ">=",
        "==",
        "!=",
        "%",
        "!",
    }:
        return True
    if after.kind == "name" and after.text in _WORDS:
        return after.text != "not"
    return after.text in {"+", "-"} and not token.spaced


def _ends_value(kinds: list[str]) -> bool:
    return bool(kinds) and kinds[-1] in {"number", "name", "close"}


def _add(out: list[str], kinds: list[str], text: str, kind: str) -> None:
    out.append(text)
    kinds.append("close" if text == ")" else kind)


def _wrap(out: list[str], kinds: list[str], before: str, after: str) -> None:
    """Puts the value that ends here into `before … after`, as one."""
    start = len(out) - 1
    if kinds[start] == "close" and out[start] == ")":
        nesting = 1
        while nesting and start > 0:
            start -= 1
            nesting += (out[start] == ")") - (out[start] == "(")
        if start > 0 and kinds[start - 1] == "name":
            start -= 1
    out[start:] = [before + " ".join(out[start:]) + after]
    kinds[start:] = ["close"]
