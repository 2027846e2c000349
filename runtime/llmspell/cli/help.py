"""`llmspell help NAME`: the reference of one name of the API, as hover shows it; without a name, what there is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from llmspell.api.hover import describe
from llmspell.api.lookup import Entry, find, suggestions
from llmspell.api.names import camel
from llmspell.api.names import near as near_names
from llmspell.api.registry import Registry, registry
from llmspell.cli.commands import COMMANDS
from llmspell.cli.page import show_json, show_page, show_rows
from llmspell.errors import UsageError
from llmspell.settings.lint import SEVERITIES


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="a class, method, option, tool, hook point, event or error, in either language's spelling: "
        "Agent, agent:chat, beforeLLMCall, calculator, rate_limit; a code of `validate`, or a command",
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: Namespace) -> int:
    known = registry()
    if args.name is None:
        _show_index(known, as_json=args.json)
        return 0
    if args.name in SEVERITIES:
        return _show_code(args.name, as_json=args.json)
    found = find(known, args.name)
    if args.name in COMMANDS and not any(entry.name == args.name for entry in found):
        from llmspell.cli.parser import command_parser

        command_parser(args.name).print_help()
        return 0
    if not found:
        raise UsageError(f"the API has nothing called {args.name!r}", hint=_remedy(known, args.name))
    if args.json:
        show_json([as_value(known, entry) for entry in found])
        return 0
    show_page(describe(known, found[0]))
    others = [f"`llmspell {args.name} --help`"] if args.name in COMMANDS else []
    others += [f"`llmspell help {name}`" for name in dict.fromkeys(entry.full_name for entry in found[1:])]
    if others:
        show_page(f"\nSee also {', '.join(others)}.")
    return 0


def _show_code(code: str, *, as_json: bool) -> int:
    from llmspell_lsp.checks.catalogue import page  # what findings mean is kept beside the checks

    text = page(code)
    if as_json:
        show_json([{"kind": "code", "name": code, "severity": SEVERITIES[code], "markdown": text}])
    else:
        show_page(text)
    return 0


def as_value(known: Registry, entry: Entry) -> dict[str, object]:
    return {
        "kind": entry.kind,
        "name": entry.full_name,
        "described": entry.described,
        "markdown": describe(known, entry),
    }


def _remedy(known: Registry, name: str) -> str:
    near = suggestions(known, name) or near_names(name, SEVERITIES)
    if not near:
        return "`llmspell help` lists what there is"
    *most, last = [f"`llmspell help {found}`" for found in near]
    return f"did you mean {', '.join(most) + ' or ' if most else ''}{last}?"


def _show_index(known: Registry, *, as_json: bool) -> None:
    groups = dict(_groups(known))
    if as_json:
        show_json(groups)
        return
    print("What spells can use; `llmspell help NAME` says more of each.\n")
    show_rows([(title, ", ".join(names)) for title, names in groups.items()])


def _groups(known: Registry) -> Iterator[tuple[str, list[str]]]:
    plain = {name: described for name, described in known.classes.items() if described["tool"] is None}
    yield "classes", sorted(name for name, described in plain.items() if not described["namespace"])
    yield "namespaces", sorted(name for name, described in plain.items() if described["namespace"])
    yield "tools", list(known.tools)
    yield "hook points", [camel(point["name"]) for point in known.described["hook_points"]]
    yield "events", [camel(kind["name"]) for kind in known.described["events"]]
    yield "errors", [error["name"] for error in known.described["errors"]]
    yield "globals", list(known.described["globals"])
