"""Models of agents: names that are a slip, answers longer than the model can write, prompts longer than it can read,
keys that the environment does not have."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from llmspell.api.names import near, snake
from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.types import Constant, Record
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import ask, found, instead
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.checks.names import is_slip
from llmspell_lsp.checks.project import settings_of
from llmspell_lsp.syntax.nodes import Entry, Table, Text
from llmspell_lsp.workspace import providers

if TYPE_CHECKING:
    from llmspell_lsp.workspace.providers import ModelInfo

#: Characters of a token at the least, in the languages that have the longest tokens: who has more has too many.
_CHARACTERS: Final = 6
_PROMPTS: Final = frozenset({"system_prompt"})


def models(view: View) -> Iterator[Finding]:
    for place in view.places:
        if place.entry is None and isinstance(place.node, Table) and _is_agents(place.wanted.schema):
            entries = {snake(each.key): each for each in place.node.entries if each.key is not None}
            yield from _agent(view, place.node, entries)


def _is_agents(schema: Mapping[str, object]) -> bool:
    properties = schema.get("properties")
    return isinstance(properties, dict) and {"model", "provider", "base_url"} <= properties.keys()


def _agent(view: View, table: Table, entries: Mapping[str, Entry]) -> Iterator[Finding]:
    options = view.infer.type_of(view.placed, table)
    if not isinstance(options, Record) or not options.complete:
        return
    model, provider = _text(view, entries, "model"), _text(view, entries, "provider")
    if "base_url" in entries or model is None or provider is None:
        return
    custom = settings_of(view.snapshot)
    service = provider or (model.partition("/")[0] if "/" in model else "")
    if custom is not None and service in custom.providers:
        return
    info = providers.model(model, provider) if model else None
    start = view.placed.start
    if model and info is None and isinstance(entries["model"].value, Text):
        prefix, _, name = model.rpartition("/")
        close = _near(name, prefix or provider)
        if close:
            span = absolute(start, entries["model"].value.content)
            right = f"{prefix}/{close}" if prefix else close
            yield found("model-unknown", span, f"no model {model!r} is known{ask(right)}", instead(span, right))
    if info is not None:
        yield from _ending(view, entries, info)
        yield from _sizes(view, entries, info)
    yield from _key(view, entries, service or (info.provider if info is not None else ""))


def _ending(view: View, entries: Mapping[str, Entry], info: ModelInfo) -> Iterator[Finding]:
    """A model that its service has said it will end."""
    value = entries["model"].value
    if info.deprecation and isinstance(value, Text):
        message = f"{info.name} is deprecated: its service ends it on {info.deprecation}"
        yield found("deprecated", absolute(view.placed.start, value.content), message, tags=("deprecated",))


def _text(view: View, entries: Mapping[str, Entry], key: str) -> str | None:
    """A text option; "" where it is not given, None where it may be anything."""
    entry = entries.get(key)
    if entry is None:
        return ""
    type_ = view.infer.type_of(view.placed, entry.value)
    return type_.value if isinstance(type_, Constant) and isinstance(type_.value, str) else None


def _near(name: str, provider: str) -> str:
    """A model that one letter leads to, of the same service if it is named."""
    own = [
        each
        for each in providers.model_names()
        if not provider or ((info := providers.model(each)) and info.provider == provider)
    ]
    names = {each.rpartition("/")[2]: None for each in own}
    return next((each for each in near(name, names, 5) if is_slip(name, each)), "")


def _sizes(view: View, entries: Mapping[str, Entry], info: ModelInfo) -> Iterator[Finding]:
    start = view.placed.start
    limit = entries.get("max_tokens")
    if limit is not None and info.max_output:
        type_ = view.infer.type_of(view.placed, limit.value)
        if isinstance(type_, Constant) and isinstance(type_.value, int) and type_.value > info.max_output:
            message = f"{info.name} writes at most {info.max_output:,} tokens in an answer, not {type_.value:,}"
            span = absolute(start, limit.value.span)
            yield found("max-tokens", span, message, instead(span, str(info.max_output)))
    for key in _PROMPTS & entries.keys():
        value = entries[key].value
        text = _text(view, entries, key)
        if text and info.context and len(text) > info.context * _CHARACTERS:
            span = absolute(start, entries[key].key_span or value.span)
            about = f"{len(text):,} characters"
            yield found("prompt-size", span, f"{info.name} reads at most {info.context:,} tokens; this is {about}")


def _key(view: View, entries: Mapping[str, Entry], service: str) -> Iterator[Finding]:
    variables = providers.key_variables(service)
    if not variables or "api_key" in entries or any(os.environ.get(name) for name in variables):
        return
    entry = entries.get("provider") or entries.get("model")
    if entry is None or not isinstance(entry.value, Text):
        return
    span = absolute(view.placed.start, entry.value.content)
    yield found("missing-key", span, f"no key for {service} in the environment: set {' or '.join(variables)}")


FAMILY = by_chunk(models)
