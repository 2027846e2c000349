"""Option tables and arguments against the registry: keys that are not there, keys that are missing, values that do not
fit, keys in the other language's spelling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from llmspell.api.names import camel, snake
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.expect import Wanted
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.tools import tool_class
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import ask, found, instead, meant
from llmspell_lsp.checks.finding import Edit, Finding, Fix
from llmspell_lsp.checks.tool_names import executed
from llmspell_lsp.checks.values import Place, misfit
from llmspell_lsp.syntax.nodes import Call, Entry, Span, Table, Text

if TYPE_CHECKING:
    from llmspell_lsp.analysis.types import Schema

#: What must be given although its schema has a default: the runtime asks for it in words of its own.
_REQUIRED: Final[Mapping[str, Sequence[str]]] = {
    "Tool.define": ("name", "description", "execute"),
    "StateHandoff": ("from", "to"),
}

#: What a new option's value begins with, by JSON Schema type.
_BLANKS: Final = {"string": '""', "number": "0", "integer": "0", "boolean": "true", "array": "{}", "object": "{}"}


def options(view: View) -> Iterator[Finding | None]:
    yield from view.gathered()
    for place in view.places:
        if place.call is None or executed(view, place.call) is None:  # `tool_arguments` has those
            yield from judged(view, place)
    for call in view.nodes(Call):
        yield from _missing_argument(view, call)


def judged(view: View, place: Place, code: str = "") -> Iterator[Finding]:
    """Everything that is wrong with one value. code: in the place of the usual ones."""
    node, wanted = place.node, place.wanted
    if wanted.native:
        return
    found_misfit = misfit(wanted.schema, node, view.infer.language)
    if found_misfit is not None:
        name = _subject(view, place)
        span = absolute(view.placed.start, node.span)
        fixes = [instead(_between(span), found_misfit.near)] if found_misfit.near else []
        message = f"{name} {found_misfit.message}{ask(found_misfit.near)}"
        if (tool := _named_tool(view, place)) is not None:
            message, fixes = f"{message}; write {tool}", [instead(span, tool)]
        yield found(code or "wrong-type", span, message, *fixes)
    elif isinstance(node, Table):
        yield from keys(view, wanted, node, place.entry, code)


def _subject(view: View, place: Place) -> str:
    name = view.infer.words.spelled(place.wanted.name) if place.wanted.name else "the value"
    if place.entry is not None and place.entry.key is None:
        return f"an item of {name}"
    return name


def _named_tool(view: View, place: Place) -> str | None:
    """How the built-in tool is written that stands by its name where the tool itself is wanted."""
    node = place.node
    if not isinstance(node, Text) or node.value is None or tool_class(view.infer.words, node.value) is None:
        return None
    wanted = {each.get("x-object") for each in expect.alternatives(place.wanted.schema)}
    return f'Tool.get("{node.value}")' if "Tool" in wanted else None


def _between(span: Span) -> Span:
    """A text without its quotes."""
    return Span(span.line, span.column + 1, span.end_line, span.end_column - 1)


def keys(view: View, wanted: Wanted, table: Table, entry: Entry | None, code: str = "") -> Iterator[Finding]:
    """What is wrong with a table's keys."""
    tables = expect.tables(wanted.schema, table)
    named = [each for each in table.entries if each.key is not None and each.key_span is not None]
    if not tables or not (named or len(tables) == 1):
        return
    own: list[str] | None = tables[0].get("x-own")
    known = expect.keys(wanted, table)
    words = view.infer.words
    spelled = own if own is not None else [words.spelled(name) for name in known]
    closed = all(each.get("additionalProperties") is False for each in tables)
    extra = [each for each in named if not _is_known(each.key or "", known, own)] if closed else []
    missing = _missing(wanted, tables[0], table) if len(tables) == 1 or len(named) > len(extra) else []
    for each in extra:
        assert each.key is not None and each.key_span is not None
        span = absolute(view.placed.start, each.key_span)
        close = meant(each.key if own is not None else words.spelled(snake(each.key)), spelled)
        missing = [name for name in missing if close not in (name, words.spelled(name))]
        of = f" of {wanted.owner}" if wanted.owner else ""
        fixes = [_renamed(each, span, close)] if close else []
        yield found(code or "unknown-option", span, f"unknown option {each.key!r}{of}{ask(close)}", *fixes)
    if own is None:
        for each in named:
            yield from _spelling(view, each, known)
    for name in missing:
        yield _lacking(view, table, entry, name, tables[0], wanted.owner, code)


def _is_known(key: str, known: Mapping[str, Any], own: list[str] | None) -> bool:
    return snake(key) in known if own is None else key in own


def _missing(wanted: Wanted, schema: Schema, table: Table) -> list[str]:
    if any(each.spread or each.computed is not None for each in table.entries):
        return []
    own = "x-own" in schema
    there = {each.key if own else snake(each.key) for each in table.entries if each.key is not None}
    required = (
        *schema.get("required", ()),
        *(_REQUIRED.get(wanted.owner.removesuffix(".new"), ()) if wanted.table is None else ()),
    )
    return [name for name in required if name not in there and not name.startswith("$")]


def _lacking(
    view: View, table: Table, entry: Entry | None, name: str, schema: Schema, owner: str, code: str
) -> Finding:
    spelled = name if "x-own" in schema else view.infer.words.spelled(name)
    about = schema.get("properties", {}).get(name, {}).get("description", "").split("\n")[0]
    span = absolute(view.placed.start, (entry.key_span if entry is not None else None) or _opening(table))
    of = f" of {owner}" if owner else ""
    message = f"missing option {spelled!r}{of}{f': {about}' if about else ''}"
    return found(code or "missing-option", span, message, with_option(view, table, name, schema))


def _opening(table: Table) -> Span:
    """The bracket that a table begins with: the whole of it would underline a page."""
    line, column = table.span.line, table.span.column
    return Span(line, column, line, column + 1)


def with_option(view: View, table: Table, name: str, schema: Schema) -> Fix:
    """Adds an option at the beginning of a table, with a blank value of its type."""
    of: Mapping[str, Any] = schema.get("properties", {}).get(name, {})
    kind = next((str(each["type"]) for each in expect.alternatives(of) if isinstance(each.get("type"), str)), "string")
    blank = _BLANKS.get(kind, '""')
    if any(each.get("x-function") for each in expect.alternatives(of)):
        blank = "function() end"
    if not view.lua:
        blank = {"{}": "[]" if kind == "array" else "{}", "function() end": "() => {}"}.get(blank, blank)
    spelled = name if "x-own" in schema else view.infer.words.spelled(name)
    text = f"{spelled} = {blank}" if view.lua else f"{spelled}: {blank}"
    line, column = table.span.line, table.span.column + 1
    at = absolute(view.placed.start, Span(line, column, line, column))
    if not table.entries:
        return Fix(f"Add {spelled!r}", (Edit(at, f" {text} "),))
    first = table.entries[0].span
    if first.line == line:
        return Fix(f"Add {spelled!r}", (Edit(at, f" {text},"),))
    indent = " " * first.column
    return Fix(f"Add {spelled!r}", (Edit(at, f"\n{indent}{text},"),))


def _renamed(entry: Entry, span: Span, name: str) -> Fix:
    """Another key; JavaScript's short `{ name }` keeps its value."""
    short = entry.key_span is not None and entry.value.span == entry.key_span
    return replace(instead(span, name), edits=(Edit(span, f"{name}: {entry.key}" if short else name),))


def _spelling(view: View, entry: Entry, known: Mapping[str, Any]) -> Iterator[Finding]:
    """`systemPrompt` in Lua, `system_prompt` in JavaScript: accepted, but not how the language writes it."""
    key, span = entry.key, entry.key_span
    if key is None or span is None or snake(key) not in known:
        return
    right = snake(key) if view.lua else camel(snake(key))
    if key != right:
        place = absolute(view.placed.start, span)
        language = "Lua" if view.lua else "JavaScript"
        yield found("wrong-spelling", place, f"{language} spells it {right!r}", _renamed(entry, place, right))


def _missing_argument(view: View, call: Call) -> Iterator[Finding]:
    """A call that gives nothing where a table with required options is wanted: `Tool.define()`."""
    if call.arguments or call.arguments_span == call.span:
        return
    callee = view.infer.type_of(view.placed, call.callee)
    takes: Sequence[expect.Parameter] = expect.takes(view.infer, callee, constructs=call.constructs)
    if not takes or not takes[0].required or takes[0].native or not takes[0].schema:
        return
    name = takes[0].name
    owner = expect.owner_of(view.infer, callee)
    if not owner:
        return
    span = absolute(view.placed.start, call.arguments_span)
    yield found("missing-option", span, f"missing argument {name!r} of {owner}")


FAMILY = by_chunk(options)
