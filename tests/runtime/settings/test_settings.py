"""Settings: where they are found, which wins, and what a person reads when one is wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import SettingsError
from llmspell.settings import SECTIONS, load, variable_of
from llmspell.settings.position import line_of
from llmspell.settings.values import about


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose home is empty."""
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def write(folder: Path, text: str) -> Path:
    path = folder / "llmspell.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_file_the_defaults_hold(project: Path, home: dict[str, str]) -> None:
    settings = load(project / "spell.lua", home)
    assert settings.project == project
    assert settings.data_dir == Path(home["HOME"]) / ".local/state/llmspell"
    assert (settings.limits.memory_mb, settings.limits.cpu_seconds, settings.limits.wall_seconds) == (256, 60.0, None)
    assert settings.permissions.read == (str(project),)
    assert settings.permissions.write == (str(project / "output"),)
    assert settings.permissions.net == settings.permissions.exec == settings.allowed_env == ()
    assert settings.origin("limits.memory_mb") == "default"
    assert settings.files == ()


def test_the_file_is_found_upwards_from_the_spell_and_data_lives_beside_it(project: Path, home: dict[str, str]) -> None:
    path = write(project, '[defaults]\nmodel = "openai/gpt-4o-mini"\n')
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    settings = load(deep / "spell.js", home)
    assert settings.defaults.model == "openai/gpt-4o-mini"
    assert settings.project == project
    assert settings.data_dir == project / ".llmspell"
    assert settings.origin("defaults.model") == f"{path}:2"


def test_user_file_then_project_then_variable_then_flag_and_each_says_where_it_came_from(
    project: Path, home: dict[str, str], tmp_path: Path
) -> None:
    user = tmp_path / "xdg" / "llmspell"
    user.mkdir(parents=True)
    (user / "config.toml").write_text(
        "[limits]\nmemory_mb = 100\ncpu_seconds = 1\nmax_calls = 1\nmax_cost = 1\n[config]\na.b = 1\na.c = 1\n"
    )
    path = write(project, '[limits]\ncpu_seconds = 2\nmax_calls = 2\nmax_cost = 2\n[config.a]\nb = "project"\n')
    environ = {
        **home,
        "XDG_CONFIG_HOME": str(tmp_path / "xdg"),
        "LLMSPELL_LIMIT_MAX_CALLS": "3",
        "LLMSPELL_LIMIT_MAX_COST": "3",
    }
    settings = load(project, environ, {"limits.max_cost": 4, "limits.wall_seconds": None})
    limits = settings.limits
    assert (limits.memory_mb, limits.cpu_seconds, limits.max_calls, limits.max_cost) == (100, 2.0, 3, 4.0)
    assert settings.config == {"a": {"b": "project", "c": 1}}
    assert settings.origin("limits.memory_mb") == f"{user}/config.toml:2"
    assert settings.origin("limits.cpu_seconds") == f"{path}:2"
    assert settings.origin("limits.max_calls") == "LLMSPELL_LIMIT_MAX_CALLS"
    assert settings.origin("limits.max_cost") == "--max-cost"
    assert settings.origin("config.a.b") == f"{path}:6"
    assert settings.files == (user / "config.toml", path)


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("[limits]\ncpu_second = 5\n", 2, "limits.cpu_second = 5", "did you mean 'cpu_seconds'?"),
        ("[limit]\ncpu_seconds = 5\n", 1, "unknown setting limit", "did you mean 'limits'?"),
        ("\n[limits]\nmemory_mb = '1 GB'\n", 3, "limits.memory_mb = '1 GB' must be a whole number", ""),
        ("[limits]\nmemory_mb = true\n", 2, "must be a whole number", ""),
        ("[limits]\nmemory_mb = 3\n", 2, "must be 16 or more", ""),
        ("[limits]\ncpu_seconds = nan\n", 2, "must be a number", ""),
        ("[hooks]\non_error = 'warn'\n", 2, "must be one of fail, ignore", ""),
        ("[permissions]\nread = 'data'\n", 2, "must be a list of paths", ""),
        ("limits = 3\n", 1, "must be a section, written [limits]", ""),
        ("[providers]\nlocal = 'x'\n", 2, "must be a section, written [providers.local]", ""),
        (
            "[providers.local]\nbase_uri = 'x'\n",
            2,
            "unknown setting providers.local.base_uri",
            "did you mean 'base_url'?",
        ),
        ("[defaults]\nmodel = gpt-4o\n", 2, "this is not TOML", "strings need quotes"),
        ("[defaults]\nmodel = ''\n", 2, "must be a string", ""),
        ("zebra = 1\n", 1, "unknown setting zebra = 1", "known here: defaults, limits"),
    ],
)
def test_a_wrong_setting_is_named_with_file_line_value_and_remedy(
    project: Path, home: dict[str, str], text: str, line: int, message: str, hint: str
) -> None:
    path = write(project, text)
    with pytest.raises(SettingsError) as caught:
        load(project, home)
    assert caught.value.source == f"{path}:{line}"
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_key_in_the_file_is_refused_and_never_shown(project: Path, home: dict[str, str]) -> None:
    write(project, '[providers.openai]\napi_key = "sk-very-secret"\n')
    with pytest.raises(SettingsError) as caught:
        load(project, home)
    assert "api_key_env" in caught.value.hint
    write(project, '[providers.openai]\napi_token = "sk-very-secret"\n')
    with pytest.raises(SettingsError) as also:
        load(project, home)
    assert "sk-very-secret" not in str(caught.value) + str(also.value) + also.value.hint


def test_variables_are_checked_and_a_near_miss_is_named(project: Path, home: dict[str, str]) -> None:
    settings = load(
        project,
        {**home, "LLMSPELL_ALLOW_NET": "a.example, b.example", "LLMSPELL_TRACE_CONTENT": "off", "LLMSPELL_OTHER": "1"},
    )
    assert settings.permissions.net == ("a.example", "b.example")
    assert settings.trace.content is False
    with pytest.raises(SettingsError, match="LLMSPELL_LIMIT_CPU_SECOND=") as caught:
        load(project, {**home, "LLMSPELL_LIMIT_CPU_SECOND": "5"})
    assert caught.value.hint == "did you mean LLMSPELL_LIMIT_CPU_SECONDS?"
    with pytest.raises(SettingsError, match="must be a number") as caught:
        load(project, {**home, "LLMSPELL_LIMIT_CPU_SECONDS": "ten"})
    assert caught.value.source == "LLMSPELL_LIMIT_CPU_SECONDS"


@pytest.mark.parametrize("name", ["limits.memory", "limit.memory_mb", "memory_mb"])
def test_a_flag_that_there_is_not_is_named(project: Path, home: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError, match=f"unknown setting {name} = 5"):
        load(project, home, {name: 5})


def test_a_files_list_replaces_and_a_flags_list_adds(project: Path, home: dict[str, str]) -> None:
    write(
        project,
        '[permissions]\nread = ["data", "~/notes", "../beside"]\nnet = ["a.example"]\n[env]\nallow = ["A"]\n',
    )
    settings = load(project, home, {"permissions.net": ["b.example", "a.example"], "permissions.write": ["/srv/out"]})
    assert settings.permissions.read == (
        str(project / "data"),
        str(Path("~/notes").expanduser()),
        str(project.parent / "beside"),
    )
    assert settings.permissions.net == ("a.example", "b.example")
    assert settings.permissions.write == (str(project / "output"), "/srv/out")
    assert settings.origin("permissions.net").endswith("llmspell.toml:3 and --allow-net")
    assert load(project, home, {"permissions.env": ["B"]}).allowed_env == ("B", "A")


def test_data_folder_follows_the_state_home_and_its_setting(project: Path, home: dict[str, str]) -> None:
    assert load(project, {**home, "XDG_STATE_HOME": "/var/x"}).data_dir == Path("/var/x/llmspell")
    assert load(project, {**home, "XDG_STATE_HOME": "relative"}).data_dir == Path(home["HOME"], ".local/state/llmspell")
    write(project, '[data]\ndir = "kept"\n')
    assert load(project, home).data_dir == project / "kept"


def test_providers_and_config_are_open_tables(project: Path, home: dict[str, str]) -> None:
    write(
        project,
        '[providers."my-server"]\nbase_url = "http://127.0.0.1:8000/v1"\napi_key_env = "MY_KEY"\n'
        "[config]\nday = 2026-01-02\nlist = [1, {a = 1.5}]\n[config.inner]\non = true\n",
    )
    settings = load(project, home)
    assert settings.providers["my-server"].base_url == "http://127.0.0.1:8000/v1"
    assert settings.providers["my-server"].model is None
    assert settings.config == {"day": "2026-01-02", "list": [1, {"a": 1.5}], "inner": {"on": True}}
    shown = dict(settings.items())
    assert shown["config.inner.on"] is True
    assert shown["providers.my-server.api_key_env"] == "MY_KEY"


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a file to somebody else")
def test_a_strangers_file_in_a_folder_above_grants_nothing(project: Path, home: dict[str, str]) -> None:
    path = write(project.parent, '[permissions]\nexec = ["*"]\n')
    os.chown(path, 12345, 12345)
    with pytest.raises(SettingsError, match="belongs to another user"):
        load(project / "spell.lua", home)
    os.chown(project, 12345, 12345)
    assert load(project / "spell.lua", home).permissions.exec == ("*",)


def test_unreadable_text_is_an_error_of_ours(project: Path, home: dict[str, str]) -> None:
    (project / "llmspell.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(project, home)


def test_every_setting_has_a_variable_that_sets_it(project: Path, home: dict[str, str]) -> None:
    from dataclasses import fields

    samples: dict[str, Any] = {
        "text": "word",
        "number": "20",
        "whole": "20",
        "switch": "true",
        "texts": "a",
        "path": "/a",
        "paths": "/a",
    }
    count = 0
    for section, shape in SECTIONS.items():
        for entry in fields(shape):
            what = about(entry)
            text = what.choices[0] if what.choices else samples[what.kind]
            settings = load(project, {**home, variable_of(section, entry.name): text})
            assert settings.origin(f"{section}.{entry.name}") == variable_of(section, entry.name)
            count += 1
    assert count >= 24


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\n[s]\na = 2\n", ("s", "a"), 3),
        ("s.a = 1", ("s", "a"), 1),
        ("# [s]\n[s] # table\n\n'a' = 1", ("s", "a"), 4),
        ('[x]\nt = """\n[s]\na = 1\n"""\n[s]\na = 2', ("s", "a"), 7),
        ("s = { a = 1 }", ("s", "a"), 1),
        ('[providers."my.server"]\nmodel = 1', ("providers", "my.server", "model"), 2),
        ("[s]\nb = 1", ("t", "a"), None),
    ],
)
def test_the_line_of_a_key(text: str, path: tuple[str, ...], line: int | None) -> None:
    assert line_of(text, path) == line


def test_without_a_file_no_toml_parser_is_imported(project: Path) -> None:
    import subprocess

    script = (
        "import sys; from pathlib import Path; from llmspell.settings import load;"
        f"load(Path({str(project)!r}), {{'HOME': {str(project)!r}}});"
        "print(sorted({'tomllib', 'difflib', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
