"""What can be written in a comment: the tags of LuaCATS and JSDoc, the types they name, parameters, our own directive.

Knows no protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from llmspell.settings.lint import SEVERITIES
from llmspell_lsp.analysis.types import ClassObject
from llmspell_lsp.analysis.vocabulary import Language, vocabulary
from llmspell_lsp.features.candidates import GLOBAL, LOCAL, WANTED, Candidate
from llmspell_lsp.syntax.lookup import walk
from llmspell_lsp.syntax.nodes import Function, Span

if TYPE_CHECKING:
    from llmspell_lsp.analysis.infer import Inference

_TAGS: Final[dict[Language, dict[str, str]]] = {
    "lua": {
        "param": "a parameter: name, type, what it is for",
        "return": "what the function gives: type",
        "type": "the type of the variable below",
        "class": "a class",
        "field": "a field of the class",
        "deprecated": "it is struck through where it is offered",
        "async": "it waits",
        "see": "what to read beside it",
        "diagnostic": "how the line below is checked",
    },
    "javascript": {
        "param": "a parameter: {type}, name, what it is for",
        "returns": "what the function gives: {type}",
        "type": "the {type} of the variable below",
        "property": "a property: {type}, name",
        "deprecated": "it is struck through where it is offered",
        "async": "it waits",
        "example": "how it is used",
        "see": "what to read beside it",
        "throws": "what is thrown: {type}",
    },
}
_PLAIN: Final[dict[Language, str]] = {
    "lua": "string number integer boolean nil table any function",
    "javascript": "string number boolean null undefined object any Function",
}
_TAG: Final = re.compile(r"@(\w*)$")
_TYPE: Final[dict[Language, re.Pattern[str]]] = {
    "lua": re.compile(r"@(?:param\s+[\w.]+\??\s+|return\s+|type\s+|field\s+\w+\s+)(?:[\w\[\]|<>., ]*[|<, ])?(\w*)$"),
    "javascript": re.compile(r"@(?:param|returns?|type|property|prop|throws)\s*\{(?:[^}]*[|<(, ])?(\w*)$"),
}
_NAME: Final[dict[Language, re.Pattern[str]]] = {
    "lua": re.compile(r"@param\s+(\w*)$"),
    "javascript": re.compile(r"@param\s+\{[^}]*\}\s+\[?(\w*)$"),
}
_IGNORE: Final = re.compile(r"llmspell:\s*(?:ignore\s+(?:[\w-]+[,\s]+)*)?([\w-]*)$")


def candidates(infer: Inference, line: int, column: int) -> tuple[Span, list[Candidate]] | None:
    """The word's place and what may stand there; None where a comment is for people."""
    language = infer.language
    before = infer.analysis.chunks.lines[line][:column]
    if (found := _TAG.search(before)) is not None and _is_doc(before, language):
        return _span(line, column, found[1]), _tags(infer, line)
    if (found := _TYPE[language].search(before)) is not None:
        return _span(line, column, found[1]), [*_own_types(infer, line, column), *_types(language)]
    if (found := _NAME[language].search(before)) is not None:
        return _span(line, column, found[1]), list(_parameters(infer, line))
    if (found := _IGNORE.search(before)) is not None:
        ignored = "ignore" in before[found.start() : found.start(1)]
        listed = [Candidate(code, "constant", severity, group=WANTED) for code, severity in SEVERITIES.items()]
        return _span(line, column, found[1]), listed if ignored else [Candidate("ignore", "keyword", group=WANTED)]
    return None


def _span(line: int, column: int, word: str) -> Span:
    return Span(line, column - len(word), line, column)


def _is_doc(before: str, language: Language) -> bool:
    text = before.lstrip()
    return text.startswith("---") if language == "lua" else text.startswith(("/**", "*"))


def _tags(infer: Inference, line: int) -> list[Candidate]:
    lua = infer.language == "lua"
    return [
        Candidate(
            tag,
            "keyword",
            doc,
            "",
            f"{tag} ${{1:name}} ${{2:any}}$0" if lua and tag == "param" else _opens(tag, doc),
            WANTED,
            rank=rank,
            plain=tag,
        )
        for rank, (tag, doc) in enumerate(_TAGS[infer.language].items())
    ]


def _opens(tag: str, doc: str) -> str:
    return f"{tag} {{$1}} $0" if "{type}" in doc else f"{tag} $0"


@cache
def _types(language: Language) -> tuple[Candidate, ...]:
    words = vocabulary(language)
    classes = [
        Candidate(name, "class", "", f"registry {name}", group=GLOBAL)
        for name, found in words.globals.items()
        if isinstance(found.type, ClassObject) and found.kind == "class"
    ]
    return (*(Candidate(name, "keyword", group=LOCAL, rank=500) for name in _PLAIN[language].split()), *classes)


def _own_types(infer: Inference, line: int, column: int) -> Iterator[Candidate]:
    for name, binding in infer.analysis.visible(line, column).items():
        if binding.kind == "class":
            yield Candidate(name, "class", "class", group=LOCAL)


def _parameters(infer: Inference, line: int) -> Iterator[Candidate]:
    """The parameters of the function below a comment."""
    place = infer.analysis.chunks.at(line)
    lines = infer.analysis.chunks.lines
    below = line + 1
    while below < len(lines) and (not lines[below].strip() or lines[below].lstrip().startswith(("--", "*"))):
        below += 1
    if below >= len(lines):
        return
    place = infer.analysis.chunks.at(below)
    for node in walk(place.chunk.tree.block):
        if isinstance(node, Function) and node.span.line + place.start == below:
            for rank, each in enumerate(node.parameters):
                if each.name and each.name != "self":
                    yield Candidate(each.name, "variable", "parameter", group=WANTED, rank=rank)
            return
