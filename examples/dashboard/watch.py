"""Follows a run from another program: `python watch.py ws://127.0.0.1:PORT TOKEN`."""

import asyncio
import json
import sys

import aiohttp


async def watch(url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/?dashboard=1000", headers=headers) as socket,
    ):
        async for message in socket:
            match json.loads(message.data):
                case {"seq": number, "kind": kind, "name": name}:
                    print(f"{number:>4}  {kind} {name}")
                case {"dashboard": {"agents": agents, "metrics": {"counters": counters}}}:
                    busy = ", ".join(f"{agent['name']} {agent['status']}" for agent in agents)
                    print(f"      {busy or 'no agent yet'}; model calls: {counters.get('llmspell_llm_calls', 0)}")
                case {"missed": {"from": first, "to": last}}:
                    print(f"      too late for {first} to {last}")
                case _:
                    print("      the run has ended")


asyncio.run(watch(sys.argv[1], sys.argv[2]))
