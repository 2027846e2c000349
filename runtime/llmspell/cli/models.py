"""`llmspell models list|show`: models with their context windows and prices, and which providers are ready.

Reads the price map and the presets; asks no provider.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from llmspell.cli.page import show_json, show_rows
from llmspell.errors import UsageError

if TYPE_CHECKING:
    from llmspell.providers.prices import ModelInfo
    from llmspell.providers.registry import Providers


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=("list", "show"), help="models and providers, or one model")
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="list: a provider, or a part of a name; show: a model's whole name"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: Namespace) -> int:
    if args.what == "show":
        _show_one(args)
    elif args.name is None:
        _show_providers(as_json=args.json)
    else:
        _show_models(args)
    return 0


def _show_providers(*, as_json: bool) -> None:
    """Providers instead of 2,500 models: those llmspell speaks to itself first, ready ones marked."""
    from llmspell.providers import prices

    counts = Counter(info.provider for info in prices.models() if info.mode != "embedding")
    known = _providers().known()
    natively = {found.name for found in known}
    if as_json:
        rows = [dataclasses.asdict(found) for found in known]
        show_json({"native": rows, "litellm": {name: n for name, n in counts.items() if name not in natively}})
        return
    rows = [(found.name, found.host, _readiness(found.ready, found.key_variable)) for found in known]
    show_rows([("provider", "host", ""), *sorted(rows)])
    others = ", ".join(sorted(name for name in counts if name not in natively))
    print()
    show_rows([("through litellm:", others)])
    print("\n`llmspell models list PROVIDER` lists its models.", file=sys.stderr)


def _readiness(ready: bool, variable: str) -> str:
    if ready:
        return "ready"
    return f"needs {variable}" if variable else "needs a key"


def _show_models(args: Namespace) -> None:
    from llmspell.providers.registry import Providers

    named = list(Providers.models(args.name))
    found = named or [info for info in Providers.models() if args.name.lower() in info.name.lower()]
    if not found:
        raise UsageError(f"no model or provider has {args.name!r} in its name", hint=_near(args.name))
    if args.json:
        show_json([dataclasses.asdict(info) for info in found])
        return
    head = ("model", "reads", "writes", "$ in", "$ out")
    rows = [(info.name, _tokens(info.context), _tokens(info.max_output), _price(info.input_price),
             _price(info.output_price)) for info in found]  # fmt: skip
    show_rows([head, *rows])
    print("Prices are US dollars a million tokens.", file=sys.stderr)


def _show_one(args: Namespace) -> None:
    from llmspell.providers import prices

    if args.name is None:
        raise UsageError("say which model", hint="`llmspell models list PROVIDER` lists them")
    provider, _, name = args.name.rpartition("/")
    info = prices.lookup(args.name) or prices.lookup(name, provider)
    if info is None:
        raise UsageError(f"the price map has no model {args.name!r}", hint=_near(args.name))
    if args.json:
        show_json(dataclasses.asdict(info))
        return
    able = [word for word, has in (("tools", info.tools), ("images", info.vision), ("schema", info.schema)) if has]
    show_rows(
        [
            ("model", info.name),
            ("provider", info.provider),
            ("reads", f"{_tokens(info.context)} tokens"),
            ("writes", f"{_tokens(info.max_output)} tokens"),
            ("price", _prices(info)),
            ("can", ", ".join(able) or "text only"),
        ]
    )


def _prices(info: ModelInfo) -> str:
    if info.input_price is None:
        return "not known"
    parts = [f"{_price(info.input_price)} in", f"{_price(info.output_price)} out"]
    if info.cached_price is not None:
        parts.append(f"{_price(info.cached_price)} from cache")
    return ", ".join(parts) + " (US dollars a million tokens)"


def _tokens(count: int | None) -> str:
    return "?" if count is None else f"{count:,}"


def _price(price: float | None) -> str:
    return "?" if price is None else f"{price:g}"


def _near(name: str) -> str:
    from difflib import get_close_matches

    from llmspell.providers import prices

    names = [info.name for info in prices.models()]
    bare = {found.rpartition("/")[2]: found for found in names}
    close = get_close_matches(name, names, n=2) or [bare[key] for key in get_close_matches(name, bare, n=2)]
    if not close:
        return "`llmspell models list` lists the providers"
    return f"did you mean {' or '.join(repr(found) for found in close)}?"


def _providers() -> Providers:
    from llmspell.providers.registry import Providers
    from llmspell.settings import load

    settings = load(Path(), os.environ)
    custom = {
        name: {key: value for key, value in {"base_url": found.base_url, "api_key_env": found.api_key_env,
                                             "protocol": found.kind, "model": found.model}.items() if value}
        for name, found in settings.providers.items()
    }  # fmt: skip
    return Providers(os.environ, default_model=settings.defaults.model or "", custom=custom)
