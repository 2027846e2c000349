"""rss_feed reads RSS and Atom from a real server; what hostile XML asks for is not done."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import PermissionDenied, SchemaError, TimeoutError, ToolError
from llmspell.tools.web.rss_feed import RssFeedTool

both = pytest.mark.parametrize("language", ["lua", "js"])

RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>News &amp; more</title><link>https://example.org/</link><description>What is new</description>
<language>en</language>
<item><title>Lua 5.5</title><link>https://example.org/lua</link><guid isPermaLink="false">g1</guid><category>release</category>
<pubDate>Tue, 04 Mar 2025 10:00:00 +0100</pubDate><description>&lt;p&gt;A &lt;b&gt;new&lt;/b&gt; one&lt;/p&gt;</description>
<content:encoded>&lt;p&gt;All of it&lt;/p&gt;</content:encoded><enclosure url="https://example.org/a.mp3" type="audio/mpeg" length="1"/>
</item><item><title>Old</title><link>https://example.org/old</link>
<pubDate>Wed, 01 Jan 2020 00:00:00 GMT</pubDate><description>Long ago</description></item></channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom</title><updated>2025-01-01T00:00:00Z</updated>
<entry><id>a1</id><title>Entry</title><link href="/e"/><author><name>Ada</name></author>
<updated>2025-01-01T00:00:00Z</updated></entry></feed>"""
XML = {"headers": {"Content-Type": "application/xml"}}


async def test_rss_and_atom(call: Any, service: Any) -> None:
    service.on("GET", "/rss", RSS.encode(), **XML)
    service.on("GET", "/atom", ATOM.encode(), **XML)
    found = await call(RssFeedTool, {"url": f"{service.url}/rss", "content": True, "limit": 1}, net=service.net)
    assert found == {
        "url": f"{service.url}/rss",
        "format": "rss20",
        "title": "News & more",
        "description": "What is new",
        "link": "https://example.org/",
        "language": "en",
        "updated": "",
        "total": 2,
        "truncated": False,
        "entries": [
            {
                "id": "g1",
                "title": "Lua 5.5",
                "link": "https://example.org/lua",
                "summary": "A new one",
                "published": "2025-03-04T09:00:00Z",
                "authors": [],
                "categories": ["release"],
                "enclosures": [{"url": "https://example.org/a.mp3", "type": "audio/mpeg"}],
                "content": "All of it",
            }
        ],
    }
    found = await call(RssFeedTool, {"url": f"{service.url}/atom"}, net=service.net)
    assert (found["format"], found["updated"]) == ("atom10", "2025-01-01T00:00:00Z")
    assert found["entries"][0]["authors"] == ["Ada"]
    assert found["entries"][0]["link"] == f"{service.url}/e"


async def test_entries_are_narrowed_by_time_and_words(call: Any, service: Any) -> None:
    service.on("GET", "/rss", RSS.encode(), **XML)

    async def titles(**more: Any) -> list[str]:
        found = await call(RssFeedTool, {"url": f"{service.url}/rss", **more}, net=service.net)
        return [entry["title"] for entry in found["entries"]]

    assert await titles(since="2025-01-01") == ["Lua 5.5"]
    assert await titles(since="2025-03-04T09:00:00+00:00") == ["Lua 5.5"]
    assert await titles(since="2025-03-04T09:00:01Z") == []
    assert await titles(search="RELEASE lua") == ["Lua 5.5"]
    assert await titles(search="lua ago") == []
    with pytest.raises(SchemaError, match="no time"):
        await titles(since="yesterday")


async def test_of_a_huge_feed_the_first_entries_are_read_in_a_moment(call: Any, service: Any) -> None:
    item = "<item><title>T{}</title><link>https://example.org/{}</link><description>" + "&lt;b&gt;x&lt;/b&gt;" * 3
    body = "".join(item.format(at, at) + "</description></item>" for at in range(20_000))
    service.on("GET", "/rss", f'<rss version="2.0"><channel><title>C</title>{body}</channel></rss>'.encode(), **XML)
    for more, first in (({}, "T0"), ({"search": "T1999"}, "T1999"), ({"search": "T2000"}, None)):
        found = await call(RssFeedTool, {"url": f"{service.url}/rss", "limit": 1, **more}, net=service.net)
        assert (found["title"], found["total"], found["truncated"]) == ("C", 20_000, True)
        assert [entry["title"] for entry in found["entries"]] == ([] if first is None else [first])


BOMB = (
    '<!DOCTYPE r [<!ENTITY a "'
    + "x" * 1000
    + '">'
    + "".join(f'<!ENTITY {"abcdefghij"[at]} "{("&" + "abcdefghij"[at - 1] + ";") * 10}">' for at in range(1, 10))
    + "]><rss version='2.0'><channel><title>&j;</title></channel></rss>"
)


def hostile(secret: Path, url: str) -> dict[str, bytes]:
    outside = "<!DOCTYPE r [<!ENTITY x SYSTEM '{}'>]><rss version='2.0'><channel><title>[&x;]</title></channel></rss>"
    return {
        "entity_bomb": BOMB.encode(),
        "file_entity": outside.format(secret.as_uri()).encode(),
        "http_entity": outside.format(f"{url}/secret").encode(),
        "external_dtd": f"<!DOCTYPE r SYSTEM '{url}/secret'><rss version='2.0'><channel/></rss>".encode(),
        "deep": b"<rss version='2.0'><channel>" + b"<item>" * 100_000,
        "many_entries": b"<rss version='2.0'><channel>" + b"<item><title>x</title></item>" * 20_000,
        "utf16_bomb": BOMB.encode("utf-16"),
        "a_file_name": str(secret).encode(),
        "an_address": f"{url}/secret".encode(),
        "markup": b"<rss version='2.0'><channel><title>&lt;script&gt;alert(1)&lt;/script&gt;t</title></channel></rss>",
        "nothing": b"",
        "noise": bytes(range(256)) * 100,
    }


@pytest.mark.parametrize("kind", list(hostile(Path("/tmp/x"), "")))
async def test_hostile_feeds_end_in_time_and_open_nothing(call: Any, service: Any, tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("THE-SECRET")
    service.on("GET", "/secret", "THE-SECRET")
    service.on("GET", "/feed", hostile(secret, service.url)[kind], **XML)
    started = time.monotonic()
    try:
        found = await call(RssFeedTool, {"url": f"{service.url}/feed"}, options={"timeout": 3000}, net=service.net)
    except (ToolError, TimeoutError) as error:
        assert "THE-SECRET" not in error.message
    else:
        assert "THE-SECRET" not in str(found)
        assert len(str(found)) < 100_000
        assert "<script" not in str(found)
    assert [asked.path for asked in service.asked] == ["/feed"]
    assert time.monotonic() - started < 10


async def test_unnamed_hosts_and_pages_are_refused(call: Any, service: Any) -> None:
    service.on("GET", "/page", "<html><body>Hi</body></html>", headers={"Content-Type": "text/html"})
    with pytest.raises(ToolError, match="no feed"):
        await call(RssFeedTool, {"url": f"{service.url}/page"}, net=service.net)
    with pytest.raises(PermissionDenied):
        await call(RssFeedTool, {"url": f"{service.url}/page"})
    with pytest.raises(ToolError, match="answered 404"):
        await call(RssFeedTool, {"url": f"{service.url}/none"}, net=service.net)


FEED = {
    "lua": "return RssFeed.new{}:execute{ url = params.url }.entries[1].title",
    "js": "return (await new RssFeedTool({}).execute({ url: params.url })).entries[0].title;",
}


@both
async def test_a_spell_reads_a_feed_and_its_replay_asks_nobody(cast: Any, service: Any, language: str) -> None:
    service.on("GET", "/rss", RSS.encode(), **XML)
    given = {"params": {"url": f"{service.url}/rss"}, "flags": {"permissions.net": service.net}}
    spell = await cast(**{language: FEED[language]}, **given)
    assert spell.value == "Lua 5.5"
    assert (await cast(**{language: FEED[language]}, replay=spell.recording, **given)).value == "Lua 5.5"
    assert len(service.asked) == 1
