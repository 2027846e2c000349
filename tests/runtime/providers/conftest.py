"""The five ways to a model as one subject, and the loopback server behind four of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from llmspell.providers.base import Completion, Delta, Provider, Request
from llmspell.providers.offline import Offline
from llmspell.providers.registry import Providers
from llmspell.providers.replies import Call, Failure, Replies, Reply
from llmspell.testing.answers import Answer
from llmspell.testing.server import ModelServer

MODELS = {
    "openai": "openai/gpt-4o-mini",
    "anthropic": "anthropic/claude-haiku-4-5",
    "litellm-openai": "litellm/openai/gpt-4o-mini",
    "litellm-anthropic": "litellm/anthropic/claude-haiku-4-5",
}
_KINDS: dict[int, Any] = {
    400: "invalid_request",
    401: "auth",
    404: "not_found",
    429: "rate_limit",
    500: "overloaded",
    529: "overloaded",
}


@dataclass
class Subject:
    """A provider, and `will` to tell what its service answers next."""

    name: str
    provider: Provider
    model: str
    server: ModelServer | None
    replies: list[Reply]

    @property
    def full_model(self) -> str:
        """As it is given to a registry."""
        return MODELS[self.name]

    @property
    def protocol(self) -> str:
        return self.name.rpartition("-")[2]

    def will(self, *answers: Answer) -> None:
        if self.server is not None:
            self.server.will(*answers)
            return
        self.replies.extend(_reply(answer) for answer in answers)
        self.provider = Offline(Replies(self.replies, "error"))

    async def complete(self, request: Request) -> Completion:
        return await self.provider.complete(request)

    async def stream(self, request: Request) -> tuple[list[str], Completion]:
        deltas: list[str] = []
        last: Completion | None = None
        async for piece in self.provider.stream(request):
            assert last is None, "the completion is the last item"
            if isinstance(piece, Delta):
                deltas.append(piece.text)
            else:
                last = piece
        assert last is not None
        return deltas, last


def _reply(answer: Answer) -> Reply:
    headers = {name.lower(): value for name, value in answer.headers}
    wait = float(headers["retry-after"]) * 1000 if "retry-after" in headers else None
    return Reply(
        text=answer.text,
        tool_calls=tuple(Call(call.name, call.arguments, call.id) for call in answer.tool_calls),
        chunks=answer.chunks,
        delay=60_000 if answer.fault in ("hang", "stall") else answer.delay,
        failure=Failure(_KINDS[answer.status], answer.message, wait) if answer.status != 200 else None,
    )


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as running:
        yield running


@pytest.fixture
def environ(server: ModelServer) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": server.openai_url,
        "OPENAI_API_KEY": "sk-openai-secret",
        "ANTHROPIC_BASE_URL": server.url,
        "ANTHROPIC_API_KEY": "sk-anthropic-secret",
    }


@pytest.fixture
async def providers(environ: dict[str, str]) -> AsyncIterator[Providers]:
    registry = Providers(environ)
    yield registry
    await registry.close()


# litellm takes seconds to import: one worker of xdist pays for it, once.
_LITELLM = pytest.mark.xdist_group("litellm")
ON_THE_WIRE = [
    "openai",
    "anthropic",
    pytest.param("litellm-openai", marks=_LITELLM),
    pytest.param("litellm-anthropic", marks=_LITELLM),
]


def _subject(name: str, providers: Providers, server: ModelServer) -> Subject:
    provider, model = providers.resolve(MODELS[name])
    return Subject(name, provider, model, server, [])


@pytest.fixture(params=[*ON_THE_WIRE, "offline"])
def subject(request: pytest.FixtureRequest, providers: Providers, server: ModelServer) -> Subject:
    """Every provider."""
    if request.param == "offline":
        return Subject("offline", Offline(), "offline", None, [])
    return _subject(request.param, providers, server)


@pytest.fixture(params=ON_THE_WIRE)
def wired(request: pytest.FixtureRequest, providers: Providers, server: ModelServer) -> Subject:
    """The providers that speak over a network."""
    return _subject(request.param, providers, server)


@pytest.fixture(params=["openai", "anthropic"])
def native(request: pytest.FixtureRequest, providers: Providers, server: ModelServer) -> Subject:
    """The providers whose bytes are our own."""
    return _subject(request.param, providers, server)
