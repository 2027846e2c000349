"""Mends a half-typed text for a second parse, so that one unfinished line does not cost the tree around it.

Goes by indentation, as a reader would: a bracket left open on a line whose next line is no deeper was meant to close
there; a dot, an operator or `local` that nothing follows waits for a name. Where something is put in is told, so that
places can be given without it. A guess is a guess: the caller keeps the mended tree only if it has fewer errors. Knows
tokens, no grammar.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

from llmspell_lsp.syntax.lowering import PLACEHOLDER
from llmspell_lsp.syntax.skeleton import Line, ScriptLanguage, looks_like_code, read
from llmspell_lsp.syntax.tokens import Token, tokens

Shifts = dict[int, list[tuple[int, int]]]
"""By line of the chunk: at which column of the mended line something was put in, and how long it is."""

_CLOSES: Final = {"(": ")", "[": "]", "{": "}", "b": " end", "`": "`", "$": "}", '"': '"', "'": "'", "*": "*/"}
_OPENS: Final = {")": "(", "]": "[", "}": "{", "e": "b"}
_HEADS: Final = {"if": "then", "elseif": "then", "while": "do", "for": "do"}
_GOES_ON: Final = frozenset(
    ["then", "do", "and", "or", ".", ":", "..", "+", "-", "*", "/", "=", ",", ")", "?.", "?", "&&", "||"]
)
_NAMES_WAIT: Final = frozenset(["local", "const", "let", "var", "class", "goto", "new", "await"])
_VALUES_WAIT: Final = frozenset(
    "= == ~= != === !== < > <= >= + - * / % .. ^ # & | && || ?? ? => += -= ! and or not typeof in of until".split()
)
_ENDS: Final = frozenset([")", "]", "}", ",", ";", "then", "do", "end"])
_STARTS: Final = frozenset([")", "then", "do", "else", "repeat", ";"])
_MEMBERS: Final = {"lua": frozenset([".", ":"]), "javascript": frozenset([".", "?."])}


class _Row(NamedTuple):
    line: Line
    tokens: tuple[Token, ...]
    indent: int


_BLANK: Final = _Row(Line("", "", "blank", "", "", ""), (), 0)


def repair(language: ScriptLanguage, lines: tuple[str, ...]) -> tuple[str, Shifts]:
    """The mended text, and what was put in where; no shifts if there is nothing to mend."""
    rows, state, openings = _rows(language, lines, -1)
    closed = -1
    if state and openings:
        # The text that nothing closes ends on the line where code seems to go on below it.
        closed = next((at for at in openings if at + 1 < len(lines) and looks_like_code(lines[at + 1])), openings[-1])
        state_there = rows[closed].line.leave
        rows, state, _ = _rows(language, lines, closed)
    else:
        state_there = ""
    added: dict[int, list[tuple[int, str]]] = {}
    stack: list[str] = []
    follows = _follows(rows)
    for number, row in enumerate(rows):
        if row is _BLANK:
            continue
        suffix = ""
        if row.tokens:
            added[number] = _within(language, row.tokens, _statements(stack))
        if number == closed:
            suffix = _close_text(state_there) + _closers(_opened(row.line.brackets))
        elif row.tokens and not (row.line.leave and row.line.leave[-1] not in "{$"):
            after = follows[number]
            below = stack.copy()
            _balance(below, row.line.brackets)
            suffix = _suffix(language, row, after, _opened(row.line.brackets), below)
        if suffix:
            added.setdefault(number, []).append((_end(lines[number], row, suffix), suffix))
        _balance(stack, row.line.brackets + _brackets(suffix))
    rest = (_close_text(state) if state else "") + _closers("".join(stack))
    if rest:
        added.setdefault(len(lines) - 1, []).append((_end(lines[-1], rows[-1], rest), rest))
    mended: list[str] = []
    shifts: Shifts = {}
    for number, text in enumerate(lines):
        shown, before = "", 0
        for at, put in added.get(number, ()):
            shown += text[before:at]
            shifts.setdefault(number, []).append((len(shown), len(put)))
            shown += put
            before = at
        mended.append(shown + text[before:])
    return "\n".join(mended), shifts


def _rows(language: ScriptLanguage, lines: tuple[str, ...], closed: int) -> tuple[list[_Row], str, list[int]]:
    """The lines as tokens, the state after the last, and on which of them a text or comment begins that goes on below.
    `closed`: the line whose text is taken to end with it."""
    rows: list[_Row] = []
    openings: list[int] = []
    state = ""
    for number, text in enumerate(lines):
        if not state and not text:
            rows.append(_BLANK)
            continue
        line = read(text, state, language)
        row = tuple(token for token in tokens(text, state, language) if token.kind != "comment" and token.text)
        if line.leave and not state:
            openings.append(number)
        state = "" if number == closed else line.leave
        rows.append(_Row(line._replace(leave=state), row, len(text) - len(text.lstrip())))
    return rows, state, openings


def _follows(rows: list[_Row]) -> list[_Row | None]:
    """Of each line the next one with code below."""
    found: list[_Row | None] = []
    after: _Row | None = None
    for row in reversed(rows):
        found.append(after)
        after = row if row.tokens else after
    found.reverse()
    return found


def _suffix(language: ScriptLanguage, row: _Row, after: _Row | None, opened: str, stack: list[str]) -> str:
    """What a line lacks at its end."""
    first, last = row.tokens[0].text, row.tokens[-1].text
    lua = language == "lua"
    ends = after is None or after.indent <= row.indent
    closes_next = after is not None and after.tokens[0].text in {")", "]", "}", "end", "else", "elseif", "until"}
    deeper = after is not None and not ends
    if after is not None and after.tokens[0].text in _GOES_ON:
        return ""
    suffix = _operand(language, row, ends or closes_next)
    if row.tokens[-1].open and last[:1] in {'"', "'"}:
        suffix += last[0]
    if lua and last == "," and after is not None and after.tokens[0].text == ")":
        suffix += f" {PLACEHOLDER}"
    words = {token.text for token in row.tokens if token.kind == "keyword"}
    if lua and first in _HEADS and _HEADS[first] not in words:
        if len(row.tokens) == 1:
            suffix = f" {PLACEHOLDER}"
        suffix += _closers(opened.replace("b", ""))
        if first == "for" and "in" not in words and not any(token.text == "=" for token in row.tokens):
            suffix += f" in {PLACEHOLDER}"
        # `if` has been counted as an opener already; `for` and `while` are by their `do`.
        return f"{suffix} {_HEADS[first]}" + (" end" if not deeper and not closes_next else "")
    if lua and "function" in words and opened.endswith("b("):
        return suffix + ")" + (" end" if not deeper and not closes_next else "")
    if lua and last == "function":
        return f" {PLACEHOLDER}()" if first in {"function", "local"} else "()"
    if not lua and first in {"if", "for", "while", "switch"} and opened == "(" and deeper:
        return suffix + ") {"
    if opened and ends and not (closes_next and after is not None and after.indent == row.indent):
        suffix += _closers(opened)
        opened = ""
    if opened:
        return suffix
    inside = stack[-1] if stack else ""
    if (
        inside == "{"
        and after is not None
        and not closes_next
        and last not in {",", "{", ";"}
        and after.indent == row.indent
    ):
        return suffix + ("," if lua or _is_entry(after) else "")
    if lua and inside in {"", "b"} and (ends or closes_next):
        if not suffix and _is_bare(row.tokens):
            return _completion(row.tokens)
        if last == "." and _is_bare(row.tokens[:-1]):
            return f"{suffix} = {PLACEHOLDER}"
    return suffix


def _end(text: str, row: _Row, suffix: str) -> int:
    """Where a line's end is mended: past its blanks, where the cursor may be, but before a comment, which would swallow
    it; a member's name directly after its dot."""
    if not row.tokens or row.tokens[-1].open:
        return len(text)
    end = row.tokens[-1].end
    return end if suffix.startswith(PLACEHOLDER) or text[end:].strip() else len(text)


def _within(language: ScriptLanguage, row: tuple[Token, ...], statement: bool) -> list[tuple[int, str]]:
    """What lacks a name or a value before the token that follows: `f(a.)`, `{ b = }`, `f(a, )`, `${}`, `c.d end`."""
    lua = language == "lua"
    found: list[tuple[int, str]] = []
    chain = 0
    """Where a chain of names begins that may turn out a statement of Lua by itself."""
    for index, (token, after) in enumerate(pairwise(row)):
        text, follows = token.text, after.text
        before = row[index - 1].text if index else ""
        put = ""
        if text in _MEMBERS[language]:
            if (after.kind not in {"name", "keyword"} and not (text == "?." and follows in {"(", "["})) or (
                lua and after.kind == "keyword"
            ):
                put = PLACEHOLDER + ("()" if text == ":" else "")
        elif follows in _ENDS and (
            text in _VALUES_WAIT
            or text in {"new", "await", "..."}
            or (text == ":" and not lua)
            or (text == "," and follows in {",", ")"} and (lua or follows == ","))
            or (text == "if" or text == "elseif" or text == "while")
            or (text == "${" and follows == "}")
            or (text == "(" and before in {"if", "while", "switch"})
            or (text == "[" and index > 0 and row[index - 1].kind == "name")
        ):
            put = (
                ""
                if lua and (text == "..." or (text == ">" and row[max(index - 2, 0)].text == "<"))
                else f" {PLACEHOLDER}"
            )
        if lua and token.kind == "name" and before not in {".", ":"}:
            chain = index
        if lua and follows in {"end", "else", "elseif", "until"} and (put or token.kind == "name"):
            starts = row[chain - 1].text in _STARTS if chain else statement
            names = row[chain : index + 1]
            if starts and all(one.kind == "name" or one.text in {".", ":"} for one in names):
                put += _completion(names) if text != ":" else ""
        if put:
            # A value goes where the next token begins, so that a cursor anywhere between is within what it belongs to.
            at = after.column if put[0] == " " and text not in _MEMBERS[language] else token.end
            found.append((at, put + " "))
    return found


def _statements(stack: list[str]) -> bool:
    """Whether statements stand where these brackets are open."""
    return not stack or stack[-1] == "b"


def _operand(language: ScriptLanguage, row: _Row, ends: bool) -> str:
    """The name that the last token waits for."""
    last = row.tokens[-1]
    if last.text in _MEMBERS[language]:
        return PLACEHOLDER + ("()" if last.text == ":" else "")
    if not ends or last.text == "return":
        return ""
    if last.text in _NAMES_WAIT or last.text in _VALUES_WAIT:
        return f" {PLACEHOLDER}"
    if last.text == ":" and language == "javascript" and row.tokens[0].text not in {"case", "default"}:
        return f" {PLACEHOLDER}"
    if last.text == "${":
        return PLACEHOLDER
    return ""


def _is_entry(row: _Row) -> bool:
    return len(row.tokens) > 1 and row.tokens[1].text in {":", ",", "("}


def _is_bare(row: tuple[Token, ...]) -> bool:
    """Whether a line is names and members alone, `a.b:c`, which is no statement of Lua."""
    names = [token.kind == "name" for token in row]
    marks = [token.text in _MEMBERS["lua"] for token in row]
    return len(row) % 2 == 1 and all(names[::2]) and all(marks[1::2])


def _completion(chain: tuple[Token, ...]) -> str:
    """What makes a statement of names and members alone."""
    return "()" if len(chain) > 1 and chain[-2].text == ":" else f" = {PLACEHOLDER}"


def _opened(brackets: str) -> str:
    return "".join(bracket for bracket in brackets if bracket not in _OPENS)


def _brackets(suffix: str) -> str:
    found = suffix.replace(" then", "").replace(" do", "b").replace(" end", "e").replace(PLACEHOLDER, "")
    return "".join(one for one in found if one in "()[]{}be")


def _closers(opened: str) -> str:
    return "".join(_CLOSES[one] for one in reversed(opened))


def _close_text(state: str) -> str:
    if state[0] in "]-":
        return state.removeprefix("--")
    closing = "".join(_CLOSES.get(one, "}") for one in reversed(state))
    return PLACEHOLDER + closing if state[-1] == "$" else closing


def _balance(stack: list[str], brackets: str) -> None:
    for bracket in brackets:
        opener = _OPENS.get(bracket)
        if opener is None:
            stack.append(bracket)
        elif opener in stack:
            while stack.pop() != opener:
                pass
