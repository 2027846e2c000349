"""web_scraper reads pages as a polite visitor: robots.txt, a rate of its own, one guarded connection, a reader apart."""

from __future__ import annotations

import time
from typing import Any

import pytest

from llmspell.errors import PermissionDenied, RateLimitError, SchemaError, TimeoutError, ToolError
from llmspell.tools.web.robots import Robots
from llmspell.tools.web.web_scraper import WebScraperTool

both = pytest.mark.parametrize("language", ["lua", "js"])

PAGE = """<!doctype html><html lang="en"><head><title> A  page </title>
<meta name="description" content="What it is about"><meta property="og:image" content="https://example.org/i.png">
<link rel="canonical" href="/canonical"><link rel="alternate" type="application/rss+xml" href="/feed.xml"></head>
<body><nav><a href="/menu">Menu</a></nav><main><h1>Head</h1><p>One <b>bold</b></p>two<ul><li>first</li><li>second</li>
</ul><script>alert("no")</script><!-- hidden --><table><tr><th>a</th><td>b</td></tr></table>
<a href="next?x=1" class="go on">Next</a><a href="javascript:alert(1)">Bad</a><a href="next?x=1">Again</a></main>
</body></html>"""
HTML = {"headers": {"Content-Type": "text/html; charset=utf-8"}}


def serve(service: Any, page: Any = PAGE, robots: str = "", **more: Any) -> None:
    service.on("GET", "/robots.txt", robots, status=200 if robots else 404)
    service.on("GET", "/page", page.encode() if isinstance(page, str) else page, **{**HTML, **more})


async def scrape(call: Any, service: Any, operation: str, **more: Any) -> Any:
    options = more.pop("options", None)
    return await call(
        WebScraperTool,
        {"operation": operation, "url": f"{service.url}/page", **more},
        options=options,
        net=service.net,
    )


async def test_text_has_what_a_reader_sees_by_lines(call: Any, service: Any) -> None:
    serve(service)
    found = await scrape(call, service, "text")
    assert found == {
        "url": f"{service.url}/page",
        "title": "A page",
        "text": "# Head\nOne bold\ntwo\n- first\n- second\na | b\nNext Bad Again".replace(" Bad Again", "BadAgain"),
        "truncated": False,
    }
    assert (await scrape(call, service, "text", selector="ul"))["text"] == "- first\n- second"
    assert (await scrape(call, service, "text", max_length=6)) == {**found, "text": "# Head", "truncated": True}


async def test_links_are_whole_addresses_each_once(call: Any, service: Any) -> None:
    serve(service)
    found = await scrape(call, service, "links")
    assert found["links"] == [
        {"url": f"{service.url}/menu", "text": "Menu"},
        {"url": f"{service.url}/next?x=1", "text": "Next"},
    ]
    assert (await scrape(call, service, "links", limit=1))["truncated"] is True


async def test_elements_and_metadata(call: Any, service: Any) -> None:
    serve(service)
    found = await scrape(call, service, "select", selector="main a.go")
    assert found["elements"] == [
        {"tag": "a", "text": "Next", "attributes": {"href": f"{service.url}/next?x=1", "class": "go on"}}
    ]
    found = await scrape(call, service, "metadata")
    assert found["metadata"] == {
        "language": "en",
        "canonical": f"{service.url}/canonical",
        "feed": f"{service.url}/feed.xml",
        "description": "What it is about",
        "og:image": "https://example.org/i.png",
    }


async def test_what_cannot_be_read_is_a_clear_error(call: Any, service: Any) -> None:
    serve(service)
    for more, error, said in (
        ({"operation": "select"}, SchemaError, "needs `selector`"),
        ({"operation": "select", "selector": "a[["}, ToolError, "no CSS selector"),
        ({"operation": "text", "selector": "article"}, ToolError, "nothing that 'article' finds"),
    ):
        with pytest.raises(error, match=said):
            await scrape(call, service, **more)
    service.on("GET", "/data", {"a": 1})
    with pytest.raises(ToolError, match="no page"):
        await call(WebScraperTool, {"operation": "text", "url": f"{service.url}/data"}, net=service.net)
    with pytest.raises(ToolError, match="answered 404"):
        await call(WebScraperTool, {"operation": "text", "url": f"{service.url}/none"}, net=service.net)


async def test_robots_txt_is_honoured_by_the_name_that_the_tool_has(call: Any, service: Any) -> None:
    serve(service, robots="User-agent: *\nAllow: /\n\nUser-agent: ResearchBot\nDisallow: /page\n")
    assert (await scrape(call, service, "text"))["title"] == "A page"
    with pytest.raises(PermissionDenied, match=r"robots\.txt does not allow 'ResearchBot/1\.0'"):
        await scrape(call, service, "text", options={"user_agent": "ResearchBot/1.0"})
    assert [asked.path for asked in service.asked].count("/page") == 1
    assert service.asked[-1].headers["user-agent"] == "ResearchBot/1.0"


async def test_a_site_whose_robots_txt_fails_is_left_alone(call: Any, service: Any) -> None:
    service.on("GET", "/robots.txt", "oh", status=503)
    with pytest.raises(PermissionDenied, match="robots"):
        await scrape(call, service, "text")


async def test_a_redirect_to_what_robots_txt_closes_is_not_followed(call: Any, service: Any) -> None:
    serve(service, robots="User-agent: *\nDisallow: /closed\n")
    for path, leads in (("/open", "/between"), ("/between", "/closed/page")):
        service.on("GET", path, None, status=302, headers={"Location": leads})
    service.on("GET", "/closed/page", PAGE.encode(), **HTML)
    with pytest.raises(PermissionDenied, match=r"/closed/page': the site's robots\.txt"):
        await call(WebScraperTool, {"operation": "text", "url": f"{service.url}/open"}, net=service.net)
    assert [asked.path for asked in service.asked] == ["/robots.txt", "/open", "/between"]


async def test_robots_txt_of_another_host_is_asked_before_it_is_gone_to(call: Any, service: Any) -> None:
    serve(service, robots="User-agent: *\nDisallow: /page$\n")
    service.on("GET", "/open", None, status=301, headers={"Location": f"http://localhost:{service.port}/page"})

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    more = {"net": [*service.net, f"localhost:{service.port}"], "more": {"resolver": here}}
    with pytest.raises(PermissionDenied, match=r"localhost.*robots\.txt"):
        await call(WebScraperTool, {"operation": "text", "url": f"{service.url}/open"}, **more)
    hosts = [(asked.headers["host"].partition(":")[0], asked.path) for asked in service.asked]
    assert hosts == [("127.0.0.1", "/robots.txt"), ("127.0.0.1", "/open"), ("localhost", "/robots.txt")]


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("Disallow: /a", "/a/b", False),
        ("Disallow: /a\nAllow: /a/b", "/a/b", True),
        ("Disallow: /*.pdf$", "/x/y.pdf", False),
        ("Disallow: /*.pdf$", "/x/y.pdf?z", True),
        ("Disallow: /a*b*c", "/axbxc/d", False),
        ("Disallow:", "/a", True),
        ("Disallow: /\nAllow: /$", "/", True),
        ("Disallow: /\nAllow: /$", "/a", False),
        ("Disallow: /a # why", "/a", False),
        ("Disallow: /" + "*a" * 5000 + "b", "/" + "a" * 8000, True),
        ("Disallow: /", "/robots.txt", True),
    ],
)
def test_rules_of_robots_txt(rules: str, path: str, allowed: bool) -> None:
    assert Robots.parse(f"User-Agent: *\n{rules}\n", "llmspell").allows(path) is allowed


def test_groups_of_robots_txt() -> None:
    text = "User-agent: a\nUser-agent: llmspell/2\nDisallow: /x\n\nUser-agent: *\nDisallow: /\nUser-agent: LLMSPELL\nAllow: /x/y"
    own = Robots.parse(text, "llmspell 1.0")
    assert [own.allows(path) for path in ("/", "/x", "/x/y")] == [True, False, True]
    assert Robots.parse(text, "other").allows("/y") is False


async def test_the_rate_waits_its_turn_and_refuses_what_would_take_too_long(
    service: Any, project: Any, call: Any
) -> None:
    from llmspell.security.permissions import Permissions
    from llmspell.tools.base import ToolContext
    from llmspell.tools.web.web_scraper import WebScraperOptions

    serve(service)
    context = ToolContext(Permissions.grant(project, net=service.net), project, project, {})
    params = {"operation": "metadata", "url": f"{service.url}/page"}
    tool = WebScraperTool(WebScraperOptions(rate_limit={"requests": 1, "per": "second"}))
    started = time.monotonic()
    await tool.perform(params, context)
    await tool.perform(params, context)
    assert time.monotonic() - started >= 1.0
    slow = WebScraperTool(WebScraperOptions(rate_limit={"requests": 1, "per": "hour"}, timeout=10_000))
    await slow.perform(params, context)
    with pytest.raises(RateLimitError) as error:
        await slow.perform(params, context)
    assert 3_000_000 < (error.value.retry_after or 0) <= 3_600_000


HOSTILE = {
    "deep": b"<div>" * 200_000 + b"x",
    "wide": b"<a href=x>y</a>" * 100_000,
    "open_comment": b"<!-- " * 300_000,
    "open_tags": b"<a " * 500_000,
    "entities": b"&amp;" * 500_000,
    "attributes": b"<p " + b"a=1 " * 200_000 + b">x</p>",
    "odd_charset": b"<meta charset=utf-7><p>+ADw-script+AD4-</p>",
    "no_text": bytes(range(256)) * 1000,
    "nul": b"\0" * 100_000,
    "empty": b"",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_pages_end_in_time(call: Any, service: Any, kind: str) -> None:
    serve(service, HOSTILE[kind])
    started = time.monotonic()
    try:
        found = await scrape(call, service, "text", options={"timeout": 3000})
    except (ToolError, TimeoutError) as error:
        assert "Traceback" not in error.message
    else:
        assert len(found["text"]) <= 50_000
        assert "<script" not in found["text"]
    assert time.monotonic() - started < 8


async def test_private_and_unnamed_hosts_are_refused_before_any_connection(call: Any, service: Any) -> None:
    serve(service)

    async def lying(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    for url, net in ((f"{service.url}/page", []), (f"http://evil.example:{service.port}/page", ["evil.example"])):
        with pytest.raises(PermissionDenied):
            await call(WebScraperTool, {"operation": "text", "url": url}, net=net, more={"resolver": lying})
    with pytest.raises(PermissionDenied, match="its options leave it out"):
        await scrape(call, service, "text", options={"allowed_domains": ["example.org"]})
    assert service.asked == []


SCRAPE = {
    "lua": "local t = WebScraper.new{ rate_limit = { requests = 5, per = 'minute' }, user_agent = 'ResearchBot/1.0' }\n"
    "return { t:execute{ operation = 'links', url = params.url }.links[2].text, t.name }",
    "js": "const t = new WebScraperTool({ rateLimit: { requests: 5, per: 'minute' }, userAgent: 'ResearchBot/1.0' });\n"
    "return [(await t.execute({ operation: 'links', url: params.url })).links[1].text, t.name];",
}


@both
@pytest.mark.mission(99)
async def test_a_spell_scrapes_and_its_replay_asks_nobody(cast: Any, service: Any, language: str) -> None:
    serve(service)
    given = {"params": {"url": f"{service.url}/page"}, "flags": {"permissions.net": service.net}}
    spell = await cast(**{language: SCRAPE[language]}, **given)
    assert spell.value == ["Next", "web_scraper"]
    count = len(service.asked)
    assert (await cast(**{language: SCRAPE[language]}, replay=spell.recording, **given)).value == spell.value
    assert len(service.asked) == count
