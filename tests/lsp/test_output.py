"""What `llmspell validate` prints for programs fits what those programs read: SARIF 2.1.0 as its specification has it,
and GitHub's workflow commands, read back by the rules by which a runner reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
from tests.lsp.checks.conftest import NAMES

from llmspell.cli.findings import Problem, as_github, as_sarif
from llmspell.cli.main import main
from llmspell.settings.lint import SEVERITIES
from llmspell_lsp.checks.catalogue import MARK, pages

# SARIF 2.1.0 (OASIS standard, section 3), of the objects that we write: what each must have, what else it may have.
# Closed, as all objects of the standard are, so that a property of another name is a mistake here too.


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


_TEXT: Final = {"type": "string", "minLength": 1}
_COUNT: Final = {"type": "integer", "minimum": 1}
_LEVEL: Final = {"enum": ["none", "note", "warning", "error"]}
_MESSAGE: Final = _object("text", text=_TEXT, markdown=_TEXT)
_RULE: Final = _object(
    "id",
    id=_TEXT,
    name=_TEXT,
    shortDescription=_MESSAGE,
    fullDescription=_MESSAGE,
    help=_MESSAGE,
    helpUri={"type": "string", "format": "uri"},
    defaultConfiguration=_object("", level=_LEVEL, enabled={"type": "boolean"}),
)
_DRIVER: Final = _object(
    "name",
    name=_TEXT,
    version=_TEXT,
    semanticVersion=_TEXT,
    informationUri={"type": "string", "format": "uri"},
    rules={"type": "array", "uniqueItems": True, "items": _RULE},
)
_PLACE: Final = _object(
    "artifactLocation",
    artifactLocation=_object("uri", uri={"type": "string", "format": "uri-reference", "minLength": 1}),
    region=_object("startLine", startLine=_COUNT, startColumn=_COUNT, endLine=_COUNT, endColumn=_COUNT),
)
_RESULT: Final = _object(
    "message",
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": -1},
    level=_LEVEL,
    kind={"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
    message=_MESSAGE,
    locations={"type": "array", "items": _object("physicalLocation", physicalLocation=_PLACE)},
)
_RUN: Final = _object(
    "tool",
    tool=_object("driver", driver=_DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": _RESULT},
)
_LOG: Final = {
    **_object(
        "version runs",
        **{"$schema": {"type": "string", "format": "uri"}},
        version={"const": "2.1.0"},
        runs={"type": "array", "items": _RUN},
    ),
    "$schema": "https://json-schema.org/draft/2020-12/schema",
}
LOG: Final = jsonschema_rs.Draft202012Validator(_LOG, validate_formats=True)

#: Paths as they may be, and how a relative or absolute reference spells them.
FILES: Final = {
    "a.lua": "a.lua",
    "deep/er/a b.lua": "deep/er/a%20b.lua",
    "50%.js": "50%25.js",
    "a:b,c.lua": "a%3Ab%2Cc.lua",
    "ä#?.js": "%C3%A4%23%3F.js",
    "/tmp/x.lua": "file:///tmp/x.lua",
}
MESSAGES: Final = (
    "plain",
    "100 % of 3: a, b",
    "two\nlines\r\nof it",
    "%0A is no line end",
    "\u00e4\U0001f600 ::error::",
)


def every_problem() -> list[Problem]:
    """One of each code in each file, with each message."""
    found: list[Problem] = []
    for number, (code, severity) in enumerate(SEVERITIES.items()):
        message = MESSAGES[number % len(MESSAGES)]
        found += [Problem(file, 2, 3, 2 + number % 2, 7, code, severity, message, "") for file in FILES]
    return found


def complaints(log: dict[str, Any]) -> list[str]:
    """What is wrong with a log: its shape, and what no schema can say: places that end before they begin, rules that
    results do not name."""
    found = [f"{each.instance_path}: {each.message}" for each in LOG.iter_errors(log)]
    for run in log["runs"] if not found else ():
        rules = run["tool"]["driver"]["rules"]
        if len({each["id"] for each in rules}) != len(rules):
            found.append("a rule is there twice")
        for result in run["results"]:
            if rules[result["ruleIndex"]]["id"] != result["ruleId"]:
                found.append(f"{result['ruleId']} is not rule {result['ruleIndex']}")
            for location in result["locations"]:
                region = location["physicalLocation"]["region"]
                first, last = ((region[f"{end}Line"], region[f"{end}Column"]) for end in ("start", "end"))
                if last < first:
                    found.append(f"{last} is before {first}")
    return found


def test_a_log_of_every_code_is_sarif() -> None:
    problems = every_problem()
    log = json.loads(as_sarif(problems, {code: each.title for code, each in pages().items()}))
    assert complaints(log) == []
    (run,) = log["runs"]
    assert {each["id"] for each in run["tool"]["driver"]["rules"]} == {*SEVERITIES}
    assert len(run["results"]) == len(problems)
    uris = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]]
    assert uris == [FILES[problem.file] for problem in problems]
    assert run["columnKind"] == "unicodeCodePoints"
    assert [each["message"]["text"] for each in run["results"]] == [problem.message for problem in problems]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), "2.0.0"),
        (("runs", 0, "tool"), {}),
        (("runs", 0, "results", 0, "level"), "information"),
        (("runs", 0, "results", 0, "message"), {}),
        (("runs", 0, "results", 0, "severity"), "error"),
        (("runs", 0, "results", 0, "ruleIndex"), 1),
        (("runs", 0, "results", 0, "locations", 0, "physicalLocation", "region", "startLine"), 0),
        (("runs", 0, "results", 0, "locations", 0, "physicalLocation", "region", "endColumn"), 1),
        (("runs", 0, "results", 0, "locations", 0, "physicalLocation", "artifactLocation", "uri"), "a b.lua"),
        (("runs", 0, "tool", "driver", "rules", 0, "defaultConfiguration", "level"), "hint"),
    ],
)
def test_what_is_no_sarif_is_noticed(path: tuple[Any, ...], value: Any) -> None:
    log = json.loads(as_sarif(every_problem(), {}))
    *way, last = path
    inner = log
    for step in way:
        inner = inner[step]
    inner[last] = value
    assert complaints(log) != []


def test_what_validate_prints_of_all_mistakes_is_sarif_and_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mistake of every page but a run's, each in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    expected: set[tuple[str, str]] = set()
    for code, each in pages().items():
        for language, example in each.examples.items() if code != "last-run-error" else ():
            path = tmp_path / f"{code} {language}" / NAMES[language]
            path.parent.mkdir()
            path.write_text(example.whole().replace(MARK, ""), encoding="utf-8")
            expected.add((str(path.relative_to(tmp_path)), code))
    assert main(["validate", ".", "--level", "hint", "--format", "sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    assert complaints(log) == []
    told = {(uri(each).replace("%20", " "), each["ruleId"]) for each in log["runs"][0]["results"]}
    assert told == expected
    assert main(["validate", ".", "--level", "hint", "--format", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    commands = [command(line) for line in lines]
    assert {(properties["file"], properties["title"]) for _, properties, _ in commands} == expected


def uri(result: Mapping[str, Any]) -> str:
    return result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


_COMMAND: Final = re.compile(r"::(\w+) ([^:]*)::(.*)")


def command(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as a runner reads it: the first two colons after the properties end them, a comma parts them;
    in a text %25, %0D and %0A are undone, in a property %3A and %2C as well."""
    found = _COMMAND.fullmatch(line)
    assert found is not None, line
    properties = dict(part.split("=", 1) for part in found[2].split(","))
    undone = {name: _undone(value, ("%3A", ":"), ("%2C", ",")) for name, value in properties.items()}
    return found[1], undone, _undone(found[3])


def _undone(text: str, *more: tuple[str, str]) -> str:
    for escape, character in (("%0D", "\r"), ("%0A", "\n"), *more, ("%25", "%")):
        text = text.replace(escape, character)
    return text


#: GitHub has three kinds of annotations.
KINDS: Final = {"error": "error", "warning": "warning", "information": "notice", "hint": "notice"}


@pytest.mark.parametrize("problem", every_problem(), ids=lambda problem: f"{problem.code}-{problem.file}")
def test_github_reads_back_what_was_found(problem: Problem) -> None:
    line = as_github(problem)
    assert "\n" not in line and "\r" not in line
    kind, properties, message = command(line)
    assert kind == KINDS[problem.severity]
    assert message == problem.message
    columns = {"col": str(problem.column), "endColumn": str(problem.end_column)}
    assert properties == {
        "file": problem.file,
        "line": str(problem.line),
        "endLine": str(problem.end_line),
        **(columns if problem.line == problem.end_line else {}),  # a runner takes them away elsewhere
        "title": problem.code,
    }
