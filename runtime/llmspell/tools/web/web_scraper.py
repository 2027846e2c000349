"""The web scraper: what it is asked and what it gives. `robots` says what a site allows, `page` reads, aside."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Doc, Example, ToolMark, exposed
from llmspell.errors import PermissionDenied, RateLimitError, SchemaError, TimeoutError, ToolError  # noqa: A004
from llmspell.security.network import Resolver, Target, parse, system_resolver
from llmspell.security.rates import Rates, Window, window_of
from llmspell.tools import aside
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.web.download import Download, Downloader
from llmspell.tools.web.robots import CLOSED, MOST, OPEN, Robots

#: How long what a site's robots.txt says is believed: RFC 9309 asks for a day at most.
_ROBOTS_SECONDS: Final = 3600.0
_MANY_SITES: Final = 1000
_HTML: Final = "text/html, application/xhtml+xml;q=0.9, text/plain;q=0.5"


class RateLimit(TypedDict):
    requests: Annotated[int, Bounds(ge=1, le=100_000), Doc("Requests to one host.")]
    per: Annotated[Literal["second", "minute", "hour", "day"], Doc("In how long.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebScraperOptions:
    rate_limit: RateLimit | None = None
    """How many requests one host gets in how long, such as 5 `requests` `per` "minute". A request that would be one too
    many waits, if that is possible within `timeout`; else it is refused."""

    user_agent: Annotated[str, Bounds(min_length=1, max_length=200)] = "llmspell"
    """What the tool calls itself; robots.txt is read by the first word of it."""

    allowed_domains: Annotated[list[str], Bounds(max_items=500)] | None = None
    """Hosts that this tool may reach, within what the run may. None: all that the run may."""

    timeout: Annotated[float, Bounds(ge=1, le=600_000)] = 30_000
    """Milliseconds for a page: waiting, robots.txt, redirects and reading."""

    max_response_size: Annotated[int, Bounds(ge=1, le=20_000_000)] = 5 * 1024 * 1024
    """Bytes of the largest page, unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebScraperParams:
    operation: Literal["text", "links", "metadata", "select"]
    """text: the page's readable text, by lines. links: its addresses, each once. metadata: description, language,
    canonical address and what else its head says. select: the elements that a CSS selector finds."""

    url: Annotated[str, Bounds(min_length=1, max_length=8192)]
    """The page's address, http or https."""

    selector: Annotated[str, Bounds(max_length=300)] = ""
    """A CSS selector such as `main article h2`. Needed by select; text and links look only inside what it finds."""

    attribute: Annotated[str, Bounds(max_length=100)] = ""
    """select: the one attribute to give, such as `href`; all of them unless given."""

    limit: Annotated[int, Bounds(ge=1, le=1000)] = 100
    """links, select: how many at most."""

    max_length: Annotated[int, Bounds(ge=1, le=500_000)] = 50_000
    """text, select: characters of the text at most."""


class ScrapedLink(TypedDict):
    url: str
    text: str


class ScrapedElement(TypedDict):
    tag: str
    text: str
    attributes: dict[str, str]


class WebScraperResult(TypedDict):
    url: str
    """The address that answered, after redirects."""
    title: str
    """The page's title, or ""."""
    text: NotRequired[str]
    """text: headings begin with `#`, list items with `-`."""
    links: NotRequired[list[ScrapedLink]]
    """links: full addresses with their texts."""
    elements: NotRequired[list[ScrapedElement]]
    """select: what was found, in the page's order."""
    metadata: NotRequired[dict[str, str]]
    """metadata: by name, such as `description`, `language`, `canonical`, `og:image`."""
    truncated: NotRequired[bool]
    """text, links, select: whether there was more."""


@exposed(
    aliases=("WebScraper",),
    options=WebScraperOptions,
    tool=ToolMark(
        name="web_scraper",
        category="web",
        params=WebScraperParams,
        result=WebScraperResult,
        examples=(
            Example({"operation": "text", "url": "https://example.org/article"}, note="read an article"),
            Example(
                {"operation": "select", "url": "https://example.org/news", "selector": "h2 a", "attribute": "href"},
                note="the headlines' links",
            ),
            Example({"operation": "links", "url": "https://example.org/", "limit": 20}, note="where a page leads"),
        ),
        permissions=("net",),
        timeout=620_000,
        max_output=5_000_000,
    ),
)
class WebScraperTool(BuiltinTool[WebScraperOptions]):
    """Reads a web page of an allowed host: its text, its links, its metadata, or the elements of a CSS selector.

    Use it to read what web_search found. The site's robots.txt is honoured; scripts on the page are not run, so a page
    that a browser builds itself has little to read. Each page is asked for anew.
    """

    def __init__(self, options: WebScraperOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver
        self._rates = Rates()
        self._robots: dict[str, tuple[float, Robots]] = {}
        limit = options.rate_limit
        self._window = None if limit is None else window_of(limit["requests"], limit["per"])

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = WebScraperParams(**params)
        if asked.operation == "select" and not asked.selector.strip():
            raise SchemaError("`select` needs `selector`", hint="give a CSS selector such as `h2 a`")
        permissions = context.permissions
        if self.options.allowed_domains is not None:
            permissions = permissions.narrow("web_scraper", net=self.options.allowed_domains)
        target = parse(asked.url)
        permissions.check_host(target.host, target.port)
        options = self.options
        downloader = Downloader(permissions, self.resolver, options.user_agent, options.max_response_size, _HTML)
        ends = time.monotonic() + options.timeout / 1000

        def left() -> float:
            milliseconds = (ends - time.monotonic()) * 1000
            if milliseconds <= 0:
                raise TimeoutError(f"{asked.url[:200]!r} took longer than {options.timeout:g} ms", retryable=True)
            return milliseconds

        async def visit(place: Target) -> None:
            """Before the page is asked for, and before every address that it redirects to."""
            permissions.check_host(place.host, place.port)
            robots = await self._allowed(place.url.removesuffix(place.path), downloader, left)
            self._check(robots, place.url, place.path)
            await self._turn(place.host, left())

        found = await downloader.good(target.url, left(), visit)
        return ToolOutput({"url": found.url, **await _read(found, asked, context, left())}, {"status": found.status})

    async def _allowed(self, origin: str, downloader: Downloader, left: Any) -> Robots:
        """What the site's robots.txt says. None there: everything; none to be had just now: nothing."""
        kept = self._robots.get(origin)
        if kept is not None and time.monotonic() - kept[0] < _ROBOTS_SECONDS:
            return kept[1]
        try:
            found = await downloader.get(f"{origin}/robots.txt", left())
        except PermissionDenied:  # it redirects to where we may not go: as good as none
            robots = OPEN
        else:
            if found.status >= 500 or found.status == 429:
                return CLOSED
            text = found.data[:MOST].decode("utf-8", "replace") if 200 <= found.status < 300 else ""
            robots = Robots.parse(text, self.options.user_agent)
        if len(self._robots) >= _MANY_SITES:
            self._robots.clear()
        self._robots[origin] = (time.monotonic(), robots)
        return robots

    def _check(self, robots: Robots, url: str, path: str) -> None:
        if not robots.allows(path):
            raise PermissionDenied(
                f"{url[:200]!r}: the site's robots.txt does not allow {self.options.user_agent!r} to read it",
                hint="ask for another page, or use the site's own interface",
                data={"permission": "robots"},
            )

    async def _turn(self, host: str, left: float) -> None:
        """Waits until the host may be asked once more."""
        window: Window | None = self._window
        while window is not None and (wait := self._rates.take(host, window, time.monotonic() * 1000)):
            if wait >= left:
                raise RateLimitError(
                    f"web_scraper: {host!r} was asked {window.requests} times already", retry_after=wait, retryable=True
                )
            await asyncio.sleep(wait / 1000)


async def _read(found: Download, asked: WebScraperParams, context: ToolContext, milliseconds: float) -> dict[str, Any]:
    kind = found.content_type.partition(";")[0].strip().lower()
    if kind and not (kind.startswith("text/") or kind in {"application/xhtml+xml", "application/xml"}):
        raise ToolError(f"{found.url[:200]!r} is {kind!r}, no page", hint="use http_request for files and data")
    if kind == "text/plain" and asked.operation == "text" and not asked.selector:
        text = found.data.decode(found.charset if _known(found.charset) else "utf-8", "replace")
        return {"title": "", "text": text[: asked.max_length], "truncated": len(text) > asked.max_length}
    question = {
        "operation": asked.operation,
        "url": found.url,
        "charset": found.charset if _known(found.charset) else "",
        "selector": asked.selector.strip(),
        "attribute": asked.attribute,
        "limit": asked.limit,
        "max_length": asked.max_length,
    }
    limits = aside.Limits(milliseconds=milliseconds)
    return await aside.work("llmspell.tools.web.page:page", context, limits, data=found.data, asked=question)


def _known(charset: str) -> bool:
    try:
        "".encode(charset or "utf-8")
    except (LookupError, UnicodeError):
        return False
    return bool(charset)
