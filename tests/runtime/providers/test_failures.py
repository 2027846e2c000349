"""What a service's refusal means, from its status, headers and body alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from llmspell.providers.failures import Asked, read_error, refused, retry_after

ASKED = Asked("groq", "llama", "api.groq.com", "GROQ_API_KEY", "sk-very-secret")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2000),
        ({"retry-after": "0.25"}, 250),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "150", "retry-after": "9"}, 150),
        ({"x-ms-retry-after-ms": "70"}, 70),
        ({"retry-after": format_datetime(datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC), usegmt=True)}, 30_000),
        ({"retry-after": format_datetime(datetime(2025, 1, 1, tzinfo=UTC), usegmt=True)}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_retry_after_is_milliseconds_in_every_spelling(headers: dict[str, str], wait: float | None) -> None:
    assert retry_after(headers, now=datetime(2026, 1, 1, tzinfo=UTC).timestamp()) == wait


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error": {"message": "x", "code": "context_length_exceeded"}}', "context_length"),
        (400, b'{"error": {"message": "x", "code": "content_filter"}}', "content_filter"),
        (400, b'{"error": "plain words"}', "invalid_request"),
        (402, b"", "auth"),
        (403, b"<html><style>p{}</style><h1>Forbidden</h1></html>", "auth"),
        (408, b"", "timeout"),
        (413, b'{"type": "error", "error": {"type": "request_too_large"}}', "context_length"),
        (422, b'{"detail": [{"loc": ["body"], "msg": "bad"}]}', "invalid_request"),
        (429, b'[{"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}}]', "rate_limit"),
        (502, b"\xff\xfe not text", "overloaded"),
        (529, b"[" * 100_000, "overloaded"),
    ],
)
def test_kinds_follow_status_and_words(status: int, body: bytes, kind: str) -> None:
    error = refused(ASKED, status, {}, body)
    assert (error.type, error.status) == (kind, status)
    assert "llama" in error.message
    assert "<" not in error.message
    assert len(error.message) < 600


def test_an_account_without_credit_is_not_worth_a_retry() -> None:
    error = refused(ASKED, 429, {}, b'{"error": {"message": "x", "code": "insufficient_quota"}}')
    assert (error.type, error.retryable) == ("rate_limit", False)
    assert "credit" in error.hint


def test_a_key_that_a_service_repeats_is_cut_out() -> None:
    error = refused(ASKED, 401, {}, b'{"error": {"message": "Incorrect API key: sk-very-secret"}}')
    assert "sk-very-secret" not in f"{error} {error.to_value()} {ASKED!r}"
    assert "GROQ_API_KEY" in error.hint


def test_error_bodies_of_every_shape_are_read() -> None:
    assert read_error(b'{"error": {"message": "m", "type": "t", "code": null}}') == (("t",), "m")
    assert read_error(b'{"error": "words"}') == ((), "words")
    assert read_error(b'{"message": "m"}') == ((), "m")
    assert read_error(b"[]") == ((), "[]")
    assert read_error(b"gone") == ((), "gone")
