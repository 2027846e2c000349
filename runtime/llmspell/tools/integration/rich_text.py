"""The Atlassian Document Format and plain text, each from the other. Formatting is not kept."""

from __future__ import annotations

import re
from typing import Any, Final

_DEPTH: Final = 60
_BLOCKS: Final = frozenset(
    {"paragraph", "heading", "codeBlock", "blockquote", "panel", "listItem", "taskItem", "tableRow", "rule"}
)


def document(text: str) -> dict[str, Any]:
    """Paragraphs where blank lines part the text, line ends within them kept."""
    paragraphs = [part.strip("\n") for part in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")) if part.strip()]
    content = [{"type": "paragraph", "content": _inline(each)} for each in paragraphs]
    return {"type": "doc", "version": 1, "content": content}


def plain(value: Any) -> str:
    """What a person would read; older sites send text already."""
    if isinstance(value, str):
        return value
    return re.sub(r"\n{3,}", "\n\n", "".join(_texts(value, 0))).strip()


def _inline(paragraph: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in paragraph.split("\n"):
        if found:
            found.append({"type": "hardBreak"})
        if line:
            found.append({"type": "text", "text": line})
    return found


def _texts(node: Any, depth: int) -> list[str]:
    if not isinstance(node, dict) or depth > _DEPTH:
        return []
    kind, attributes = node.get("type"), node.get("attrs")
    shown: dict[str, Any] = attributes if isinstance(attributes, dict) else {}
    match kind:
        case "text":
            return [str(node.get("text", ""))]
        case "hardBreak":
            return ["\n"]
        case "mention" | "emoji" | "status":
            return [str(shown.get("text") or shown.get("shortName") or "")]
        case "inlineCard" | "blockCard":
            return [str(shown.get("url") or "")]
        case _:
            parts = [text for child in node.get("content") or [] for text in _texts(child, depth + 1)]
    if kind == "listItem":
        parts = ["- ", *parts]
    return [*parts, "\n"] if kind in _BLOCKS else parts
