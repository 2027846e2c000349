"""The search services that web_search knows: how each is asked, and where its answer has what.

Brave Search API (res/v1/web/search), Tavily (/search), SearXNG (/search?format=json), as their makers document them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from llmspell.errors import ToolError
from llmspell.frozen import frozen
from llmspell.tools.web.credentials import Place, optional_secret, place_of, secret
from llmspell.tools.web.service import Answer, Service

Provider = Literal["brave", "tavily", "searxng"]
Recency = Literal["day", "week", "month", "year"]

_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "brave": ("BRAVE_API_KEY", "BRAVE_SEARCH_API_KEY"),
    "tavily": ("TAVILY_API_KEY",),
    "searxng": (),
}
_ADDRESSES: Final[dict[str, tuple[str, str | None]]] = {
    "brave": ("BRAVE_API_URL", "https://api.search.brave.com"),
    "tavily": ("TAVILY_API_URL", "https://api.tavily.com"),
    "searxng": ("SEARXNG_URL", None),
}
#: Brave's codes of languages, and what it calls those that others write differently.
_BRAVE_LANGUAGES: Final = frozenset(
    "ar eu bn bg ca zh-hans zh-hant hr cs da nl en en-gb et fi fr gl de gu he hi hu is it jp kn ko lv lt ms ml mr nb"
    " pl pt-br pt-pt pa ro ru sr sk sl es sv ta te th tr uk vi".split()
)
_BRAVE_CALLS: Final = {"ja": "jp", "no": "nb", "pt": "pt-pt", "zh": "zh-hans", "zh-hk": "zh-hant", "zh-tw": "zh-hant"}
_TAG: Final = re.compile(r"</?[a-zA-Z][^>]{0,200}>")


@frozen
class Question:
    """count: results wanted. page: from 1."""

    query: str
    count: int
    page: int
    recency: Recency | None
    language: str


@frozen
class Chosen:
    """Which service, at which place, with which key ("" where it needs none)."""

    provider: Provider
    place: Place
    key: str

    @property
    def headers(self) -> dict[str, str]:
        match self.provider:
            case "brave":
                return {"accept": "application/json", "x-subscription-token": self.key}
            case "tavily":
                return {"authorization": f"Bearer {self.key}"}
            case "searxng":
                return {"accept": "application/json"} | ({"authorization": f"Bearer {self.key}"} if self.key else {})


def choose(provider: Provider | None, api_key: str | None, base_url: str | None, environ: Mapping[str, str]) -> Chosen:
    """The service that options name, else the first that the environment has a key or an address for.

    Raises ToolError where there is none.
    """
    found = provider or _guessed(api_key, base_url, environ)
    if found is None:
        raise ToolError(
            "web_search needs a search service, and none is configured",
            hint="set BRAVE_API_KEY, TAVILY_API_KEY or SEARXNG_URL, or give `provider` with `api_key` or `base_url`",
        )
    variable, own = _ADDRESSES[found]
    place = place_of("web_search", base_url, environ, variable, own)
    if found == "searxng":
        return Chosen(found, place, optional_secret(api_key, place, environ, _KEYS[found]) or "")
    return Chosen(found, place, secret("web_search", "api_key", api_key, place, environ, _KEYS[found]))


def _guessed(api_key: str | None, base_url: str | None, environ: Mapping[str, str]) -> Provider | None:
    if api_key:
        return "tavily" if api_key.startswith("tvly-") else "brave"
    if base_url:
        return "searxng"
    if any(environ.get(name) for name in _KEYS["brave"]):
        return "brave"
    if any(environ.get(name) for name in _KEYS["tavily"]):
        return "tavily"
    return "searxng" if environ.get("SEARXNG_URL") else None


async def ask(chosen: Chosen, service: Service, question: Question) -> tuple[list[dict[str, str]], str]:
    """The results, and the answer that the service itself wrote, or ""."""
    match chosen.provider:
        case "brave":
            return _brave(await service.ask("GET", "/res/v1/web/search", query=_brave_query(question))), ""
        case "tavily":
            # it knows no pages: the first ones are asked for again and left out
            wanted = min(20, question.count * question.page)
            body: dict[str, Any] = {"query": question.query, "max_results": wanted, "include_answer": True}
            if question.recency is not None:
                body["time_range"] = question.recency
            found = await service.ask("POST", "/search", json=body)
            rows = _rows(found.value, ("results",), "title", "content", "published_date")
            return rows[question.count * (question.page - 1) :], str(found.table.get("answer") or "")
        case "searxng":
            query = {
                "q": question.query,
                "format": "json",
                "pageno": question.page,
                "time_range": question.recency,
                "language": question.language or None,
            }
            try:
                found = await service.ask("GET", "/search", query=query)
            except ToolError as error:
                if (error.data or {}).get("status") != 403:
                    raise
                hint = "let it answer in JSON: `search: formats: [html, json]` in its settings.yml"
                raise ToolError(error.message, hint=hint, data=error.data) from None
            answers = found.table.get("answers") or []
            first = answers[0] if isinstance(answers, list) and answers else ""
            said = first.get("answer", "") if isinstance(first, dict) else first
            return _rows(found.value, ("results",), "title", "content", "publishedDate"), str(said)


def _brave_query(question: Question) -> dict[str, Any]:
    return {
        "q": question.query,
        "count": question.count,
        "offset": question.page - 1,
        "freshness": f"p{question.recency[0]}" if question.recency is not None else None,
        "search_lang": _brave_language(question.language.lower()),
    }


def _brave_language(language: str) -> str | None:
    """The nearest that it has; it refuses a search with any other."""
    for each in (language, language.partition("-")[0]):
        code = _BRAVE_CALLS.get(each, each)
        if code in _BRAVE_LANGUAGES:
            return code
    return None


def _brave(found: Answer) -> list[dict[str, str]]:
    return _rows(found.value, ("web", "results"), "title", "description", "page_age")


def _rows(value: Any, path: tuple[str, ...], title: str, snippet: str, published: str) -> list[dict[str, str]]:
    """Results as they are given on, from wherever the service puts them. Raises ToolError for another shape."""
    for name in path:
        value = value.get(name, {}) if isinstance(value, dict) else None
    if value == {}:  # no such part: nothing was found
        return []
    if not isinstance(value, list):
        raise ToolError("web_search: the service's answer has no list of results", hint="check the address")
    rows = [
        row for row in value if isinstance(row, dict) and str(row.get("url", "")).startswith(("http://", "https://"))
    ]
    return [
        {
            "title": _plain(row.get(title)),
            "url": str(row["url"]),
            "snippet": _plain(row.get(snippet))[:2000],
            "published": str(row.get(published) or ""),
        }
        for row in rows
    ]


def _plain(value: Any) -> str:
    return " ".join(html.unescape(_TAG.sub("", str(value or ""))).split())
