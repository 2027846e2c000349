"""litellm alone: COUNT completions at once, between the lines `begin` and `end`.

Set up as llmspell sets it up, so that the difference is llmspell's own: production mode, the bundled price map, no
retries of its own, no MCP handler.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

os.environ |= {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}

import litellm


async def ask(number: int) -> None:
    answer: Any = await litellm.acompletion(
        model="openai/test",
        messages=[{"role": "system", "content": "You answer."}, {"role": "user", "content": f"Question {number}"}],
        api_base=os.environ["OPENAI_BASE_URL"],
        api_key="k",
        max_retries=0,
        _skip_mcp_handler=True,
    )
    assert answer.choices[0].message.content


async def main(count: int) -> None:
    await ask(0)
    print("begin", flush=True)
    await asyncio.gather(*(ask(number) for number in range(1, count + 1)))
    print("end", flush=True)


asyncio.run(main(int(sys.argv[1])))
