"""Human: questions to a person, answered from a list, a table, a terminal, or by nobody."""

from __future__ import annotations

import asyncio
import json
import os
import pty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmspell.cli.person import AtTerminal
from llmspell.errors import ScriptError, UsageError
from llmspell.person import Answers, Question

ASKING = {
    "lua": """
        local city = Human.ask{ question = "Which city?", choices = { "Rome", "Oslo" } }
        return { city, Human.ask("And why?"), Human.approve("Go on?"), Human.approve{ question = "Sure?", default = false } }""",
    "js": """
        const city = await Human.ask({ question: "Which city?", choices: ["Rome", "Oslo"] });
        return [city, await Human.ask("And why?"), await Human.approve("Go on?"),
                await Human.approve({ question: "Sure?", default: false })];""",
}
WAYS: dict[str, Any] = {
    "a list": ["oslo", "It is cool", True, None],
    "a table": {"Which city?": "2", "And why?": "It is cool", "Go on?": "y", "*": False},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("language", ASKING)
async def test_prepared_answers(cast: Any, language: str, way: str) -> None:
    done = await cast(**{language: ASKING[language]}, person=Answers(WAYS[way], "answers.json"))
    assert done.value == ["Oslo", "It is cool", True, False]
    assert [event.data["question"] for event in done.of("input_requested")] == [
        "Which city?",
        "And why?",
        "Go on?",
        "Sure?",
    ]
    assert done.of("input_requested")[0].data["choices"] == ["Rome", "Oslo"]
    assert [event.data["answer"] for event in done.of("input_given")] == ["Oslo", "It is cool", "yes", "no"]
    again = await cast(**{language: ASKING[language]}, replay=done.recording)  # and nobody to ask
    assert again.value == done.value
    assert again.kinds == done.kinds


@pytest.mark.parametrize("language", ASKING)
async def test_nobody_is_an_error_that_says_what_to_do(cast: Any, language: str) -> None:
    done = await cast(**{language: ASKING[language]})
    assert done.result.error is not None
    assert done.result.error.type == "no_answer"
    assert "--answers FILE" in done.result.error.hint


@pytest.mark.parametrize("answers", [["Paris"], [], {"Other?": "Rome"}, [3], [None]])
async def test_an_answer_that_is_none_of_the_choices(cast: Any, answers: Any) -> None:
    source = 'return Human.ask{ question = "Which city?", choices = { "Rome", "Oslo" } }'
    done = await cast(lua=source, person=Answers(answers, "answers.json"))
    assert "answers.json has no answer to 'Which city?'" in str(done.result.error)
    assert "Rome, Oslo" in str(done.result.error)
    assert "None" not in str(done.result.error)


async def test_a_default_that_is_no_choice_is_refused(cast: Any) -> None:
    source = 'return Human.ask{ question = "Which?", choices = { "a" }, default = "b" }'
    assert "none of the choices" in str((await cast(lua=source)).result.error)


class _Asleep:
    async def answer(self, question: Question) -> str:
        await asyncio.get_running_loop().create_future()
        raise AssertionError


@pytest.mark.parametrize("language", ["lua", "js"])
async def test_waiting_for_a_person_has_a_time_limit(cast: Any, language: str) -> None:
    source = {
        "lua": 'local ok, e = pcall(function() return Human.ask{ question = "Q?", timeout = 20 } end) return e.type',
        "js": 'try { await Human.ask({ question: "Q?", timeout: 20 }) } catch (e) { return e.type }',
    }
    done = await cast(**{language: source[language]}, person=_Asleep())
    assert done.value == "timeout"


MEANT = {
    ("Rome",): "Rome",
    ("rome ",): "Rome",
    ("r",): "Rome",
    ("2",): "Oslo",
    ("3",): None,
    ("",): None,
    ("o",): None,  # Oslo or Omsk?
    ("", "Oslo"): "Oslo",
}


@pytest.mark.parametrize("given", MEANT)
def test_what_an_answer_means(given: tuple[str, ...]) -> None:
    default = given[1] if len(given) > 1 else None
    choices = ("Rome", "Oslo", "Omsk") if given == ("o",) else ("Rome", "Oslo")
    assert Question("?", choices, default).accepts(given[0]) == MEANT[given]


def test_a_number_that_is_a_choice_is_that_choice() -> None:
    assert Question("How many?", ("2", "1")).accepts("1") == "1"


@pytest.mark.parametrize("text", ["", "{", "3", '"yes"'])
def test_a_file_without_answers(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UsageError, match=r"a\.json"):
        Answers.read(tmp_path / "a.json")
    with pytest.raises(UsageError, match="cannot be read"):
        Answers.read(tmp_path / "none.json")


def test_a_file_with_answers(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(["yes"]))
    assert asyncio.run(Answers.read(tmp_path / "a.json").answer(Question("?"))) == "yes"


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The person's end, and the program's."""
    person, program = pty.openpty()
    yield person, program
    os.close(person)
    os.close(program)


async def test_a_terminal_asks_until_it_understands(terminal: tuple[int, int]) -> None:
    person, program = terminal
    said: list[str] = []
    os.write(person, b"Paris\n2\nbecause\nit is\n")
    there = AtTerminal(program, said.append)
    assert await there.answer(Question("Which?", ("Rome", "Oslo"))) == "Oslo"
    assert await there.answer(Question("Why?", default="so")) == "because"
    assert "".join(said) == "  1. Rome\n  2. Oslo\nWhich? one of: Rome, Oslo\nWhich? Why? [so] "
    assert await there.answer(Question("Really?")) == "it is"


async def test_the_end_of_a_terminal_s_input_is_no_answer(terminal: tuple[int, int]) -> None:
    person, program = terminal
    there = AtTerminal(program, lambda _: None)
    os.write(person, b"\x04")
    with pytest.raises(ScriptError, match="left unanswered"):
        await there.answer(Question("Which?"))
    os.write(person, b"\x04")
    assert await there.answer(Question("Which?", default="x")) == "x"


async def test_a_question_can_be_given_up(terminal: tuple[int, int]) -> None:
    _, program = terminal
    there = AtTerminal(program, lambda _: None)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(there.answer(Question("Which?")), 0.01)
    assert asyncio.get_running_loop().remove_reader(program) is False
