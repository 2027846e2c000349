"""Runs a text in a worker of its own, the sandbox that spells run in, with nothing of the host behind it.

Whatever the text asks of the host is refused: it computes, prints, waits and gives a value. Knows no run and no tool.
"""

from __future__ import annotations

import asyncio
import builtins
from typing import Any, Final

from llmspell.engines import protocol
from llmspell.engines.process import Zygote
from llmspell.engines.protocol import Frame
from llmspell.engines.transport import Limits, Transport
from llmspell.errors import LlmspellError, ScriptError, TimeoutError, ToolError  # noqa: A004
from llmspell.frozen import frozen

_SLEEP: Final = "Async.sleep"
#: Calls that may wait for an answer at once.
_MOST_WAITING: Final = 1000
#: Seconds that a killed worker has to be gone.
_GONE: Final = 5.0


@frozen
class Code:
    """What is to be run. label: what the text is called in errors, `code.lua`. seed: 128 bits."""

    language: str
    text: str
    label: str
    input: Any
    seed: int
    milliseconds: float
    memory_mb: int
    keep: int


@frozen
class Outcome:
    value: Any
    output: str
    truncated: bool


async def run(code: Code, zygote: Zygote) -> Outcome:
    """Runs it to its end. Raises ToolError and TimeoutError; cancelled, the worker ends."""
    session = _Session(code.keep)
    seconds = code.milliseconds / 1000
    # the clock stops what waits; the processor's time stops what computes and then tells the line
    limits = Limits(stall=None, cpu=seconds, wall=None, memory_mb=code.memory_mb)
    try:
        frame = protocol.encode(["run", _start(code)])
    except (ValueError, TypeError, OverflowError) as problem:
        raise ToolError(f"`input` cannot be given to the code: {problem}", hint="give plain data") from None
    if len(frame) > protocol.FRAME_LIMIT:
        raise ToolError("the code and its input are too large", hint="give less input")
    try:
        worker = zygote.worker(code.language, session.receive, limits)
    except OSError as problem:
        raise ToolError(f"no worker can be started: {problem.strerror}") from None
    session.worker = worker
    try:
        worker.send(frame)
        async with asyncio.timeout(seconds + 1):
            ended = await asyncio.shield(worker.exit)
    except builtins.TimeoutError:
        raise TimeoutError(
            f"the code took longer than {code.milliseconds:g} ms and was ended",
            hint="let it do less, or raise `timeout`",
            data={"output": session.output[-2000:]},
        ) from None
    finally:
        worker.kill()
        session.close()
        await asyncio.shield(asyncio.wait((worker.exit,), timeout=_GONE))
    return session.outcome(ended.error)


def _start(code: Code) -> protocol.Start:
    return {
        "language": code.language,
        "label": code.label,
        "source": code.text,
        "module": False,
        "params": code.input,
        "config": {},
        "env": {},
        "globals": {"input": code.input},
        "seed": code.seed,
        "clock": None,
        "memory_mb": code.memory_mb,
    }


class _Session:
    """The host's side of one worker."""

    def __init__(self, keep: int) -> None:
        self.worker: Transport | None = None
        self.output = ""
        self._keep = keep
        self._truncated = False
        self._value: Any = None
        self._error: dict[str, Any] | None = None
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def receive(self, frame: Frame) -> None:
        match frame:
            case ["tell", "print", [str(), str(text)], str()]:
                room = self._keep - len(self.output)
                self.output += text[:room]
                self._truncated = self._truncated or len(text) > room
            case ["call", int(call), str(name), None, [int() | float() as milliseconds, *_], str()] if name == _SLEEP:
                self._sleep(call, float(milliseconds))
            case [("call" | "ask"), int(call), str(name), _, list(), str(site)]:
                self._reply(call, False, _refusal(name, site))
            case ["cancel", list(calls)]:
                for call in calls:
                    if isinstance(call, int) and (timer := self._timers.pop(call, None)) is not None:
                        timer.cancel()
                        self._reply(call, True, None)
            case ["done", value]:
                self._value = value
            case ["fail", dict(error)]:
                self._error = error
            case _:
                pass

    def outcome(self, error: LlmspellError | None) -> Outcome:
        """Raises ToolError where the code or its worker failed."""
        told = {"output": self.output[-2000:]}
        if error is not None:
            kind = TimeoutError if error.data.get("limit") == "cpu" else ToolError
            raise kind(_of_code(error.message), hint=error.hint, source=error.source, data=told)
        if self._error is not None:
            message, source = _of_code(str(self._error.get("message", ""))), str(self._error.get("source", ""))
            hint = str(self._error.get("hint", ""))
            cause = ScriptError(message, source=source, name=str(self._error.get("name", "Error")))
            where = f" ({source})" if source and source not in message else ""
            raise ToolError(f"the code failed: {message}{where}", hint=hint, data=told, cause=cause)
        if not _is_plain(self._value):
            raise ToolError("the code's value is no plain data", hint="return numbers, text, lists and objects only")
        return Outcome(self._value, self.output, self._truncated)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _sleep(self, call: int, milliseconds: float) -> None:
        if len(self._timers) >= _MOST_WAITING or not 0 <= milliseconds <= 3_600_000:
            self._reply(call, False, _refusal(_SLEEP, ""))
            return

        def over() -> None:
            del self._timers[call]
            self._reply(call, True, None)

        self._timers[call] = asyncio.get_running_loop().call_later(milliseconds / 1000, over)

    def _reply(self, call: int, ok: bool, value: Any) -> None:
        if self.worker is not None:
            self.worker.send(protocol.encode(["ret", call, ok, value]))


def _of_code(message: str) -> str:
    """What is said of a spell, said of the code."""
    return message.replace("the spell", "the code")


def _is_plain(value: Any) -> bool:
    match value:
        case list():
            return all(_is_plain(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
        case dict():
            return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value is None or isinstance(value, str | int | float)


def _refusal(name: str, site: str) -> dict[str, Any]:
    return ToolError(
        f"{name} cannot be used here: code of the interpreter has nothing but the language itself",
        hint="compute with the input, print, and return a value",
        source=site,
    ).to_value()
