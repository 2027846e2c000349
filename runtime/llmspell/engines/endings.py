"""What a person reads when a worker did not end by itself: one error each, naming the limit and the line. Pure."""

from __future__ import annotations

import os
import signal
from typing import Final

from llmspell.engines.launch import EXIT_MEMORY
from llmspell.engines.protocol import FrameTooLong
from llmspell.engines.transport import Limits
from llmspell.engines.watchdog import Expired
from llmspell.errors import CancelledByUser, LimitError, LlmspellError, ScriptError, SecurityError

#: A crash with this much of the limit in use is the limit's doing: engines abort on an allocation they cannot refuse.
_NEARLY_FULL: Final = 0.9


def expired(
    which: Expired, limits: Limits, site: str, *, stack: tuple[str, ...] = (), known: bool = False
) -> LimitError:
    """The watchdog's verdict. known: the worker was at `site`; else it was there when last heard of."""
    match which:
        case "stall":
            what, limit, hint = f"computed for {limits.stall:g} s without a call", "cpu", "Does a loop there never end?"
        case "cpu":
            what, limit = f"used {limits.cpu:g} s of CPU", "cpu"
            hint = "Does a loop there never end? Else raise the CPU limit."
        case "wall":
            what, limit, hint = f"ran for {limits.wall:g} s", "wall", "Raise the time limit if it needs more."
    where = "" if known else _near(site)
    return LimitError(f"the spell was stopped: it {what}{where}", limit=limit, hint=hint, source=site, stack=stack)


def malformed(problem: Exception, limits: Limits, site: str) -> LlmspellError:
    """The worker sent something that is not a frame, or too long a one."""
    if isinstance(problem, FrameTooLong):
        return LimitError(
            f"the spell was stopped: it passed a value of {_size(problem.size)}, more than the limit of "
            f"{_size(limits.frame_bytes)} for one value{_near(site)}",
            limit="frame",
            hint="Pass large data in parts, or by a file's path.",
            source=site,
        )
    return SecurityError(
        f"the spell was stopped: its engine sent what is not a message ({type(problem).__name__}){_near(site)}",
        source=site,
    )


def cancelled(site: str) -> LlmspellError:
    return CancelledByUser("the spell was cancelled", source=site)


def refused(reason: str) -> LlmspellError:
    """The zygote made no worker."""
    return LlmspellError(f"the spell could not start: {reason}", hint="`llmspell doctor` says what this machine lacks.")


def zygote_lost(site: str) -> LlmspellError:
    """The zygote is dead, and so its workers are."""
    return LlmspellError(
        f"the spell was stopped: the process that its engine lives under has ended{_near(site)}",
        hint="Run it again: a new one is started.",
        source=site,
    )


def vanished(site: str) -> LlmspellError:
    """The worker has left in order, but without a last word."""
    return LlmspellError(
        f"the engine ended without a result{_near(site)}",
        hint="This is a fault of llmspell, not of the spell.",
        source=site,
    )


def ended(status: int, peak_mb: float, limits: Limits, site: str) -> LlmspellError:
    """A worker that nobody stopped has ended without `done` or `fail`. `status` is its wait status."""
    if not os.WIFSIGNALED(status):
        if os.WEXITSTATUS(status) == EXIT_MEMORY:
            return _memory(limits, site)
        return vanished(site)
    number = os.WTERMSIG(status)
    match number:
        case signal.SIGXCPU:
            return expired("cpu", limits, site)
        case signal.SIGSYS:
            return SecurityError(
                f"the spell was stopped: its engine tried a forbidden system call{_near(site)}",
                hint="An engine does that only when a script has broken into it: do not trust this spell.",
                source=site,
            )
        case signal.SIGKILL:
            return LlmspellError(
                f"the spell was killed from outside (signal 9){_near(site)}",
                hint="Somebody did, or the machine ran out of memory.",
                source=site,
            )
        case _ if peak_mb >= limits.memory_mb * _NEARLY_FULL:
            return _memory(limits, site)
        case _:
            return ScriptError(
                f"the engine crashed (signal {number}, {_signal_name(number)}){_near(site)}", type="crash", source=site
            )


def _memory(limits: Limits, site: str) -> LimitError:
    return LimitError(
        f"the spell was stopped: it needs more than {limits.memory_mb} MB of memory{_near(site)}",
        limit="memory",
        hint="Raise the memory limit if it needs more.",
        source=site,
    )


def _near(site: str) -> str:
    return f" (last seen at {site})" if site else ""


def _size(size: int) -> str:
    return f"{size / 1048576:.1f} MB" if size >= 104858 else f"{size} bytes"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
