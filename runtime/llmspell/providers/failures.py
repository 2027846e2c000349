"""What a service's refusal means: from status, headers and body to one ProviderError. Knows no HTTP library.

The kinds are `llmspell.errors.ProviderKind`. Statuses of 500 and over are `overloaded`: the service failed, asking
again may help. A 429 that says the account is out of credit is `rate_limit` but not retryable.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from llmspell.errors import ProviderError, ProviderKind
from llmspell.frozen import frozen

#: Characters of a service's own message that are shown.
MESSAGE_LIMIT: Final = 400

_STATUS: Final[dict[int, ProviderKind]] = {
    401: "auth",
    402: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    413: "context_length",
    425: "rate_limit",
    429: "rate_limit",
}
#: Error words that services put in `type`, `code` or `status`: OpenAI's, Anthropic's and Google's.
_WORDS: Final[dict[str, ProviderKind]] = {
    "authentication_error": "auth",
    "permission_error": "auth",
    "billing_error": "auth",
    "invalid_api_key": "auth",
    "not_found_error": "not_found",
    "model_not_found": "not_found",
    "rate_limit_error": "rate_limit",
    "rate_limit_exceeded": "rate_limit",
    "insufficient_quota": "rate_limit",
    "overloaded_error": "overloaded",
    "api_error": "overloaded",
    "server_error": "overloaded",
    "timeout_error": "timeout",
    "request_too_large": "context_length",
    "context_length_exceeded": "context_length",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
}
#: Words that say more than the status they come with.
_EXACT: Final = frozenset({"context_length_exceeded", "content_filter", "content_policy_violation"})
_TOO_LONG: Final = re.compile(
    r"maximum context length|context (window|length|size)|prompt is too long|input is too long"
    r"|too many (input )?tokens|exceeds? the (model's )?(maximum|limit).{0,40}tokens",
    re.IGNORECASE,
)
_FILTERED: Final = re.compile(r"content (management )?policy|content filter|safety system", re.IGNORECASE)
_NO_CREDIT: Final = frozenset({"insufficient_quota", "enforced_spend_limit_reached", "billing_hard_limit_reached"})


@frozen
class Asked:
    """Who was asked, for the messages: no key is in it. key_variable names what to set for another key.

    secret: the key itself, only to be cut out of what a service sends back; it is never shown.
    """

    provider: str
    model: str
    host: str
    key_variable: str = ""
    secret: str = ""

    def __repr__(self) -> str:
        return f"Asked({self.provider!r}, {self.model!r}, {self.host!r})"

    def fail(
        self, kind: ProviderKind, message: str, *, hint: str = "", status: int | None = None, **more: Any
    ) -> ProviderError:
        return ProviderError(
            self.clean(message),
            provider_kind=kind,
            provider=self.provider,
            model=self.model,
            status=status,
            hint=hint or self.hint(kind),
            **more,
        )

    def clean(self, text: str) -> str:
        return text.replace(self.secret, "[key]") if self.secret else text

    def hint(self, kind: ProviderKind) -> str:
        match kind:
            case "auth" if self.key_variable:
                return f"set {self.key_variable} to a key that {self.provider} accepts"
            case "auth":
                return f"give the key that {self.provider} expects as api_key in [providers.{self.provider}]"
            case "not_found":
                return f"check the model's name and the address ({self.host}); `llmspell models list` shows known names"
            case "rate_limit":
                return "ask less often, raise `retries`, or name a fallback agent"
            case "overloaded":
                return f"{self.provider} is failing on its side: try again later or name a fallback agent"
            case "network":
                return (
                    f"is {self.host} reachable from here? base_url in [providers.{self.provider}] sets another address"
                )
            case "timeout":
                return "raise `timeout` (milliseconds), or ask for a shorter answer"
            case "context_length":
                return "send less: clear or shorten the history, or choose a model with a larger context window"
            case "content_filter":
                return "reword the request; the provider's policy refused it"
            case "invalid_request":
                return "the message above is the provider's own; check the options of the agent"


def refused(
    asked: Asked, status: int, headers: Mapping[str, str], body: bytes, now: float | None = None
) -> ProviderError:
    """The error of an HTTP answer that is not a success."""
    words, said = read_error(body)
    return explain(asked, status, words, said, retry_after=retry_after(headers))


def explain(
    asked: Asked,
    status: int | None,
    words: tuple[str, ...],
    said: str,
    retry_after: float | None = None,
) -> ProviderError:
    """The error of a failure that a service described, with a status or, inside a stream, without one."""
    kind = _kind(status, words, said)
    number = "" if status is None else f" (status {status})"
    message = f"{asked.provider} {_VERBS[kind]} for model {asked.model!r}{number}"
    said = " ".join(asked.clean(said).split())
    if said:
        message += f": {said[:MESSAGE_LIMIT]}{'…' if len(said) > MESSAGE_LIMIT else ''}"
    broke = status == 402 or not _NO_CREDIT.isdisjoint(words)
    hint = f"the {asked.provider} account behind the key has no credit left" if broke else ""
    retryable = False if broke else None
    return asked.fail(kind, message, hint=hint, status=status, retry_after=retry_after, retryable=retryable)


_VERBS: Final[dict[ProviderKind, str]] = {
    "timeout": "took too long",
    "rate_limit": "refused: too many requests",
    "auth": "did not accept the key",
    "not_found": "does not know what was asked",
    "invalid_request": "refused the request",
    "overloaded": "failed",
    "network": "could not be reached",
    "content_filter": "refused the content",
    "context_length": "cannot read that much",
}


def _kind(status: int | None, words: tuple[str, ...], said: str) -> ProviderKind:
    exact: ProviderKind | None = next((_WORDS[word] for word in words if word in _EXACT), None)
    if exact is not None:
        return exact
    if status in (None, 400, 413, 422):
        if _TOO_LONG.search(said):
            return "context_length"
        if _FILTERED.search(said):
            return "content_filter"
    if status is not None and status in _STATUS:
        return _STATUS[status]
    if status is not None and status >= 500:
        return "overloaded"
    if status is not None and status < 400:  # a redirect, which is not followed
        return "invalid_request"
    known: ProviderKind | None = next((_WORDS[word] for word in words if word in _WORDS), None)
    return known or ("overloaded" if status is None else "invalid_request")


def read_error(body: bytes) -> tuple[tuple[str, ...], str]:
    """The words (`type`, `code`, …) and the message of an error body, whatever its shape."""
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        return (), _plain(body)
    return error_value(value)


def error_value(value: Any) -> tuple[tuple[str, ...], str]:
    """The same from a parsed body: OpenAI's and Anthropic's `{error: {…}}`, `{error: "…"}`, `{detail: …}`, a list."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return (), str(value)
    inner: Any = value.get("error", value)
    if not isinstance(inner, dict):
        return (), str(inner)
    details = inner.get("details")
    holders = (inner, details) if isinstance(details, dict) else (inner,)
    words = [holder.get(name) for holder in holders for name in ("code", "type", "status", "error_code")]
    said = next((inner[name] for name in ("message", "detail", "msg") if inner.get(name)), "")
    return tuple(word for word in words if isinstance(word, str)), said if isinstance(said, str) else json.dumps(said)


def _plain(body: bytes) -> str:
    """A body that is not JSON, with an HTML page's tags taken out."""
    text = body[: 4 * MESSAGE_LIMIT].decode("utf-8", "replace")
    return (
        re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL) if text.lstrip()[:1] == "<" else text
    )


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Milliseconds to wait, from `retry-after-ms`, `x-ms-retry-after-ms` or `retry-after` (seconds or an HTTP date).

    `headers` is looked up in lower case. now: seconds since the epoch, for dates.
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (wait := _positive(headers.get(name))) is not None:
            return wait
    value = headers.get("retry-after")
    if value is None:
        return None
    if (wait := _positive(value)) is not None:
        return wait * 1000
    # email.utils is loaded by aiohttp in any case; a date is rare enough not to load it for `--help`.
    import time
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None
    return max(0.0, (at - (time.time() if now is None else now)) * 1000)


def _positive(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
