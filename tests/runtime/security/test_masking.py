"""Secrets do not reach what is kept."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest

from llmspell.security.masking import MASK, Masker, is_secret_name

SECRET = "pa$$w/ord+12345"


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "OPENAI_API_KEY", "Authorization", "x-api-key", "accessToken", "DB_PASSWORD", "cookie",
     "secret", "Proxy-Authorization", "client_secret", "GITHUB_TOKEN", "a-very-long-prefix-" * 5 + "password"],
)  # fmt: skip
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["max_tokens", "prompt_tokens", "total_tokens", "author", "path", "monkey", "tokens"])
def test_ordinary_names(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.mission(110)
def test_values_by_key_by_environment_and_by_shape() -> None:
    masker = Masker({"MY_PASSWORD": SECRET, "HOME": "/home/ada"})
    masked = masker.value(
        {
            "headers": {"Authorization": "whatever", "accept": "text/html"},
            "note": f"use {SECRET} at /home/ada",
            "list": ["sk-abcdefghijklmnopqrstuv", "ghp_" + "a" * 36, "xoxb-123456789012-abc", "AKIAABCDEFGHIJKLMNOP"],
            "max_tokens": 5,
            "n": 1,
        }
    )
    assert masked == {
        "headers": {"Authorization": MASK, "accept": "text/html"},
        "note": f"use {MASK} at /home/ada",
        "list": [MASK] * 4,
        "max_tokens": 5,
        "n": 1,
    }


def test_other_spellings_of_a_known_secret() -> None:
    masker = Masker({"MY_PASSWORD": SECRET})
    for spelled in (quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode()):
        assert spelled not in masker.text(f"x={spelled}&y")
    assert masker.text("https://ada:hunter2@example.org/") == f"https://{MASK}@example.org/"
    assert masker.text("Authorization: Bearer abcdefghijkl") == f"Authorization: Bearer {MASK}"


def test_a_key_is_known_by_its_shape_wherever_a_word_begins_also_in_json() -> None:
    masker = Masker({})
    for before in ("", " ", "=", '"', "\n", "\t", "\r\n"):
        told = masker.text(json.dumps({"text": f"{before}sk-abcdefghijklmnopqrst and more"}))
        assert json.loads(told) == {"text": f"{before}{MASK} and more"}
    assert masker.text("task-abcdefghijklmnopqrst") == "task-abcdefghijklmnopqrst"


@pytest.mark.parametrize(
    "text", ["-----BEGIN PRIVATE KEY-----" * 3000, "eyJ" * 50_000, "://a:" * 40_000, "sk-" * 50_000]
)
def test_masking_is_quick(text: str) -> None:
    started = time.process_time()
    Masker({}).text(text)
    assert time.process_time() - started < 5
