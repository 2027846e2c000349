"""Where the registry's names stand in the generated stub of a language: what go-to-definition opens for them.

A stub is read once, when it is first asked for (30 ms), for the lines of its names alone.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import llmspell.api
from llmspell.api.names import snake
from llmspell_lsp.documents.uris import uri_of
from llmspell_lsp.syntax.nodes import Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.vocabulary import Language

_FILES: Final[dict[Language, str]] = {"lua": "llmspell.gen.lua", "javascript": "llmspell.gen.d.ts"}
_LUA: Final = re.compile(
    r"---@class (?P<type>\w+)"
    r"|---@field (?P<field>\w+)"
    r"|---@alias (?P<alias>\w+)"
    r'|---\| "(?P<word>[^"]+)"'
    r"|function (?P<owner>\w+)[.:](?P<method>\w+)\("
    r"|(?P<global>[A-Za-z_]\w*) = "
)
_TYPESCRIPT: Final = re.compile(
    r"(?:declare )?(?:abstract )?(?:class|interface|type) (?P<type>\w+)"
    r"|declare (?:const|var|let|function) (?P<global>\w+)(?:: (?P<of>\w+);)?"
    r"|  (?:(?:static|readonly|get|set|async) )*(?P<field>\w+)\??[(:<]"
    r"|(?P<end>\})"
)
_WORDS: Final = re.compile(r'"(\w+)"')


class Stub:
    """The lines of one language's stub."""

    def __init__(self, language: Language) -> None:
        path = Path(llmspell.api.__file__).parent / "generated" / _FILES[language]
        self.uri: Final = uri_of(str(path))
        self.names: dict[tuple[str, str], Span] = {}
        """By owner ("" for none) and name in snake_case; classes and types as they are called, under ""."""
        with path.open(encoding="utf-8") as lines:
            if language == "lua":
                self._lua(list(lines))
            else:
                self._typescript(list(lines))

    def find(self, owner: str, name: str) -> Span | None:
        """A member (owner: its class), or with owner "" a class, a type, a global name."""
        return self.names.get((owner, snake(name) if owner else name))

    def _put(self, owner: str, name: str, line: int, column: int) -> None:
        self.names.setdefault((owner, snake(name) if owner else name), Span(line, column, line, column + len(name)))

    def _lua(self, lines: list[str]) -> None:
        owner = ""
        for number, line in enumerate(lines):
            found = _LUA.match(line)
            if found is None:
                continue
            match found.lastgroup:
                case "type" | "alias" as group:
                    owner = found[group]
                    self._put("", owner, number, found.start(group))
                case "field" | "word" as group:
                    self._put(owner, found[group], number, found.start(group))
                case "method":
                    self._put(found["owner"], found["method"], number, found.start("method"))
                case _:
                    self._put("", found["global"], number, found.start("global"))

    def _typescript(self, lines: list[str]) -> None:
        owner = ""
        namespaces: dict[str, str] = {}
        for number, line in enumerate(lines):
            found = _TYPESCRIPT.match(line)
            if found is None:
                continue
            if found["end"] is not None:
                owner = ""
            elif found["field"] is not None:
                if owner:
                    self._put(owner, found["field"], number, found.start("field"))
            elif found["global"] is not None:
                self._put("", found["global"], number, found.start("global"))
                if found["of"] is not None:
                    namespaces[found["of"]] = found["global"]
            else:
                self._put("", found["type"], number, found.start("type"))
                owner = "" if line.rstrip().endswith("}") else found["type"]
        for (of, name), span in list(self.names.items()):
            if of in namespaces:
                self.names.setdefault((namespaces[of], name), span)


@cache
def stub(language: Language) -> Stub:
    return Stub(language)
