"""`llmspell.toml`: what can be written in it, what its parts mean, and its outline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llmspell.settings.load import known_keys
from llmspell.settings.values import SECTIONS, About, ProviderSettings
from llmspell_lsp.formats.settings import SHOWN, keys
from llmspell_lsp.formats.toml_text import Entry, Header, Toml, read
from llmspell_lsp.formats.values import Offer, Offers, Part, Told
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.workspace import models, providers

# What can be written


def complete(lines: Sequence[str], line: int, column: int) -> Offers | None:
    toml, text = read(lines), lines[line]
    before = text[:column]
    if _in_comment(before):
        return None
    opened = re.match(r"[ \t]*\[\[?[ \t]*([^\]]*)$", before)
    entry = toml.entry_at(line, column)
    inside = entry is not None and entry.mark >= 0 and (entry.line, entry.mark) <= (line, column)
    if opened is not None and not inside:
        end = re.compile(r"[\w.\-\"']*").match(text, column)
        span = Span(line, column - len(opened[1]), line, end.end() if end else column)
        close = "" if text.startswith("]", span.end_column) else "]"
        return Offers(span, tuple(_sections(close, toml)))
    if entry is not None and inside:
        return _values(entry, lines, line, column)
    typed = re.search(r"[\w-]*$", before)
    begin = typed.start() if typed else column
    end = re.compile(r"[\w-]*").match(text, column)
    span = Span(line, begin, line, end.end() if end else column)
    before_word = before[:begin].strip()
    if before_word and not before_word.endswith("."):
        return None
    header = toml.header_at(line)
    table = (*header.path, *(part for part in before_word.split(".") if part))
    if not table:
        return Offers(span, tuple(_tables(toml)))
    given = {each.path for each in toml.entries if each is not entry}
    has_value = "=" in text[span.end_column :]
    return Offers(span, tuple(each for each in _keys(table, plain=has_value) if (*table, each.label) not in given))


def _in_comment(before: str) -> bool:
    quote = ""
    for letter in before:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "#":
            return True
    return False


def _sections(close: str, toml: Toml) -> Iterator[Offer]:
    given = {header.path for header in toml.headers}
    for name in (*SECTIONS, "config", "lint"):
        if (name,) not in given:
            yield Offer(name, "section", _doc_line(name), _section_doc((name,)), f"{name}{close}")
    for name in providers.known():
        if ("providers", name) not in given:
            label = f"providers.{name}"
            yield Offer(
                label, "section", "a provider's address and key", _section_doc(("providers", name)), f"{label}{close}"
            )


def _tables(toml: Toml) -> Iterator[Offer]:
    for each in _sections("]", toml):
        yield Offer(f"[{each.label}]", "section", each.detail, each.doc, f"[{each.label}]\n$0")


def _keys(table: tuple[str, ...], *, plain: bool) -> Iterator[Offer]:
    for name, what in keys(table).items():
        insert = name if plain else f"{name} = {_stop(what)}"
        yield Offer(name, "key", f"{SHOWN[what.kind]} · {_default(what)}", _about(name, what), insert)


def _stop(what: About) -> str:
    match what.kind:
        case "text" | "path":
            return '"$0"'
        case "texts" | "paths":
            return '["$0"]'
        case _:
            return "$0"


def _values(entry: Entry, lines: Sequence[str], line: int, column: int) -> Offers | None:
    what = keys(entry.path[:-1]).get(entry.path[-1])
    if what is None:
        return None
    text = lines[line]
    before = text[entry.mark if line == entry.line else 0 : column]
    typed = re.search(r"[^\"'\[\],\s=]*$", before)
    begin = column - (len(typed[0]) if typed else 0)
    quoted = begin > 0 and text[begin - 1] in "\"'"
    end = re.compile(r"[^\"'\[\],\s#]*").match(text, column)
    span = Span(line, begin, line, end.end() if end else column)
    offers: list[Offer] = []
    if what.kind == "switch":
        offers = [
            Offer(word, "value", "default" if what.default is (word == "true") else "") for word in ("true", "false")
        ]
    else:
        offers = [
            Offer(each.label if quoted else f'"{each.label}"', "value", each.detail, each.doc)
            for each in _texts(entry.path, what, typed[0] if typed else "")
        ]
        if not offers and what.default is not None and what.kind in ("number", "whole"):
            offers = [Offer(f"{what.default:g}", "value", "default")]
    return Offers(span, tuple(offers))


def path_before(lines: Sequence[str], line: int, column: int) -> str | None:
    """What stands of a path before a place in its quotes; None where no path is written."""
    entry = read(lines).entry_at(line, column)
    if entry is None or not entry.mark >= 0 or (line, column) <= (entry.line, entry.mark):
        return None
    what = keys(entry.path[:-1]).get(entry.path[-1])
    if what is None or what.kind not in ("path", "paths"):
        return None
    before = lines[line][entry.mark if line == entry.line else 0 : column]
    for quote in "\"'":
        if before.count(quote) % 2:
            return before.rpartition(quote)[2]
    return None


def _texts(path: tuple[str, ...], what: About, typed: str) -> Iterator[Offer]:
    for choice in what.choices:
        yield Offer(choice, "value", "default" if choice == what.default else "")
    match path:
        case ("defaults", "model"):
            service, slash, _ = typed.partition("/")
            for name in (service,) if slash else models.used(None):
                yield from _models(name, f"{name}/")
        case ("providers", name, "model"):
            yield from _models(name, "")
        case ("defaults", "provider"):
            yield from (Offer(name, "value") for name in providers.known())
        case ("providers", _, "kind"):
            yield from (Offer(name, "value") for name in ("openai", "anthropic", "litellm", "offline"))
        case ("providers", name, "api_key_env"):
            yield from (Offer(variable, "value") for variable in providers.key_variables(name))
        case _:
            pass


def _models(provider: str, prefix: str) -> Iterator[Offer]:
    for info in models.models(provider):
        yield Offer(f"{prefix}{models.short(info)}", "value", models.figures(info), models.told(info))


# What is told


def hover(lines: Sequence[str], line: int, column: int) -> Told | None:
    toml = read(lines)
    for header in toml.headers[1:]:
        if header.line == line and header.names:
            span = Span(line, header.names[0].span.column, line, header.names[-1].span.end_column)
            if span.holds(line, column):
                doc = _section_doc(header.path)
                return Told(span, doc) if doc else None
    entry = toml.entry_at(line, column)
    if entry is None:
        return None
    what = keys(entry.path[:-1]).get(entry.path[-1])
    if entry.key.span.holds(line, column):
        return Told(entry.key.span, _about(entry.path[-1], what)) if what is not None else None
    held = entry.held
    if entry.path[-1] == "model" and entry.path[0] in ("defaults", "providers") and isinstance(held, str):
        info = models.model(held, entry.path[1] if entry.path[0] == "providers" else "")
        return Told(entry.value, models.told(info)) if info is not None else None
    return None


def _about(name: str, what: About) -> str:
    parts = [f"`{name}`: {SHOWN[what.kind]}", what.summary, f"Default: {_default(what)}"]
    if what.choices:
        parts.append(f"One of {', '.join(f'`{each}`' for each in what.choices)}")
    if what.least is not None:
        parts.append(f"At least {what.least:g}")
    if what.flag:
        parts.append(f"For one run: `{what.flag}`")
    return "\n\n".join(parts)


def _default(what: About) -> str:
    match what.default:
        case None:
            return "none"
        case bool():
            return str(what.default).lower()
        case tuple():
            return "[" + ", ".join(f'"{each}"' for each in what.default) + "]"
        case str():
            return f'"{what.default}"'
        case _:
            return f"{what.default:g}"


def _doc_line(section: str) -> str:
    return _section_doc((section,)).partition("\n")[0].partition(". ")[0].rstrip(".")


def _section_doc(path: tuple[str, ...]) -> str:
    match path:
        case ("config",) | ("config", *_):
            return "Values of your own; a spell reads them as the global `config`."
        case ("lint",):
            return "How much each check of the editor and of `llmspell validate` matters: a code and a level."
        case ("providers",) | ("providers", _):
            return ProviderSettings.__doc__ or ""
        case (str(name),) if name in SECTIONS:
            doc = SECTIONS[name].__doc__ or ""
            summary = ", ".join(f"`{key}`" for key in known_keys(SECTIONS[name]))
            return f"{doc}\n\n{summary}" if doc and not doc.startswith(SECTIONS[name].__name__ + "(") else summary
        case _:
            return ""


# Outline


def outline(lines: Sequence[str]) -> tuple[Part, ...]:
    toml = read(lines)
    found: list[Part] = list(_parts(toml.headers[0]))
    for header in toml.headers[1:]:
        if header.names:
            own = Span(header.line, header.names[0].span.column, header.line, header.names[-1].span.end_column)
            last = max(header.end, header.line)
            while last > header.line and not lines[last].strip():
                last -= 1
            span = Span(header.line, 0, last, len(lines[last]))
            found.append(Part(".".join(header.path), "", "section", span, own, tuple(_parts(header))))
    return tuple(found)


def _parts(header: Header) -> Iterator[Part]:
    for entry in header.entries:
        if not entry.inline:
            first = entry.own[0].span
            span = Span(first.line, first.column, entry.value.end_line, entry.value.end_column)
            name = ".".join(each.text for each in entry.own)
            own = Span(first.line, first.column, first.line, entry.key.span.end_column)
            shown = entry.text.partition("\n")[0][:60]
            yield Part(name, "" if "key" in name or "token" in name else shown, "key", span, own)
