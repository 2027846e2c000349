"""Markdown taken apart: HTML, plain text, headings, a section, tables, links, code, front matter. Knows no files."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import ToolError
from llmspell.tools.data.json_text import check_size

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MAX_DEPTH: Final = 50
_MAX_VALUES: Final = 10_000
_NEAR: Final = 20


def answer(operation: str, text: str, heading: str) -> dict[str, Any]:
    """The tool's content. Raises ToolError."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if operation == "front_matter":
        return _front_matter(text)
    body, above = _below_front_matter(text)
    parser = _parser()
    tokens = parser.parse(body)
    match operation:
        case "to_html":
            return {"html": parser.renderer.render(tokens, parser.options, {})}
        case "to_text":
            return {"text": _plain(tokens)}
        case "outline":
            return {"headings": _headings(tokens, above)}
        case "section":
            return {"text": _section(body, _headings(tokens, 0), heading)}
        case "tables":
            return {"tables": list(_tables(tokens, above))}
        case "links":
            return {"links": list(_links(tokens))}
        case _:
            return {"code_blocks": list(_code(tokens, above))}


def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # 60 ms

    return MarkdownIt("js-default", {"html": False})


def _plain(tokens: list[Token]) -> str:
    """Blocks with an empty line between them, items of lists with their mark, rows of tables with tabs."""
    lines: list[str] = []
    lists: list[int | None] = []
    row: list[str] = []
    in_row = False
    mark = ""
    for token in tokens:
        match token.type:
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
                if not lists:
                    lines.append("")
            case "list_item_open":
                number = lists[-1]
                mark = "  " * (len(lists) - 1) + ("- " if number is None else f"{number}. ")
                lists[-1] = None if number is None else number + 1
            case "tr_open":
                row, in_row = [], True
            case "tr_close":
                lines.append("\t".join(row))
                in_row = False
            case "table_close" | "paragraph_close" | "heading_close":
                if not lists:
                    lines.append("")
            case "inline":
                if in_row:
                    row.append(_inline(token))
                    continue
                lines.append((mark or "  " * len(lists)) + _inline(token))
                mark = ""
            case "fence" | "code_block":
                lines += [token.content.rstrip("\n"), ""]
            case _:
                pass
    return "\n".join(lines).strip("\n") + "\n" if any(lines) else ""


def _inline(token: Token) -> str:
    """What a reader sees of a run of text: images by their description, line ends as they are."""
    parts: list[str] = []
    for child in token.children or ():
        match child.type:
            case "text" | "code_inline" | "text_special":
                parts.append(child.content)
            case "softbreak" | "hardbreak":
                parts.append("\n")
            case "image":
                parts.append(_inline(child))
            case _:
                pass
    return "".join(parts)


def _line(token: Token, above: int) -> int:
    return (token.map[0] if token.map else 0) + above + 1


def _headings(tokens: list[Token], above: int) -> list[dict[str, Any]]:
    return [
        {"level": int(token.tag[1]), "text": _inline(tokens[place + 1]), "line": _line(token, above)}
        for place, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0
    ]


def _section(text: str, headings: list[dict[str, Any]], wanted: str) -> str:
    """From the heading's line to the next heading of its level or above."""
    for place, found in enumerate(headings):
        if found["text"].strip().casefold() == wanted.strip().casefold():
            after = (other["line"] for other in headings[place + 1 :] if other["level"] <= found["level"])
            lines = _lines(text)
            return "".join(lines[found["line"] - 1 : next(after, len(lines) + 1) - 1])
    known = ", ".join(repr(found["text"]) for found in headings[:_NEAR])
    raise ToolError(f"there is no heading {wanted!r}", hint=f"headings: {known or 'none'}")


def _tables(tokens: list[Token], above: int) -> Iterator[dict[str, Any]]:
    rows: list[list[str]] = []
    line = 0
    for token in tokens:
        match token.type:
            case "table_open":
                rows, line = [], _line(token, above)
            case "tr_open":
                rows.append([])
            case "inline" if rows:
                rows[-1].append(_inline(token))
            case "table_close":
                yield {"columns": rows[0], "rows": rows[1:], "line": line}
                rows = []
            case _:
                pass


def _links(tokens: list[Token]) -> Iterator[dict[str, Any]]:
    for token in tokens:
        children = token.children or []
        for place, child in enumerate(children):
            if child.type == "image":
                yield {"text": _inline(child), "url": str(child.attrGet("src") or ""), "image": True}
            elif child.type == "link_open":
                inside: list[Token] = []
                for after in children[place + 1 :]:
                    if after.type == "link_close":
                        break
                    inside.append(after)
                shown = "".join(_inline(each) if each.type == "image" else each.content for each in inside)
                yield {"text": shown, "url": str(child.attrGet("href") or ""), "image": False}


def _code(tokens: list[Token], above: int) -> Iterator[dict[str, Any]]:
    for token in tokens:
        if token.type in {"fence", "code_block"}:
            language = token.info.strip().split(maxsplit=1)[0] if token.info.strip() else ""
            yield {"language": language, "code": token.content, "line": _line(token, above)}


def _lines(text: str) -> list[str]:
    """Lines with their ends. Not `splitlines`, which also ends a line at a form feed."""
    return list(io.StringIO(text, newline="\n"))


def _split(text: str) -> tuple[str, str, str] | None:
    """The fence (`---` or `+++`), what stands between it and the next, and the rest."""
    lines = _lines(text)
    fence = lines[0].rstrip() if lines else ""
    if fence not in {"---", "+++"}:
        return None
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == fence or (fence == "---" and line.rstrip() == "..."):
            return fence, "".join(lines[1:number]), "".join(lines[number + 1 :])
    return None


def _below_front_matter(text: str) -> tuple[str, int]:
    """The text below the front matter, and how many lines are above it."""
    parts = _split(text)
    if parts is None:
        return text, 0
    return parts[2], text[: len(text) - len(parts[2])].count("\n")


def _front_matter(text: str) -> dict[str, Any]:
    parts = _split(text)
    if parts is None:
        return {"values": {}, "text": text}
    fence, source, body = parts
    values = _toml(source) if fence == "+++" else _yaml(source)
    if not isinstance(values, dict | None):
        raise ToolError("the front matter is no table of values", hint="write it as `key: value` lines")
    check_size(values, _MAX_DEPTH, _MAX_VALUES)
    return {"values": _plain_value(values or {}), "text": body}


def _toml(source: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ToolError(f"the front matter is no TOML: {error}") from None


def _yaml(source: str) -> Any:
    """YAML without aliases: ten lines that refer to each other can mean more values than memory holds."""
    import yaml  # 20 ms

    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(source)):
            raise ToolError("the front matter refers to its own parts (`*name`)", hint="write the values out")
        return yaml.safe_load(source)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 2}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ToolError(f"the front matter is no YAML{where}: {str(problem)[:200]}") from None


def _plain_value(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain_value(each) for key, each in value.items()}
        case list() | tuple() | set():
            return [_plain_value(each) for each in value]
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return value.decode("latin-1")
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value
