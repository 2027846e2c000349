"""`llmspell.toml`: at `▮` completion and hover; between two of them what is wrong, beside the corrected twin."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from tests.lsp.marks import between, cursor

from llmspell.errors import SettingsError
from llmspell.settings import SECTIONS, about, load
from llmspell_lsp.formats.settings import problems
from llmspell_lsp.formats.settings_help import complete, hover, outline
from llmspell_lsp.formats.toml_text import read

WRONG = [
    ("[▮limit▮]\n", "[limits]\n", "unknown setting limit = {…}; did you mean 'limits'?"),
    ("[limits]\n▮cpu_second▮ = 5\n", "[limits]\ncpu_seconds = 5\n", "unknown setting limits.cpu_second = 5"),
    ('[limits]\ncpu_seconds = ▮"5"▮\n', "[limits]\ncpu_seconds = 5\n", "limits.cpu_seconds = '5' must be a number"),
    ("[limits]\nmemory_mb = ▮1▮\n", "[limits]\nmemory_mb = 100\n", "limits.memory_mb = 1 must be 16 or more"),
    ('[log]\nlevel = "▮wran▮"\n', '[log]\nlevel = "warn"\n', "log.level = 'wran' must be one of debug, info, warn"),
    ("▮limits▮ = 3\n", "limits = {}\n", "limits = 3 must be a section"),
    ("limits = { ▮cpu▮ = 1 }\n", "limits = { cpu_seconds = 1 }\n", "unknown setting limits.cpu = 1"),
    ("limits.▮cpu▮ = 1\n", "limits.cpu_seconds = 1\n", "unknown setting limits.cpu = 1"),
    ('[providers.x]\n▮api_key▮ = "k"\n', '[providers.x]\napi_key_env = "K"\n', "providers.x.api_key: a key does not"),
    (
        "[permissions]\nread = ▮[1]▮\n",
        '[permissions]\nread = ["a"]\n',
        "permissions.read = [1] must be a list of paths",
    ),
    ("[permissions]\nread = ▮[\n  1,\n]▮\n", '[permissions]\nread = [\n  "a",\n]\n', "permissions.read = [1] must be"),
    ('[lint]\n▮unused▮ = "off"\n', '[lint]\nunused-local = "off"\n', "unknown setting lint.unused = 'off'"),
    ('[lint]\nsyntax = "▮of▮"\n', '[lint]\nsyntax = "off"\n', "lint.syntax = 'of' must be one of off"),
    ("[limits.▮x▮]\n", "[limits]\n", "unknown setting limits.x"),
    ("[[▮limits▮]]\n", "[limits]\n", "limits = [] must be a section"),
    ('[hooks]\nfiles = ▮["a.py"]▮\n', '[hooks]\nfiles = ["a.lua"]\n', "hooks.files: Python runs outside the sandbox"),
    ("[defaults]\nmodel = ▮openai▮\n", '[defaults]\nmodel = "openai"\n', "this is not TOML: "),
    ("[limits]\nmax_calls = 1\n▮max_calls▮ = 2\n", "[limits]\nmax_calls = 1\n", "this is not TOML: "),
    ("x▮", "[config]\nx = 1\n", "this is not TOML: "),
]


@pytest.mark.parametrize(("marked", "right", "said"), WRONG)
def test_what_is_wrong(marked: str, right: str, said: str) -> None:
    found = list(problems(marked.replace("▮", "").split("\n")))
    assert found and found[0].message.startswith(said)
    if not said.startswith("this is not TOML"):
        assert len(found) == 1
        assert found[0].span == between(marked)[1]
    else:
        assert found[0].span.line == cursor(marked)[1]
    assert list(problems(right.split("\n"))) == []


@pytest.mark.parametrize("marked", [each[0] for each in WRONG])
def test_a_run_would_refuse_it_too(marked: str, tmp_path: Path) -> None:
    (tmp_path / "llmspell.toml").write_text(marked.replace("▮", ""))
    with pytest.raises(SettingsError):
        load(tmp_path, {"HOME": str(tmp_path)})


def everything() -> Iterator[str]:
    for section, shape in SECTIONS.items():
        yield f"[{section}]"
        for each in fields(shape):
            what = about(each)
            value = what.choices[0] if what.choices else {"texts": "x", "paths": "x"}.get(what.kind, "x")
            match what.kind:
                case "text" | "path":
                    yield f'{each.name} = "{value}"'
                case "texts" | "paths":
                    yield f'{each.name} = [ "{value}" ]'
                case "switch":
                    yield f"{each.name} = true"
                case _:
                    yield f"{each.name} = {int(what.least or 0) + 100}"
    yield from ("[providers.mine]", 'base_url = "http://localhost"', "[config.deep.er]", "x = [{ y = 1 }, 2020-01-01]")


def test_every_setting_is_right_and_has_hover_and_completion(tmp_path: Path) -> None:
    lines = list(everything())
    assert list(problems(lines)) == []
    (tmp_path / "llmspell.toml").write_text("\n".join(lines).replace('backend = "sqlite"', 'backend = "sqlite"'))
    load(tmp_path, {"HOME": str(tmp_path)})
    section = ""
    for number, line in enumerate(lines):
        if line.startswith("["):
            section = line.strip("[]")
            continue
        if section.startswith("config"):
            continue
        key = line.partition(" ")[0]
        told = hover(lines, number, 1)
        assert told is not None and told.markdown.startswith(f"`{key}`: ")
        offers = complete([f"[{section}]", ""], 1, 0)
        assert offers is not None and key in [each.label for each in offers.offers]


def labels(marked: str) -> list[str]:
    text, line, column = cursor(marked)
    found = complete(text.split("\n"), line, column)
    return [] if found is None else [each.label for each in found.offers]


@pytest.mark.parametrize(
    ("marked", "there", "absent"),
    [
        ("▮", "[limits]", "limits"),
        ("lim▮", "[limits]", "limits"),
        ("[▮", "limits", "[limits]"),
        ("[▮]", "providers.openai", ""),
        ("[limits]\n[▮]", "trace", "limits"),
        ("[providers.▮]", "providers.openai", ""),
        ("[limits]\n▮", "cpu_seconds", "model"),
        ("[limits]\ncpu▮", "cpu_seconds", "model"),
        ("[limits]\ncpu_seconds = 1\n▮", "memory_mb", "cpu_seconds"),
        ("[limits]\n▮ = 5", "cpu_seconds", ""),
        ("limits.▮", "cpu_seconds", "model"),
        ("[log]\nlevel = ▮", '"warn"', "warn"),
        ('[log]\nlevel = "▮"', "warn", '"warn"'),
        ('[log]\nlevel = "▮', "warn", '"warn"'),
        ("[trace]\ncontent = ▮", "true", '"true"'),
        ("[lint]\n▮", "unused-local", ""),
        ('[lint]\nunused-local = "▮"', "off", ""),
        ('[defaults]\nmodel = "openai/▮"', "openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"),
        ('[defaults]\nprovider = "▮"', "anthropic", ""),
        ('[providers.openai]\napi_key_env = "▮"', "OPENAI_API_KEY", ""),
        ('[providers.openai]\nmodel = "▮"', "gpt-4o-mini", ""),
        ('[providers.mine]\nkind = "▮"', "anthropic", ""),
        ("[permissions]\nread = [\n  'a',\n\n[limits]\n▮", "cpu_seconds", ""),
        ("[config]\n▮", "", "cpu_seconds"),
        ("# ▮", "", "[limits]"),
        ("[limits]\ncpu_seconds = 5 # ▮", "", "5"),
        ("[nothing]\n▮", "", "cpu_seconds"),
    ],
)
def test_completion(marked: str, there: str, absent: str) -> None:
    found = labels(marked)
    assert there in found if there else not found
    assert not absent or absent not in found


def test_what_completion_takes_the_place_of() -> None:
    found = complete(["[log]", 'level = "wa"  # x'], 1, 11)
    assert found is not None and found.span == (1, 9, 1, 11)
    found = complete(["[lim]"], 0, 4)
    assert found is not None and found.span == (0, 1, 0, 4)
    assert next(each.insert for each in found.offers if each.label == "limits") == "limits"
    found = complete(["[lim"], 0, 4)
    assert found is not None
    assert next(each.insert for each in found.offers if each.label == "limits") == "limits]"


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        ("[lim▮its]", "What a run may use"),
        ("[providers.op▮enai]", "A key never stands in a file"),
        ("[conf▮ig]", "global `config`"),
        ("[limits]\nmemory▮_mb = 20", "At least 16"),
        ('[log]\nle▮vel = "info"', "`warn`"),
        ('[defaults]\nmodel = "openai/gpt-4o▮-mini"', "128,000"),
        ('[providers.openai]\nmodel = "gpt-4o▮-mini"', "128,000"),
    ],
)
def test_hover(marked: str, said: str) -> None:
    text, line, column = cursor(marked)
    found = hover(text.split("\n"), line, column)
    assert found is not None and said in found.markdown


@pytest.mark.parametrize("marked", ["[noth▮ing]", "[limits]\nx▮ = 1", "[limits]\n▮\n", "[limits]\ncpu_seconds = 5▮"])
def test_hover_is_silent_where_nothing_is_known(marked: str) -> None:
    text, line, column = cursor(marked)
    assert hover(text.split("\n"), line, column) is None


def test_outline() -> None:
    text = 'x = 1\n[limits]\ncpu_seconds = 5\n\n[providers.mine]\napi_key_env = "K"\nmodel = "m"\n'
    parts = outline(text.split("\n"))
    assert [(each.name, each.detail, [inner.name for inner in each.inside]) for each in parts] == [
        ("x", "1", []),
        ("limits", "", ["cpu_seconds"]),
        ("providers.mine", "", ["api_key_env", "model"]),
    ]
    assert parts[1].span == (1, 0, 2, 15) and parts[1].own == (1, 1, 1, 7)
    assert parts[2].inside[0].detail == "", "nothing of what may be a key"


SEED = "\n".join(everything()) + "\nx = '''\na\n'''\ny = \"\"\"b\"\"\" # c\n"


@pytest.mark.parametrize("seed", range(40))
def test_any_text_is_read(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        text = (
            SEED[: chance.randrange(len(SEED))]
            + "".join(
                chance.choice(["[", "]", '"', "'", '"""', "{", "}", "=", "\n", ".", "#", "é", "\0", ","])
                for _ in range(6)
            )
            + SEED[chance.randrange(len(SEED)) :][:200]
        )
        lines = text.split("\n")
        read(lines)
        list(problems(lines))
        outline(lines)
        for _ in range(10):
            line = chance.randrange(len(lines))
            column = chance.randrange(len(lines[line]) + 1)
            found = complete(lines, line, column)
            assert found is None or (found.span.line == line and found.span.column <= column <= found.span.end_column)
            hover(lines, line, column)


@pytest.mark.parametrize(
    "text",
    ['[tui.keys]\nfollow = ["F", "ctrl+l"]\n', '[tui]\nkeys = { follow = "f3" }\n', '[tui]\nkeys = ["follow=F"]\n'],
)
def test_keys_of_one_s_own_are_a_table_or_a_list(text: str) -> None:
    assert list(problems(text.split("\n"))) == []
