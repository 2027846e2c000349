"""`replies.json`, what the offline model answers: what may stand in it, what is wrong in it.

Each field is shown to the runtime's own reader by itself, so that what it refuses is told at its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, get_args

from llmspell.api.names import near
from llmspell.api.registry import registry
from llmspell.errors import ArgumentError
from llmspell.providers.replies import FIELDS, KINDS, Otherwise
from llmspell.providers.replies import read as refused
from llmspell_lsp.formats.json_text import Member, Node, problem, read
from llmspell_lsp.formats.values import Offer, Offers, Part, Problem, Told
from llmspell_lsp.syntax.nodes import Span

_TOP: Final[Mapping[str, str]] = {
    "replies": "the answers: the first that fits is given; those with the same conditions one after the other",
    "otherwise": "what answers where none fits: `automatic`, or `error`",
}
_CALL: Final[Mapping[str, str]] = {
    "name": "the tool that is called",
    "arguments": "its arguments, an object",
    "id": "what the call is known by; made up unless given",
}
_ERROR: Final[Mapping[str, str]] = {
    "type": f"one of {', '.join(KINDS)}",
    "message": "what the service says",
    "retry_after": "milliseconds after which it may be asked again",
    "status": "the status as a service would send it",
}
_OPENS: Final[Mapping[str, str]] = {
    "replies": "[$0]", "tool_calls": '[{"name": "$0"}]', "chunks": '["$0"]', "data": "{$0}", "call": "$0",
    "delay": "$0",
    "arguments": "{$0}", "retry_after": "$0", "status": "$0",
}  # fmt: skip
_WHERE: Final = re.compile(r"^, reply 1 |^ ")


def problems(lines: Sequence[str]) -> Iterator[Problem]:
    found = problem(lines)
    if found is not None:
        yield Problem(found[0], f"this is not JSON: {found[1]}")
    root = read(lines)
    if root.kind == "object":
        for member in root.members:
            if member.key not in _TOP:
                yield _unknown(member, _TOP, "replies.json")
            elif member.key == "otherwise" and member.value.whole:
                yield from _told(member.value, {"replies": [], "otherwise": member.value.value})
            elif member.value.kind not in ("array", "none"):
                yield from _told(member.value, member.value.value)
        if found is None and not any(member.key == "replies" for member in root.members):
            begin = root.span
            yield Problem(Span(begin.line, begin.column, begin.line, begin.column + 1), "there are no `replies` in it")
    elif root.kind != "array" and root.whole:
        yield from _told(root, root.value)
    for entry in _entries(root):
        if entry.kind == "object":
            for member in entry.members:
                yield from _field(member)
        elif entry.kind != "text" and entry.whole:
            yield from _told(entry, [entry.value])


def _entries(root: Node) -> list[Node]:
    if root.kind == "array":
        return root.items
    return next((m.value.items for m in root.members if m.key == "replies" and m.value.kind == "array"), [])


def _field(member: Member) -> Iterator[Problem]:
    if member.key not in FIELDS:
        yield _unknown(member, FIELDS, "a reply")
        return
    value = member.value
    if not value.whole:
        return
    inner = {"tool_calls": _CALL, "error": _ERROR}.get(member.key)
    objects = value.items if member.key == "tool_calls" else [value]
    for each in objects:
        if inner is not None and each.kind == "object":
            for part in each.members:
                if part.key not in inner:
                    yield _unknown(part, inner, "a tool call" if member.key == "tool_calls" else "an error")
    if member.key == "tool_calls" and value.kind == "array":
        for each in value.items:
            yield from _told(each, [{"tool_calls": [each.value]}])
    else:
        yield from _told(value, [{member.key: value.value}])


def _told(node: Node, value: object) -> Iterator[Problem]:
    """What the runtime says of a part of the file."""
    try:
        refused(value, "")
    except ArgumentError as error:
        hint = f"; {error.hint}" if error.hint else ""
        said = _WHERE.sub("", error.message)
        held = node.held if node.kind == "text" else None
        known = KINDS if "error" in said else get_args(Otherwise) if "otherwise" in said else ()
        meant = next(iter(near(held, known)), "") if isinstance(held, str) else ""
        span = node.span
        inside = Span(span.line, span.column + 1, span.end_line, span.end_column - 1)
        yield Problem(inside if meant else span, f"{said}{hint}", meant)


def _unknown(member: Member, known: Mapping[str, str], what: str) -> Problem:
    meant = next(iter(near(member.key, known)), "")
    ask = f"; did you mean {meant!r}?" if meant else f": it has {', '.join(known)}"
    span = member.key_span
    inside = Span(span.line, span.column + 1, span.end_line, span.end_column - 1)
    return Problem(inside, f"{what} has no field {member.key!r}{ask}", meant)


# What is there


def _path(node: Node, line: int, column: int) -> list[Node | Member]:
    """The nodes and members around a place, outermost first."""
    found: list[Node | Member] = []
    here: Node | None = node
    while here is not None:
        found.append(here)
        inner: Node | None = None
        for member in here.members:
            key = member.key_span
            if (key.line, key.column) <= (line, column) <= (member.value.span.end_line, member.value.span.end_column):
                found.append(member)
                inner = member.value if member.value.holds(line, column) and not key.holds(line, column) else None
        for item in here.items:
            if item.holds(line, column):
                inner = item
        here = inner
    return found


def _known(path: Sequence[Node | Member]) -> Mapping[str, str]:
    """The fields of the object that a path leads to."""
    keys = [each.key for each in path if isinstance(each, Member)]
    root = path[0] if path else None
    if isinstance(root, Node) and root.kind == "object":
        if not keys:
            return _TOP
        if keys.pop(0) != "replies":
            return {}
    match keys:
        case []:
            return FIELDS
        case ["tool_calls"]:
            return _CALL
        case ["error"]:
            return _ERROR
        case _:
            return {}


def complete(lines: Sequence[str], line: int, column: int) -> Offers | None:
    before, text = lines[line][:column], lines[line]
    root = read(lines)
    path = _path(root, line, column)
    typed = re.search(r'"([^"]*)$', before) if _in_text(before) else None
    begin = typed.start() + 1 if typed else column
    end = re.compile(r"[\w-]*").match(text, column)
    span = Span(line, begin, line, end.end() if end else column)
    last = _before(lines, line, typed.start() if typed else column)
    member = next((each for each in reversed(path) if isinstance(each, Member)), None)
    if last == ":" and member is not None:
        names = _values(path, member)
        return Offers(span, tuple(Offer(name if typed else f'"{name}"', "value") for name in names)) if names else None
    innermost = next(
        (each for each in reversed(path) if isinstance(each, Node) and each.kind in ("object", "array")), None
    )
    if innermost is None or innermost.kind != "object" or last not in ("{", ","):
        return None
    outer = path[: path.index(innermost) + 1]
    given = {each.key for each in innermost.members if not each.key_span.holds(line, column)}
    closed = typed is not None and text.startswith('"', span.end_column)
    offers = [
        Offer(key, "key", doc, "", key if closed else _opens(key, quoted=typed is not None))
        for key, doc in _known([*outer]).items()
        if key not in given
    ]
    return Offers(span, tuple(offers))


def _opens(key: str, *, quoted: bool) -> str:
    return f'{key if quoted else chr(34) + key}": {_OPENS.get(key, chr(34) + "$0" + chr(34))}'


def _values(path: Sequence[Node | Member], member: Member) -> Sequence[str]:
    keys = [each.key for each in path if isinstance(each, Member)]
    match member.key:
        case "otherwise":
            return get_args(Otherwise)
        case "error":
            return KINDS
        case "type" if "error" in keys:
            return KINDS
        case "name" if "tool_calls" in keys:
            return tuple(registry().described["tools"])
        case _:
            return ()


def _in_text(before: str) -> bool:
    return len(re.findall(r'(?<!\\)"', before)) % 2 == 1


def _before(lines: Sequence[str], line: int, column: int) -> str:
    """The last character before a place that is no blank."""
    text = lines[line][:column].rstrip()
    while not text and line > 0:
        line -= 1
        text = lines[line].rstrip()
    return text[-1:]


def hover(lines: Sequence[str], line: int, column: int) -> Told | None:
    path = _path(read(lines), line, column)
    member = path[-1] if path and isinstance(path[-1], Member) else None
    if member is None or not member.key_span.holds(line, column):
        return None
    doc = _known(path[:-1]).get(member.key)
    return Told(member.key_span, f"`{member.key}`: {doc}") if doc else None


def outline(lines: Sequence[str]) -> tuple[Part, ...]:
    found: list[Part] = []
    for number, entry in enumerate(_entries(read(lines)), 1):
        said = {member.key: member.value for member in entry.members}
        when = [f"{key} {said[key].value}" for key in ("match", "pattern", "agent", "call") if key in said]
        gives = next((key for key in ("text", "data", "tool_calls", "chunks", "error") if key in said), "text")
        own = Span(entry.span.line, entry.span.column, entry.span.line, entry.span.column + 1)
        found.append(Part(", ".join(when) or f"reply {number}", gives, "entry", entry.span, own))
    return tuple(found)
