"""What is imported when, and that litellm keeps to itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("aiohttp", "litellm", "pydantic", "openai", "httpx", "re2", "jsonschema_rs", "importlib.metadata")


def loaded(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_an_offline_run_loads_nothing_heavy() -> None:
    code = """
import asyncio
from llmspell.providers.base import Message, Request
from llmspell.providers.registry import Providers
provider, model = Providers({}).resolve()
asyncio.run(provider.complete(Request(model, (Message("user", "hi"),))))
"""
    assert loaded(code) == set()


def test_naming_a_provider_loads_nothing_heavy() -> None:
    names = ("openai/m", "anthropic/m", "litellm/openai/m")
    code = f"from llmspell.providers.registry import Providers\n[Providers({{}}).resolve(name) for name in {names!r}]"
    assert loaded(code) == set()


@pytest.mark.xdist_group("litellm")
def test_litellm_reaches_no_host_but_the_one_it_was_told() -> None:
    """Every connection and look-up of a process that uses litellm once, whole and streamed."""
    code = """
import asyncio, sys
reached = set()
def audit(event, arguments):
    if event == "socket.connect":
        reached.add(str(arguments[1][0]) if isinstance(arguments[1], tuple) else "unix")
    elif event == "socket.getaddrinfo":
        reached.add(str(arguments[0]))
sys.addaudithook(audit)
from llmspell.providers.base import Message, Request
from llmspell.providers.registry import Providers
from llmspell.testing.server import ModelServer
async def main():
    async with ModelServer() as server:
        providers = Providers({"OPENAI_BASE_URL": server.openai_url, "ANTHROPIC_BASE_URL": server.url})
        for name in ("litellm/openai/gpt-4o-mini", "litellm/anthropic/claude-haiku-4-5"):
            provider, model = providers.resolve(name)
            request = Request(model, (Message("user", "hi"),))
            await provider.complete(request)
            async for piece in provider.stream(request):
                pass
        await providers.close()
asyncio.run(main())
print(*sorted(reached))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["127.0.0.1"]
    assert done.stderr == ""
