"""The argument parser of one command: its mistakes are UsageErrors that name what was probably meant."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NoReturn

from llmspell.cli.commands import COMMANDS
from llmspell.errors import UsageError

#: How argparse begins what it says of missing arguments; then come their names.
_MISSING = "the following arguments are required: "


class _Formatter(argparse.HelpFormatter):
    """argparse makes one for each option; its own asks the terminal's width each time, by way of shutil (2 ms)."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())


@cache
def _width() -> int:
    """Columns of the terminal, as shutil would find them, less argparse's margin."""
    try:
        columns = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(1).columns
    except (ValueError, OSError):
        columns = 80
    return (columns or 80) - 2


class CommandParser(argparse.ArgumentParser):
    def __init__(self, **more: Any) -> None:
        more.setdefault("formatter_class", _Formatter)
        more.setdefault("allow_abbrev", False)
        more.setdefault("conflict_handler", "resolve")
        super().__init__(**more)

    @property
    def _command(self) -> str:
        return self.prog.removeprefix("llmspell ")

    def error(self, message: str) -> NoReturn:
        if message.startswith(_MISSING):
            message = self._missing(message.removeprefix(_MISSING).partition(", ")[0])
        raise UsageError(f"{self._command}: {message}", hint=f"see `{self.prog} --help`")

    def _missing(self, name: str) -> str:
        for action in self._actions:
            if action.choices and name in (action.metavar, action.dest):
                return f"say which: {', '.join(map(str, action.choices))}"
        return f"{name} is missing"

    def actions(self) -> Iterator[Any]:
        """The options and arguments of this parser and of the commands below it; argparse has no public way to them."""
        for action in self._actions:
            if isinstance(action.choices, dict):
                for part in action.choices.values():
                    yield from part.actions()
            else:
                yield action

    def parse_strictly(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The arguments, all of them understood. Raises UsageError."""
        args, rest = self.parse_known_args(arguments)
        if rest:
            word = rest[0].partition("=")[0]
            options = (option for action in self.actions() for option in action.option_strings)
            import difflib  # 1 ms

            near = difflib.get_close_matches(word, [*options], n=1)
            hint = f"did you mean {near[0]}?" if near else f"see `{self.prog} --help`"
            what = "option" if word.startswith("-") else "argument"
            raise UsageError(f"{self._command}: unknown {what} {rest[0]!r}", hint=hint)
        return args


def command_parser(name: str, parser: CommandParser | None = None) -> CommandParser:
    """The parser of the command `name`; imports its module."""
    command = COMMANDS[name]
    if parser is None:
        parser = CommandParser(prog=f"llmspell {name}", description=sentence(command.summary))
    parser.set_defaults(command=name)
    parser.add_argument("--debug", action="store_true", help="show llmspell's own traceback of an error")
    import_module(command.module).configure(parser)
    return parser


def whole_parser() -> CommandParser:
    """Every command in one parser, for shell completion. Imports every command's module."""
    parser = CommandParser(prog="llmspell", description="Scripts in Lua or JavaScript that orchestrate AI agents.")
    parser.add_argument("--version", action="version", version="llmspell")
    parts = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in COMMANDS.items():
        part = parts.add_parser(name, help=command.summary, description=sentence(command.summary))
        command_parser(name, part)
    return parser


def sentence(summary: str) -> str:
    return f"{summary[:1].upper()}{summary[1:]}."
