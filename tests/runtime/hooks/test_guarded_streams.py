"""A GuardHook over streamed answers: whatever the pieces, what is read is what the guard leaves of the whole."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmspell.library.ready_hooks.guard import _Answer  # pyright: ignore[reportPrivateUsage]
from llmspell.security import pii
from llmspell.security.masking import Masker
from llmspell.security.moderation import Lists
from llmspell.security.settling import settled
from llmspell.testing.answers import Answer

both = pytest.mark.parametrize("language", ["lua", "js"])

HIDDEN = (
    "ada@example.org",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "+49 30 1234567",
    "(030) 123-4567",
    "sk-abcdefghijklmnopqrstuvwxyz",
    "Bearer abcdefghijklmnop.qrs",
    "https://ada:geheim123@example.org/x",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sIgNaTuRe",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----",
)
HARMLESS = (
    "Hello",
    " there, ",
    ". ",
    " ",
    "\n",
    "ALL CAPS AND 12 3",
    "4111 1111 1111 1112",
    "über",
    "你好。",
    "12.5",
    "a-b_c",
    "://",
    "@",
    "bearer ",
    "-----BEGIN ",
    "x" * 30,
    "(",
    "7",
    ":",
    "ada",
    "https://",
)
KEY_IN_URL = f"see https://ada:{HIDDEN[-1]}@example.org/ and -----BEGIN"
texts = st.lists(st.sampled_from(HIDDEN + HARMLESS), max_size=12).map("".join)


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(places)]


@settings(deadline=None)
@given(text=texts, cuts=st.one_of(st.lists(st.integers(0, 400), max_size=30), st.just([*range(500)])))
@example(text=KEY_IN_URL, cuts=[*range(500)])
@example(text=KEY_IN_URL, cuts=[*range(0, 500, 7)])
@example(text=f"https://{HIDDEN[-1]}:{HIDDEN[-1]}@x ", cuts=[90, 160])
def test_parts_hold_what_the_whole_does_wherever_pieces_end(text: str, cuts: list[int]) -> None:
    hide, held, out = Masker({}).text, "", ""
    for piece in pieces(text, cuts):
        held += piece
        cut = settled(held)
        out += pii.masked(held[:cut], pii.KINDS, hide)[0]
        held = held[cut:]
    assert out + pii.masked(held, pii.KINDS, hide)[0] == pii.masked(text, pii.KINDS, hide)[0]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Good morning to you", "Good morning to "),
        ("Good morning to you ", "Good morning to you "),
        ("write to ada", "write to "),
        ("call me at 030 123", "call me at "),
        ("call me at 030 1234567, then", "call me at 030 1234567, "),
        ("你好。你", "你好。"),
        ("so it goes: bearer ", "so it goes: "),
    ],
)
def test_no_more_is_held_back_than_may_matter(text: str, left: str) -> None:
    assert text[: settled(text)] == left


@pytest.mark.parametrize(
    ("pattern", "reach"),
    [
        ("password", 8),
        (r"top\s+secret", 10),
        (r"\bsecret\b", 8),
        (r"key-\d+", 5),
        ("(a|b){3}c", 21),
        ("[^x]y", 5),
        ("a.*b", None),
        ("end$", None),
        ("^begin", None),
        ("a{2,}b", None),
        ("a{900}b", None),
        (r"\Bx", None),
    ],
)
def test_how_far_a_pattern_reaches(pattern: str, reach: int | None) -> None:
    assert Lists({}, {"pattern": [pattern]}).reach == reach


class _Told:
    """What `_Answer` needs of a run: nobody is told of anything."""

    site = "test"

    def emit(self, *told: Any) -> None:
        assert told


WORDS = ("top", " ", "secret", "\n", "TOP", "stopper", "x", ", ", "key-", "12", "  ", "words and more words ", "é")


@settings(deadline=None)
@given(parts=st.lists(st.sampled_from(WORDS), max_size=25), cuts=st.lists(st.integers(0, 300), max_size=40))
@pytest.mark.parametrize("pattern", [r"top\s+secret", r"\btop\b", r"key-\d+", "x.*key", "secret$"])
def test_a_pattern_is_never_given_out_and_nothing_else_is_refused(
    pattern: str, parts: list[str], cuts: list[int]
) -> None:
    from llmspell.errors import ContentViolationError
    from llmspell.library.ready_hooks.guard import GuardHook, GuardHookOptions

    text = "".join(parts)
    guard = GuardHook(_Told(), GuardHookOptions(pii=[], patterns=[pattern]))  # pyright: ignore[reportArgumentType]
    lists = Lists({}, {"pattern": [pattern]})
    answer, out, refused = _Answer(guard), "", False
    try:
        for piece in pieces(text, cuts):
            out += answer.feed(piece)
        out += answer.end()
    except ContentViolationError:
        refused = True
    assert refused is bool(lists.find(text))
    assert not lists.find(out)
    assert refused or out == text


CHUNKS = ("Write to a", "da@exam", "ple.org or c", "all +49 30 12", "34567 now", ". Good", "bye all.")
SPELL = {
    "lua": """
        local agent = Agent.new{ name = "ada", hooks = { GuardHook.new(params.guard) } }
        local read = {}
        local ok, problem = pcall(function()
          for piece in agent:stream_chat("hello") do read[#read + 1] = piece end
        end)
        local history = agent:conversation_history()
        return { read, ok, not ok and problem.type or "", history[1] and history[1].assistant_response or "" }
    """,
    "js": """
        const agent = new Agent({ name: "ada", hooks: [new GuardHook(params.guard)] });
        const read = [];
        let ok = true, kind = "";
        try { for await (const piece of agent.streamChat("hello")) read.push(piece); } catch (problem) {
          ok = false;
          kind = problem.type;
        }
        const history = agent.conversationHistory();
        return [read, ok, kind, history[0]?.assistantResponse ?? ""];
    """,
}


async def stream(cast: Any, model: Any, language: str, **guard: Any) -> Any:
    model.will(Answer(text="".join(CHUNKS), chunks=CHUNKS))
    spell = await cast(**{language: SPELL[language]}, model=model, params={"guard": guard})
    told = [event.data["text"] for event in spell.of("llm_chunk")]
    assert told == list(spell.value[0]), "the trace has what was read, and no more"
    replayed = await cast(**{language: SPELL[language]}, params={"guard": guard}, replay=spell.recording)
    assert [(e.kind, e.time, e.data) for e in replayed.events] == [(e.kind, e.time, e.data) for e in spell.events]
    return spell


@both
@pytest.mark.mission(82)
async def test_what_is_masked_in_an_answer_is_masked_in_its_stream(cast: Any, model: Any, language: str) -> None:
    spell = await stream(cast, model, language)
    read, ok, _, kept = spell.value
    assert (ok, "".join(read)) == (True, "Write to [email] or call [phone] now. Goodbye all.") == (True, kept)
    assert len(read) > 2, "it still comes in pieces"
    [guarded] = spell.of("guarded")
    assert guarded.data["found"] == {"email": 1, "phone": 1}


@both
@pytest.mark.mission(82)
async def test_what_blocks_an_answer_ends_its_stream_before_it_is_read(cast: Any, model: Any, language: str) -> None:
    spell = await stream(cast, model, language, action="block")
    read, ok, kind, kept = spell.value
    assert ("".join(read), ok, kind, kept) == ("Write to ", False, "content_violation", "")
    assert [event.data["action"] for event in spell.of("guarded")] == ["block"]
    spell = await stream(cast, model, language, pii=[], patterns=[r"good\s*bye"])
    read, ok, kind, _ = spell.value
    assert (ok, kind) == (False, "content_violation")
    assert "".join(CHUNKS).startswith("".join(read)) and "".join(read).endswith("call +49 30 ")


@both
@pytest.mark.mission(82)
async def test_lengths_hold_for_streams(cast: Any, model: Any, language: str) -> None:
    cut = (await stream(cast, model, language, max_output=12)).value
    assert ("".join(cut[0]), cut[1], cut[3]) == ("Write to [em", True, "Write to [em")
    blocked = (await stream(cast, model, language, pii=[], max_output=12, action="block")).value
    assert ("".join(blocked[0]), blocked[1], blocked[2]) == ("Write to a", False, "content_violation")
