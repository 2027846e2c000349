"""A secret that comes in pieces is in no sink there is: each piece is kept and masked by itself, none ends inside one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell.security.masking import Masker
from llmspell.security.openings import Unbroken

PASSPHRASE = 'pa ss$w/ord@x: +1"é'
ENVIRON = {
    "LLMSPELL_SECRET_X": PASSPHRASE,
    "OPENAI_API_KEY": "key-of-the-provider-0001",
    "B_TOKEN": "aabaabaac",
    "C_SECRET": "line one\nline two",
    "D_PASSWORD": "sk-envkey",
}
BLOCK = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"
SHAPED = (
    "sk-abcdefghijklmnopqrstuvwxyz",
    f"ghp_{'a' * 24}",
    "xoxb-123456789012-abc",
    "AKIAABCDEFGHIJKLMNOP",
    "hf_abcdefghijklmnopqrstuv",
    "rk_live_abcdefghijklmnopq",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sIgNaTuRe",
    "Bearer abcdefghijklmnop.qrs",
    "https://ada:geheim123@example.org/x",
    BLOCK,
)
HARMLESS = (
    *(
        "Hello",
        " there, ",
        ". ",
        " ",
        "\n",
        "a-b_c",
        "://",
        ":",
        "@",
        "/",
        "ada",
        "bearer ",
        "BASIC ",
        "s",
        "sk-",
        "ey",
    ),
    *("-----BEGIN ", "-----", "--", "PRIVATE KEY-----", "x" * 30, "ü", "***", "\\n", "\\", "pa ", "aab", "line one"),
)
texts = st.lists(st.sampled_from((*SHAPED, *ENVIRON.values(), *HARMLESS)), max_size=8).map("".join)
MASKER = Masker(ENVIRON)


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(places)]


def unbroken(text: str, cuts: list[int]) -> list[str]:
    held: Unbroken = MASKER.unbroken()
    return [*(held.feed(piece) for piece in pieces(text, cuts)), held.end()]


@settings(deadline=None, max_examples=400)
@given(text=texts, cuts=st.one_of(st.lists(st.integers(0, 400), max_size=30), st.just([*range(600)])))
@pytest.mark.mission(110)
def test_masked_alone_the_pieces_hide_what_the_masked_whole_does(text: str, cuts: list[int]) -> None:
    given_out = unbroken(text, cuts)
    assert "".join(given_out) == text, "nothing is lost"
    together, whole = "".join(map(MASKER.text, given_out)), MASKER.text(text)
    assert not any(secret in together for secret in ENVIRON.values())
    if MASKER.text(whole) == whole:  # else hiding one secret has made a shape of what is around it
        assert MASKER.text(together) == together, "no secret is left, not even one in two pieces"


@pytest.mark.parametrize(
    "text", ["Good morning to you. ", "see https://example.org/x for more", "---------- a table", "A, B, C"]
)
def test_a_text_without_secrets_is_told_as_it_comes(text: str) -> None:
    words = [f"{word} " for word in text.split()]
    held = MASKER.unbroken()
    assert [held.feed(word) for word in words] == words


@pytest.mark.parametrize("begins", ["eyJ", "-----BEGIN PRIVATE KEY-----", "bearer ", ""])
def test_no_text_is_held_back_without_end(begins: str) -> None:
    """A known secret begins with the letter that is repeated."""
    text = begins + "a" * 100_000
    held = MASKER.unbroken()
    given_out = "".join(held.feed(text[place : place + 500]) for place in range(0, len(text), 500))
    assert len(text) - len(given_out) < 25_000
