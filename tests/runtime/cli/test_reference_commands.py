"""`help`, `tools`, `models`, `hooks`, `events`: what there is, on 80 columns and as JSON."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell.api.lookup import all_names
from llmspell.api.registry import registry
from llmspell.cli.main import main
from llmspell.cli.page import rendered

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """Runs a command in an empty folder; gives its exit code, what it printed, and what it said on stderr."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


COMMANDS = [
    ("help",),
    ("help", "Agent"),
    ("help", "agent:chat"),
    ("help", "beforeLLMCall"),
    ("help", "rate_limit"),
    ("help", "file-system"),
    ("tools", "list"),
    ("tools", "show", "http_request"),
    ("tools", "show", "Calculator"),
    ("hooks", "list"),
    ("hooks", "show", "onError"),
    ("events", "list"),
    ("events", "show", "agent:started"),
    ("models", "list"),
    ("models", "list", "anthropic"),
    ("models", "show", "gpt-4o-mini"),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_what_is_shown_fits_a_terminal_of_80_columns_and_has_no_colour_in_a_pipe(
    say: Said, arguments: tuple[str, ...]
) -> None:
    code, out, _ = say(*arguments)
    assert code == 0
    assert out.strip()
    assert "\x1b" not in out
    assert [line for line in out.splitlines() if len(line) > 80 and "/" not in line and " " in line.strip()] == []


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_json_is_json(say: Said, arguments: tuple[str, ...]) -> None:
    code, out, err = say(*arguments, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)


MISTAKES = [
    (("help", "agent:caht"), "the API has nothing called 'agent:caht'", "llmspell help Agent.chat"),
    (("help", "beforeLMCall"), "nothing called 'beforeLMCall'", "llmspell help beforeLLMCall"),
    (("tools", "show", "calclator"), "there is no tool 'calclator'", "did you mean 'calculator'?"),
    (("tools", "show"), "say which tool", "llmspell tools list"),
    (("tools", "call", "nope"), "there is no tool 'nope'", "llmspell tools list"),
    (("tools", "call", "calculator", "--params", "{"), "--params: '{' is no JSON", "--params '{"),
    (("tools", "call", "calculator", "--params", "3"), "--params must be a JSON object, not '3'", "--params '{"),
    (("hooks", "show", "beforeLMCall"), "there is no hook point 'beforeLMCall'", "did you mean 'beforeLLMCall'?"),
    (("hooks", "show"), "say which hook point", "llmspell hooks list"),
    (("events", "show", "tool:caled"), "there is no event 'tool:caled'", "did you mean 'tool_called'?"),
    (("models", "show", "gpt-4o-mni"), "the price map has no model 'gpt-4o-mni'", "did you mean 'gpt-4o-mini'"),
    (("models", "list", "zzzzzz"), "no model or provider has 'zzzzzz' in its name", "llmspell models list"),
]


@pytest.mark.parametrize(("arguments", "message", "hint"), MISTAKES, ids=[" ".join(a) for a, _, _ in MISTAKES])
def test_a_mistake_is_named_with_its_remedy(say: Said, arguments: tuple[str, ...], message: str, hint: str) -> None:
    code, out, err = say(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert hint in err


def test_the_index_names_everything(say: Said) -> None:
    _, out, _ = say("help", "--json")
    groups = json.loads(out)
    known = registry()
    assert set(groups["tools"]) == set(known.tools)
    plain = {name for name, described in known.classes.items() if described["tool"] is None}
    assert set(groups["classes"]) | set(groups["namespaces"]) == plain


def test_help_of_a_command_is_its_usage(say: Said) -> None:
    code, out, _ = say("help", "trace")
    assert code == 0
    assert out.startswith("usage: llmspell trace")


@pytest.mark.parametrize("name", ["run", "tools", "config"])
def test_a_name_that_is_a_commands_too_says_so(say: Said, name: str) -> None:
    code, out, _ = say("help", name)
    assert code == 0 and f"See also llmspell {name} --help" in out


def test_every_name_has_help(say: Said) -> None:
    for name in all_names(registry()):
        code, out, _ = say("help", name)
        assert code == 0
        assert out.strip()


def test_a_tool_works_outside_a_spell(say: Said) -> None:
    code, out, _ = say("tools", "call", "calculator", "--params", '{"expression": "15% of 2500"}')
    assert (code, json.loads(out)) == (0, {"result": 375})


def test_a_tool_outside_a_spell_is_checked_and_permitted_as_inside(say: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = say("tools", "call", "calculator", "--params", '{"expresion": "1"}')
    assert code == 1
    assert err.startswith("llmspell: calculator: unknown option 'expresion'")
    assert "did you mean 'expression'?" in err
    monkeypatch.setenv("SHOWN_TO_TOOLS", "value")
    asked = ("tools", "call", "environment", "--params", '{"operation": "get", "name": "SHOWN_TO_TOOLS"}')
    code, out, err = say(*asked)
    assert (code, out) == (1, "")
    assert "--allow-env" in err
    code, out, _ = say(*asked, "--allow-env", "SHOWN_TO_TOOLS")
    assert (code, json.loads(out)["value"]) == (0, "value")


def test_params_can_come_from_stdin(say: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"expression": "2 + 2"}'))
    code, out, _ = say("tools", "call", "calculator", "--params", "-")
    assert (code, json.loads(out)) == (0, {"result": 4})


@pytest.mark.parametrize("arguments", [("help", "Agent"), ("tools", "list"), ("hooks", "list"), ("models", "list")])
def test_nothing_heavy_is_imported(arguments: tuple[str, ...]) -> None:
    heavy = ("pydantic", "aiohttp", "litellm", "textual", "tree_sitter", "jsonschema_rs", "lupa", "quickjs")
    program = (
        f"import sys; from llmspell.cli.main import main; main({arguments!r}); "
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "[]"


PAGE = """\
# `one` / `two`, a title

A paragraph that is
written on two lines with `code` and *emphasis* in it.

- `first` *string*: words that are long enough to need a second line at forty columns
  - `nested`: more

```lua
agent:chat("x")
```

```js
await agent.chat("x")
```

End.
"""


def test_a_page_is_wrapped_with_hanging_indents_and_its_code_side_by_side() -> None:
    assert list(rendered(PAGE, 40)) == [
        "one / two, a title",
        "",
        "A paragraph that is written on two lines",
        "with code and emphasis in it.",
        "",
        "  first string: words that are long",
        "    enough to need a second line at",
        "    forty columns",
        "    nested: more",
        "",
        '  Lua  agent:chat("x")',
        '  JS   await agent.chat("x")',
        "",
        "End.",
    ]


def test_a_terminal_gets_names_in_bold(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout", Terminal())
    lines: list[Any] = list(rendered("Sets `retry` now.", 80))
    assert lines == ["Sets \x1b[1mretry\x1b[0m now."]
    monkeypatch.setenv("NO_COLOR", "1")
    assert list(rendered("Sets `retry` now.", 80)) == ["Sets retry now."]
