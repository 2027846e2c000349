"""What `llmspell run` prints: the spell's own text, then its result as text or as JSON. Knows no run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

from llmspell.errors import LlmspellError


class Output:
    """Standard output and standard error, for a run.

    aside: text that the spell prints goes to standard error, which leaves standard output to the result. When standard
    output takes no more, `on_failure` is called, once; `check` then raises. Nobody misses a standard error that fails.
    """

    def __init__(self, *, aside: bool) -> None:
        self._aside = aside
        self._failure: OSError | None = None
        self._line_is_open = False
        self.on_failure: Callable[[], None] = lambda: None
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def is_one_terminal(self) -> bool:
        """Whether a person sees both streams in one place."""
        return bool(sys.stdout and sys.stderr) and sys.stdout.isatty() and sys.stderr.isatty()

    def say(self, stream: str, text: str) -> None:
        self._line_is_open = self._line_is_open if not text else not text.endswith("\n")
        if stream == "out" and not self._aside:
            self.show(text)
        else:
            self.tell(text)

    def trace(self, line: str) -> None:
        """A line on standard error, below what the spell has begun to print on the same terminal."""
        self.tell("\n" + line if self._line_is_open and self.is_one_terminal else line)
        self._line_is_open = False

    def show(self, text: str) -> None:
        """On standard output."""
        if self._failure is not None:
            return
        try:
            _put(sys.stdout, text)
        except OSError as error:
            self._failure = error
            self.on_failure()

    def tell(self, text: str) -> None:
        """On standard error."""
        try:
            _put(sys.stderr, text)
        except OSError:
            _abandon(sys.stderr)

    def check(self) -> None:
        """Raises BrokenPipeError where the reader has gone (`| head`), LlmspellError where the disk is full."""
        if self._failure is None:
            return
        _abandon(sys.stdout)
        if isinstance(self._failure, BrokenPipeError):
            raise self._failure
        raise LlmspellError(
            f"standard output cannot be written: {self._failure.strerror}",
            hint="the trace of the run holds what it printed and returned",
        )


def _put(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _abandon(stream: TextIO) -> None:
    """What is still buffered must not fail once more when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def result_text(value: Any) -> str:
    """A result for a person: text as it is, numbers as numbers, anything else as JSON."""
    value = shown(value)
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    import json

    return json.dumps(jsonable(value), ensure_ascii=False, indent=2)


def jsonable(value: Any) -> Any:
    """A result as strict JSON has it; what JSON has no form for becomes a small map that says what it was."""
    from llmspell.traces.describe import describe

    return describe(shown(value))


def shown(value: Any) -> Any:
    """A result with agents' outputs as their value, and JavaScript's Map, Set and Date as JSON writes such things."""
    from llmspell.agents.texts import AgentOutput
    from llmspell.api.callback import Callback
    from llmspell.engines.values import Listed, Mapped, Moment

    match value:
        case AgentOutput():
            return shown(value.value)
        case dict():
            return {key: shown(item) for key, item in value.items()}
        case list() | tuple():
            return [shown(item) for item in value]
        case Listed(items):
            return [shown(item) for item in items]
        case Mapped(pairs) if all(isinstance(key, str) for key, _ in pairs):
            return {key: shown(item) for key, item in pairs}
        case Mapped(pairs):
            return [[shown(key), shown(item)] for key, item in pairs]
        case Moment(milliseconds):
            return _date(milliseconds)
        case LlmspellError():
            return value.to_value()
        case Callback():
            return {"function": value.site}
        case _:
            return value


def _date(milliseconds: float) -> Any:
    from datetime import UTC, datetime, timedelta

    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except (OverflowError, ValueError):  # NaN: an invalid Date
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
