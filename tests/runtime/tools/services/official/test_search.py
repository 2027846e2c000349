"""web_search beside litellm's search, a client by others: one strict server, the same results from both.

Parameters, bounds and answers are those of Brave's and Tavily's references and of SearXNG's page of its search API.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from llmspell.errors import RateLimitError, ToolError
from llmspell.tools.web.web_search import WebSearchTool

LANGUAGES = (
    "ar|eu|bn|bg|ca|zh-hans|zh-hant|hr|cs|da|nl|en|en-gb|et|fi|fr|gl|de|gu|he|hi|hu|is|it|jp|kn|ko|lv|lt|ms|ml|mr|nb"
    "|pl|pt-br|pt-pt|pa|ro|ru|sr|sk|sl|es|sv|ta|te|th|tr|uk|vi"
)
ROWS = [(f"Title {at}", f"https://example.org/{at}", f"Words {at}") for at in range(45)]
KEYS = {"brave": "BSA-1", "tavily": "tvly-1", "searxng": ""}
PATHS = {"brave": "/res/v1/web/search", "tavily": "/search", "searxng": "/search"}


def brave(_: Any, asked: dict[str, Any]) -> Any:
    size, page = asked.get("count", 20), asked.get("offset", 0)
    assert 1 <= size <= 20
    assert 0 <= page <= 9
    names = ("title", "url", "description")
    rows = [dict(zip(names, row, strict=True)) for row in ROWS[page * size :][:size]]
    return {
        "type": "search",
        "query": {"original": asked["q"], "more_results_available": True},
        "web": {"type": "search", "results": [{**row, "page_age": "2025-01-02T00:00:00"} for row in rows]},
    }


def tavily(_: Any, asked: dict[str, Any]) -> Any:
    assert 0 <= asked.get("max_results", 5) <= 20
    names = ("title", "url", "content")
    rows = [dict(zip(names, row, strict=True)) | {"score": 0.9} for row in ROWS[: asked.get("max_results", 5)]]
    answer = "Forty-two." if asked.get("include_answer") else None
    return {"query": asked["query"], "answer": answer, "images": [], "results": rows, "response_time": 1.0}


def searxng(_: Any, asked: dict[str, Any]) -> Any:
    names = ("title", "url", "content")
    start = (asked.get("pageno", 1) - 1) * 10
    rows = [dict(zip(names, row, strict=True)) | {"engine": "x", "score": 1.0} for row in ROWS[start : start + 10]]
    return {"query": asked["q"], "number_of_results": 0, "results": rows, "answers": [], "suggestions": []}


@pytest.fixture
async def server(strict: Any) -> Any:
    offered = {
        "q!": ".{1,400}",
        "count": "int",
        "offset": "int",
        "search_lang": LANGUAGES,
        "freshness": r"p[dwmy]|\d{4}-\d\d-\d\dto\d{4}-\d\d-\d\d",
        "country": "[A-Z]{2}",
        "include_fetch_metadata": "bool",
        "result_filter": "str",
    }
    wanted = {
        "query!": "str",
        "max_results": "int",
        "time_range": "day|week|month|year",
        "search_depth": "basic|advanced|fast|ultra-fast",
        "topic": "general|news|finance",
        "include_answer": "any",
    }
    named = {
        "q!": "str",
        "format!": "json",
        "pageno": "int",
        "time_range": "day|week|month|year",
        "language": "str",
        "categories": "str",
        "safesearch": "int",
    }

    def refuse(headers: Mapping[str, str]) -> dict[str, Any] | None:
        given = headers.get("x-subscription-token") or headers.get("authorization", "").removeprefix("Bearer ")
        if given in KEYS.values():
            return None
        if "x-subscription-token" in headers:
            problem = {"id": "1", "status": 422, "code": "SUBSCRIPTION_TOKEN_INVALID", "detail": "The token is invalid"}
            return {"value": {"type": "ErrorResponse", "error": problem, "time": 1}, "status": 422}
        return {"value": {"detail": {"error": "Unauthorized: missing or invalid API key."}}, "status": 401}

    return await strict(
        [
            {"method": "GET", "path": PATHS["brave"], "query": offered, "answer": brave},
            {"method": "POST", "path": PATHS["tavily"], "body": wanted, "answer": tavily},
            {"method": "GET", "path": PATHS["searxng"], "query": named, "answer": searxng},
        ],
        refuse,
    )


async def ours(call: Any, server: Any, provider: str, params: dict[str, Any], **options: Any) -> Any:
    given = {"provider": provider, "api_key": KEYS[provider] or None, "base_url": server.url, **options}
    return await call(WebSearchTool, params, options=given, net=server.net)


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")

    async def found(server: Any, provider: str, **asked: Any) -> list[tuple[str, str, str]]:
        search: Any = await asyncio.to_thread(lambda: __import__("litellm").search)
        base = server.url + (PATHS[provider] if provider == "brave" else "")
        asked = ({"api_key": KEYS[provider]} if KEYS[provider] else {}) | asked
        answer = await asyncio.to_thread(search, search_provider=provider, api_base=base, **asked)
        return [(each.title, each.url, each.snippet) for each in answer.results]

    return found


@pytest.mark.parametrize("provider", KEYS)
async def test_a_search_finds_what_the_other_client_finds(call: Any, server: Any, theirs: Any, provider: str) -> None:
    expected = await theirs(server, provider, query="lua & ä", max_results=5)
    found = await ours(call, server, provider, {"query": "lua & ä", "max_results": 5})
    rows = [(each["title"], each["url"], each["snippet"]) for each in found["results"]]
    assert rows == expected[:5] == ROWS[:5]
    server.pair("offset", "include_fetch_metadata", "include_answer", "pageno")
    assert found["answer"] == ("Forty-two." if provider == "tavily" else "")


@pytest.mark.parametrize("provider", KEYS)
async def test_pages_follow_each_other(call: Any, server: Any, provider: str) -> None:
    size = 10 if provider != "tavily" else 5
    pages = [
        await ours(call, server, provider, {"query": "q", "max_results": size, "page": page}) for page in (1, 2, 3)
    ]
    titles = [each["title"] for page in pages for each in page["results"]]
    assert titles == [row[0] for row in ROWS[: 3 * size]]
    assert server.wrong == []


@pytest.mark.parametrize("provider", KEYS)
@pytest.mark.parametrize("recency", ["day", "week", "month", "year"])
@pytest.mark.parametrize("language", ["en", "en-GB", "de-AT", "pt", "pt-BR", "ja", "zh-TW", "zh", "no", "eo"])
async def test_every_language_and_time_is_one_that_the_service_takes(
    call: Any, server: Any, provider: str, recency: str, language: str
) -> None:
    found = await ours(call, server, provider, {"query": "q", "recency": recency, "language": language})
    assert found["results"]
    assert server.wrong == []


PROBLEMS: dict[str, tuple[str, int, dict[str, Any], dict[str, str], str, float | None]] = {
    "brave": (
        "brave",
        429,
        {
            "type": "ErrorResponse",
            "error": {"code": "RATE_LIMITED", "detail": "Request rate limit exceeded.", "status": 429, "meta": {}},
        },
        {
            "X-RateLimit-Limit": "1, 15000",
            "X-RateLimit-Remaining": "0, 14832",
            "X-RateLimit-Reset": "1, 1419704",
        },
        "Request rate limit exceeded.",
        1000,
    ),
    "tavily": (
        "tavily",
        429,
        {"detail": {"error": "Your request has been blocked due to excessive requests."}},
        {"Retry-After": "60"},
        "excessive requests",
        60_000,
    ),
    "plan": ("tavily", 432, {"detail": {"error": "This request exceeds your plan's limit."}}, {}, "plan's limit", None),
    "format": ("searxng", 403, {}, {}, "answered 403", None),
}


@pytest.mark.parametrize("kind", PROBLEMS)
async def test_refusals_say_why_and_how_long(call: Any, server: Any, reply: Any, kind: str) -> None:
    provider, status, value, headers, said, wait = PROBLEMS[kind]
    server.instead.append(reply(value, status, headers))
    with pytest.raises((ToolError, RateLimitError), match=said) as error:
        await ours(call, server, provider, {"query": "q"})
    assert isinstance(error.value, RateLimitError) is (status == 429)
    if isinstance(error.value, RateLimitError):
        assert error.value.retry_after == wait
    assert ("formats: [html, json]" in error.value.hint) is (kind == "format")  # SearXNG's page names this as the cause


@pytest.mark.parametrize("provider", ["brave", "tavily"])
async def test_a_wrong_key_is_refused_to_both(call: Any, server: Any, theirs: Any, provider: str) -> None:
    with pytest.raises(ToolError, match="invalid"):
        await ours(call, server, provider, {"query": "q"}, api_key="wrong")
    with pytest.raises(Exception, match="invalid"):
        await theirs(server, provider, query="q", api_key="wrong")
