"""Pages of events, what a filter finds among them whatever is typed, and two runs read to be compared."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell.errors import StoreError
from llmspell.events.event import Event
from llmspell.traces.log import EventLog
from llmspell.traces.meta import RunMeta
from llmspell.traces.store import RunStore, Writer
from llmspell_tui.feed.compared import Comparison, Stopped
from llmspell_tui.feed.eventfilter import EventFilter, wrong
from llmspell_tui.feed.pages import PAGE, EventPages

TOLD: list[tuple[str, str, dict[str, Any]]] = [
    ("output", "", {"text": "100% of it"}),
    ("output", "", {"text": "100 of it"}),
    ("log", "app_log", {"message": 'she said "rain"', "level": "info"}),
    ("log", "apXlog", {"message": "back\\slash", "level": "warn"}),
    ("custom", "Grüße", {"Straße": "Köln", "status": "error"}),
    ("custom", "b", {"text": "line\nbreak", "status": "ok"}),
    ("hook_called", "before_llm_call", {"point": "before_llm_call"}),
    ("hook_completed", "before_llm_call", {"status": "veto"}),
    ("error", "", {"error": {"message": "https://x.test/a?b=1,2"}}),
]


def made(folder: Path, told: list[tuple[str, str, dict[str, Any]]], name: str = "1m7pages00000a") -> Path:
    async def write() -> Path:
        writer = Writer()
        log = EventLog(lambda: 1.0)
        store = RunStore(writer, folder, RunMeta(name, "/x.lua", "x.lua", "lua", started=1.0))
        log.attach(store.append)
        log.emit("spell_started", phase="start", name="x.lua")
        for number, (kind, called, data) in enumerate(told):
            log.emit(kind, name=called, site=f"x.lua:{number + 1}", data=dict(data))
        log.emit("spell_completed", phase="end", name="x.lua", data={"status": "ok"})
        await store.finish("ok", 0, ended=2.0)
        writer.close()
        return store.path

    return asyncio.run(write())


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("pages"), TOLD)


@pytest.fixture
def pages(path: Path) -> Iterator[EventPages]:
    found = EventPages(path)
    yield found
    found.close()


def found(pages: EventPages, text: str) -> list[int]:
    seqs: list[int] = []
    last = len(TOLD) + 2
    pages.matching(EventFilter.parse(text), 1, last, lambda more, looked: seqs.extend(more) or looked <= last)
    return seqs


@pytest.mark.parametrize(
    ("text", "seqs"),
    [
        ("", [*range(1, 12)]),
        ("100%", [2]),
        ("name:app_log", [4]),
        ("app_log", [4]),
        ("said", [4]),
        ("\\", [5]),
        ("back\\slash", [5]),
        ("Köln", [6]),
        ("name:Grüße", [6]),
        ('"of it"', [2, 3]),
        ("of it", [2, 3]),
        ('"it of"', []),
        ("kind:output", [2, 3]),
        ("kind:out", []),
        ("kind:out*", [2, 3]),
        ("kind:output,log", [2, 3, 4, 5]),
        ("kind:hook*", [8, 9]),
        ("-kind:hook* -kind:spell*", [2, 3, 4, 5, 6, 7, 10]),
        ("kind:logs", [2, 3, 4, 5, 6, 7, 10]),
        ("status:error", [6]),
        ("status:veto,ok", [7, 9, 11]),
        ("site:x.lua:9", [10]),
        ("phase:start", [1]),
        ("https://x.test/a?b=1,2", [10]),
        ("text:rain", [4]),
        ("-text:of kind:output", []),
        ("RAIN", [4]),
        ("line\\nbreak", []),
        ("-", []),
        ("'; DROP TABLE events; --", []),
    ],
)
def test_a_filter_finds_what_it_says(pages: EventPages, text: str, seqs: list[int]) -> None:
    assert found(pages, text) == seqs


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"open', "a quotation mark is open"),
        ("kind:", "'kind:' is without a value"),
        ("-site:", "'-site:'"),
        ("cost>0.01", "cost is of spans: filter the trace by it; of events: kind, name, site, phase, status, text"),
        ("kind:log -agent:ada", "agent is of spans"),
    ],
)
def test_a_filter_that_cannot_be_is_told(text: str, said: str) -> None:
    assert said in wrong(text)


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_whatever_is_typed_is_searched_for_or_told_to_be_wrong(path: Path, text: str) -> None:
    if not wrong(text):
        pages = EventPages(path)
        assert set(found(pages, text)) <= set(range(1, 12))


@given(
    st.text(alphabet=st.characters(exclude_characters='"', exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
)
@settings(max_examples=60, deadline=None)
def test_a_quoted_text_finds_the_event_that_holds_it(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = made(
        tmp_path_factory.mktemp("held"), [("output", "", {"text": f"a{text}b"}), ("output", "", {"text": "other"})]
    )
    pages = EventPages(file)
    seqs: list[int] = []
    pages.matching(EventFilter.parse(f'"a{text}b"'), 1, 4, lambda more, _: seqs.extend(more) or True)
    pages.close()
    assert 2 in seqs


def test_a_search_goes_round_from_where_it_begins(pages: EventPages) -> None:
    wanted = EventFilter.parse("kind:log")

    def next_after(at: int, backwards: bool = False) -> int | None:
        return pages.next_match(wanted, at, 11, backwards=backwards, stopped=lambda: False)

    assert [next_after(at) for at in (0, 4, 5, 11)] == [4, 5, 4, 4]
    assert [next_after(at, True) for at in (11, 5, 4, 1)] == [5, 4, 5, 5]
    assert pages.next_match(wanted.also("rain"), 4, 11, backwards=False, stopped=lambda: False) == 4
    assert pages.next_match(wanted.also("zebra"), 4, 11, backwards=False, stopped=lambda: False) is None


def test_pages_follow_each_other_and_the_last_is_as_long_as_it_is(tmp_path: Path) -> None:
    file = made(tmp_path, [("output", "", {"text": str(number)}) for number in range(PAGE)])
    pages = EventPages(file)
    assert [[page[0].seq, page[-1].seq] for page in (pages.page(0), pages.page(1))] == [[1, PAGE], [PAGE + 1, PAGE + 2]]
    assert pages.page(2) == []
    pages.close()
    assert isinstance(pages.page(1)[0], Event)  # opened again
    pages.close()


@pytest.mark.parametrize("content", [None, b"", b"noise" * 2_000])
def test_a_file_that_cannot_be_read_is_an_error_of_the_store(tmp_path: Path, path: Path, content: bytes | None) -> None:
    bad = tmp_path / "bad.db"
    if content is not None:
        bad.write_bytes(content)
    pages = EventPages(bad)
    for ask in (
        lambda: pages.page(0),
        lambda: pages.matching(EventFilter(), 1, 9, lambda *_: True),
        lambda: pages.next_match(EventFilter(), 1, 9, backwards=False, stopped=lambda: False),
        lambda: Comparison(path, bad).read(lambda *_: True),
    ):
        with pytest.raises(StoreError, match=r"bad\.db"):
            ask()


def test_two_runs_are_read_and_told_how_far(tmp_path: Path, path: Path) -> None:
    other = made(tmp_path, [*TOLD[:4], ("output", "", {"text": "another"}), *TOLD[5:]], "1m7pages00000b")
    said: list[tuple[int, int]] = []
    comparison = Comparison(path, other)
    compared = comparison.read(lambda done, total: said.append((done, total)) or True)
    assert said[-1] == (22, 22) and said == sorted(said)
    divergence = compared.result.divergence
    assert divergence is not None and divergence.one is not None and divergence.one.seq == 6
    assert (compared.left.run_id, compared.right.run_id) == ("1m7pages00000a", "1m7pages00000b")
    assert comparison.span(1, compared.right, 0).start is not None
    comparison.close()
    assert Comparison(path, path).read(lambda *_: True).result.divergence is None


def test_a_comparison_that_nobody_wants_any_more_ends(path: Path) -> None:
    with pytest.raises(Stopped):
        Comparison(path, path).read(lambda *_: False)
