"""What is shown about the thing at a place, as Markdown. The registry's own words come from `llmspell.api.hover`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llmspell.api.lookup import Entry, find
from llmspell.api.names import snake
from llmspell.api.registry import registry as installed
from llmspell.api.stubs.types import remarks as bounds
from llmspell_lsp.analysis import expect
from llmspell_lsp.analysis.natives import natives
from llmspell_lsp.analysis.remarks import remarks
from llmspell_lsp.analysis.shown import schema_text, shown
from llmspell_lsp.analysis.types import UNKNOWN, Native, Schema, Script, Type
from llmspell_lsp.analysis.vocabulary import Language
from llmspell_lsp.features import names_told, references
from llmspell_lsp.features.meaning import (
    Known,
    Meaning,
    ModuleName,
    Option,
    Output,
    Property,
    Reference,
    Text_,
    This,
    Variable,
    meaning,
)
from llmspell_lsp.features.pages import page
from llmspell_lsp.syntax.nodes import Declare, Function, Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference
    from llmspell_lsp.analysis.scope import Binding
    from llmspell_lsp.analysis.steps import Step
    from llmspell_lsp.workspace.snapshot import Snapshot

#: Hook points, events and errors have their pages; a text that names one shows it.
FENCES: Final[dict[Language, str]] = {"lua": "lua", "javascript": "typescript"}
_PAGES: Final = frozenset({"hook_point", "event", "tool"})


@dataclass(slots=True, frozen=True)
class Hover:
    span: Span
    markdown: str


def hover(snapshot: Snapshot, line: int, column: int) -> Hover | None:
    """What is shown at a place of a script; None where nothing is known."""
    found = meaning(snapshot, line, column)
    if found is None:
        return None
    text = about(snapshot, found)
    return Hover(found.span, text) if text else None


def about(snapshot: Snapshot, found: Meaning) -> str:
    """The Markdown about a meaning; "" for none."""
    infer = snapshot.types
    match found:
        case Variable():
            return _variable(infer, found.binding, found.type)
        case Known():
            return _known(infer, found)
        case Property(field=field):
            if field.site is None and field.type == UNKNOWN:
                return ""
            return _code(infer, f"{field.name}: {_type(infer, field.type)}", _doc(infer, field.type, field.doc))
        case Option():
            return _option(infer, found)
        case Text_():
            return _text(snapshot, found)
        case Reference():
            return _reference(infer, found)
        case This(word=word, type=type_):
            return _code(infer, f"{word}: {_type(infer, type_)}")
        case Output(step=step, name=name):
            return _gives(infer, f"`{name}`", references.told(name, (step,)), step)
        case ModuleName(name=name):
            return names_told.module(snapshot, name)


def _variable(infer: Inference, binding: Binding, type_: Type) -> str:
    declaration = binding.declaration
    doc = _doc(infer, type_, declaration.doc if isinstance(declaration, Declare | Function) else "")
    if isinstance(declaration, Function) and binding.parameter is not None:
        doc = remarks(declaration.doc, infer.language).param_docs.get(binding.name, "")
    word = {"self": "", "global": "", "catch": ""}.get(binding.kind, binding.kind)
    return _code(infer, f"{word} {binding.name}: {_type(infer, type_)}".strip(), doc)


def _known(infer: Inference, known: Known) -> str:
    found = known.found
    if isinstance(found.type, Native):
        return native(infer, found.type.name)
    if found.kind in ("class", "namespace", "error", "global"):
        return registry_page(infer, found.name) or _code(infer, found.name, found.doc)
    if found.kind == "maker":
        return registry_page(infer, found.owner) or _code(infer, found.name, found.doc)
    if (
        found.kind in ("method", "property")
        and found.described is not None
        and found.owner in infer.words.registry.classes
    ):
        owner = infer.words.described(found.owner)
        kind = "method" if found.kind == "method" else "property"
        described = {**found.described, "name": snake(found.described["name"]).removesuffix("_async")}
        return page(infer.words.registry, Entry(kind, described["name"], described, owner), infer.language)
    return _code(infer, f"{found.name}: {_type(infer, found.type)}", found.doc)


def described(language: Language, about: str) -> str:
    """The Markdown of what a completion candidate is about (`Candidate.about`); "" for nothing."""
    kind, _, rest = about.partition(" ")
    if kind == "native":
        entry = natives(language).entries.get(rest)
        return "" if entry is None else f"```{FENCES[language]}\n{entry.signature}\n```\n\n{entry.doc}"
    if kind == "registry":
        entries = find(installed(), rest)
        return page(installed(), entries[0], language) if entries else ""
    return ""


def native(infer: Inference, name: str) -> str:
    """About a name of the language itself."""
    entry = natives(infer.language).entries.get(name)
    return "" if entry is None else _code(infer, entry.signature, entry.doc)


def registry_page(infer: Inference, name: str) -> str:
    """The registry's page of a name; "" for one that it does not know."""
    entries = find(infer.words.registry, name)
    return page(infer.words.registry, entries[0], infer.language) if entries else ""


def _option(infer: Inference, option: Option) -> str:
    name = snake(option.key)
    point = infer.words.hook_point(option.key)
    if point is not None and option.outer.name == "hooks":
        return registry_page(infer, name)
    return schema_about(infer, option.key, option.wanted.schema)


def schema_about(infer: Inference, name: str, schema: Schema) -> str:
    """A key with its type, what it is for, its bounds and default."""
    notes = ", ".join(dict.fromkeys(bounds(dict(schema))))
    doc = str(schema.get("description", ""))
    return _code(infer, f"{name}: {schema_text(schema, infer.language)}", f"{doc}\n\n{notes}".strip() if notes else doc)


def _text(snapshot: Snapshot, text: Text_) -> str:
    infer = snapshot.types
    name = text.value.replace("-", "_")
    for each in expect.alternatives(text.wanted.schema):
        kind = each.get("x-kind")
        if kind in _PAGES and "x-function" not in each:
            return registry_page(infer, name)
        if text.value in each.get("enum", ()):
            return schema_about(infer, infer.words.spelled(text.wanted.name), text.wanted.schema)
    if text.named is not None:
        if text.named.kind == "tool" and name in infer.words.registry.tools:
            return registry_page(infer, name)
        return names_told.named(snapshot, text.named)
    if text.wanted.name in ("model", "provider"):
        return names_told.model(text) if text.wanted.name == "model" else names_told.provider(text.value)
    return ""


def _reference(infer: Inference, found: Reference) -> str:
    use = found.use
    if use.reference is None:
        return ""
    name = use.reference.name
    givers = references.givers(use)
    told = references.told(name, givers) or "from the run’s input"
    return _gives(infer, f"`{{{{{use.reference.text}}}}}`", told, givers[-1] if givers else None)


def _gives(infer: Inference, name: str, told: str, step: Step | None) -> str:
    """A workflow's variable: who gives it, what does that, and the shape of its value where that is known."""
    lines = [f"{name}: {told}"]
    if step is not None:
        doing = [f"{key} `{text.value}`" for key in ("agent", "tool", "workflow") if (text := step.text(key))]
        action = step.text("action")
        doing += [f"“{action.value}”"] if action is not None and action.value else []
        lines += [" · ".join(doing)] if doing else []
        type_ = references.value_of(infer, step)
        if type_ is not None and shown(type_, infer.words):
            lines.append(f"```{_fence(infer)}\n{shown(type_, infer.words)}\n```")
    return "\n\n".join(lines)


def _doc(infer: Inference, type_: Type, doc: str) -> str:
    """The comment above, or the one above the function that is held."""
    if not doc and isinstance(type_, Script) and isinstance(type_.site.node, Function):
        doc = type_.site.node.doc
    return remarks(doc, infer.language).text


def _type(infer: Inference, type_: Type) -> str:
    return shown(type_, infer.words) or ("any" if infer.language == "lua" else "unknown")


def _code(infer: Inference, code: str, doc: str = "") -> str:
    return f"```{_fence(infer)}\n{code}\n```" + (f"\n\n{doc}" if doc else "")


def _fence(infer: Inference) -> str:
    return FENCES[infer.language]
