"""`llmspell dev FILE`: the terminal interface with this spell, run again at every save.

Thin: the interface is `llmspell_tui.main.run_dev(wishes: llmspell_tui.host.wishes.Wishes) -> int`, which runs until the
person leaves it and gives an exit code. It makes a `host.client.HostClient()`, starts a `host.session.Session(client,
wishes, told)` for each spell, which watches and starts runs by itself, and draws what it is told. Raises UsageError.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser) -> None:
    from llmspell.cli.controls import add_control_flags
    from llmspell.cli.flags import add_setting_flags

    parser.add_argument("file", nargs="+", metavar="FILE", help="a .lua or .js file, or a folder of one; or several")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a field of `params`")
    parser.add_argument("--input", metavar="JSON", help="`params` as a whole, as JSON")
    parser.add_argument(
        "--state",
        choices=("keep", "reset", "fork"),
        default="keep",
        help="each run's state: the project's own (keep), none (reset), or a copy that it may change (fork)",
    )
    parser.add_argument(
        "--replay-prefix",
        action="store_true",
        help="answer what has not changed since the run before from its recording, at no cost",
    )
    parser.add_argument("--web", action="store_true", help="show it in a browser, on this machine alone")
    parser.add_argument(
        "--plain",
        action="store_true",
        help="print lines instead of drawing, for screen readers and pipes; type `help` there for its words",
    )
    add_control_flags(parser)
    add_setting_flags(parser)


def run(args: Namespace) -> int:
    from llmspell.cli.controls import controls_of
    from llmspell.cli.flags import given_flags
    from llmspell.cli.run import params_of
    from llmspell.errors import UsageError
    from llmspell_tui.host.wishes import Wishes

    if args.web and args.plain:
        raise UsageError("dev: --web and --plain do not go together", hint="leave one of them out")
    controls = controls_of(args)
    wishes = Wishes(
        files=tuple(args.file),
        params=params_of(args),
        flags=given_flags(args),
        state=args.state,
        replay_prefix=args.replay_prefix,
        breakpoints=() if controls is None else controls.breakpoints,
        approve=() if controls is None else controls.approve,
        web=args.web,
        plain=args.plain,
    )
    from llmspell_tui.main import run_dev  # Textual, 0.2 s

    return run_dev(wishes)
