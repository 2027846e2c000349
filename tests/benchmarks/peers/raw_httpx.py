"""Raw httpx, as a Python program would use it: chats with three roles one after the other, or a tool round trip.

python raw_httpx.py three|tool COUNT        COUNT model calls between the lines `begin` and `end`
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import httpx

ROLES = ("You research.", "You write.", "You review.")
TOOL = {
    "type": "function",
    "function": {
        "name": "calculator",
        "description": "Calculates a mathematical expression and gives the number.",
        "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]},
    },
}


async def ask(client: httpx.AsyncClient, messages: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    response = await client.post("/chat/completions", json={"model": "test", "messages": messages, **more})
    response.raise_for_status()
    return response.json()["choices"][0]["message"]


async def three(client: httpx.AsyncClient) -> int:
    text = "Tell me about tea."
    for role in ROLES:
        messages = [{"role": "system", "content": role}, {"role": "user", "content": text}]
        text = (await ask(client, messages))["content"]
    return 3


async def tool(client: httpx.AsyncClient) -> int:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "How much is 17 times 3?"}]
    said = await ask(client, messages, tools=[TOOL])
    call = said["tool_calls"][0]
    a, _, b = json.loads(call["function"]["arguments"])["expression"].split()
    result = json.dumps({"result": int(a) * int(b)})
    messages += [said, {"role": "tool", "tool_call_id": call["id"], "content": result}]
    await ask(client, messages, tools=[TOOL])
    return 2


async def main(kind: str, count: int) -> None:
    work = three if kind == "three" else tool
    headers = {"Authorization": "Bearer k"}
    async with httpx.AsyncClient(base_url=os.environ["OPENAI_BASE_URL"], headers=headers) as client:
        for _ in range(10):
            await work(client)
        print("begin", flush=True)
        done = 0
        while done < count:
            done += await work(client)
        print("end", flush=True)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
