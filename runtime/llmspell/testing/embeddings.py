"""OpenAI's `POST /embeddings` as a service speaks it: vectors of the texts' letters, as numbers or in Base64.

The same text gives the same vector, texts with words in common give vectors that are alike. A `Wire` as those of
`wire`; knows no sockets.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

from llmspell.providers.base import Request
from llmspell.providers.offline import tokens
from llmspell.testing.answers import Answer
from llmspell.testing.wire import OpenAIWire

#: What a model of OpenAI's has unless it is asked for fewer; other names have DIMENSIONS.
_SIZES: Final = {"text-embedding-3-small": 1536, "text-embedding-ada-002": 1536, "text-embedding-3-large": 3072}
DIMENSIONS: Final = 64
#: Texts of one request, as OpenAI has it.
_MOST: Final = 2048


class EmbeddingsWire(OpenAIWire):
    """Its request's `extra` is the body. Raises ValueError for what the service refuses."""

    def request(self, body: dict[str, Any]) -> Request:
        texts = _texts(body)
        if not 1 <= len(texts) <= _MOST or not all(isinstance(text, str) and text for text in texts):
            raise ValueError("'$.input' is invalid: a text, or 1 to 2048 of them, none of them empty")
        if body.get("encoding_format", "float") not in ("float", "base64"):
            raise ValueError("'encoding_format' is 'float' or 'base64'")
        size = body.get("dimensions")
        if size is not None and not (isinstance(size, int) and 0 < size <= 3072):
            raise ValueError("'dimensions' is a positive integer")
        return Request(model=body["model"], messages=(), extra=body)

    def whole(self, answer: Answer, request: Request, number: int) -> dict[str, Any]:
        del answer, number
        body = request.extra
        size = body.get("dimensions") or _SIZES.get(request.model, DIMENSIONS)
        texts = _texts(body)
        read = sum(map(tokens, texts))
        rows = [
            {"object": "embedding", "index": index, "embedding": _written(vector(text, size), body)}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": read, "total_tokens": read}
        return {"object": "list", "data": rows, "model": request.model, "usage": usage}

    def events(self, answer: Answer, request: Request, number: int, usage: bool) -> Iterator[bytes]:
        raise ValueError("embeddings are not streamed")


def vector(text: str, size: int) -> list[float]:
    """Words counted into places by their hash, of length 1."""
    found = [0.0] * size
    for word in text.lower().split() or [text]:
        hashed = int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        found[(hashed >> 1) % size] += 1.0 if hashed & 1 else -1.0
    length = math.hypot(*found)
    return [number / length for number in found] if length else [1.0, *found[1:]]


def _texts(body: dict[str, Any]) -> list[Any]:
    given = body["input"]
    return given if isinstance(given, list) else [given]


def _written(numbers: list[float], body: dict[str, Any]) -> list[float] | str:
    if body.get("encoding_format") != "base64":
        return numbers
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
