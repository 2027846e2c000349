"""Reads one HTML page: its text, links, metadata and what a CSS selector finds.

Runs in the process of `aside`: a page can take its parser minutes or gigabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from llmspell.errors import ToolError

#: Of no interest to a reader, or not shown at all.
_SILENT: Final = ("script", "style", "noscript", "template", "svg", "iframe", "object")
#: Begin a line of their own.
_BLOCKS: Final = frozenset(
    "address article aside blockquote br dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header"
    " hr li main nav ol p pre section table tr ul".split()
)
_HEADINGS: Final = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_MANY: Final = 1000


def page(data: bytes, asked: dict[str, Any]) -> dict[str, Any]:
    """asked: operation, url, charset, selector, attribute, limit, max_length."""
    soup = BeautifulSoup(data, "html.parser", from_encoding=asked["charset"] or None)
    base = _base(soup, asked["url"])
    found: dict[str, Any] = {"title": _line(soup.title.get_text() if soup.title else "")}
    match asked["operation"]:
        case "text":
            scope = _first(soup, asked["selector"]) if asked["selector"] else soup.find("main") or soup.body or soup
            text = _text(scope)
            found |= {"text": text[: asked["max_length"]], "truncated": len(text) > asked["max_length"]}
        case "links":
            links = list(_links(_scopes(soup, asked["selector"]), base))
            found |= {"links": links[: asked["limit"]], "truncated": len(links) > asked["limit"]}
        case "select":
            elements = _select(soup, asked["selector"])
            found["elements"] = [_element(each, asked) for each in elements[: asked["limit"]]]
            found["truncated"] = len(elements) > asked["limit"]
        case _:
            found["metadata"] = _metadata(soup, base)
    return found


def _base(soup: BeautifulSoup, url: str) -> str:
    given = soup.find("base", href=True)
    return _joined(url, str(given["href"])) or url if isinstance(given, Tag) else url


def _scopes(soup: BeautifulSoup, selector: str) -> list[Tag]:
    return _select(soup, selector) if selector else [soup]


def _select(soup: BeautifulSoup, selector: str) -> list[Tag]:
    from soupsieve import SelectorSyntaxError

    try:
        return list(soup.select(selector, limit=_MANY + 1))
    except (SelectorSyntaxError, ValueError, NotImplementedError) as error:
        raise ToolError(
            f"{selector!r} is no CSS selector: {_line(str(error))[:120]}", hint="write one such as `main h2 a`"
        ) from None


def _first(soup: BeautifulSoup, selector: str) -> Tag:
    found = _select(soup, selector)
    if not found:
        raise ToolError(f"the page has nothing that {selector!r} finds", hint="try another selector, or leave it out")
    return found[0]


def _text(scope: Tag) -> str:
    """Text by lines: blocks apart, headings with `#`, items with `-`, cells with `|`. Without recursion: pages nest."""
    for silent in scope.find_all(_SILENT):
        silent.decompose()
    parts: list[str] = []
    for each, opens in _walk(scope):
        if isinstance(each, Tag):
            if each.name in _BLOCKS:
                parts.append("\n" + (_HEADINGS.get(each.name, "- " if each.name == "li" else "") if opens else ""))
            elif each.name in {"td", "th"} and opens:
                parts.append(" | ")
        else:
            preformatted = each.parent is not None and each.parent.name == "pre"
            parts.append(str(each) if preformatted else re.sub(r"\s+", " ", str(each)))
    lines = (line.strip().removeprefix("| ") for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line.strip("#-| "))


def _walk(scope: Tag) -> Iterator[tuple[Tag | NavigableString, bool]]:
    """Every element below, once when it opens and once when it closes, and every text that is shown."""
    under_way: list[tuple[Tag, Iterator[Any]]] = [(scope, iter(scope.contents))]
    while under_way:
        element, children = under_way[-1]
        child = next(children, None)
        if child is None:
            under_way.pop()
            yield element, False
        elif isinstance(child, Tag):
            yield child, True
            under_way.append((child, iter(child.contents)))
        elif type(child) is NavigableString:  # its subclasses are comments, doctypes and the like
            yield child, True


def _links(scopes: list[Tag], base: str) -> Iterator[dict[str, str]]:
    """Each address once, http and https only."""
    seen: set[str] = set()
    for scope in scopes:
        own = [scope] if scope.name == "a" else []
        for link in (*own, *scope.find_all("a", href=True, limit=20_000)):
            url = _joined(base, str(link.get("href", "")))
            if url and url not in seen:
                seen.add(url)
                yield {"url": url, "text": _line(link.get_text(" "))[:500]}


def _element(element: Tag, asked: dict[str, Any]) -> dict[str, Any]:
    shown = {name: " ".join(value) if isinstance(value, list) else str(value) for name, value in element.attrs.items()}
    for name in ("href", "src"):
        if name in shown:
            shown[name] = _joined(asked["url"], shown[name]) or shown[name]
    if asked["attribute"]:
        shown = {name: value for name, value in shown.items() if name == asked["attribute"]}
    return {"tag": element.name, "text": _text(element)[: asked["max_length"]], "attributes": shown}


def _metadata(soup: BeautifulSoup, base: str) -> dict[str, str]:
    """What the head says: description, language, canonical address, and every named `meta`, the first of each."""
    found: dict[str, str] = {}
    html = soup.find("html")
    if isinstance(html, Tag) and html.get("lang"):
        found["language"] = str(html["lang"])
    for link in soup.find_all("link", href=True, limit=200):
        kinds = link.get("rel") or []
        for kind, name in (("canonical", "canonical"), ("icon", "icon"), ("alternate", "feed")):
            if kind in kinds and (kind != "alternate" or "xml" in str(link.get("type", ""))):
                found.setdefault(name, _joined(base, str(link["href"])) or "")
    for meta in soup.find_all("meta", content=True, limit=200):
        name = str(meta.get("name") or meta.get("property") or "").lower()[:100]
        if name:
            found.setdefault(name, _line(str(meta["content"]))[:2000])
    return found


def _joined(base: str, reference: str) -> str:
    try:
        url = urljoin(base, reference.strip())
        return url if urlsplit(url).scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def _line(text: str) -> str:
    return " ".join(text.split())
