"""`llmspell tools list|show|call`: the built-in tools, and one of them at work outside a spell."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from llmspell.api.lookup import Entry, suggestions
from llmspell.api.names import snake
from llmspell.api.registry import Registry, registry
from llmspell.cli.page import show_json, show_page, show_rows
from llmspell.errors import LlmspellError, UsageError


def configure(parser: ArgumentParser) -> None:
    from llmspell.cli.flags import add_setting_flags

    parser.add_argument("what", choices=("list", "show", "call"), help="every tool, one of them, or one at work")
    parser.add_argument("name", nargs="?", metavar="NAME", help="calculator, file-system, HttpRequest")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--params", default="{}", metavar="JSON", help="call: the tool's arguments; `-` reads stdin")
    parser.add_argument("--options", default="{}", metavar="JSON", help="call: the tool's own options")
    add_setting_flags(parser)


def run(args: Namespace) -> int:
    known = registry()
    if args.what == "list":
        _show_list(known, as_json=args.json)
        return 0
    if args.name is None:
        raise UsageError("say which tool", hint="`llmspell tools list` lists them")
    name = _resolved(known, args.name)
    if args.what == "call":
        return _call(known, name, args)
    if args.json:
        show_json(known.tools[name])
    else:
        from llmspell.api.hover import describe

        described = known.classes[known.tools[name]["class"]]
        show_page(describe(known, Entry("tool", described["name"], described)))
    return 0


def _show_list(known: Registry, *, as_json: bool) -> None:
    if as_json:
        show_json([*known.tools.values()])
        return
    from llmspell.api.stubs.markdown import summary

    rows = [(name, ", ".join(tool["permissions"]), summary(tool["description"])) for name, tool in known.tools.items()]
    show_rows([("tool", "needs", ""), *rows])


def _resolved(known: Registry, asked: str) -> str:
    """A tool's name by its name, class or alias, in any spelling. Raises UsageError."""
    if snake(asked) in known.tools:
        return snake(asked)
    tool = known.classes.get(known.names.get(asked, ""), {}).get("tool")
    if tool:
        return tool["name"]
    near = [found for found in suggestions(known, asked, limit=9) if found in known.tools]
    near += [tool["name"] for found in suggestions(known, asked) if (tool := _tool_of(known, found))]
    hint = f"did you mean {near[0]!r}?" if near else "`llmspell tools list` lists them"
    raise UsageError(f"there is no tool {asked!r}", hint=hint)


def _tool_of(known: Registry, name: str) -> dict[str, Any] | None:
    return known.classes.get(known.names.get(name, ""), {}).get("tool")


def _call(known: Registry, name: str, args: Namespace) -> int:
    """Runs a spell of one line, so that permissions, limits, schema checks and the trace are a run's own.

    In JavaScript: a table of Lua would lose nulls and the order of columns. The result is the tool's own, as the event
    of its call has it, before the engine's numbers and spellings.
    """
    import asyncio  # 40 ms with the runtime, for this one subcommand

    from llmspell.cli.flags import given_flags
    from llmspell.events.event import Event
    from llmspell.runtime import Asking, Runtime
    from llmspell.spell import Spell

    given = {"params": _table(args.params, "--params"), "options": _table(args.options, "--options")}
    source = f"await new {known.tools[name]['class']}(params.options).execute(params.params)"
    spell = Spell.of(source, "javascript", f"tools call {name}")
    results: list[Any] = []

    def heard(event: Event) -> None:
        if event.kind == "tool_completed" and "result" in event.data:
            results.append(event.data["result"])

    async def work() -> Any:
        async with Runtime() as runtime:
            asking = Asking(params=given, flags=given_flags(args), on_event=heard)
            (await runtime.start(spell, asking).result()).unwrap()
        return results[-1]

    try:
        value = asyncio.run(work())
    except LlmspellError as error:
        error.source, error.stack = "", ()  # the one line that calls the tool is not the person's own
        raise
    if isinstance(value, str) and not args.json:
        print(value)
    else:
        show_json(value)
    return 0


def _table(text: str, flag: str) -> dict[str, Any]:
    import json

    source = sys.stdin.read() if text == "-" else text
    try:
        value = json.loads(source)
    except ValueError as error:
        raise UsageError(
            f"{flag}: {source[:60]!r} is no JSON: {error}", hint=f'{flag} \'{{"key": "value"}}\''
        ) from None
    if not isinstance(value, dict):
        raise UsageError(f"{flag} must be a JSON object, not {source[:60]!r}", hint=f'{flag} \'{{"key": "value"}}\'')
    return value
