"""What models cost and how much they read: a lookup in `prices.gen.tsv`, made from litellm's price map.

litellm's own JSON is 3 MB and takes 30 ms to parse; the table is tab-separated text that a line is found in by byte
search (0.2 ms the first time, microseconds after). Prices are litellm's base prices: its tiers for very long prompts,
batches and priority are not in it. Knows no provider's protocol.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from llmspell.frozen import frozen

PATH: Final = Path(__file__).with_name("prices.gen.tsv")

_MODES: Final = frozenset({"chat", "responses", "embedding"})
_HEADER: Final = (
    "name\tprovider\tmode\tcontext\toutput\tinput_price\toutput_price\tcached_price\twrite_price\tflags\tdeprecation"
)
_FLAGS: Final = (
    ("t", "supports_function_calling"),
    ("v", "supports_vision"),
    ("s", "supports_response_schema"),
    ("n", "supports_native_structured_output"),
)


@frozen
class ModelInfo:
    """One model of the price map. Prices are US dollars a million tokens, None where the map says nothing.

    context: tokens it can read; max_output: tokens it can write. native_schema: whether Anthropic's own structured
    output serves it (older models are given a forced tool).
    """

    name: str
    provider: str
    mode: str
    context: int | None
    max_output: int | None
    input_price: float | None
    output_price: float | None
    cached_price: float | None
    write_price: float | None
    tools: bool
    vision: bool
    schema: bool
    native_schema: bool
    deprecation: str = ""
    """The day from which on it may be gone: `2026-02-05`."""


def lookup(model: str, provider: str = "") -> ModelInfo | None:
    """The model by its name in the map, with or without the provider before it; None for a model it does not have."""
    names = (f"{provider}/{model}", model, model.removeprefix(f"{provider}/")) if provider else (model,)
    return next((info for name in names if (info := _find(name)) is not None), None)


def cost(
    provider: str, model: str, input_tokens: int, output_tokens: int, cached: int = 0, written: int = 0
) -> float | None:
    """US dollars of an answer; cached and written (to the provider's cache) are parts of input_tokens."""
    info = lookup(model, provider)
    if info is None or info.input_price is None or info.output_price is None:
        return None
    cached_price = info.input_price if info.cached_price is None else info.cached_price
    write_price = info.input_price if info.write_price is None else info.write_price
    fresh = input_tokens - cached - written
    total = fresh * info.input_price + cached * cached_price + written * write_price
    return (total + output_tokens * info.output_price) / 1_000_000


def models(provider: str = "") -> Iterator[ModelInfo]:
    """The models of a provider, as litellm calls it, or all of the map, by name."""
    mark = f"\t{provider}\t".encode()
    for line in _table().split(b"\n")[2:-1]:
        if not provider or mark in line:
            yield _parse(line.decode())


def serves(provider: str) -> bool:
    """Whether litellm's map has models of this provider."""
    table = _table()
    return bool(provider) and (f"\t{provider}\t".encode() in table or f"\n{provider}/".encode() in table)


@cache
def _table() -> bytes:
    return b"\n" + PATH.read_bytes()


@cache
def _find(name: str) -> ModelInfo | None:
    table = _table()
    key = b"\n" + name.encode() + b"\t"
    start = table.find(key)
    if start < 0:
        return None
    return _parse(table[start + 1 : table.index(b"\n", start + 1)].decode())


def _parse(line: str) -> ModelInfo:
    name, provider, mode, context, output, *prices, flags, deprecation = line.split("\t")
    input_price, output_price, cached_price, write_price = (float(price) if price else None for price in prices)
    return ModelInfo(
        name=name,
        provider=provider,
        mode=mode,
        context=int(context) if context else None,
        max_output=int(output) if output else None,
        input_price=input_price,
        output_price=output_price,
        cached_price=cached_price,
        write_price=write_price,
        tools="t" in flags,
        vision="v" in flags,
        schema="s" in flags,
        native_schema="n" in flags,
        deprecation=deprecation,
    )


def generate() -> str:
    """The text of `prices.gen.tsv` from the installed litellm's bundled map; litellm itself is not imported."""
    # find_spec of a top-level package runs none of its code.
    from importlib.util import find_spec

    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("litellm is not installed: its price map is what the table is made from")
    source = Path(spec.origin).with_name("model_prices_and_context_window_backup.json")
    entries: dict[str, dict[str, Any]] = json.loads(source.read_text())
    lines = [_line(name, entry) for name, entry in sorted(entries.items()) if entry.get("mode") in _MODES]
    return "\n".join([_HEADER, *lines]) + "\n"


def _line(name: str, entry: dict[str, Any]) -> str:
    numbers = [
        _number(entry.get("max_input_tokens") or entry.get("max_tokens"), 1),
        _number(entry.get("max_output_tokens"), 1),
        _number(entry.get("input_cost_per_token"), 1_000_000),
        _number(entry.get("output_cost_per_token"), 1_000_000),
        _number(entry.get("cache_read_input_token_cost"), 1_000_000),
        _number(entry.get("cache_creation_input_token_cost"), 1_000_000),
    ]
    flags = "".join(letter for letter, key in _FLAGS if entry.get(key) is True)
    import re  # 6 ms; only ever reached while generating

    # A few entries give the day with a word before it, or a time behind it.
    day = re.search(r"\d{4}-\d\d-\d\d", str(entry.get("deprecation_date", "")))
    about = name, str(entry.get("litellm_provider", "")), str(entry["mode"])
    return "\t".join([*about, *numbers, flags, day[0] if day else ""])


def _number(value: object, scale: int) -> str:
    if isinstance(value, str):  # a few entries of the map hold their numbers as text
        try:
            value = float(value)
        except ValueError:
            return ""
    if not isinstance(value, int | float):
        return ""
    scaled = round(value * scale, 6)
    return str(int(scaled)) if scaled == int(scaled) else repr(scaled)


if __name__ == "__main__":
    PATH.write_text(generate())
