"""rss_feed beside xml.etree: feeds by RSS 2.0, RSS 1.0 and RFC 4287, served by Python's own http.server.

Neither the server nor the second reader shares code with the tool: it asks by aiohttp and reads by feedparser.
"""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.etree import ElementTree

import pytest

from llmspell.tools.web.rss_feed import RssFeedTool

ATOM = "{http://www.w3.org/2005/Atom}"
RSS1 = "{http://purl.org/rss/1.0/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DC = "{http://purl.org/dc/elements/1.1/}"


@dataclass(frozen=True)
class Row:
    id: str
    title: str
    link: str
    summary: str
    at: datetime


ROWS = [
    Row(
        f"urn:x:{at}",
        f"Größe & <Maß> {at}",
        f"https://example.org/{at}?a=1&b=2",
        f"Words & more {at}",
        datetime(2025, 3, at + 1, 9, 30, tzinfo=UTC),
    )
    for at in range(4)
]


def element(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    found = ElementTree.SubElement(parent, tag, attributes)
    found.text = text or None
    return found


def rss2() -> ElementTree.Element:
    root = ElementTree.Element("rss", {"version": "2.0"})
    channel = element(root, "channel")
    for tag, text in (("title", "News"), ("link", "https://example.org/"), ("description", "What is new")):
        element(channel, tag, text)
    for row in ROWS:
        item = element(channel, "item")
        element(item, "guid", row.id, isPermaLink="false")
        for tag, text in (("title", row.title), ("link", row.link), ("description", row.summary)):
            element(item, tag, text.replace("<", "&lt;") if tag == "title" else text)
        element(item, "pubDate", format_datetime(row.at))
    return root


def rss1() -> ElementTree.Element:
    root = ElementTree.Element(f"{RDF}RDF")
    channel = element(root, f"{RSS1}channel", **{f"{RDF}about": "https://example.org/"})
    for tag, text in (("title", "News"), ("link", "https://example.org/"), ("description", "What is new")):
        element(channel, RSS1 + tag, text)
    for row in ROWS:
        item = element(root, f"{RSS1}item", **{f"{RDF}about": row.id})
        element(item, f"{RSS1}title", row.title.replace("<", "&lt;"))
        element(item, f"{RSS1}link", row.link)
        element(item, f"{RSS1}description", row.summary)
        element(item, f"{DC}date", row.at.isoformat())
    return root


def atom() -> ElementTree.Element:
    root = ElementTree.Element(f"{ATOM}feed")
    element(root, f"{ATOM}title", "News", type="text")
    element(root, f"{ATOM}subtitle", "What is new")
    element(root, f"{ATOM}id", "urn:x")
    element(root, f"{ATOM}updated", ROWS[0].at.isoformat())
    element(root, f"{ATOM}link", href="https://example.org/")
    for row in ROWS:
        entry = element(root, f"{ATOM}entry")
        element(entry, f"{ATOM}id", row.id)
        element(entry, f"{ATOM}title", row.title, type="text")
        element(entry, f"{ATOM}link", rel="alternate", href=row.link)
        element(entry, f"{ATOM}summary", row.summary)
        element(entry, f"{ATOM}published", row.at.isoformat())
        element(entry, f"{ATOM}updated", row.at.isoformat())
    return root


def read_rss2(root: ElementTree.Element) -> list[tuple[Any, ...]]:
    return [
        (
            each.findtext("guid"),
            each.findtext("link"),
            each.findtext("description"),
            parsedate_to_datetime(each.findtext("pubDate") or ""),
        )
        for each in root.iter("item")
    ]


def read_rss1(root: ElementTree.Element) -> list[tuple[Any, ...]]:
    return [
        (
            each.get(f"{RDF}about"),
            each.findtext(f"{RSS1}link"),
            each.findtext(f"{RSS1}description"),
            datetime.fromisoformat(each.findtext(f"{DC}date") or ""),
        )
        for each in root.iter(f"{RSS1}item")
    ]


def read_atom(root: ElementTree.Element) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for each in root.iter(f"{ATOM}entry"):
        link = each.find(f"{ATOM}link")
        assert link is not None
        at = datetime.fromisoformat(each.findtext(f"{ATOM}published") or "")
        found.append((each.findtext(f"{ATOM}id"), link.get("href"), each.findtext(f"{ATOM}summary"), at))
    return found


FORMATS: dict[str, tuple[Callable[[], ElementTree.Element], Callable[[ElementTree.Element], list[tuple[Any, ...]]]]] = {
    "rss20": (rss2, read_rss2),
    "rss10": (rss1, read_rss1),
    "atom10": (atom, read_atom),
}


@dataclass
class Site:
    port: int = 0
    data: bytes = b""
    kind: str = "application/xml"
    packed: bool = False
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.asked.append({name.lower(): value for name, value in self.headers.items()})
            data = gzip.compress(found.data) if found.packed else found.data
            self.send_response(200)
            self.send_header("Content-Type", found.kind)
            if found.packed:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(data), 700):
                piece = data[start : start + 700]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    await asyncio.to_thread(server.shutdown)
    server.server_close()
    await asyncio.to_thread(thread.join)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
@pytest.mark.parametrize("kind", FORMATS)
async def test_both_readers_read_the_same(call: Any, site: Site, kind: str, encoding: str, packed: bool) -> None:
    write, read = FORMATS[kind]
    site.data = ElementTree.tostring(write(), encoding=encoding, xml_declaration=True)
    site.packed = packed
    found = await call(RssFeedTool, {"url": f"http://127.0.0.1:{site.port}/feed"}, net=[f"127.0.0.1:{site.port}"])
    assert (found["format"], found["title"], found["description"], found["link"]) == (
        kind,
        "News",
        "What is new",
        "https://example.org/",
    )
    got = [
        (each["id"], each["link"], each["summary"], datetime.fromisoformat(each["published"]))
        for each in found["entries"]
    ]
    assert got == read(ElementTree.fromstring(site.data))
    assert [each["title"].split()[0] for each in found["entries"]] == ["Größe"] * 4
    assert "application/atom+xml" in site.asked[0]["accept"]
