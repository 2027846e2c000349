"""What is wrong with spells, as a person, a program, GitHub or a viewer of SARIF reads it. Knows no check."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llmspell.cli.terminal import Style, paint
from llmspell.settings.lint import SEVERITIES, Severity
from llmspell.version import VERSION

_STYLES: Final[Mapping[Severity, Style]] = {"error": "red", "warning": "yellow", "information": "dim", "hint": "dim"}
_LEVELS: Final[Mapping[Severity, str]] = {
    "error": "error",
    "warning": "warning",
    "information": "note",
    "hint": "note",
}
_COMMANDS: Final[Mapping[Severity, str]] = {
    "error": "error",
    "warning": "warning",
    "information": "notice",
    "hint": "notice",
}
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(slots=True, frozen=True)
class Problem:
    """line, column, end_line, end_column count from 1, columns in characters; the end is excluded. text: the line."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    code: str
    severity: Severity
    message: str
    text: str


def as_text(problem: Problem) -> str:
    """`file:line: message`, the line, and a mark below what is wrong in it."""
    style = _STYLES[problem.severity]
    severity = paint(problem.severity, style, sys.stdout)
    said = f"{problem.file}:{problem.line}: {severity}: {problem.message} [{problem.code}]"
    line = problem.text.rstrip()
    if not line.strip():
        return said
    begin = min(problem.column - 1, len(line))
    end = problem.end_column - 1 if problem.end_line == problem.line else len(line)
    blank = "".join("\t" if character == "\t" else " " for character in line[:begin])
    return f"{said}\n    {line}\n    {blank}{paint('^' * max(1, min(end, len(line)) - begin), style, sys.stdout)}"


def as_github(problem: Problem) -> str:
    """A workflow command, which GitHub shows at the line of a pull request."""
    place = {
        "file": problem.file,
        "line": problem.line,
        "endLine": problem.end_line,
        # GitHub has columns only for what is on one line.
        **({"col": problem.column, "endColumn": problem.end_column} if problem.line == problem.end_line else {}),
        "title": problem.code,
    }
    properties = ",".join(f"{name}={_escaped(str(value), of_property=True)}" for name, value in place.items())
    return f"::{_COMMANDS[problem.severity]} {properties}::{_escaped(problem.message)}"


def _escaped(text: str, *, of_property: bool = False) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace(":", "%3A").replace(",", "%2C") if of_property else escaped


def as_json(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "end_line": problem.end_line,
        "end_column": problem.end_column,
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
    }


def as_sarif(problems: Sequence[Problem], titles: Mapping[str, str]) -> str:
    """A SARIF 2.1.0 log. titles: what each code is about."""
    codes = sorted({problem.code for problem in problems})
    rules = [
        {
            "id": code,
            "shortDescription": {"text": titles.get(code, code)},
            "help": {"text": f"llmspell help {code}"},
            "defaultConfiguration": {"level": _LEVELS[SEVERITIES.get(code, "error")]},
        }
        for code in codes
    ]
    results = [
        {
            "ruleId": problem.code,
            "ruleIndex": codes.index(problem.code),
            "level": _LEVELS[problem.severity],
            "message": {"text": problem.message},
            "locations": [{"physicalLocation": _place(problem)}],
        }
        for problem in problems
    ]
    driver = {"name": "llmspell", "version": VERSION, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _place(problem: Problem) -> dict[str, Any]:
    from urllib.parse import quote

    uri = quote(problem.file.replace("\\", "/"), safe="/")
    return {
        "artifactLocation": {"uri": f"file://{uri}" if uri.startswith("/") else uri},
        "region": {
            "startLine": problem.line,
            "startColumn": problem.column,
            "endLine": problem.end_line,
            "endColumn": problem.end_column,
        },
    }
