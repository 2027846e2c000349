"""XML to plain data and back. Document types and entities are refused before anything grows. Knows no files.

An element is `{name, attributes, text}`, or with `children` in the place of `text`: a list of elements and texts.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape, quoteattr

from llmspell.errors import ToolError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_STARTS: Final = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd"
)
_NAME: Final = re.compile(f"[{_STARTS}][{_STARTS}.0-9\u00b7\u0300-\u036f\u203f\u2040-]*")
#: Characters that XML 1.0 cannot hold, however they are written.
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_END: Final = re.compile(r"/(?:@(?P<attribute>[^/\[\]@]+)|text\(\))$")
_RESERVED: Final = "http://www.w3.org/XML/1998/namespace"


def read(
    data: str | bytes,
    query: str | None,
    namespaces: dict[str, str],
    limit: int,
    max_depth: int,
    max_elements: int,
) -> dict[str, Any]:
    """The content for parse, and for query where there is one. Raises ToolError."""
    prefixes = _prefixes(namespaces)
    root = _parsed(data, max_depth, max_elements)
    if query is None:
        return {"element": _shown(root, prefixes)}
    found = list(islice(_found(root, query, namespaces, prefixes), limit + 1))
    if len(found) > limit:
        return {"matches": found[:limit], "count": limit, "truncated": True}
    return {"matches": found, "count": len(found), "truncated": False}


def build(
    element: dict[str, Any], namespaces: dict[str, str], indent: int, declaration: bool, deep: int, most: int
) -> dict[str, Any]:
    """The content for build. Raises ToolError with the place of what cannot be written."""
    _prefixes(namespaces)
    writer = _Writer(namespaces, " " * indent, deep, most)
    writer.write(element, "element", 0)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n' if declaration else ""
    return {"text": head + "".join(writer.parts) + ("\n" if indent else "")}


class _Builder:
    """What the parser tells of; stops it at a document too deep or too large."""

    def __init__(self, max_depth: int, max_elements: int) -> None:
        from xml.etree.ElementTree import TreeBuilder

        self.tree = TreeBuilder()
        self.depth = 0
        self.count = 0
        self.most = (max_depth, max_elements)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.count += 1
        if self.depth > self.most[0]:
            raise ToolError(f"elements lie more than {self.most[0]} deep in each other", hint="take a part of it")
        if self.count > self.most[1]:
            raise ToolError(f"the document has more than {self.most[1]} elements", hint="take a part of it")
        self.tree.start(tag, attributes)

    def end(self, tag: str) -> None:
        self.depth -= 1
        self.tree.end(tag)

    def data(self, data: str) -> None:
        self.tree.data(data)

    def close(self) -> Element:
        return self.tree.close()


def _parsed(data: str | bytes, max_depth: int, max_elements: int) -> Element:
    from defusedxml.common import DefusedXmlException  # 15 ms
    from defusedxml.ElementTree import DefusedXMLParser, ParseError

    parser: Any = DefusedXMLParser(target=_Builder(max_depth, max_elements), forbid_dtd=True)
    try:
        parser.feed(data)
        return parser.close()
    except DefusedXmlException:
        raise ToolError(
            "this XML declares a document type or entities, which are refused", hint="take out its <!DOCTYPE …>"
        ) from None
    except ParseError as error:
        line, column = error.position
        what = str(error).partition(": line")[0]
        raise ToolError(f"this is no XML: {what} in line {line}, column {column + 1}") from None
    except (ValueError, LookupError, UnicodeError) as error:  # an encoding that nobody knows
        raise ToolError(f"this is no XML: {str(error)[:200]}") from None


def _prefixes(namespaces: dict[str, str]) -> dict[str, str]:
    """Prefix by namespace."""
    for prefix in namespaces:
        if not _NAME.fullmatch(prefix) or prefix.lower().startswith("xml"):
            raise ToolError(f"{prefix!r} cannot be a prefix", hint="letters and digits, and not xml…")
    return {uri: prefix for prefix, uri in namespaces.items()}


def _shown_name(name: str, prefixes: dict[str, str]) -> str:
    uri, closed, local = name[1:].partition("}")
    if name.startswith("{") and closed:
        prefix = "xml" if uri == _RESERVED else prefixes.get(uri)
        return f"{prefix}:{local}" if prefix else name
    return name


def _shown(element: Element, prefixes: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": _shown_name(element.tag, prefixes)}
    if element.attrib:
        found["attributes"] = {_shown_name(name, prefixes): value for name, value in element.attrib.items()}
    if not len(element):
        if element.text:
            found["text"] = element.text
        return found
    children: list[Any] = [element.text] if element.text and element.text.strip() else []
    for child in element:
        children.append(_shown(child, prefixes))
        if child.tail and child.tail.strip():
            children.append(child.tail)
    found["children"] = children
    return found


def _found(root: Element, query: str, namespaces: dict[str, str], prefixes: dict[str, str]) -> Any:
    end = _END.search(query)
    path = query[: end.start()] if end else query
    if path.startswith("/") and not path.startswith("//"):
        raise ToolError(f"{query!r} starts at the document", hint="start at the root element: `book/title`")
    if path.startswith("//"):
        path = "." + path
    attribute = end["attribute"] if end else None
    if attribute and ":" in attribute:
        prefix, _, local = attribute.partition(":")
        uri = _RESERVED if prefix == "xml" else namespaces.get(prefix)
        if uri is None:
            raise ToolError(f"the prefix {prefix!r} is not known", hint="name it in `namespaces`")
        attribute = f"{{{uri}}}{local}"
    try:
        for element in root.iterfind(path or ".", namespaces):
            if end is None:
                yield _shown(element, prefixes)
            elif attribute is None:
                yield "".join(element.itertext())
            elif attribute in element.attrib:
                yield element.attrib[attribute]
    except SyntaxError as error:
        raise ToolError(
            f"{query!r} is no path that can be searched for: {error.msg}",
            hint="for example book/title, .//book[@lang='en'], book[author='Ada']/@id",
        ) from None
    except (KeyError, ValueError, TypeError, AttributeError, IndexError):
        raise ToolError(f"{query!r} is no path that can be searched for", hint="for example .//book/title") from None


class _Writer:
    def __init__(self, namespaces: dict[str, str], indent: str, deep: int, most: int) -> None:
        self.namespaces = namespaces
        self.indent = indent
        self.most = (deep, most)
        self.count = 0
        self.parts: list[str] = []

    def write(self, element: Any, where: str, level: int) -> None:
        self.count += 1
        if level >= self.most[0] or self.count > self.most[1]:
            raise ToolError(f"more than {self.most[0]} levels or {self.most[1]} elements", hint="write it in parts")
        if not isinstance(element, dict):
            raise ToolError(f"{where} is no element", hint='an element is {"name": …, "text": …}')
        unknown = element.keys() - {"name", "attributes", "text", "children"}
        if unknown:
            raise ToolError(f"{where} has {min(map(str, unknown))!r}", hint="use name, attributes, text, children")
        name = self._name(element.get("name"), f"{where}.name")
        attributes = element.get("attributes") or {}
        if not isinstance(attributes, dict):
            raise ToolError(f"{where}.attributes is no object", hint='for example {"id": "1"}')
        self.parts.append(f"<{name}")
        if level == 0:
            for prefix, uri in self.namespaces.items():
                self.parts.append(f" xmlns:{prefix}={quoteattr(_text(uri, where))}")
        for key, value in attributes.items():
            shown = quoteattr(_text(value, f"{where}.attributes.{key}"), {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})
            self.parts.append(f" {self._name(key, f'{where}.attributes')}={shown}")
        children = element.get("children") or []
        text = element.get("text")
        if children and text is not None:
            raise ToolError(f"{where} has text and children", hint="put the text among the children")
        if not isinstance(children, list):
            raise ToolError(f"{where}.children is no list", hint="a list of elements and texts")
        if children:
            self.parts.append(">")
            self._children(children, where, level)
            self.parts.append(f"</{name}>")
        elif text is None or text == "":
            self.parts.append("/>")
        else:
            self.parts.append(f">{_escaped(text, f'{where}.text')}</{name}>")

    def _children(self, children: list[Any], where: str, level: int) -> None:
        """White space is added only where there is no text that it would change."""
        laid_out = self.indent and all(isinstance(child, dict) for child in children)
        for number, child in enumerate(children):
            place = f"{where}.children[{number}]"
            if laid_out:
                self.parts.append("\n" + self.indent * (level + 1))
            if isinstance(child, dict):
                self.write(child, place, level + 1)
            else:
                self.parts.append(_escaped(child, place))
        if laid_out:
            self.parts.append("\n" + self.indent * level)

    def _name(self, name: Any, where: str) -> str:
        if not isinstance(name, str) or not 0 < len(name) <= 500:
            raise ToolError(f"{where} is no name", hint="an element needs a `name` of 1 to 500 characters")
        prefix, colon, local = name.rpartition(":")
        if not all(_NAME.fullmatch(part) for part in ([prefix, local] if colon else [local])):
            raise ToolError(
                f"{where}: {name!r} is no name in XML", hint="a letter, then letters, digits, `-`, `_`, `.`"
            )
        if colon and prefix != "xml" and prefix not in self.namespaces:
            raise ToolError(f"{where}: the prefix {prefix!r} is not known", hint="name it in `namespaces`")
        return name


def _escaped(value: Any, where: str) -> str:
    return escape(_text(value, where), {"\r": "&#13;"})


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise ToolError(f"{where} is no text", hint="give text, a number, true or false")
    text = str(value)
    if found := _UNWRITABLE.search(text):
        raise ToolError(f"{where} holds the character {found[0]!r}, which XML cannot hold", hint="take it out")
    return text
