"""The web search tool: what it is asked and what it gives. `search_services` knows the services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.security.network import Resolver, system_resolver
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.web.search_services import Provider, Question, Recency, ask, choose
from llmspell.tools.web.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSearchOptions:
    provider: Provider | None = None
    """The search service: Brave, Tavily, or a SearXNG of your own. None: the one whose key or address is known."""

    api_key: str | None = None
    """The service's key. None: from BRAVE_API_KEY or TAVILY_API_KEY of the host's environment."""

    base_url: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """The service's address, for a SearXNG or a proxy. None: the service's own, or SEARXNG_URL. What the environment
    holds as a key is sent to the service's own address only."""

    max_results: Annotated[int, Bounds(ge=1, le=20)] = 10
    """Results of one search at most."""

    timeout: Annotated[float, Bounds(ge=1, le=120_000)] = 15_000
    """Milliseconds for a search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSearchParams:
    query: Annotated[str, Bounds(min_length=1, max_length=400)]
    """What to look for, as one would type it."""

    max_results: Annotated[int, Bounds(ge=1, le=20)] | None = None
    """How many results; the tool's own limit stays."""

    page: Annotated[int, Bounds(ge=1, le=10)] = 1
    """Which page of results."""

    recency: Recency | None = None
    """Only what is not older than a day, week, month or year."""

    language: Annotated[str, Bounds(max_length=10, pattern="^([a-z]{2,3}(-[A-Za-z]{2,4})?)?$")] = ""
    """Results in this language, such as `en` or `de`, where the service can."""


class SearchResult(TypedDict):
    title: str
    url: str
    snippet: str
    published: str


class WebSearchResult(TypedDict):
    query: str
    """What was looked for."""
    provider: Provider
    """The service that answered."""
    results: list[SearchResult]
    """The best first: title, address, a few words of the page, and its date where the service knows it."""
    answer: str
    """What the service itself says to the question, or ""."""


@exposed(
    aliases=("WebSearch",),
    options=WebSearchOptions,
    tool=ToolMark(
        name="web_search",
        category="web",
        params=WebSearchParams,
        result=WebSearchResult,
        examples=(
            Example({"query": "quantum computing applications in finance"}, note="a plain search"),
            Example({"query": "lua 5.4 release notes", "max_results": 3, "recency": "year"}, note="few and new"),
        ),
        permissions=("net",),
        timeout=130_000,
        max_output=1_000_000,
    ),
)
class WebSearchTool(BuiltinTool[WebSearchOptions]):
    """Searches the web and gives titles, addresses and a few words of each page, the best first.

    Use it to find out what you do not know or what may have changed; read a page that it found with web_scraper.
    It asks the search service that the person configured.
    """

    def __init__(self, options: WebSearchOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked, options = WebSearchParams(**params), self.options
        chosen = choose(options.provider, options.api_key, options.base_url, context.environ)
        service = Service(
            "web_search", chosen.place.base, chosen.headers, context.permissions, options.timeout, self.resolver
        )
        count = min(asked.max_results or options.max_results, options.max_results)
        question = Question(asked.query, count, asked.page, asked.recency, asked.language)
        results, answer = await ask(chosen, service, question)
        content = {"query": asked.query, "provider": chosen.provider, "results": results[:count], "answer": answer}
        return ToolOutput(content, {"provider": chosen.provider})
