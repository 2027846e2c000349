"""`llmspell tui [RUN]`: the terminal interface over stored and live runs.

Thin: the interface is `llmspell_tui.main.run_tui(wishes: llmspell_tui.host.wishes.Wishes) -> int`, which shows the run
`wishes.run` (its id, `last`, a file), or the list of runs where that is "". Runs go on elsewhere; a host is started
only when the person asks for a run to be made again. Raises UsageError and StoreError.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", default="", metavar="RUN", help="a run's id, or `last`; without it, the list")
    parser.add_argument("--web", action="store_true", help="show it in a browser, on this machine alone")
    parser.add_argument(
        "--plain",
        action="store_true",
        help="print lines instead of drawing, for screen readers and pipes; type `help` there for its words",
    )


def run(args: Namespace) -> int:
    from llmspell.errors import UsageError
    from llmspell_tui.host.wishes import Wishes

    if args.web and args.plain:
        raise UsageError("tui: --web and --plain do not go together", hint="leave one of them out")
    wishes = Wishes(run=args.run, web=args.web, plain=args.plain)
    from llmspell_tui.main import run_tui  # Textual, 0.2 s

    return run_tui(wishes)
