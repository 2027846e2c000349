"""How errors look to a person, and which exit code they end with."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

from llmspell.cli.flags import add_setting_flags, given_flags
from llmspell.cli.terminal import exit_code, show_defect, show_error
from llmspell.errors import LimitError, LlmspellError, ProviderError, ScriptError
from llmspell.settings import load


def test_a_scripts_error_shows_line_message_stack_cause_and_hint(capsys: pytest.CaptureFixture[str]) -> None:
    cause = ProviderError("openai answered 401", provider_kind="auth", hint="set OPENAI_API_KEY", source="spell.lua:2")
    error = ScriptError(
        "the chat failed", source="spell.lua:7", stack=("spell.lua:7: in function 'ask'", "spell.lua:9"), cause=cause
    )
    show_error(error)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "spell.lua:7: the chat failed",
        "  at spell.lua:7: in function 'ask'",
        "  at spell.lua:9",
        "  because: spell.lua:2: openai answered 401",
        "  hint: set OPENAI_API_KEY",
    ]


def test_an_error_without_a_place_begins_with_the_programs_name(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(LlmspellError("it broke", hint="mend it"))
    assert capsys.readouterr().err == "llmspell: it broke\n  hint: mend it\n"


def test_a_defect_of_ours_is_one_line_unless_asked_for_more(capsys: pytest.CaptureFixture[str]) -> None:
    show_defect(ValueError("bad\nvalue"))
    assert capsys.readouterr().err.startswith(
        "llmspell: internal error: ValueError: bad\n  hint: run it again with --debug"
    )


def test_exit_codes() -> None:
    unreachable = ProviderError("no route", provider_kind="network")
    assert exit_code(unreachable) == 4
    assert exit_code(ScriptError("failed", cause=unreachable)) == 4
    assert exit_code(ProviderError("busy", provider_kind="overloaded")) == 1
    assert exit_code(LimitError("60 s of CPU used", limit="cpu")) == 3


def test_flags_of_settings_reach_the_settings(tmp_path: Path) -> None:
    parser = ArgumentParser()
    add_setting_flags(parser)
    words = ["--memory-mb=64", "--cpu-seconds", "1.5", "--allow-net=a.example,b.example", "--allow-net", "c.example"]
    flags = given_flags(parser.parse_args(words))
    assert set(flags) == {"limits.memory_mb", "limits.cpu_seconds", "permissions.net"}
    settings = load(tmp_path, {"HOME": str(tmp_path)}, flags)
    assert (settings.limits.memory_mb, settings.limits.cpu_seconds) == (64, 1.5)
    assert settings.permissions.net == ("a.example", "b.example", "c.example")
    assert settings.origin("permissions.net") == "--allow-net"
    options = parser.format_help()
    for flag in (
        "wall-seconds",
        "max-cost",
        "max-calls",
        "allow-read",
        "allow-write",
        "allow-exec",
        "allow-env",
        "model",
    ):
        assert f"--{flag} " in options
