"""Whether a text compiles, asked of a worker that runs nothing of it. 5 ms with a warm zygote."""

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
    fields: list[dict[str, Any]] = []

    def heard(frame: protocol.Frame) -> None:
        if frame[0] == "fail":
            fields.append(frame[1])

    worker = zygote.worker(language, heard, Limits(cpu=_CPU))
    start = protocol.start_of(language, label, source, module=module)
    worker.send(protocol.encode(["check", start]))
    try:
        ended = await worker.exit
    finally:
        worker.kill()
    if fields:
        return revived(fields[0])
    return ended.error
