"""Hides secrets in what is kept or shown: audit records, errors, traces.

A value is hidden when its key says so (`api_key`, `Authorization`), when it is a secret that the host's environment
holds (also URL-quoted or in Base64), or when it has the shape of a well-known kind of key. Shapes are guesses: a
masker makes leaks rare, permissions make them impossible.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

MASK: Final = "***"

#: Words that make a key or a variable's name secret, in whatever case and however joined.
_SECRET_NAME: Final = re.compile(
    r"(?:^|[_\-.\s])(?:api[_\-]?key|access[_\-]?key|private[_\-]?key|secret|secrets|token|password|passwd|pwd|pass|passphrase"
    r"|credential|credentials|authorization|auth|cookie|set[_\-]cookie|session[_\-]?id|bearer|signature)"
    r"(?:$|[_\-.\s](?!count|limit|type|name|url))",
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(r"^(?:max|min|total|num|prompt|completion|input|output|cached)[_\-]?\w*tokens?\w*$", re.I)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

#: Shapes of keys. Every repetition is of one character class, so matching is linear.
_SHAPES: Final = re.compile(
    "|".join(
        (
            r"\bsk-[A-Za-z0-9_\-]{16,}",
            r"\bgh[pousr]_[A-Za-z0-9]{20,}",
            r"\bgithub_pat_[A-Za-z0-9_]{20,}",
            r"\bglpat-[A-Za-z0-9_\-]{16,}",
            r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,}",
            r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
            r"\bAIza[A-Za-z0-9_\-]{30,}",
            r"\bhf_[A-Za-z0-9]{20,}",
            r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
            r"\beyJ[A-Za-z0-9_\-]{10,500}\.[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]*",
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
            r"(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9._~+/\-]{8,}=*",
            r"(?<=://)[^\s:/@]{1,200}:[^\s/@]{1,200}(?=@)",
        )
    )
)

#: Shorter values would hide ordinary words.
_LEAST: Final = 8
_DEPTH: Final = 64


def is_secret_name(name: str) -> bool:
    """Whether a key or variable of this name holds a secret: `OPENAI_API_KEY`, `apiKey`, `x-auth-token`."""
    spaced = _CAMEL.sub("_", name)
    return _SECRET_NAME.search(spaced) is not None and _COUNTED.match(spaced) is None


class Masker:
    """Masks text and values. Knows the secrets of one environment."""

    __slots__ = ("_known",)

    def __init__(self, environ: Mapping[str, str]) -> None:
        held = {value for name, value in environ.items() if len(value) >= _LEAST and is_secret_name(name)}
        spellings = sorted({spelled for value in held for spelled in _spellings(value)}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, spellings))) if spellings else None

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _SHAPES.sub(MASK, text)

    def value(self, value: Any, _depth: int = 0) -> Any:
        """The same value with secrets hidden; containers are copied."""
        if _depth > _DEPTH:
            return MASK
        match value:
            case str():
                return self.text(value)
            case dict():
                return {
                    self.text(key) if isinstance(key, str) else key: MASK
                    if isinstance(key, str) and is_secret_name(key) and item not in (None, "", True, False)
                    else self.value(item, _depth + 1)
                    for key, item in value.items()
                }
            case list() | tuple():
                return [self.value(item, _depth + 1) for item in value]
            case _:
                return value


def _spellings(value: str) -> set[str]:
    """As it stands, quoted for a URL, escaped as JSON does, and in Base64 where that is long enough to be sure."""
    raw = value.encode("utf-8", "surrogateescape")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return {value, quote(raw, safe=""), escaped, base64.b64encode(raw).decode().rstrip("=")}
