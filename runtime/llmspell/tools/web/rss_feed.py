"""The feed tool: what it is asked and what it gives. `feed` reads what was downloaded, aside."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, TimeoutError  # noqa: A004
from llmspell.security.network import Resolver, system_resolver
from llmspell.tools import aside
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.web.download import Downloader

_FEEDS: Final = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
#: Of computing for one feed. 2000 entries take one; what takes ten is made to.
_SECONDS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RssFeedOptions:
    allowed_domains: Annotated[list[str], Bounds(max_items=500)] | None = None
    """Hosts that this tool may reach, within what the run may. None: all that the run may."""

    timeout: Annotated[float, Bounds(ge=1, le=600_000)] = 30_000
    """Milliseconds for a feed, with redirects and reading."""

    max_response_size: Annotated[int, Bounds(ge=1, le=20_000_000)] = 5 * 1024 * 1024
    """Bytes of the largest feed, unpacked."""

    user_agent: Annotated[str, Bounds(min_length=1, max_length=200)] = "llmspell"
    """What the tool calls itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RssFeedParams:
    url: Annotated[str, Bounds(min_length=1, max_length=8192)]
    """The feed's address, http or https."""

    limit: Annotated[int, Bounds(ge=1, le=1000)] = 20
    """How many entries at most, in the feed's order."""

    since: Annotated[str, Bounds(max_length=40)] = ""
    """Only entries that are not older than this time, ISO 8601 such as `2025-01-31` or `2025-01-31T12:00:00Z`."""

    search: Annotated[str, Bounds(max_length=500)] = ""
    """Only entries whose title, summary or categories hold all of these words, in whatever case."""

    content: bool = False
    """Whether entries hold their whole content, where the feed has it."""


class FeedEnclosure(TypedDict):
    url: str
    type: str


class FeedEntry(TypedDict):
    id: str
    title: str
    link: str
    summary: str
    published: str
    authors: list[str]
    categories: list[str]
    enclosures: list[FeedEnclosure]
    content: NotRequired[str]


class RssFeedResult(TypedDict):
    url: str
    """The address that answered, after redirects."""
    format: str
    """The feed's kind, such as `rss20` or `atom10`."""
    title: str
    """The feed's title."""
    description: str
    """What it says about itself, or ""."""
    link: str
    """The page that it belongs to, or ""."""
    language: str
    """Its language, or ""."""
    updated: str
    """When it changed, in UTC, or ""."""
    entries: list[FeedEntry]
    """The entries: plain text without markup; times in UTC, "" where there is none."""
    total: int
    """How many entries the feed has."""
    truncated: bool
    """Whether it has so many that only its first 2000 were read."""


@exposed(
    aliases=("RssFeed",),
    options=RssFeedOptions,
    tool=ToolMark(
        name="rss_feed",
        category="web",
        params=RssFeedParams,
        result=RssFeedResult,
        examples=(
            Example({"url": "https://example.org/feed.xml", "limit": 5}, note="the newest entries"),
            Example(
                {"url": "https://example.org/feed.xml", "since": "2025-01-01", "search": "lua release"},
                note="what is new about something",
            ),
        ),
        permissions=("net",),
        timeout=620_000,
        max_output=25_000_000,
    ),
)
class RssFeedTool(BuiltinTool[RssFeedOptions]):
    """Reads an RSS or Atom feed of an allowed host: its title and its entries, each with link, summary and time.

    Use it for news, releases and podcasts. Entries can be narrowed by time and by words. Markup is taken out of texts.
    """

    def __init__(self, options: RssFeedOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = RssFeedParams(**params)
        since = _seconds(asked.since) if asked.since.strip() else None
        options, permissions = self.options, context.permissions
        if options.allowed_domains is not None:
            permissions = permissions.narrow("rss_feed", net=options.allowed_domains)
        started = time.monotonic()
        downloader = Downloader(permissions, self.resolver, options.user_agent, options.max_response_size, _FEEDS)
        found = await downloader.good(asked.url, options.timeout)
        left = options.timeout - (time.monotonic() - started) * 1000
        if left <= 0:
            raise TimeoutError(f"{asked.url[:200]!r} took longer than {options.timeout:g} ms", retryable=True)
        question = {
            "url": found.url,
            "content_type": found.content_type,
            "limit": asked.limit,
            "since": since,
            "search": asked.search,
            "content": asked.content,
        }
        limits = aside.Limits(cpu=_SECONDS, milliseconds=left)
        content = await aside.work("llmspell.tools.web.feed:feed", context, limits, data=found.data, asked=question)
        return ToolOutput({"url": found.url, **content})


def _seconds(text: str) -> float:
    """Seconds since 1970; a time without a zone is UTC."""
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise SchemaError(f"`since` = {text!r} is no time", hint="write 2025-01-31 or 2025-01-31T12:00:00Z") from None
