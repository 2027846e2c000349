"""A workflow built in Python: steps by agents, tools and Python functions, with the semantics of those in scripts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from llmspell import Runtime
from llmspell.workflows import DynamicWorkflowBuilder, WorkflowContext


def is_short(context: WorkflowContext) -> bool:
    return len(context.get("greeting")) < 40


async def with_price(results: list[Any]) -> str:
    """Functions may be asynchronous, and leave out arguments that they do not need."""
    greeting, price = results
    return f"{greeting} A cake with your name costs {price['result']:.2f} euros."


# What is wrong with it (a step without work, a misspelled field, a reference to what never comes) is said by build().
WELCOME = (
    DynamicWorkflowBuilder("welcome")
    .agent("host", system_prompt="You greet guests in one sentence.")
    .step(agent="host", input="Greet {{guest}}. Be polite.", output="greeting")
    .conditional(is_short, lambda greeting: f"{greeting} Do come in!")
    .parallel_fan_out(
        [lambda greeting: greeting, {"tool": "calculator", "params": {"expression": "{{letters}} * 1.25"}}], with_price
    )
    .build()
)


async def main() -> None:
    async with Runtime() as runtime:
        for guest in ("Ada", "Grace"):
            # The offline model's replies lie in this folder.
            ran = await runtime.run_workflow(
                WELCOME, {"guest": guest, "letters": len(guest)}, folder=Path(__file__).parent
            )
            found = ran.unwrap()
            print(f"{found['result']} ({found['steps_executed']} steps)")


if __name__ == "__main__":
    asyncio.run(main())
