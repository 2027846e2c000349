"""The text, facts and bookmarks of a PDF. Runs in the process of `aside`: a page of 300 bytes can take hours. Knows no
files."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import ToolError
from llmspell.tools.extras import missing

if TYPE_CHECKING:
    from pypdf import PdfReader

#: Characters of all pages of an answer.
_MAX_TEXT: Final = 5_000_000
_MAX_MATCHES: Final = 1000
_MAX_BOOKMARKS: Final = 5000
_LINE_SHOWN: Final = 500
_FACTS: Final = ("title", "author", "subject", "keywords", "creator", "producer")


def answer(
    operation: str, data: bytes, pages: str, layout: bool, query: str, password: str | None, max_pages: int
) -> dict[str, Any]:
    """The tool's content. Raises ToolError."""
    reader = _opened(data, password)
    count = len(reader.pages)
    match operation:
        case "text":
            chosen = _chosen(pages, count)
            found, cut = _texts(reader, chosen[:max_pages], layout)
            return {"page_count": count, "pages": found, "truncated": cut or len(chosen) > max_pages}
        case "search":
            chosen = _chosen(pages, count)
            texts, cut = _texts(reader, chosen[:max_pages], layout)
            matches = list(_matches(texts, query.casefold()))
            cut = cut or len(chosen) > max_pages or len(matches) > _MAX_MATCHES
            return {"page_count": count, "matches": matches[:_MAX_MATCHES], "truncated": cut}
        case "outline":
            return {"page_count": count, "outline": _outline(reader)}
        case _:
            return {"page_count": count, **_info(reader)}


def _opened(data: bytes, password: str | None) -> PdfReader:
    from pypdf import PdfReader  # 150 ms
    from pypdf.errors import DependencyError, PyPdfError

    logging.disable()  # it tells of every oddity of a file
    if b"%PDF-" not in data[:2048]:
        raise ToolError("this is no PDF: it does not begin with %PDF-", hint="check the file")
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(password or ""):
            hint = "name the variable that holds it in `password_variable`" if password is None else "it was wrong"
            raise ToolError("this PDF needs a password", hint=hint)
        len(reader.pages)
    except DependencyError:
        raise missing("cryptography") from None  # this PDF is encrypted with AES
    except (PyPdfError, KeyError, AttributeError, TypeError, ValueError, IndexError, AssertionError) as error:
        raise ToolError(f"this PDF cannot be read: {str(error)[:200]}", hint="is it damaged?") from None
    return reader


def _chosen(pages: str, count: int) -> list[int]:
    """Page numbers from 0, in the order they were asked for, each once."""
    if not pages.strip():
        return list(range(count))
    found: dict[int, None] = {}
    for part in pages.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        if not first.isdigit() or (last and not last.isdigit()) or len(first) > 9 or len(last) > 9:
            raise ToolError(f"{pages!r} are no pages", hint="for example 3 or 1-5 or 2,4,7-")
        start, end = int(first), (min(int(last), count) if last else count) if dash else int(first)
        if not 1 <= start <= count or end < start:
            raise ToolError(f"there is no page {part.strip()!r}", hint=f"the document has {count} pages")
        found.update(dict.fromkeys(range(start - 1, end)))
    return list(found)


def _texts(reader: PdfReader, chosen: list[int], layout: bool) -> tuple[list[dict[str, Any]], bool]:
    """The pages' texts, and whether there was more than fits."""
    found: list[dict[str, Any]] = []
    room = _MAX_TEXT
    for number in chosen:
        text = _text(reader, number, layout)
        if len(text) > room:
            found.append({"page": number + 1, "text": text[:room]})
            return found, True
        room -= len(text)
        found.append({"page": number + 1, "text": text})
    return found, False


def _text(reader: PdfReader, number: int, layout: bool) -> str:
    def read(**more: Any) -> str:
        return reader.pages[number].extract_text(**more)

    try:
        text = read(extraction_mode="layout") if layout else read()
    except MemoryError:
        raise
    except Exception as error:  # a damaged page raises anything; the others may be whole
        raise ToolError(
            f"page {number + 1} cannot be read: {type(error).__name__}: {str(error)[:200]}",
            hint="leave it out with `pages`",
        ) from None
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _matches(pages: list[dict[str, Any]], query: str) -> Iterator[dict[str, Any]]:
    for page in pages:
        for line in page["text"].splitlines():
            if query in line.casefold():
                yield {"page": page["page"], "line": line.strip()[:_LINE_SHOWN]}


def _outline(reader: PdfReader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def walk(items: Any, level: int) -> None:
        for item in items:
            if len(found) >= _MAX_BOOKMARKS or level > 50:
                return
            if isinstance(item, list):
                walk(item, level + 1)
                continue
            page = _told(lambda item=item: reader.get_destination_page_number(item))
            found.append(
                {
                    "title": str(item.title)[:_LINE_SHOWN],
                    "level": level,
                    "page": page + 1 if isinstance(page, int) and page >= 0 else None,
                }
            )

    walk(_told(lambda: reader.outline) or [], 1)
    return found


def _info(reader: PdfReader) -> dict[str, Any]:
    told: Any = _told(lambda: reader.metadata)
    info: dict[str, str] = {}
    for name in _FACTS:
        if told is not None and (value := _told(lambda name=name: getattr(told, name))):
            info[name] = str(value)[:2000]
    for name, key in (("created", "creation_date"), ("modified", "modification_date")):
        if told is not None and (when := _told(lambda key=key: getattr(told, key))):
            info[name] = when.isoformat()
    content: dict[str, Any] = {"info": info, "encrypted": reader.is_encrypted}
    box: Any = _told(lambda: reader.pages[0].mediabox)
    if box is not None:
        content["size"] = [_number(box.width), _number(box.height)]
    return content


def _number(value: Any) -> float:
    number = round(float(value), 2)
    return int(number) if number.is_integer() else number


def _told(ask: Callable[[], Any]) -> Any:
    """What the library says, or None where the file's own words make no sense."""
    try:
        return ask()
    except MemoryError:
        raise
    except Exception:
        return None
