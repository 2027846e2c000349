"""Texts in, vectors out: the request, the answer, OpenAI's wire format of `POST /embeddings`, and who is asked.

A service's answer is a stranger's: the number of vectors, their order and their numbers are checked before anyone gets
them. Knows no agent, no tool and no network.
"""

from __future__ import annotations

import base64
import binascii
import math
from array import array
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from llmspell.errors import ArgumentError
from llmspell.frozen import frozen
from llmspell.providers import prices
from llmspell.providers.base import Usage
from llmspell.providers.failures import Asked
from llmspell.providers.offline import MODEL as OFFLINE

if TYPE_CHECKING:
    from llmspell.providers.registry import Providers

#: Names the model for embeddings, as LLMSPELL_DEFAULT_MODEL does for agents.
VARIABLE: Final = "LLMSPELL_EMBEDDING_MODEL"
#: The model that a service is asked for where nobody names one; what a service offers here can be had with its key.
MODELS: Final[dict[str, str]] = {
    "openai": "text-embedding-3-small",
    "gemini": "gemini-embedding-001",
    "mistral": "mistral-embed",
    "openrouter": "openai/text-embedding-3-small",
    "ollama": "nomic-embed-text",
}
#: Numbers of a vector at most; the longest in use have 4096.
MAX_DIMENSIONS: Final = 16_384


@frozen
class EmbeddingRequest:
    """texts: none of them empty. dimensions: of the vectors, where the model can be told. timeout: milliseconds."""

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    timeout: float | None = None
    idempotency_key: str = ""


@frozen
class Embeddings:
    """A vector for each text, in their order and all of one length. usage: tokens read, and what they cost."""

    vectors: list[list[float]]
    usage: Usage
    model: str


@runtime_checkable
class Embedder(Protocol):
    """A provider that has embeddings. Raises ProviderError, never retries, contacts only its own host."""

    @property
    def name(self) -> str: ...

    async def embed(self, request: EmbeddingRequest) -> Embeddings: ...


def choose(
    providers: Providers,
    environ: Mapping[str, str],
    *,
    model: str = "",
    provider: str = "",
    base_url: str = "",
    api_key: str = "",
) -> tuple[Embedder, str] | None:
    """Whom to ask, and for which model. None where nothing is named and nothing configured, or offline is.

    Raises ArgumentError for names that nobody knows, and for a provider without embeddings.
    """
    if not (model or provider or base_url):
        model = environ.get(VARIABLE, "")
    if not (model or provider or base_url):
        provider = next((name for name in providers.ready_names() if name in MODELS), "")
        if not provider:
            return None
    if not model:
        model = MODELS.get(provider or "openai", "")
        if not model and provider != OFFLINE:
            raise ArgumentError(f"no model for embeddings is known of {provider!r}", hint="name a model too")
    found, name = providers.resolve(model or None, provider or None, base_url or None, api_key or None)
    if found.name == OFFLINE:
        return None
    if not isinstance(found, Embedder):
        raise ArgumentError(
            f"{found.name} has no embeddings", hint='name a model that has, such as "openai/text-embedding-3-small"'
        )
    return found, name


def write_request(request: EmbeddingRequest) -> dict[str, Any]:
    """The body. `float` is asked for because not every server knows `base64`."""
    body: dict[str, Any] = {"model": request.model, "input": list(request.texts), "encoding_format": "float"}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return body


def read_embeddings(answer: Mapping[str, Any], request: EmbeddingRequest, asked: Asked, price_name: str) -> Embeddings:
    """The answer's vectors by their `index`. Raises ProviderError for an answer that is not what was asked for."""
    rows: Any = answer.get("data")
    if not isinstance(rows, list) or len(rows) != len(request.texts):
        count = len(rows) if isinstance(rows, list) else "no"
        raise _wrong(asked, f"sent {count} vectors for {len(request.texts)} texts")
    vectors: list[list[float] | None] = [None] * len(rows)
    for position, row in enumerate(rows):
        index = row.get("index", position) if isinstance(row, dict) else -1
        if not isinstance(index, int) or not 0 <= index < len(vectors) or vectors[index] is not None:
            raise _wrong(asked, f"sent a vector with the index {index!r}")
        vectors[index] = _vector(row.get("embedding"), asked)
    found = [vector for vector in vectors if vector is not None]
    if len({len(vector) for vector in found}) > 1:
        raise _wrong(asked, "sent vectors of different lengths")
    if request.dimensions is not None and found and len(found[0]) != request.dimensions:
        raise _wrong(asked, f"sent vectors of {len(found[0])} numbers where {request.dimensions} were asked for")
    usage: Any = answer.get("usage")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    read = tokens if isinstance(tokens, int) and tokens >= 0 else 0
    return Embeddings(found, Usage(read, 0, 0, _cost(price_name, request.model, read)), request.model)


def _vector(value: Any, asked: Asked) -> list[float]:
    if isinstance(value, str):  # 32-bit floats, little end first, in Base64
        try:
            numbers = array("f", base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError):
            raise _wrong(asked, "sent a vector that is no Base64 of numbers") from None
        value = numbers.tolist()
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_DIMENSIONS:
        raise _wrong(asked, "sent no vector where one was due")
    for number in value:
        if type(number) is not float and type(number) is not int:
            raise _wrong(asked, "sent a vector that holds no numbers")
        if not math.isfinite(number):
            raise _wrong(asked, "sent a vector with a number that is not finite")
    return [float(number) for number in value]


def _cost(price_name: str, model: str, tokens: int) -> float | None:
    info = prices.lookup(model, price_name)
    return None if info is None or info.input_price is None else tokens * info.input_price / 1_000_000


def _wrong(asked: Asked, what: str) -> Exception:
    return asked.fail(
        "network", f"{asked.provider} {what}, by model {asked.model!r}", hint=f"does {asked.host} have embeddings?"
    )
