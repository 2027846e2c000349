"""`llmspell`: finds the command, imports it, turns what it raises into a message and an exit code.

`llmspell --help` imports no command, no argparse and no asyncio (together 60 ms).
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from llmspell.cli.commands import COMMANDS
from llmspell.errors import LlmspellError, UsageError

#: What a shell reports of a program ended by SIGPIPE (128 + 13) or SIGINT (128 + 2).
_BROKEN_PIPE = 141
_INTERRUPTED = 130

# Imports make much and throw nothing away, which Python's own threshold of 700 objects looks through again and again:
# with this one an answer through aiohttp comes 25 ms sooner, one through litellm 1.2 s.
_OBJECTS_BETWEEN_COLLECTIONS = 10_000


def entry() -> NoReturn:
    """The program: its garbage collection is set for one that starts, works and ends."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 20, 20)
    code = main(sys.argv[1:])
    gc.freeze()  # everything is closed by now: the interpreter's last collections need not walk it all (20 ms)
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """Runs one command and gives its exit code; never raises but SystemExit (`--help`, `--version` of a command)."""
    _open_what_is_closed()
    debug = "--debug" in arguments
    try:
        code = _dispatch([argument for argument in arguments if argument != "--debug"], debug)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader has gone (`| head`); what is still buffered must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except LlmspellError as error:
        from llmspell.cli.terminal import exit_code, show_error  # traceback, 5 ms, for errors only

        show_error(error, debug=debug)
        return exit_code(error)
    except Exception as error:
        from llmspell.cli.terminal import show_defect

        show_defect(error, debug=debug)
        return 1


def _open_what_is_closed() -> None:
    """`2>&-`: Python has no such stream then, and a socket would get its number, to be written to by accident."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115  pathlib costs 5 ms


def _dispatch(arguments: Sequence[str], debug: bool) -> int:
    match arguments:
        case [] | ["-h" | "--help", *_]:
            print(_overview(), file=sys.stdout if arguments else sys.stderr)
            return 0 if arguments else UsageError.exit_code
        case ["-V" | "--version", *_]:
            from llmspell import __version__

            print(f"llmspell {__version__}")
            return 0
        case [name, *rest] if name in COMMANDS:
            module = import_module(COMMANDS[name].module)
            if hasattr(module, "prepare"):
                module.prepare(rest)
            from llmspell.cli.parser import command_parser  # argparse, 10 ms, after `prepare` has begun its work

            args = command_parser(name).parse_strictly(rest)
            args.debug = debug
            return module.run(args)
        case [name, *_]:
            raise _unknown(name)
        case _:
            raise AssertionError(arguments)


def _unknown(name: str) -> UsageError:
    if name.startswith("-"):
        return UsageError(f"unknown option {name!r}", hint="see `llmspell --help`")
    if name.endswith((".lua", ".js")) and "run" in COMMANDS:
        return UsageError(f"{name!r} is no command", hint=f"to run the spell: llmspell run {name}")
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean `llmspell {near[0]}`?" if near else "see `llmspell --help`"
    return UsageError(f"unknown command {name!r}", hint=hint)


def _overview() -> str:
    width = max(map(len, COMMANDS)) + 2
    rows = (f"  {name:<{width}}{command.summary}" for name, command in COMMANDS.items())
    return "\n".join(
        (
            "usage: llmspell COMMAND [ARGUMENTS]",
            "",
            "Scripts in Lua or JavaScript that orchestrate AI agents, tools and workflows.",
            "",
            *rows,
            "",
            "`llmspell COMMAND --help` says more. Every command knows --debug; --version says which llmspell this is.",
        )
    )
