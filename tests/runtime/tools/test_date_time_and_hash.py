"""Times, zones and digests: what the tools give."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from llmspell.tools.crypto.hash_tool import HashTool
from llmspell.tools.system.environment import EnvironmentTool
from llmspell.tools.time.date_time import DateTimeTool

NOON = "2025-03-29T12:00:00"


@pytest.mark.mission(103)
async def test_now_is_the_clock_of_the_run(call: Any) -> None:
    found = await call(DateTimeTool, {"operation": "now", "timezone": "Europe/Berlin"}, clock=lambda: 1_737_369_000.0)
    assert found["iso"] == "2025-01-20T11:30:00+01:00"
    assert (found["unix"], found["weekday"], found["week"], found["timezone"]) == (
        1_737_369_000,
        "Monday",
        4,
        "Europe/Berlin",
    )


@pytest.mark.parametrize(
    ("params", "iso"),
    [
        ({"operation": "parse", "value": "2025-01-20"}, "2025-01-20T00:00:00+00:00"),
        ({"operation": "parse", "value": "Mon, 20 Jan 2025 10:30:00 +0100"}, "2025-01-20T10:30:00+01:00"),
        ({"operation": "parse", "value": 0}, "1970-01-01T00:00:00+00:00"),
        ({"operation": "parse", "value": "1737369000"}, "2025-01-20T10:30:00+00:00"),
        ({"operation": "parse", "value": "20.01.2025", "format": "%d.%m.%Y"}, "2025-01-20T00:00:00+00:00"),
        (
            {"operation": "convert", "value": "2025-07-01T12:00:00Z", "timezone": "America/New_York"},
            "2025-07-01T08:00:00-04:00",
        ),
        ({"operation": "convert", "value": "2025-07-01T12:00:00Z", "timezone": "+05:30"}, "2025-07-01T17:30:00+05:30"),
        ({"operation": "add", "value": "2024-01-31", "amount": 1, "unit": "month"}, "2024-02-29T00:00:00+00:00"),
        ({"operation": "add", "value": "2024-02-29", "amount": -1, "unit": "year"}, "2023-02-28T00:00:00+00:00"),
        (
            {"operation": "add", "value": NOON, "amount": 1, "unit": "day", "timezone": "Europe/Berlin"},
            "2025-03-30T12:00:00+02:00",
        ),
        (
            {"operation": "add", "value": NOON, "amount": 24, "unit": "hour", "timezone": "Europe/Berlin"},
            "2025-03-30T13:00:00+02:00",
        ),
        (
            {"operation": "parse", "value": "2025-03-30T02:30:00", "timezone": "Europe/Berlin"},
            "2025-03-30T03:30:00+02:00",
        ),
        ({"operation": "start_of", "value": "2025-01-23T10:00:00Z", "unit": "week"}, "2025-01-20T00:00:00+00:00"),
        ({"operation": "end_of", "value": "2024-02-10", "unit": "month"}, "2024-02-29T23:59:59.999999+00:00"),
    ],
)
@pytest.mark.mission(103)
async def test_calendar(call: Any, params: dict[str, Any], iso: str) -> None:
    assert (await call(DateTimeTool, params))["iso"] == iso


async def test_difference_over_a_change_of_the_clock(call: Any) -> None:
    params = {"operation": "diff", "value": NOON, "other": "2025-03-30T12:00:00", "timezone": "Europe/Berlin"}
    assert await call(DateTimeTool, params) == {"seconds": 82_800, "days": 82_800 / 86_400, "text": "23 hours"}


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s"])
@pytest.mark.mission(104)
async def test_digests(call: Any, project: Path, algorithm: str) -> None:
    data = b"abc" * 1_000_000
    (project / "data").write_bytes(data)
    found = await call(HashTool, {"path": "data", "algorithm": algorithm})
    assert found["digest"] == hashlib.new(algorithm, data).hexdigest()
    found = await call(HashTool, {"text": "616263", "input_encoding": "hex", "algorithm": algorithm})
    assert found["digest"] == hashlib.new(algorithm, b"abc").hexdigest()


@pytest.mark.mission(104)
async def test_hmac_and_verify(call: Any) -> None:
    code = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    text = "The quick brown fox jumps over the lazy dog"
    found = await call(HashTool, {"operation": "hmac", "text": text, "key": "key"})
    assert found["digest"] == code
    params = {"operation": "verify", "text": text, "key": "key"}
    assert (await call(HashTool, {**params, "expected": code.upper()}))["valid"] is True
    assert (await call(HashTool, {**params, "expected": "00" + code[2:]}))["valid"] is False


@pytest.mark.mission(97)
async def test_environment(call: Any) -> None:
    environ = {"APP_MODE": "test", "OTHER": "x"}
    found = await call(EnvironmentTool, {"operation": "get", "name": "APP_MODE"}, environ=environ, env=["APP_*"])
    assert found == {"name": "APP_MODE", "value": "test", "exists": True}
    found = await call(
        EnvironmentTool, {"operation": "get", "name": "APP_X", "default": "d"}, environ=environ, env=["APP_*"]
    )
    assert found == {"name": "APP_X", "value": "d", "exists": False}
