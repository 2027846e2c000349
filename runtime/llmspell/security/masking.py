"""Hides secrets in what is kept or shown: audit records, errors, traces.

A value is hidden when its key says so (`api_key`, `Authorization`), when it is a secret that the host's environment
holds (also URL-quoted or in Base64), or when it has the shape of a well-known kind of key. Shapes are guesses: a
masker makes leaks rare, permissions make them impossible.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from llmspell.security.openings import Unbroken

MASK: Final = "***"

#: Variables of every shell that are named like passwords and hold the present folder.
_FOLDERS: Final = frozenset({"PWD", "OLDPWD"})

#: Words that make a key or a variable's name secret, in whatever case and however joined.
_SECRET_NAME: Final = (
    r"(?:^|[_\-.\s])(?:api[_\-]?key|access[_\-]?key|private[_\-]?key|secret|secrets|token|password|passwd|pwd|pass|passphrase"
    r"|credential|credentials|authorization|auth|cookie|set[_\-]cookie|session[_\-]?id|bearer|signature)"
    r"(?:$|[_\-.\s](?!count|limit|type|name|url))"
)
_COUNTED: Final = r"^(?:max|min|total|num|prompt|completion|input|output|cached)[_\-]?\w*tokens?\w*$"
_CAMEL: Final = r"(?<=[a-z0-9])(?=[A-Z])"

#: A word begins, also after a line break that JSON writes as `\n`.
_START: Final = r"(?:\b|(?<=\\[nrtbf]))"

#: Shapes of keys, each with texts of which one is in it, and what is in all of those: to look for a rare letter costs a
#: twentieth of looking for a word, and that a fiftieth of a search for the shape.
#: Every repetition is of one character class, so matching is linear.
_SHAPES: Final = (
    ("-", ("sk-",), rf"{_START}sk-[A-Za-z0-9_\-]{{16,}}"),
    ("gh", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), rf"{_START}gh[pousr]_[A-Za-z0-9]{{20,}}"),
    ("pat", ("github_pat_",), rf"{_START}github_pat_[A-Za-z0-9_]{{20,}}"),
    ("-", ("glpat-",), rf"{_START}glpat-[A-Za-z0-9_\-]{{16,}}"),
    ("-", ("xox",), rf"{_START}xox[abeoprs]-[A-Za-z0-9\-]{{10,}}"),
    ("I", ("AKIA", "ASIA"), rf"{_START}(?:AKIA|ASIA)[A-Z0-9]{{16}}\b"),
    ("I", ("AIza",), rf"{_START}AIza[A-Za-z0-9_\-]{{30,}}"),
    ("f", ("hf_",), rf"{_START}hf_[A-Za-z0-9]{{20,}}"),
    ("k_", ("k_live_", "k_test_"), rf"{_START}[rs]k_(?:live|test)_[A-Za-z0-9]{{16,}}"),
    ("J", ("eyJ",), rf"{_START}eyJ[A-Za-z0-9_\-]{{10,500}}\.[A-Za-z0-9_\-]{{10,}}\.[A-Za-z0-9_\-]*"),
    (
        "-----",
        ("-----BEGIN ",),
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
    ),
    ("/", ("://",), r"(?<=://)[^\s:/@]{1,200}:[^\s/@]{1,200}(?=@)"),
)
#: What follows these words, in whatever case.
_SCHEMES: Final = (("bearer ", "basic "), r"(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9._~+/\-]{8,}=*")

#: Endings of names of variables that hold secrets, beside those: `MY_KEY`, `PGPASSWORD`.
_SECRET_ENDINGS: Final = ("_KEY", "PASSWORD", "PASSWD", "SECRET", "TOKEN")

#: Shorter values would hide ordinary words.
_LEAST: Final = 8
#: Longest name that is remembered: a spell's own may be of any length.
_SHORT: Final = 64
_DEPTH: Final = 64


def is_secret_name(name: str) -> bool:
    """Whether a key or variable of this name holds a secret: `OPENAI_API_KEY`, `apiKey`, `x-auth-token`."""
    return _names_secret(name) if len(name) <= _SHORT else _names_secret.__wrapped__(name)


@lru_cache(1024)
def _names_secret(name: str) -> bool:
    """The keys of tools' arguments come with each call: to look at one again takes a tenth."""
    spaced = _compiled(_CAMEL).sub("_", name)
    secret = _compiled(_SECRET_NAME, re.IGNORECASE).search(spaced)
    return secret is not None and _compiled(_COUNTED, re.IGNORECASE).match(spaced) is None


@cache
def _compiled(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """At the first use: a spell's first line does not wait for it (all together 8 ms)."""
    return re.compile(pattern, flags)


class Masker:
    """Masks text and values. Knows the secrets of one environment.

    named: variables that hold one whatever they are called.
    """

    __slots__ = ("_environ", "_held", "_named")

    def __init__(self, environ: Mapping[str, str], named: Iterable[str] = ()) -> None:
        self._environ = environ
        self._named = frozenset(named)
        self._held: tuple[str, ...] | None = None

    @property
    def _secrets(self) -> tuple[str, ...]:
        if self._held is None:
            self._held = _held(self._environ, self._named)
        return self._held

    def unbroken(self) -> Unbroken:
        """What a text that comes in pieces is passed through, so that its pieces can be masked each by itself."""
        from llmspell.security.openings import Unbroken  # 1 ms, for runs that have an answer in pieces

        return Unbroken(self.text, self._secrets)

    def text(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        for rare, hints, shape in _SHAPES:
            if rare in text:
                for hint in hints:
                    if hint in text:
                        text = _compiled(shape).sub(MASK, text)
        lowered = text.lower()
        for hint in _SCHEMES[0]:
            if hint in lowered:
                text = _compiled(_SCHEMES[1]).sub(MASK, text)
        return text

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


def _held(environ: Mapping[str, str], named: frozenset[str]) -> tuple[str, ...]:
    """The secrets of an environment in all their spellings, longest first: one may be part of another."""
    secret = {name for name in environ if name in named or _is_secret_variable(name)} - _FOLDERS
    values = {environ[name] for name in secret if len(environ[name]) >= _LEAST}
    return tuple(sorted({spelled for value in values for spelled in _spellings(value)}, key=len, reverse=True))


def _is_secret_variable(name: str) -> bool:
    return is_secret_name(name) or name.upper().endswith(_SECRET_ENDINGS)


def _spellings(value: str) -> set[str]:
    """As it stands, quoted for a URL, escaped as JSON does, and in Base64 where that is long enough to be sure."""
    raw = value.encode("utf-8", "surrogateescape")
    escaped = value.translate(_ESCAPES)
    spelled = {value, escaped, quote(raw, safe=""), base64.b64encode(raw).decode().rstrip("=")}
    return spelled if value.isascii() else {*spelled, "".join(map(_ascii, escaped))}


#: As JSON escapes; `json` itself would take 5 ms on the way to a spell's first line.
_ESCAPES: Final = {
    **{code: f"\\u{code:04x}" for code in range(32)},
    **{
        ord(letter): written
        for letter, written in zip('"\\\n\r\t\b\f', ('\\"', r"\\", r"\n", r"\r", r"\t", r"\b", r"\f"))
    },
}


def _ascii(letter: str) -> str:
    if letter.isascii():
        return letter
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
