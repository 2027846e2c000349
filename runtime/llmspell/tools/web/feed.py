"""Reads one RSS or Atom feed. Runs in the process of `aside`.

Its parser takes a quarter of a millisecond an entry, and more for long ones: of a feed with very many, only the first
ones are read, which are the newest by custom.
"""

from __future__ import annotations

import calendar
import html
import io
import re
from datetime import UTC, datetime
from typing import Any, Final

import feedparser

from llmspell.errors import ToolError

_TAG: Final = re.compile(r"<[^>]{0,2000}>")
_LONGEST: Final = 20_000
#: Entries that are read of one feed: half a second of parsing.
MANY: Final = 2000
_OPENS: Final = re.compile(rb"<(?:[A-Za-z][\w.-]{0,20}:)?(?:item|entry)(?=[\s/>])")
_ENDS: Final = re.compile(rb"</(?:[A-Za-z][\w.-]{0,20}:)?(?:item|entry)\s*>")


def feed(data: bytes, asked: dict[str, Any]) -> dict[str, Any]:
    """asked: url, content_type, limit, since (seconds since 1970, or None), search, content."""
    head: dict[str, str] = {"content-location": asked["url"]}
    if asked["content_type"]:
        head["content-type"] = asked["content_type"]
    data, many = _first(data)
    # a stream, not bytes: given bytes, feedparser would look whether they are an address or a file's name
    parsed: Any = feedparser.parse(io.BytesIO(data), response_headers=head)
    if not parsed.get("version") and not parsed.entries:
        raise ToolError(f"{asked['url'][:200]!r} is no feed", hint="give the address of an RSS or Atom feed")
    entries = [_entry(entry, asked["content"]) for entry in parsed.entries]
    wanted = [entry for entry in entries if _wanted(entry, asked)]
    about = parsed.feed
    return {
        "format": parsed.get("version", ""),
        "title": _plain(about.get("title")),
        "description": _plain(about.get("subtitle")),
        "link": str(about.get("link", "")),
        "language": str(about.get("language", "")),
        "updated": _time(about.get("updated_parsed") or about.get("published_parsed")),
        "entries": [{key: value for key, value in entry.items() if key != "at"} for entry in wanted[: asked["limit"]]],
        "total": max(many, len(entries)),
        "truncated": many > MANY,
    }


def _first(data: bytes) -> tuple[bytes, int]:
    """The feed without the entries that are too many, still a whole document; and how many it has, 0 where that cannot
    be told from the bytes."""
    opens = [found.start() for found in _OPENS.finditer(data)]
    if len(opens) <= MANY:
        return data, 0
    last = max((found.end() for found in _ENDS.finditer(data, opens[-1])), default=len(data))
    return data[: opens[MANY]] + data[last:], len(opens)


def _entry(entry: Any, content: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": str(entry.get("id") or entry.get("link", "")),
        "title": _plain(entry.get("title")),
        "link": str(entry.get("link", "")),
        "summary": _plain(entry.get("summary"))[:2000],
        "published": _time(entry.get("published_parsed") or entry.get("updated_parsed")),
        "authors": [str(author["name"]) for author in entry.get("authors", []) if author.get("name")],
        "categories": [str(tag["term"]) for tag in entry.get("tags", []) if tag.get("term")],
        "enclosures": [
            {"url": str(each.get("href", "")), "type": str(each.get("type", ""))}
            for each in entry.get("enclosures", [])
        ],
        "at": entry.get("published_parsed") or entry.get("updated_parsed"),
    }
    if content:
        found["content"] = "\n".join(_plain(each.get("value")) for each in entry.get("content", []))[:_LONGEST]
    return found


def _wanted(entry: dict[str, Any], asked: dict[str, Any]) -> bool:
    if asked["since"] is not None and (entry["at"] is None or calendar.timegm(entry["at"]) < asked["since"]):
        return False
    words = asked["search"].lower().split()
    text = f"{entry['title']} {entry['summary']} {' '.join(entry['categories'])}".lower()
    return all(word in text for word in words)


def _plain(value: Any) -> str:
    """Text without tags, on one line."""
    return " ".join(html.unescape(_TAG.sub(" ", str(value or ""))).split())


def _time(parsed: Any) -> str:
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if parsed else ""
    except (ValueError, OverflowError, OSError):
        return ""
