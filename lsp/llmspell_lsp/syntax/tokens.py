"""A line as tokens, for colours, for the completion's backward scan, and for mending half-typed text.

Reads one line at a time, given what it begins in (`skeleton.Line.enter`); a text or comment over many lines is a token
a line. Knows the words and marks of Lua and JavaScript, and no grammar.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from llmspell_lsp.syntax.skeleton import QUOTED, REGEX, TEMPLATE, ScriptLanguage, regex_may_follow

Kind = Literal["name", "keyword", "number", "text", "comment", "regex", "mark"]


class Token(NamedTuple):
    column: int
    end: int
    kind: Kind
    text: str
    open: bool = False
    """A text or comment that the line does not end."""
    inner: bool = False
    """A text or comment that began above, or a template's part after an inserted expression."""


LONG: Final = 2_000
"""Characters of a line whose tokens are not kept: no one reads it, and it may be a megabyte."""

LUA_KEYWORDS: Final = frozenset(
    "and break do else elseif end false for function goto if in local nil not or repeat return then true until"
    " while".split()
)
JAVASCRIPT_KEYWORDS: Final = frozenset(
    "async await break case catch class const continue debugger default delete do else export extends false finally for"
    " function if import in instanceof let new null of return static super switch this throw true try typeof undefined"
    " var void while with yield".split()
)

_LUA: Final = re.compile(
    r"""\s*(?:([^\W\d]\w*)|(0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"""
    r"""|(--(?:\[=*\[)?|\[=*\[|["'])|(\.\.\.?|::|//|<<|>>|[=~<>]=|\S))"""
)
_JAVASCRIPT: Final = re.compile(
    r"""\s*(?:((?:[^\W\d]|[$#])[\w$]*)|(0[xXbBoO][\da-fA-F_]+n?|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?n?)"""
    r"""|(//|/\*|["'`/])|(\.\.\.|\?\.(?!\d)|=>|[=!]==?|\*\*=?|&&=?|\|\|=?|\?\?=?|\+\+|--|<<=?|>>>?=?|[-+*%&|^<>]=|\S))"""
)


def tokens(line: str, enter: str, language: ScriptLanguage) -> tuple[Token, ...]:
    """The tokens of a line, first to last. Kept for the last 4,096 lines asked about: scans go over the same again."""
    return (_kept if len(line) <= LONG else _read)(line, enter, language)


def _read(line: str, enter: str, language: ScriptLanguage) -> tuple[Token, ...]:
    found: list[Token] = []
    (_lua if language == "lua" else _javascript)(line, enter, found)
    return tuple(found)


_kept: Final = lru_cache(maxsize=4096)(_read)


def _lua(line: str, state: str, found: list[Token]) -> None:
    inner = bool(state)
    start = at = 1 if line.startswith("\ufeff") else 0
    while True:
        if state:
            kind: Kind = "text"
            if state[0] in "\"'":
                closed = QUOTED[state].match(line, at)
                over = closed is None or closed[1] != state
                at = closed.end() if closed is not None else len(line)
            else:
                kind = "comment" if state[0] == "-" else "text"
                closer = state.removeprefix("--")
                end = line.find(closer, at)
                over = end < 0
                at = len(line) if over else end + len(closer)
            found.append(Token(start, at, kind, line[start:at], over, inner))
            state = ""
        inner = False
        token = _LUA.match(line, at)
        if token is None:
            return
        group, at = token.lastindex, token.end()
        text = token[group or 0]
        start = at - len(text)
        if group == 1:
            found.append(Token(start, at, "keyword" if text in LUA_KEYWORDS else "name", text))
        elif group == 4:
            found.append(Token(start, at, "mark", text))
        elif group == 2:
            found.append(Token(start, at, "number", text))
        elif text == "--":
            found.append(Token(start, len(line), "comment", line[start:]))
            return
        elif text in "\"'":
            state = text
        else:
            state = "--]" + text[3:-1] + "]" if text[0] == "-" else "]" + text[1:-1] + "]"


def _javascript(line: str, state: str, found: list[Token]) -> None:
    inner = bool(state)
    start = at = 1 if line.startswith("\ufeff") else 0
    while True:
        mode = state[-1:]
        if mode and mode in "`*\"'":
            at, over, inserts = _literal(line, at, mode)
            # `${` and `}` stand alone as marks, so that brackets count.
            end = at - 2 if inserts else at
            found.append(Token(start, end, "comment" if mode == "*" else "text", line[start:end], over, inner))
            if inserts:
                found.append(Token(at - 2, at, "mark", "${"))
                state += "$"
            else:
                state = state[:-1]
            if over:
                return
            continue
        inner = False
        token = _JAVASCRIPT.match(line, at)
        if token is None:
            return
        group, at = token.lastindex, token.end()
        text = token[group or 0]
        start = at - len(text)
        if group == 1:
            keyword = text in JAVASCRIPT_KEYWORDS and not (found and found[-1].text in {".", "?."})
            found.append(Token(start, at, "keyword" if keyword else "name", text))
        elif group == 4:
            found.append(Token(start, at, "mark", text))
            if text == "{" and state:
                state += "{"
            elif text == "}" and state:
                inserted = mode == "$"
                state = state[:-1]
                if inserted:
                    start, inner = at, True
        elif group == 2:
            found.append(Token(start, at, "number", text))
        elif text == "//":
            found.append(Token(start, len(line), "comment", line[start:]))
            return
        elif text == "/":
            regex = REGEX.match(line, start) if regex_may_follow(line[:start]) else None
            at = regex.end() if regex is not None else at
            found.append(Token(start, at, "mark" if regex is None else "regex", line[start:at]))
        else:
            state += text[-1]


def _literal(line: str, at: int, mode: str) -> tuple[int, bool, bool]:
    """Where a literal ends that goes on at a column, whether the line leaves it open, and whether `${` ended it."""
    if mode == "*":
        end = line.find("*/", at)
        return (len(line), True, False) if end < 0 else (end + 2, False, False)
    if mode != "`":
        closed = QUOTED[mode].match(line, at)
        return (closed.end() if closed else len(line)), closed is None or closed[1] != mode, False
    token = TEMPLATE.search(line, at)
    while token is not None and token[0][0] == "\\":
        token = TEMPLATE.search(line, token.end())
    if token is None:
        return len(line), True, False
    return token.end(), False, token[0] != "`"
