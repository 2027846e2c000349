"""`llmspell hooks list|show` and `llmspell events list|show`: the tables of hook points and events."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from llmspell.api.hover import describe
from llmspell.api.lookup import Entry, Kind
from llmspell.api.names import camel, snake
from llmspell.api.registry import Registry, registry
from llmspell.cli.page import show_json, show_page, show_rows
from llmspell.errors import UsageError


def configure(parser: ArgumentParser) -> None:
    what = _noun(parser.get_default("command"))
    parser.add_argument("what", choices=("list", "show"), help=f"every {what}, or one of them")
    parser.add_argument("name", nargs="?", metavar="NAME", help=f"the {what}, in either language's spelling")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: Namespace) -> int:
    known = registry()
    rows = known.described["hook_points" if args.command == "hooks" else "events"]
    if args.what == "list":
        _show_list(args.command, rows, as_json=args.json)
        return 0
    _show_one(known, args, rows)
    return 0


def _show_list(command: str, rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json(rows)
    elif command == "hooks":
        cells = [(row["name"], camel(row["name"]), _may(row)) for row in rows]
        show_rows([("in Lua", "in JavaScript", "a handler may change; and may"), *cells])
        print("\nBuilt in, for `Hooks.use` and `hooks = {…}`:\n")
        show_rows(_built_in())
    else:
        show_rows([("in Lua", "in JavaScript", ""), *((row["name"], camel(row["name"]), row["doc"]) for row in rows)])


def _may(row: dict[str, Any]) -> str:
    """What a handler of a hook point may change, and do."""
    does = [
        *(["veto"] if row["veto"] and row["name"].startswith("before_") else []),
        *(["retry"] if row["retry"] else []),
        *([f"answer with {row['answer']}"] if row["answer"] else []),
    ]
    return "; ".join(filter(None, (", ".join(row["writable"]), ", ".join(does))))


def _built_in() -> list[tuple[str, str]]:
    """The built-in hooks, each with its first sentence."""
    classes = registry().classes
    found = ((name, classes[name]["doc"]) for name in classes if classes[name]["extends"] == "Hook")
    return [(name, " ".join(doc.split()).partition(". ")[0].rstrip(".")) for name, doc in found]


def _show_one(known: Registry, args: Namespace, rows: list[dict[str, Any]]) -> None:
    what = _noun(args.command)
    if args.name is None:
        raise UsageError(f"say which {what}", hint=f"`llmspell {args.command} list` lists them")
    asked = snake(args.name)
    asked = known.described["event_aliases"].get(asked, asked) if args.command == "events" else asked
    found = next((row for row in rows if row["name"] == asked), None)
    if args.command == "hooks" and args.name in dict(_built_in()):
        described = known.classes[args.name]
        if args.json:
            show_json(described)
        else:
            show_page(describe(known, Entry("class", args.name, described)))
        return
    if found is None:
        raise UsageError(f"there is no {what} {args.name!r}", hint=near(args.name, rows, args.command))
    if args.json:
        show_json(found)
        return
    kind: Kind = "hook" if args.command == "hooks" else "event"
    show_page(describe(known, Entry(kind, found["name"], found)))


def near(name: str, rows: list[dict[str, Any]], command: str) -> str:
    """A did-you-mean over the names of rows, in the spelling that was asked."""
    from difflib import get_close_matches

    close = get_close_matches(snake(name), [row["name"] for row in rows], n=1)
    if not close:
        return f"`llmspell {command} list` lists them"
    return f"did you mean {camel(close[0]) if name != name.lower() else close[0]!r}?"


def _noun(command: str) -> str:
    return "hook point" if command == "hooks" else "event"
