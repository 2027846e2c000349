"""web_search asks Brave, Tavily and SearXNG as their makers document it, and says clearly when there is none."""

from __future__ import annotations

from typing import Any

import pytest

from llmspell.errors import RateLimitError, ToolError
from llmspell.tools.web.web_search import WebSearchTool

both = pytest.mark.parametrize("language", ["lua", "js"])

ROW = {"title": "A <strong>page</strong> &amp; more", "url": "https://example.org/a", "page_age": "2025-01-02T00:00:00"}


async def test_brave_is_asked_with_its_header_and_its_names(call: Any, service: Any) -> None:
    rows = [{**ROW, "description": "Some <strong>words</strong>"}, {"title": "bad", "url": "javascript:alert(1)"}]
    service.on("GET", "/res/v1/web/search", {"web": {"results": rows}})
    found = await call(
        WebSearchTool,
        {"query": "lua & c", "max_results": 5, "page": 2, "recency": "week", "language": "en-GB"},
        options={"provider": "brave", "api_key": "k1", "base_url": service.url, "max_results": 3},
        net=service.net,
    )
    assert found["results"] == [
        {
            "title": "A page & more",
            "url": "https://example.org/a",
            "snippet": "Some words",
            "published": "2025-01-02T00:00:00",
        }
    ]
    (asked,) = service.asked
    assert asked.headers["x-subscription-token"] == "k1"
    assert asked.query == {"q": "lua & c", "count": "3", "offset": "1", "freshness": "pw", "search_lang": "en-gb"}


async def test_tavily_is_asked_by_post_with_its_key(call: Any, service: Any) -> None:
    rows = [{"title": f"T{at}", "url": f"https://example.org/{at}", "content": "c"} for at in range(6)]
    service.on("POST", "/search", {"results": rows, "answer": "Forty-two."})
    options = {"api_key": "tvly-1", "base_url": service.url, "max_results": 2}
    found = await call(WebSearchTool, {"query": "q", "page": 2, "recency": "day"}, options=options, net=service.net)
    assert (found["provider"], found["answer"]) == ("tavily", "Forty-two.")
    assert [each["title"] for each in found["results"]] == ["T2", "T3"]
    (asked,) = service.asked
    assert asked.json == {"query": "q", "max_results": 4, "time_range": "day", "include_answer": True}
    assert asked.headers["authorization"] == "Bearer tvly-1"


async def test_a_searxng_of_ones_own_needs_only_its_address(call: Any, service: Any) -> None:
    rows = [{"title": "S", "url": "https://example.org/s", "content": "c", "publishedDate": None}]
    service.on("GET", "/search", {"results": rows, "answers": []})
    found = await call(WebSearchTool, {"query": "q"}, environ={"SEARXNG_URL": service.url + "/"}, net=service.net)
    assert (found["provider"], len(found["results"])) == ("searxng", 1)
    (asked,) = service.asked
    assert asked.query == {"q": "q", "format": "json", "pageno": "1"}
    assert "authorization" not in asked.headers


async def test_without_a_service_the_error_says_what_to_set(refused: Any) -> None:
    error = await refused(WebSearchTool, {"query": "q"})
    assert "none is configured" in error.message
    assert "BRAVE_API_KEY, TAVILY_API_KEY or SEARXNG_URL" in error.hint


async def test_nothing_found_is_no_error_and_another_shape_is(call: Any, refused: Any, service: Any) -> None:
    service.on("GET", "/res/v1/web/search", {"type": "search"})
    options = {"provider": "brave", "api_key": "k", "base_url": service.url}
    assert (await call(WebSearchTool, {"query": "q"}, options=options, net=service.net))["results"] == []
    service.answers.clear()
    service.on("GET", "/res/v1/web/search", {"web": ["x"]})
    error = await refused(WebSearchTool, {"query": "q"}, options=options, net=service.net)
    assert "no list of results" in error.message


async def test_the_environments_key_goes_to_no_other_address(refused: Any, call: Any, service: Any) -> None:
    service.on("GET", "/res/v1/web/search", {"web": {"results": []}})
    secret = {"BRAVE_API_KEY": "held-by-the-host"}
    error = await refused(
        WebSearchTool,
        {"query": "q"},
        options={"provider": "brave", "base_url": service.url},
        environ=secret,
        net=service.net,
    )
    assert "own address only" in error.message
    assert service.asked == []
    await call(WebSearchTool, {"query": "q"}, environ={**secret, "BRAVE_API_URL": service.url}, net=service.net)
    assert service.asked[0].headers["x-subscription-token"] == "held-by-the-host"


async def test_a_rate_limit_says_when_to_ask_again_and_no_error_shows_the_key(refused: Any, service: Any) -> None:
    service.on("GET", "/res/v1/web/search", {"message": "slow down"}, status=429, headers={"Retry-After": "7"})
    service.on("GET", "/res/v1/web/search", {"error": {"detail": "bad token"}}, status=401)
    service.on("GET", "/res/v1/web/search", "<html>", status=503)
    service.on("GET", "/res/v1/web/search", None, status=302, headers={"Location": "http://169.254.169.254/"})
    options = {"provider": "brave", "api_key": "very-secret", "base_url": service.url}
    errors = [await refused(WebSearchTool, {"query": "q"}, options=options, net=service.net) for _ in range(4)]
    assert isinstance(errors[0], RateLimitError)
    assert errors[0].retry_after == 7000
    assert [type(error) for error in errors[1:]] == [ToolError] * 3
    assert "bad token" in errors[1].message
    assert [error.retryable for error in errors] == [True, False, True, False]
    assert "very-secret" not in " ".join(error.message + error.hint for error in errors)


async def test_a_key_with_a_line_end_is_refused_unseen(refused: Any, service: Any) -> None:
    options = {"provider": "tavily", "api_key": "tvly-a\r\nX-Evil: 1", "base_url": service.url}
    error = await refused(WebSearchTool, {"query": "q"}, options=options, net=service.net)
    assert "tvly" not in error.message
    assert service.asked == []


SEARCH = {
    "lua": "local t = WebSearch.new{ api_key = 'k', max_results = 2, provider = 'brave', base_url = params.url }\n"
    "local found = t:execute{ query = 'spells' }\nreturn { found.results[1].title, found.provider, t.name }",
    "js": "const t = new WebSearch({ apiKey: 'k', maxResults: 2, provider: 'brave', baseUrl: params.url });\n"
    "const found = await t.execute({ query: 'spells' });\nreturn [found.results[0].title, found.provider, t.name];",
}


@both
@pytest.mark.mission(99)
async def test_a_spell_searches_and_its_replay_asks_nobody(cast: Any, service: Any, language: str) -> None:
    service.on("GET", "/res/v1/web/search", {"web": {"results": [{**ROW, "description": "d"}]}})
    given = {"params": {"url": service.url}, "flags": {"permissions.net": service.net}}
    spell = await cast(**{language: SEARCH[language]}, **given)
    assert spell.value == ["A page & more", "brave", "web_search"]
    again = await cast(**{language: SEARCH[language]}, replay=spell.recording, **given)
    assert again.value == spell.value
    assert len(service.asked) == 1
