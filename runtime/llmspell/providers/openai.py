"""OpenAI's chat completions, and every service that speaks them: Ollama, vLLM, LM Studio, OpenRouter, Groq and others.

Wire format: the API reference of `POST /chat/completions`, written and read by `openai_format`. Sends what the request
says and nothing more; `extra` goes into the body as it is. Knows no agent and no settings.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from llmspell.errors import ProviderError
from llmspell.providers import http
from llmspell.providers.account import Account
from llmspell.providers.base import Completion, Delta, Request
from llmspell.providers.embedding import EmbeddingRequest, Embeddings, read_embeddings, write_request
from llmspell.providers.openai_format import StreamReader, read_completion, write_body


class OpenAI:
    """A service that speaks chat completions; its address ends in `/v1`, as the services' own clients take it.

    stream_usage: whether it takes `stream_options`, by which others are asked to count a stream's tokens.
    """

    def __init__(self, account: Account, *, stream_usage: bool = True) -> None:
        self.name = account.name
        self._account = account
        self._stream_usage = stream_usage
        own = {"Authorization": f"Bearer {account.api_key}"} if account.api_key else {}
        self._endpoint = http.Endpoint(account.base_url, {**own, **account.headers}, account.environ)
        # OpenAI's newer models refuse max_tokens, other servers know only that.
        self._limit_name = "max_completion_tokens" if account.host == "api.openai.com" else "max_tokens"

    def __repr__(self) -> str:
        return f"OpenAI({self.name!r}, {self._account.host!r})"

    def prefetch(self) -> None:
        http.prefetch()

    async def close(self) -> None:
        await self._endpoint.close()

    async def complete(self, request: Request) -> Completion:
        asked = self._account.asked(request.model)
        body = write_body(request, self._limit_name)
        answer = await self._endpoint.post("/chat/completions", body, asked, request.timeout, request.idempotency_key)
        return read_completion(answer, asked, self._account.prices)

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion]:
        asked = self._account.asked(request.model)
        body = write_body(request, self._limit_name)
        body["stream"] = True
        if self._stream_usage:
            body["stream_options"] = {"include_usage": True}
        reader = StreamReader(asked, self._account.prices)
        events = self._endpoint.events("/chat/completions", body, asked, request.timeout, request.idempotency_key)
        try:
            async for _, data in events:
                if data == b"[DONE]":
                    break
                try:
                    chunk: Any = json.loads(data)
                except (ValueError, RecursionError):
                    raise http.malformed(asked, data) from None
                piece = reader.take(chunk)
                if piece:
                    yield Delta(piece)
            completion = reader.completion()
        except ProviderError as error:
            error.data["partial"] = reader.text
            raise
        finally:
            await events.aclose()
        yield completion

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        asked = self._account.asked(request.model)
        body = write_request(request)
        answer = await self._endpoint.post("/embeddings", body, asked, request.timeout, request.idempotency_key)
        return read_embeddings(answer, request, asked, self._account.prices)
