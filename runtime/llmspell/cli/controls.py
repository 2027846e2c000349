"""The flags `--break` and `--approve`: how a run is controlled from its first moment. Starts nothing."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmspell.control.wanted import Controls  # for runs that somebody controls


def add_control_flags(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("control of this run, as `llmspell trace pause`, `step` and `approve` go on with")
    group.add_argument(
        "--break",
        dest="breakpoints",
        action="append",
        metavar="WHAT",
        help="pause before: start, end, tool:PATTERN, model:…, agent:…, hook:…, event:…, error:…, cost:DOLLARS",
    )
    group.add_argument(
        "--approve",
        action="append",
        metavar="TOOLS",
        help="calls of these tools wait for approval: `tools` for all, or names and patterns with commas",
    )


def controls_of(args: Namespace) -> Controls | None:
    """What the flags say; None where they say nothing. Raises UsageError."""
    breakpoints, approve = args.breakpoints or (), args.approve or ()
    if not breakpoints and not approve:
        return None
    from llmspell.control.wanted import Controls
    from llmspell.errors import ArgumentError, UsageError

    patterns = tuple(part.strip() for text in approve for part in text.split(","))
    wanted = Controls(tuple(breakpoints), patterns)
    try:
        wanted.record()
    except ArgumentError as error:
        raise UsageError(error.message, hint=error.hint) from None
    if getattr(args, "replay", None) is not None:
        raise UsageError("--break and --approve mean nothing to a replay", hint="it stops where the recorded run did")
    return wanted
