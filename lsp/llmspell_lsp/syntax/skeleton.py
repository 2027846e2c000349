"""One line of a file as far as chunks need it: the text or comment it begins and ends in, its brackets, its start.

Two small lexers that look only at quotes, comments, brackets and the words that open and close Lua's blocks; 1-3 µs a
line. They know no grammar: what a line means is told by the tree.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

ScriptLanguage = Literal["lua", "javascript"]

Start = Literal["", "blank", "more", "comment", "soft", "hard"]
"""How a line stands: indented or inside a literal ("") · blank · at column 0, going on with what is above · a comment ·
may begin a statement, unless the line above waits for an operand · begins a statement whatever is above."""


class Line(NamedTuple):
    enter: str
    """What the line begins in: "" for code; Lua: the closing bracket of a long text, "--" before it for a comment, or a
    quote; JavaScript: a stack of "`" template, "$" its inserted expression, "{" a brace in it, then "*" or a quote."""
    leave: str
    """The same at its end."""
    start: Start
    head: str
    """Its first word, if it stands at column 0."""
    tail: str
    """The last character of its code ("" if there is none), or "=" where the line waits for an operand."""
    brackets: str
    """Those that do not close within the line, in order; "b" opens a block of Lua and "e" ends one."""


_LUA: Final = re.compile(
    r"""(["'])|--(\[=*\[)?|\[=*\[|[{}()\[\]]|\b(?:function|do|if|repeat|end|until)\b""",
)
_LUA_WORDS: Final = {"function": "b", "do": "b", "if": "b", "repeat": "b", "end": "e", "until": "e"}
_LUA_MORE: Final = frozenset(["end", "else", "elseif", "until", "then", "and", "or", "in"])
_LUA_HARD: Final = frozenset(["local", "return", "if", "for", "while", "repeat", "goto", "break", "do"])
_LUA_WAITS: Final = frozenset("=+-*/%^#<>~&|,.:")
_LUA_WAITING: Final = frozenset(["and", "or", "not", "in", "return", "local"])

_JAVASCRIPT: Final = re.compile(r"""["'`/{}()\[\]]""")
TEMPLATE: Final = re.compile(r"\\.|`|\$\{")
REGEX: Final = re.compile(r"/(?![*/])(?:[^/\\\[]|\\.|\[(?:[^\]\\]|\\.)*\])+/[a-z]*")
_VALUE_BEFORE: Final = re.compile(r"[\w$)\]}\"'`]$")
_WORD_BEFORE: Final = re.compile(
    r"\b(?:return|typeof|case|in|of|delete|void|throw|new|await|yield|else|do|instanceof)$"
)
_JAVASCRIPT_MORE: Final = frozenset(["else", "catch", "finally", "instanceof", "in", "of", "from", "as"])
_JAVASCRIPT_HARD: Final = frozenset(
    "const let var import export if for while do switch try throw return break continue debugger with".split()
)
_JAVASCRIPT_WAITS: Final = frozenset("=+-*/%^<>~&|,.?:!")
_JAVASCRIPT_WAITING: Final = frozenset(["return", "typeof", "new", "await", "in", "of", "instanceof", "delete"])

_CODE: Final = re.compile(
    r"""\s*(?:(?:local|const|let|var|function|class|import|export|async|await|return|if|for|end)\b.*[({=;,)"'`\]]?$"""
    r"""|[A-Za-z_$][\w$.:]*\(|[\])}]+[;,)]*\s*$|`|//|--)"""
)

QUOTED: Final = {
    '"': re.compile(r'[^"\\]*(?:\\.[^"\\]*)*("|\\?$)'),
    "'": re.compile(r"[^'\\]*(?:\\.[^'\\]*)*('|\\?$)"),
}
_WORD: Final = re.compile(r"[A-Za-z_$][\w$]*")
_LAST_WORD: Final = re.compile(r"(?<![.\w$])[a-z]+$")
_FUNCTION_VALUE: Final = re.compile(r"function\s*\*?\s*\(|class\s*(?:\{|extends\b)|async\s*(?:\(|function\s*\()")
_PAIRS: Final = re.compile(r"\(\)|\[\]|\{\}|be")
_LUA_SKIPS: Final = re.compile(r"\\z\s*$")


def read(line: str, enter: str, language: ScriptLanguage) -> Line:
    """What a line tells, given what it begins in."""
    brackets: list[str] = []
    leave, code = (_lua if language == "lua" else _javascript)(line, enter, brackets)
    shape = "".join(brackets)
    while len(shape) > 1 and (fewer := _PAIRS.sub("", shape)) != shape:
        shape = fewer
    text = line[:code].rstrip()
    if not text or (leave and leave[-1] not in "{$"):
        tail = ""
    else:
        tail = "=" if _waits(text, language) else text[-1]
    if enter:
        return Line(enter, leave, "", "", tail, shape)
    if not line or line[0] in " \t\f\v":
        return Line(enter, leave, "" if line.strip() else "blank", "", tail, shape)
    start, head = _start(line, language)
    return Line(enter, leave, start, head, tail, shape)


def _waits(text: str, language: ScriptLanguage) -> bool:
    lua = language == "lua"
    if text[-1] in (_LUA_WAITS if lua else _JAVASCRIPT_WAITS):
        return lua or not text.endswith(("++", "--", "=>"))
    word = _LAST_WORD.search(text[-12:])
    return word is not None and word[0] in (_LUA_WAITING if lua else _JAVASCRIPT_WAITING)


def _start(line: str, language: ScriptLanguage) -> tuple[Start, str]:
    if line[0] == "\ufeff":
        line = line[1:]
        if not line:
            return "blank", ""
    word = _WORD.match(line)
    lua = language == "lua"
    if word is not None:
        head = word[0]
        if head in (_LUA_MORE if lua else _JAVASCRIPT_MORE):
            return "more", head
        if head in (_LUA_HARD if lua else _JAVASCRIPT_HARD):
            return "hard", head
        if head in {"function", "class", "async"}:
            return "soft" if _FUNCTION_VALUE.match(line) or (
                head == "async" and "function" not in line
            ) else "hard", head
        return "soft", head
    if line.startswith("--" if lua else ("//", "/*")):
        return "comment", ""
    if line.startswith(("::", "#!") if lua else ("#!", "@", '"', "'", "...", "!", "~")) or line[0] > "\x7f":
        return "soft", ""
    return ("blank" if line.isspace() or not line else "more"), ""


def _lua(line: str, state: str, brackets: list[str]) -> tuple[str, int]:
    """The state after the line, and where its trailing comment begins. Adds its brackets."""
    at = began = ended = 0
    while True:
        if state:
            if state[0] in "\"'":
                closed = QUOTED[state].match(line, at)
                if closed is None or not closed[1].startswith(state):
                    goes_on = (closed is not None and closed[1] == "\\") or _LUA_SKIPS.search(line, at)
                    return (state if goes_on else ""), len(line)
                at = closed.end()
            else:
                closer = state.removeprefix("--")
                found = line.find(closer, at)
                if found < 0:
                    return state, len(line)
                at = found + len(closer)
                if state[0] == "-":
                    ended = at
            state = ""
        token = _LUA.search(line, at)
        if token is None:
            return "", _code_end(line, began, ended)
        text, at = token[0], token.end()
        if text in _LUA_WORDS:
            brackets.append(_LUA_WORDS[text])
        elif text[0] == "-":
            if token[2] is None:
                return "", token.start()
            state = "--]" + text[3:-1] + "]"
            began = began if ended and not line[ended : token.start()].strip() else token.start()
        elif text in "\"'":
            state = text
        elif len(text) > 1:
            state = "]" + text[1:-1] + "]"
        else:
            brackets.append(text)


def _code_end(line: str, began: int, ended: int) -> int:
    """Where a line's code ends, whose last comment within it lies at began..ended (both 0: there is none)."""
    return began if ended and not line[ended:].strip() else len(line)


def _javascript(line: str, state: str, brackets: list[str]) -> tuple[str, int]:
    at = began = ended = 0
    while True:
        mode = state[-1:]
        if mode == "`":
            token = TEMPLATE.search(line, at)
            while token is not None and token[0][0] == "\\":
                token = TEMPLATE.search(line, token.end())
            if token is None:
                return state, len(line)
            at = token.end()
            state = state[:-1] if token[0] == "`" else state + "$"
            continue
        if mode == "*":
            found = line.find("*/", at)
            if found < 0:
                return state, len(line)
            at, state = found + 2, state[:-1]
            ended = at
            continue
        if mode and mode in "\"'":
            closed = QUOTED[mode].match(line, at)
            if closed is None or closed[1] != mode:
                goes_on = closed is not None and closed[1] == "\\"
                return (state if goes_on else state[:-1]), len(line)
            at, state = closed.end(), state[:-1]
            continue
        token = _JAVASCRIPT.search(line, at)
        if token is None:
            return state, _code_end(line, began, ended)
        text, start, at = token[0], token.start(), token.end()
        if text in "\"'`":
            state += text
        elif text == "/":
            if line.startswith("/", at):
                return state, start
            if line.startswith("*", at):
                at += 1
                state += "*"
                began = began if ended and not line[ended:start].strip() else start
            elif regex_may_follow(line[:start]) and (regex := REGEX.match(line, start)):
                at = regex.end()
        elif text == "{":
            brackets.append(text)
            if state:
                state += "{"
        elif text == "}":
            if mode != "$":
                brackets.append(text)
            state = state[:-1]
        else:
            brackets.append(text)


def looks_like_code(line: str) -> bool:
    """Whether a line that is read as part of a text looks as if that text should have ended above it."""
    return _CODE.match(line) is not None


def regex_may_follow(before: str) -> bool:
    """Whether a slash after this code begins a regular expression (and is no division)."""
    before = before[-200:].rstrip()
    return not _VALUE_BEFORE.search(before) or _WORD_BEFORE.search(before) is not None
