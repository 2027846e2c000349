"""The table of cells: every feature at every construct, in both languages. An empty cell has a written reason, or fails.

What each cell must say stands in `cells.json`, shortened to what matters (`told`); `python tests/lsp/test_cells.py`
prints the table, and writes what is said now with `--write`, to be read before it is believed.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "soak"))
from constructs import CONSTRUCTS, PARTS
from keystrokes import Editor

FEATURES: Final = (
    "completion",
    "hover",
    "signatureHelp",
    "definition",
    "typeDefinition",
    "references",
    "documentHighlight",
    "rename",
    "linkedEditingRange",
    "selectionRange",
    "semanticTokens",
    "documentSymbol",
    "foldingRange",
    "inlayHint",
    "documentLink",
    "codeLens",
    "prepareCallHierarchy",
    "workspaceSymbol",
    "codeAction",
    "diagnostics",
)
LANGUAGES: Final = ("lua", "javascript")
CELLS: Final = Path(__file__).parent / "cells.json"

_CALLED: Final = "asked inside the brackets of a call, where this construct's cursor is not: tests/lsp/features"
_NOBODY_CALLS: Final = "neither a function nor a part of a workflow: nothing calls it"
_A_TEXT: Final = "a text that names something keeps the colour of a text; hook points and events alone have their own"
_NOT_OURS: Final = "a service's model: no file declares it"
#: Why a cell cannot have anything in it: by feature, for a construct or ("*") for all that are not named.
REASONS: Final[dict[str, dict[str, str]]] = {
    "completion": {
        "step": "a name that is given here is the author's: there is none to offer",
        "mistake": "what is misspelled is offered as it should be, and so under another name",
    },
    "hover": {"event": "an event of the spell's own has no page, and its data is whatever is emitted"},
    "signatureHelp": {"*": _CALLED},
    "definition": {
        "library of the language": "nothing of ours declares it",
        "model": _NOT_OURS,
        "mistake": "there is nothing of that name",
    },
    "typeDefinition": {"*": "its type is no class or table that is declared somewhere"},
    "references": {"model": _NOT_OURS, "mistake": "there is nothing of that name"},
    "documentHighlight": {"model": _NOT_OURS, "mistake": "there is nothing of that name"},
    "rename": {"*": "the name is the registry's or the language's"},
    "linkedEditingRange": {"*": "only a name that its text repeats where it is written twice by hand is linked"},
    "semanticTokens": {
        "step": _A_TEXT,
        "agent by name": _A_TEXT,
        "state key": _A_TEXT,
        "tool by name": _A_TEXT,
        "workflow by name": _A_TEXT,
        "model": _A_TEXT,
    },
    "documentSymbol": {"*": "nothing is declared in the example but imports, which are no part of an outline"},
    "foldingRange": {"*": "the example has no block over several lines"},
    "inlayHint": {"*": "the example's cursor line has no argument whose parameter is not plain from it"},
    "documentLink": {"*": "nothing in the example names a file"},
    "codeLens": {"*": "only what can be run has one, and only for clients that can run it"},
    "prepareCallHierarchy": {"*": _NOBODY_CALLS},
    "workspaceSymbol": {"*": "what is at the cursor is no symbol of a file: the registry's, or seen only inside"},
    "codeAction": {"*": "there is nothing to mend or to move at the cursor"},
    "diagnostics": {"*": "the example is right"},
}


def told(editor: Editor, feature: str, uri: str, place: tuple[int, int]) -> str:
    """What matters of an answer; "" for nothing."""
    lines = editor.lines(uri)
    word = _word(lines[place[0]], place[1])
    if feature == "diagnostics":
        return " ".join(sorted({each["code"] for each in editor.diagnostics(uri)[1]}))
    if feature in ("documentSymbol", "foldingRange", "documentLink", "codeLens"):
        return _of_whole(feature, editor.whole(f"textDocument/{feature}", uri) or [])
    if feature == "workspaceSymbol":
        editor.session.project.finish()
        found = editor.ask("workspace/symbol", {"query": word}) if word else []
        return " ".join(sorted({_place(each["location"]) for each in found or ()}))
    if feature == "semanticTokens":
        return _token(editor.whole("textDocument/semanticTokens/full", uri)["data"], place)
    answer = editor.at(f"textDocument/{feature}", uri, place)
    if not answer or "error" in answer:
        return ""
    match feature:
        case "completion":
            labels = {item["label"].strip("\"'") for item in answer["items"]}
            return next((each for each in (word, _quoted(lines[place[0]], place[1])) if each in labels), "")
        case "hover":
            value = answer["contents"]["value"]
            rows = [row for row in value.split("\n") if row.strip() and not row.startswith("```")]
            return rows[0][:24]
        case "signatureHelp":
            return answer["signatures"][0]["label"][:24]
        case "definition" | "typeDefinition" | "references":
            found = answer if isinstance(answer, list) else [answer]
            return " ".join(sorted(_place(each) for each in found))
        case "documentHighlight":
            return " ".join(sorted(_range(each["range"]) for each in answer))
        case "rename":
            changes: dict[str, list[Any]] = answer.get("changes") or {}
            return " ".join(sorted(_range(each["range"]) for edits in changes.values() for each in edits))
        case "linkedEditingRange":
            return " ".join(_range(each) for each in answer["ranges"])
        case "selectionRange":
            span = answer[0]["range"]
            return lines[span["start"]["line"]][span["start"]["character"] : span["end"]["character"]]
        case "codeAction":
            return " | ".join(each["title"] for each in answer)
        case "inlayHint":
            return " ".join(str(each["label"]) for each in answer)
        case _:
            return " ".join(each["name"] for each in answer)


def _of_whole(feature: str, answer: list[Any]) -> str:
    match feature:
        case "documentSymbol":
            return " ".join(each["name"] for each in answer)
        case "foldingRange":
            return " ".join(f"{each['startLine']}-{each['endLine']}" for each in answer)
        case "documentLink":
            return " ".join(_range(each["range"]) for each in answer)
        case _:
            return " ".join(each["command"]["title"] for each in answer if "command" in each)


def _token(data: list[int], place: tuple[int, int]) -> str:
    from llmspell_lsp.protocol.requests.tokens import MODIFIERS, TYPES

    line = column = 0
    for at in range(0, len(data), 5):
        rows, columns, length, kind, modifiers = data[at : at + 5]
        line, column = line + rows, columns if rows else column + columns
        if line == place[0] and column <= place[1] <= column + length:
            return " ".join([TYPES[kind], *(each for bit, each in enumerate(MODIFIERS) if modifiers >> bit & 1)])
    return ""


def _place(location: dict[str, Any]) -> str:
    uri = location.get("uri") or location["targetUri"]
    span = location.get("range") or location["targetSelectionRange"]
    name = uri.rpartition("/")[2]
    return _range(span) if name.startswith("spell.") else name


def _range(span: dict[str, Any]) -> str:
    return f"{span['start']['line'] + 1}:{span['start']['character'] + 1}"


def _word(line: str, column: int) -> str:
    start, end = column, column
    while start and (line[start - 1].isalnum() or line[start - 1] in "_$"):
        start -= 1
    while end < len(line) and (line[end].isalnum() or line[end] in "_$"):
        end += 1
    return line[start:end]


def _quoted(line: str, column: int) -> str:
    """The text that a place is in, between its quotes."""
    return line[:column].rpartition('"')[2] + line[column:].partition('"')[0]


def cells(construct: str, language: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Each feature with what it says at a construct."""
    source = CONSTRUCTS[construct].lua if language == "lua" else CONSTRUCTS[construct].javascript
    before = source.partition("▮")[0]
    place = (before.count("\n"), len(before) - before.rfind("\n") - 1)
    for name, text in PARTS.items():
        (folder / name).write_text(text)
    editor = Editor({}, commands=("llmspell.run",))
    uri = (folder / ("spell.lua" if language == "lua" else "spell.js")).as_uri()
    editor.open(uri, language, source.replace("▮", ""))
    try:
        for feature in FEATURES:
            yield feature, told(editor, feature, uri, place)
    finally:
        editor.leave()


def reason(construct: str, feature: str) -> str:
    return REASONS.get(feature, {}).get(construct) or REASONS.get(feature, {}).get("*", "")


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Sessions set the thresholds of the whole process."""
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_every_cell_says_what_it_should(construct: str, language: str, tmp_path: Path) -> None:
    expected: dict[str, str] = json.loads(CELLS.read_text(encoding="utf-8"))[construct][language]
    found = dict(cells(construct, language, tmp_path))
    empty = [feature for feature, text in found.items() if not text and not reason(construct, feature)]
    assert not empty, f"nothing is said of {construct!r} in {language} by {empty}, and no reason why"
    assert found == {feature: expected.get(feature, "") for feature in FEATURES}


def test_the_table_has_a_row_for_each_construct_and_no_other() -> None:
    table: dict[str, dict[str, dict[str, str]]] = json.loads(CELLS.read_text(encoding="utf-8"))
    assert list(table) == list(CONSTRUCTS)
    assert all(set(row) <= set(FEATURES) for rows in table.values() for row in rows.values())
    filled = [text for rows in table.values() for row in rows.values() for text in row.values()]
    assert all(filled)
    assert len(filled) > len(CONSTRUCTS) * len(LANGUAGES) * len(FEATURES) // 2
    print(*empty(table), sep="\n")  # with -s
    assert not [each for each in empty(table) if each.endswith("?")]


def empty(table: dict[str, dict[str, dict[str, str]]]) -> Iterator[str]:
    """Each empty cell, with why it is."""
    for construct, rows in table.items():
        for feature in FEATURES:
            without = [language for language in LANGUAGES if not rows[language].get(feature)]
            if without:
                yield f"{construct} × {feature} ({', '.join(without)}): {reason(construct, feature) or '?'}"


def main(arguments: list[str]) -> None:
    table: dict[str, dict[str, dict[str, str]]] = {}
    for construct in CONSTRUCTS:
        for language in LANGUAGES:
            with tempfile.TemporaryDirectory() as folder:
                row = dict(cells(construct, language, Path(folder)))
            table.setdefault(construct, {})[language] = {name: text for name, text in row.items() if text}
            marks = " ".join("x" if row[name] else "-" if reason(construct, name) else "?" for name in FEATURES)
            print(f"{construct:26}{language:12}{marks}")
    print("columns:", ", ".join(FEATURES), "\nx: says something; -: has a reason not to; ?: empty\n")
    print(*empty(table), sep="\n")
    if "--write" in arguments:
        CELLS.write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
