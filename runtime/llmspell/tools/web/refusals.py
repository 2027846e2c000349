"""What a service means by an answer that is no success: its own words, and how long it asks to be left alone.

Services write both in a few ways; those of the services that tools of this house ask are read: GitHub, Jira, Slack,
Discord, Twilio, Brave and Tavily. Knows no connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

#: Where services put what went wrong, the clearest first.
_SAID: Final = ("message", "error_description", "errorMessages", "error", "detail", "title")
#: Where they put what is wrong with which field: GitHub and Discord beside a message, Jira alone.
_DETAILS: Final = "errors"
_LONGEST: Final = 300
_DEEPEST: Final = 12
#: Seconds since 1970 are larger than this, seconds to wait smaller.
_MOMENT: Final = 1_000_000_000


def said(value: Any) -> str:
    """The service's own words, shortened."""
    if not isinstance(value, dict):
        return _short(_text(value, 0))
    parts = [next(filter(None, (_text(value.get(key), 0) for key in _SAID)), "")]
    parts += dict.fromkeys(_details(value.get(_DETAILS), "", 0))
    return _short("; ".join(filter(None, parts)))


def wait(headers: Mapping[str, str]) -> float | None:
    """Milliseconds to wait, where the answer says so: `Retry-After`, or when a limit that is used up begins anew."""
    given = headers.get("retry-after", "").strip()
    if given:
        return _until(given, headers)
    if headers.get("x-ratelimit-reset-after"):  # Discord: seconds
        return _until(headers["x-ratelimit-reset-after"], headers)
    resets = headers.get("x-ratelimit-reset", "").split(",")  # GitHub, Jira: a moment; Brave: seconds, by window
    left = headers.get("x-ratelimit-remaining", "").split(",")
    found = [_until(reset.strip(), headers) for reset, rest in zip(resets, left, strict=False) if rest.strip() == "0"]
    return max((each for each in found if each is not None), default=None)


def _until(given: str, headers: Mapping[str, str]) -> float | None:
    """Milliseconds to wait: from seconds, seconds since 1970, or a date. None where nobody can tell."""
    try:
        seconds = float(given)
        if seconds < _MOMENT:
            return max(0.0, seconds) * 1000 if seconds == seconds else None
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        try:
            moment = datetime.fromisoformat(given)
        except ValueError:
            try:
                moment = parsedate_to_datetime(given)
            except (TypeError, ValueError):
                return None
    try:
        now = parsedate_to_datetime(headers["date"])
        return max(0.0, (moment - now).total_seconds()) * 1000
    except (KeyError, TypeError, ValueError):
        return None


def _text(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return value
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_text(each, depth + 1) for each in value[:5])))
    if isinstance(value, dict):
        return next(filter(None, (_text(value.get(key), depth + 1) for key in _SAID)), "")
    return ""


def _details(value: Any, field: str, depth: int) -> Iterator[str]:
    """Each as `field: what is wrong`. GitHub lists them, Jira has them by field, Discord as a tree of fields."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        yield f"{field}: {value}" if field else value
    elif isinstance(value, list):
        for each in value[:5]:
            yield from _details(each, field, depth + 1)
    elif isinstance(value, dict):
        words = value.get("message") or value.get("code")
        if isinstance(words, str):
            named = str(value.get("field") or field)
            yield f"{named}: {words}" if named else words
        else:
            for key, each in list(value.items())[:5]:
                inner = field if key == "_errors" else f"{field}.{key}" if field else str(key)
                yield from _details(each, inner, depth + 1)


def _short(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
