"""A Python program that runs spells: parameters in, a result out, with its own hooks and its own ear on the events."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from llmspell import Runtime

SPELL = Path(__file__).parent / "greet.lua"


def politely(context: dict[str, Any]) -> None:
    """A hook in Python, for a spell in any language: what it writes is what is sent to the model."""
    context["prompt"] += " Be polite."


async def main() -> None:
    called: list[str] = []

    def listen(event: Any) -> None:
        if event.kind == "tool_called":
            called.append(event.name)

    # One Runtime serves any number of runs, also at the same time: each has a process and limits of its own.
    async with Runtime() as runtime:
        results = await asyncio.gather(
            *(
                runtime.run(SPELL, {"guest": guest}, hooks={"before_llm_call": politely}, on_event=listen)
                for guest in ("Ada", "Grace")
            )
        )
        for result in results:
            # unwrap gives what the spell returned, or raises the error it ended with.
            greeting = result.unwrap()
            print(f"{greeting['text']} ({greeting['letters']} letters)")
        print(f"tools called: {', '.join(sorted(called))}")

        failed = await runtime.run(SPELL, {"guest": 7})
        print(f"{failed.status}: {failed.error}")


if __name__ == "__main__":
    asyncio.run(main())
