"""Vectors from the letters of a text alone, where there is no model: two texts are alike that share words and pieces.

Words, pairs of words and pieces of words are counted into a fixed number of places by their hash (feature hashing with
signs). It knows no meaning: `car` and `automobile` are strangers. The same text gives the same vector everywhere.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Final

#: Numbers of a vector unless something else is asked for. With 512, unrelated texts come out at 0 within 0.05.
DIMENSIONS: Final = 512
#: What results say of the method: changed whenever the same text would give another vector.
MODEL: Final = "lexical-1"

_WORD: Final = re.compile(r"\w+")
_PIECES: Final = (3, 4)
_PAIR_WEIGHT: Final = 0.5
_PIECE_WEIGHT: Final = 0.5


def embed(texts: list[str], dimensions: int = DIMENSIONS) -> list[list[float]]:
    """A vector of length 1 for each text; of zeros for one without letters and digits. 3 ms for a page of text."""
    return [_vector(text, dimensions) for text in texts]


def _vector(text: str, dimensions: int) -> list[float]:
    weights: dict[str, float] = {}
    for feature, weight in _features(text):
        weights[feature] = weights.get(feature, 0.0) + weight
    found = [0.0] * dimensions
    for feature, weight in weights.items():
        hashed = _hash(feature)
        found[(hashed >> 1) % dimensions] += math.log1p(weight) * (1 if hashed & 1 else -1)
    length = math.sqrt(sum(number * number for number in found))
    return [number / length for number in found] if length else found


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    for word in words:
        # Short words are mostly those that every text has.
        weight = min(len(word), 8) / 4
        yield f"w {word}", weight
        pieces = _pieces(word)
        for piece in pieces:
            yield f"p {piece}", weight * _PIECE_WEIGHT / len(pieces)
    for first, second in pairwise(words):
        yield f"d {first} {second}", _PAIR_WEIGHT


@lru_cache(4096)
def _pieces(word: str) -> tuple[str, ...]:
    """Runs of 3 and 4 letters, the word's edges marked; of a very long word those of its beginning."""
    marked = f"<{word[:64]}>"
    return tuple(marked[at : at + size] for size in _PIECES for at in range(len(marked) - size + 1)) or (marked,)


@lru_cache(16_384)
def _hash(feature: str) -> int:
    return int.from_bytes(blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
