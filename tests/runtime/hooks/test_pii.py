"""Personal data by its shape: what is found, what is left alone, and check digits against their definition."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.security.pii import KINDS, is_card, is_iban, masked


def _masked(text: str) -> str:
    return masked(text, KINDS, lambda text: text)[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ada.b+c@mail.example.co.uk!", "[email]!"),
        ("<ada@example.org>, bob@b.de", "<[email]>, [email]"),
        ("+49 (0)30 901820-15", "[phone]"),
        ("call 030 901820 or (555) 123-4567 or 0044 20 7946 0958.", "call [phone] or [phone] or [phone]."),
        ("4111-1111-1111-1111", "[card]"),
        ("378282246310005", "[card]"),
        ("DE89370400440532013000 AND MORE", "[iban] AND MORE"),
        ("GB29 NWBK 6016 1331 9268 19", "[iban]"),
    ],
)
def test_it_is_found(text: str, shown: str) -> None:
    assert _masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-10-05 at 12:30:15.123",
        "version 1.2.3.4, port 8080, 3.14159265358979323846",
        "4111 1111 1111 1112",
        "DE89370400440532013001",
        "order 12345678901234 of 99 pieces, 1,000,000 in all",
        "a@b, @name, name@localhost",
        "127.0.0.1 and 192.168.100.200",
        "f3a9c0de-1234-5678-9abc-def012345678",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert _masked(text) == text


@given(st.text(string.digits, min_size=12, max_size=18).filter(lambda digits: digits[0] in "23456"))
def test_of_ten_last_digits_one_is_a_card_s(digits: str) -> None:
    right = [last for last in string.digits if is_card(digits + last)]
    assert len(right) == 1


@given(st.text(string.digits + string.ascii_uppercase, min_size=11, max_size=30))
def test_of_a_hundred_check_digits_one_or_two_are_an_account_s(account: str) -> None:
    right = [check for check in range(2, 99) if is_iban(f"DE{check:02d}{account}")]
    assert len(right) == 1


@given(st.text(max_size=2000))
def test_any_text_is_masked_without_harm(text: str) -> None:
    shown, found = masked(text, KINDS, lambda text: text)
    assert (shown == text) is (not found)
