"""What may be typed to search and to filter, and what is said of what may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell_tui.model.query import FIELDS, Query, QueryError, Term


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("  \t ", ()),
        ("weather", (Term("word", ":", ("weather",)),)),
        ("kind:tool", (Term("kind", ":", ("tool",)),)),
        ("kind:llm,agent,Step", (Term("kind", ":", ("llm_call", "execution", "workflow_step")),)),
        ("-status:ok", (Term("status", ":", ("ok",), negated=True),)),
        ("cost>0.01", (Term("cost", ">", (), 0.01),)),
        ("cost>=$.5", (Term("cost", ">=", (), 0.5),)),
        ("tokens>=2k", (Term("tokens", ">=", (), 2000.0),)),
        ("-tokens<1m", (Term("tokens", "<", (), 1e6, True),)),
        ("time>2s", (Term("time", ">", (), 2000.0),)),
        ("time<=1.5m", (Term("time", "<=", (), 90_000.0),)),
        ("depth:3", (Term("depth", ":", (), 3.0),)),
        ('text:"two words"', (Term("text", ":", ("two words",)),)),
        ('"kind:tool"', (Term("word", ":", ("kind:tool",)),)),
        (r'text:"a \"b\" \\"', (Term("text", ":", ('a "b" \\',)),)),
        ("Name:WEATHER -x", (Term("name", ":", ("weather",)), Term("word", ":", ("x",), negated=True))),
        ("site:spell.lua:12", (Term("site", ":", ("spell.lua:12",)),)),
    ],
)
def test_what_is_typed_is_understood(text: str, terms: tuple[Term, ...]) -> None:
    query = Query.parse(text)
    assert query.terms == terms
    assert query.text == text


@pytest.mark.parametrize(
    ("text", "position", "said", "remedy"),
    [
        ("kind:tool colour:red", 10, "no field 'colour'", "kind, status"),
        ("-colour:red", 1, "no field", "quote the word"),
        ("kind:", 5, "without a value", "llm, tool"),
        ("kind:  tool", 5, "without a value", "llm, tool"),
        ("cost>much", 5, "'much' is no number", "cost>0.01"),
        ("time>2", 5, "'2' is no time", "time>2s"),
        ("time>2x", 5, "no time", "time<50ms"),
        ("tokens>1,2", 7, "no number", "tokens>=100"),
        ("tokens>1e999", 7, "too large", "tokens>=100"),
        ("name>b", 0, "cannot be compared", "name:b"),
        ('text:"open', 5, "open", 'close it with "'),
        ('weather"', 7, "open", 'close it with "'),
        ("-", 1, "missing", "type a word"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_a_remedy(text: str, position: int, said: str, remedy: str) -> None:
    with pytest.raises(QueryError) as caught:
        Query.parse(text)
    assert caught.value.position == position
    assert said in caught.value.message
    assert remedy in caught.value.remedy


@given(st.lists(st.sampled_from([*'abk:><=-", $.1\\\n', "kind", "cost>", "é"]), max_size=20))
def test_whatever_is_typed_is_a_query_or_an_error_within_the_text(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        query = Query.parse(text)
    except QueryError as error:
        assert 0 <= error.position <= len(text)
        assert error.remedy
    else:
        assert bool(query.terms) == bool(text.strip())


def test_every_field_has_a_line_of_help() -> None:
    assert all(
        Query.parse(f"{field}:1s").terms[0].field == field
        for field in FIELDS
        if field not in ("tokens", "cost", "depth")
    )
    assert all(FIELDS.values())
    assert Query.parse("text:a,b kind:tool text:c").payload_texts == ("a", "b", "c")
