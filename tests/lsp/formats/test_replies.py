"""`replies.json`: at `▮` completion and hover; between two of them what is wrong, beside the corrected twin."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from tests.lsp.marks import between, cursor

from llmspell.errors import ArgumentError
from llmspell.providers.replies import FIELDS, load
from llmspell_lsp.formats.json_text import read
from llmspell_lsp.formats.replies import complete, hover, outline, problems

EXAMPLES = sorted(Path(__file__).parents[3].glob("examples/*/replies.json"))

WRONG = [
    ('[{"▮mach▮": "a"}]', '[{"match": "a"}]', "a reply has no field 'mach'; did you mean 'match'?"),
    ('[{"match": ▮3▮}]', '[{"match": "3"}]', "has match 3; match: text that"),
    ('[{"call": ▮0▮, "text": "a"}]', '[{"call": 1, "text": "a"}]', "has call 0; call is a number from 1"),
    ('[{"pattern": ▮"("▮}]', '[{"pattern": "()"}]', "has the bad pattern '('"),
    ('[{"error": "▮rate_limi▮"}]', '[{"error": "rate_limit"}]', "has the error 'rate_limi'"),
    (
        '[{"error": {"type": "rate_limit", "▮after▮": 1}}]',
        '[{"error": {"type": "rate_limit"}}]',
        "an error has no field",
    ),
    ('[{"tool_calls": [▮{"arguments": {}}▮]}]', '[{"tool_calls": [{"name": "a"}]}]', "has the tool call"),
    ('[{"tool_calls": [{"name": "a", "▮args▮": 1}]}]', '[{"tool_calls": [{"name": "a"}]}]', "a tool call has no field"),
    ('[▮3▮, "a"]', '["3", "a"]', "is int 3; a reply is a text or an object"),
    ('{"replies": [], "▮other▮": 1}', '{"replies": []}', "replies.json has no field 'other'"),
    ('{"replies": [], "otherwise": "▮automatc▮"}', '{"replies": [], "otherwise": "automatic"}', "says otherwise"),
    ('▮{▮"otherwise": "error"}', '{"replies": [], "otherwise": "error"}', "there are no `replies` in it"),
    ('{"replies": ▮"a"▮}', '{"replies": ["a"]}', "holds"),
    ("▮3▮", "[]", "holds int 3"),
    ('[\n  "a"\n  ▮"▮b"\n]', '[\n  "a",\n  "b"\n]', "this is not JSON: Expecting ',' delimiter"),
]


@pytest.mark.parametrize(("marked", "right", "said"), WRONG)
def test_what_is_wrong(marked: str, right: str, said: str, tmp_path: Path) -> None:
    text, span = between(marked)
    found = list(problems(text.split("\n")))
    assert [(each.span, each.message[: len(said)]) for each in found] == [(span, said)]
    assert list(problems(right.split("\n"))) == []
    path = tmp_path / "replies.json"
    path.write_text(right)
    load(path)
    path.write_text(text)
    if "has no field" not in said or "a reply" in said or "replies.json" in said:
        with pytest.raises(ArgumentError):
            load(path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_are_right(path: Path) -> None:
    lines = path.read_text().split("\n")
    assert list(problems(lines)) == []
    assert outline(lines)


def labels(marked: str) -> list[str]:
    text, line, column = cursor(marked)
    found = complete(text.split("\n"), line, column)
    return [] if found is None else [each.label for each in found.offers]


@pytest.mark.parametrize(
    ("marked", "there", "absent"),
    [
        ("{▮", "replies", "match"),
        ('{"▮"}', "otherwise", "match"),
        ('{"replies": [], ▮}', "otherwise", "replies"),
        ('{"replies": [], "otherwise": ▮}', '"automatic"', "automatic"),
        ('{"replies": [], "otherwise": "▮"}', "error", '"error"'),
        ('{"replies": [{▮}]}', "match", "replies"),
        ('{"replies": [{"▮', "match", "replies"),
        ('[{"match": "a", "▮"}]', "text", "match"),
        ('[{"match": "a",\n  "te▮"\n}]', "text", "match"),
        ('[{"error": "▮"}]', "rate_limit", ""),
        ('[{"error": {"▮"}}]', "retry_after", "match"),
        ('[{"error": {"type": "▮"}}]', "rate_limit", ""),
        ('[{"tool_calls": [{"▮"}]}]', "arguments", "match"),
        ('[{"tool_calls": [{"name": "▮"}]}]', "calculator", ""),
        ('[{"match": "▮"}]', "", "text"),
        ('[{"data": {"▮"}}]', "", "text"),
        ('[{"tool_calls": [{"arguments": {"▮"}}]}]', "", "name"),
        ("[▮]", "", "text"),
        ("▮", "", "text"),
    ],
)
def test_completion(marked: str, there: str, absent: str) -> None:
    found = labels(marked)
    assert there in found if there else not found
    assert not absent or absent not in found


def test_what_is_put_in() -> None:
    found = complete(['[{"te"}]'], 0, 5)
    assert found is not None and found.span == (0, 3, 0, 5)
    assert next(each.insert for each in found.offers if each.label == "text") == "text"
    found = complete(["[{"], 0, 2)
    assert found is not None
    assert next(each.insert for each in found.offers if each.label == "text") == '"text": "$0"'


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_has_hover(field: str) -> None:
    found = hover([f'[{{"{field}": 1}}]'], 0, 4)
    assert found is not None and found.markdown == f"`{field}`: {FIELDS[field]}"


def test_outline() -> None:
    text = '{"replies": ["a", {"match": "x", "call": 2, "text": "b"}, {"error": "rate_limit"}]}'
    assert [(each.name, each.detail) for each in outline([text])] == [
        ("reply 1", "text"),
        ("match x, call 2", "text"),
        ("reply 3", "error"),
    ]


SEED = json.dumps({"replies": ["a", {"match": "é", "tool_calls": [{"name": "x", "arguments": {}}]}]}, indent=1)


@pytest.mark.parametrize("seed", range(40))
def test_any_text_is_read(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        typed = "".join(
            chance.choice(["[", "]", '"', "\\", "{", "}", ":", ",", "\n", "é", "\0", "1"]) for _ in range(5)
        )
        text = SEED[: chance.randrange(len(SEED))] + typed + SEED[chance.randrange(len(SEED)) :]
        lines = text.split("\n")
        read(lines)
        list(problems(lines))
        outline(lines)
        for _ in range(10):
            line = chance.randrange(len(lines))
            column = chance.randrange(len(lines[line]) + 1)
            complete(lines, line, column)
            hover(lines, line, column)


def test_deep_nesting_is_no_crash() -> None:
    lines = ["[" * 100_000]
    assert list(problems(lines))
    assert complete(lines, 0, 50_000) is None
