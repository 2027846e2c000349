"""Whether a text compiles, and which of its lines have code: asked of a worker that runs nothing of it. 5 ms with a
warm zygote."""

from __future__ import annotations

from typing import Any

from llmspell.engines import protocol
from llmspell.engines.process import Zygote
from llmspell.engines.transport import Limits
from llmspell.errors import LlmspellError, revived

#: Seconds that a compiler may compute. 10,000 lines take Lua 20 ms, JavaScript up to 1.3 s.
_CPU = 10.0


async def refusal(zygote: Zygote, language: str, label: str, source: str, *, module: bool) -> LlmspellError | None:
    """Why the engine will not have it, with the place as its `source`; None for a text that is right."""
    start = protocol.start_of(language, label, source, module=module)
    return (await _checked(zygote, start, debugged=False))[0]


async def measured(zygote: Zygote, language: str, label: str, source: str) -> list[int]:
    """The lines at which a debugger can stop a script. Raises what the engine says of a text that it will not have."""
    start = protocol.start_of(language, label, source, module=False)
    error, lines = await _checked(zygote, start, debugged=True)
    if error is not None:
        raise error
    return list(lines or ())


async def _checked(zygote: Zygote, start: protocol.Start, *, debugged: bool) -> tuple[LlmspellError | None, Any]:
    """What is wrong, and what the worker's last word was."""
    fields: list[dict[str, Any]] = []
    value: Any = None

    def heard(frame: protocol.Frame) -> None:
        nonlocal value
        if frame[0] == "fail":
            fields.append(frame[1])
        elif frame[0] == "done":
            value = frame[1]

    worker = zygote.worker(start["language"], heard, Limits(cpu=_CPU), debugged=debugged)
    worker.send(protocol.encode(["check", start]))
    try:
        ended = await worker.exit
    finally:
        worker.kill()
    return (revived(fields[0]) if fields else ended.error), value
