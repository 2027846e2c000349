"""The floor of a cold start: one answer with nothing but aiohttp and a Lua interpreter, all in this process."""

from __future__ import annotations

import asyncio
import os

import aiohttp
from lupa import lua54

SPELL = 'local answer = coroutine.yield("How much is 17 times 3?"); return answer'


async def main() -> None:
    lua = lua54.LuaRuntime(register_eval=False)
    step = lua.eval("function(source) local spell = coroutine.create(load(source)) "
                    "return function(value) local _, given = coroutine.resume(spell, value) return given end end")(SPELL)  # fmt: skip
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer k"}) as session:
        body = {"model": "test", "messages": [{"role": "user", "content": step(None)}]}
        async with session.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json=body) as response:
            answer = await response.json()
    print(step(answer["choices"][0]["message"]["content"]))


asyncio.run(main())
