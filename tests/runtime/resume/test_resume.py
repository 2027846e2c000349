"""A run whose host was killed is gone on with by another: what was finished is not asked again."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

ENDING = {"lua": ".lua", "javascript": ".js"}
FLOW = {
    "lua": """
    local clerk = Agent.new{ name = "clerk" }
    local flow = Workflow.sequential{ name = "mail", steps = {
      { name = "first", agent = clerk, input = "one of {{input}}" },
      { name = "second", agent = clerk, input = "two after {{first}}" },
      { name = "third", agent = clerk, input = "three after {{second}}" },
      { name = "fourth", input = function(context) return context.third end,
        run = function(text) return text .. " at " .. (os.time() > 0 and "some" or "no") .. " time" end },
    } }
    print("began")
    return flow:run("letters")
    """,
    "javascript": """
    const clerk = new Agent({ name: "clerk" });
    const flow = Workflow.sequential({ name: "mail", steps: [
      { name: "first", agent: clerk, input: "one of {{input}}" },
      { name: "second", agent: clerk, input: "two after {{first}}" },
      { name: "third", agent: clerk, input: "three after {{second}}" },
      { name: "fourth", input: (context) => context.third,
        run: (text) => text + " at " + (Date.now() > 0 ? "some" : "no") + " time" },
    ] });
    console.log("began");
    return await flow.run("letters");
    """,
}
RESULT = "began\nYou said: three after You said: two after You said: one of letters at some time\n"


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_finished_steps_are_not_asked_again(project: Project, language: str) -> None:
    spell = project.write(f"mail{ENDING[language]}", FLOW[language])
    project.killed(spell, at="three")
    before = project.asked
    assert [said[:5] for said in before] == ["one o", "two a", "three"]
    assert ok(project.run("--resume", "last")) == RESULT
    assert project.asked == [*before, before[-1]]
    *_, killed, again = project.keys
    assert killed == again and len(set(project.keys)) == 3


def test_what_was_recorded_is_the_same_again_and_the_rest_is_recorded_too(project: Project, language: str) -> None:
    """Two killed runs, one after the other, and a replay of what came of them."""
    spell = project.write(f"mail{ENDING[language]}", FLOW[language])
    project.killed(spell, at="two")
    project.killed("--resume", "last", at="three")
    assert ok(project.run("--resume", "last")) == RESULT
    assert [said[:5] for said in project.asked] == ["one o", "two a", "two a", "three", "three"]
    first, second, third = project.runs
    assert [run.status for run in project.runs] == ["lost", "lost", "ok"]
    assert (second.parent, second.resumed, third.parent, third.resumed) == (first.id, True, second.id, True)
    events = [project.lines(run.id) for run in project.runs]
    for one, other in ((events[0], events[1]), (events[1], events[2])):
        opened = [line for line in one if "three" not in str(line[8])]
        assert other[: len(opened)] == opened
    assert ok(project.run("--replay", "last")) == RESULT
    assert project.lines(project.runs[3].id) == events[2]
    assert len(project.asked) == 5


def test_steps_at_once_go_on_each_where_it_was(project: Project, language: str) -> None:
    text = {
        "lua": """
        local clerk = Agent.new("clerk")
        local function line(name)
          return { type = "sequential", steps = {
            { agent = clerk, input = name .. " begins" }, { agent = clerk, input = name .. " goes on" } } }
        end
        return Workflow.parallel{ steps = { line("one"), line("two"), line("three") } }:run()
        """,
        "javascript": """
        const clerk = new Agent("clerk");
        const line = (name) => ({ type: "sequential", steps: [
          { agent: clerk, input: name + " begins" }, { agent: clerk, input: name + " goes on" }] });
        return await Workflow.parallel({ steps: [line("one"), line("two"), line("three")] }).run();
        """,
    }[language]
    spell = project.write(f"lines{ENDING[language]}", text)
    project.answering.hangs.update(("one begins", "two goes"))
    project.killed(spell, at="three goes")
    finished = {"two begins", "three begins"}
    before = project.asked
    project.answering.hangs.clear()
    ok(project.run("--resume", "last"))
    after = project.asked[len(before) :]
    assert not finished & set(after)
    assert sorted(after) == ["one begins", "one goes on", "three goes on", "two goes on"]
    names = dict(zip(before, project.keys))
    assert all(names.get(said, key) == key for said, key in zip(after, project.keys[len(before) :]))


@pytest.mark.parametrize("way", ["agent", "tool"])
def test_a_failed_run_tries_again_what_failed(project: Project, language: str, way: str) -> None:
    if way == "agent":
        spell = project.write(f"mail{ENDING[language]}", FLOW[language])
        project.answering.fails.add("three")
        failed = project.run(spell)
        assert failed.returncode != 0 and "not today" in failed.stderr
        project.answering.fails.clear()
        assert ok(project.run("--resume", "last")) == RESULT
        assert [said[:5] for said in project.asked] == ["one o", "two a", "three", "three"]
        return
    step = '{ tool = "file_system", params = PARAMS }'
    text = (
        FLOW[language]
        .replace(
            '{ name = "third", agent = clerk, input = "three after {{second}}" }'
            if language == "lua"
            else '{ name: "third", agent: clerk, input: "three after {{second}}" }',
            step.replace("PARAMS", '{ operation = "read", path = "late.txt" }')
            if language == "lua"
            else step.replace(" = ", ": ").replace("PARAMS", '{ operation: "read", path: "late.txt" }'),
        )
        .replace("context.third", "context.second")
    )
    spell = project.write(f"mail{ENDING[language]}", text)
    assert "late.txt" in project.run(spell).stderr
    project.write("late.txt", "here")
    assert ok(project.run("--resume", "last")).endswith("two after You said: one of letters at some time\n")
    assert len(project.asked) == 2


def test_a_run_that_was_stopped_goes_on(project: Project, language: str) -> None:
    spell = project.write(f"mail{ENDING[language]}", FLOW[language])
    stopped = project.run(spell, "--max-calls", "2")
    assert stopped.returncode == 3
    assert project.run("--resume", "last").returncode == 3  # the limit is what it was
    assert ok(project.run("--resume", "last", "--max-calls", "3")) == RESULT
    assert [said[:5] for said in project.asked] == ["one o", "two a", "three"]


def test_a_cancelled_run_goes_on(project: Project, language: str) -> None:
    import signal
    import time

    spell = project.write(f"mail{ENDING[language]}", FLOW[language])
    project.answering.hangs.add("three")
    running = project.start(spell)
    while len(project.asked) < 3:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert running.returncode == 130
    project.answering.hangs.clear()
    assert ok(project.run("--resume", "last")) == RESULT
    assert [said[:5] for said in project.asked] == ["one o", "two a", "three", "three"]
    assert project.keys[2] == project.keys[3]


# -- what cannot be resumed ----------------------------------------------------------------------------------------


def refused(project: Project, *arguments: str) -> str:
    asked = len(project.asked)
    done = project.run(*arguments)
    assert done.returncode in (1, 2) and done.stdout == ""
    assert len(project.asked) == asked
    return done.stderr


def test_a_changed_spell_is_refused(project: Project, language: str) -> None:
    spell = project.write(f"mail{ENDING[language]}", FLOW[language])
    project.killed(spell, at="two")
    project.write(spell, FLOW[language].replace("three after", "and three after"))
    assert f"{spell} has changed since run {project.runs[0].id}" in refused(project, "--resume", "last")
    assert "has changed since run" in refused(project, spell, "--resume", "last")


def test_a_changed_module_is_refused(project: Project, language: str) -> None:
    module = {"lua": 'return { name = "clerk" }', "javascript": 'export const name = "clerk";'}[language]
    use = {"lua": 'require("lib.names")', "javascript": 'import "./lib/names.js";'}[language]
    path = project.write(f"lib/names{ENDING[language]}", module)
    spell = project.write(f"mail{ENDING[language]}", f"{use}\n{FLOW[language]}")
    project.killed(spell, at="two")
    project.write(path, module.replace("clerk", "writer"))
    assert f"{path} has changed since run" in refused(project, "--resume", "last")
    project.write(path, module)
    assert ok(project.run("--resume", "last")) == RESULT


def test_what_has_ended_well_or_failed_by_itself_is_refused(project: Project) -> None:
    project.write("fine.lua", 'return Agent.new("a"):chat("hello")')
    ok(project.run("fine.lua"))
    assert "has ended well: there is nothing to resume" in refused(project, "--resume", "last")
    project.write("wrong.lua", 'Agent.new("a"):chat("hello") error("no more")')
    project.run("wrong.lua")
    assert "failed in the spell itself: it would fail again" in refused(project, "--resume", "last")


def test_a_run_under_way_is_refused(project: Project) -> None:
    import time

    project.write("slow.lua", 'return Agent.new("a"):chat("hang")')
    project.answering.hangs.add("hang")
    running = project.start("slow.lua")
    while not project.asked:
        time.sleep(0.01)
    assert "is under way" in refused(project, "--resume", "last")
    running.terminate()
    running.communicate(timeout=30)


def test_a_recording_without_contents_is_refused(project: Project) -> None:
    project.write("llmspell.toml", "[trace]\ncontent = false\n")
    spell = project.write("mail.lua", FLOW["lua"])
    project.answering.fails.add("three")
    project.run(spell)
    assert "kept no content" in refused(project, "--resume", "last")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--replay", "last"), "do not go together"),
        (("--model", "openai/other"), "--model means nothing to --resume"),
    ],
)
def test_flags_that_mean_nothing_to_it(project: Project, arguments: tuple[str, ...], told: str) -> None:
    assert told in refused(project, "--resume", "last", *arguments)


def test_parameters_are_those_it_began_with(project: Project, language: str) -> None:
    """A secret among them is not in the recording: it is given again."""
    secret = "sk-" + "abcd" * 6
    spell = project.write(f"mail{ENDING[language]}", FLOW[language])
    project.killed(spell, "--param", f"tea={secret}", at="two")
    assert "was given a secret" in refused(project, "--resume", "last")
    assert "was given other parameters" in refused(project, "--resume", "last", "--param", "tea=sencha")
    ok(project.run("--resume", "last", "--param", f"tea={secret}"))


@pytest.mark.parametrize("victim", ["zygote", "worker"])
def test_a_run_whose_worker_was_killed_goes_on(project: Project, language: str, victim: str) -> None:
    import os
    import signal
    import time
    from pathlib import Path

    def below(process: int) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]

    spell = project.write(f"mail{ENDING[language]}", FLOW[language])
    project.answering.hangs.add("three")
    running = project.start(spell)
    while len(project.asked) < 3:
        time.sleep(0.01)
    [zygote] = below(running.pid)
    os.kill(zygote if victim == "zygote" else below(zygote)[0], signal.SIGKILL)
    running.communicate(timeout=30)
    assert running.returncode == 1
    project.answering.hangs.clear()
    assert ok(project.run("--resume", "last")) == RESULT
    assert [said[:5] for said in project.asked] == ["one o", "two a", "three", "three"]


def test_two_cannot_go_on_with_one_run_at_once(project: Project, language: str) -> None:
    """Whichever of its recordings is named; once the one that goes on is dead or done, another may."""
    spell = project.write(f"mail{ENDING[language]}", FLOW[language])
    project.killed(spell, at="two")
    first = project.runs[0].id
    project.answering.hangs.add("three")
    going_on = project.start("--resume", first)
    deadline = time.monotonic() + 60
    while not any("three" in said for said in project.asked):
        assert going_on.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    second = project.runs[1].id
    told = refused(project, "--resume", first)
    assert f"run {first} is being resumed already: process {going_on.pid} goes on with it as run {second}" in told
    assert f"llmspell trace follow {second}" in told
    assert len(project.runs) == 2, "what was refused is no run"
    going_on.send_signal(signal.SIGKILL)
    going_on.communicate(timeout=30)
    project.answering.hangs.clear()
    assert ok(project.run("--resume", first)) == RESULT
    assert not [*project.folder.glob(".llmspell/runs/*-lease")]


SECRET = {
    "lua": """
    local clerk = Agent.new{ name = "clerk" }
    local first = GIVES
    clerk:chat("one " .. #first)
    clerk:chat("two")
    return first
    """,
    "javascript": """
    const clerk = new Agent({ name: "clerk" });
    const first = GIVES;
    await clerk.chat("one " + first.length);
    await clerk.chat("two");
    return first;
    """,
}
KEY = "sk-abcdefghijklmnopqrstuvwxyz"
READS = {
    "lua": 'FileSystemTool.new():execute{ operation = "read", path = "env.txt" }.content',
    "javascript": '(await new FileSystemTool().execute({ operation: "read", path: "env.txt" })).content',
}
WRITES = {
    "lua": f'tostring(ShellCommandTool.new{{ allowed_commands = {{ "echo" }} }}:execute{{ command = "echo {KEY}" }}.stdout)',
    "javascript": f'(await new ShellCommandTool({{ allowedCommands: ["echo"] }}).execute({{ command: "echo {KEY}" }})).stdout',
}
ASKS = {"lua": f'clerk:chat("zero {KEY}")', "javascript": f'await clerk.chat("zero {KEY}")'}


def killed_with(project: Project, language: str, gives: dict[str, str]) -> None:
    project.write("llmspell.toml", '[permissions]\nexec = ["echo"]\n')
    spell = project.write(f"secret{ENDING[language]}", SECRET[language].replace("GIVES", gives[language]))
    project.killed(spell, at="two")
    assert KEY not in str([project.lines(run.id) for run in project.runs])


def test_a_secret_that_was_read_is_read_again(project: Project, language: str) -> None:
    project.write("env.txt", f"KEY={KEY}\n")
    killed_with(project, language, READS)
    before = len(project.asked)
    done = project.run("--resume", "last")
    assert done.stdout.strip() == f"KEY={KEY}", done.stderr
    assert project.asked[before:] == ["two"]


def test_a_secret_that_is_another_one_now_is_refused(project: Project, language: str) -> None:
    project.write("env.txt", f"KEY={KEY}\n")
    killed_with(project, language, READS)
    project.write("env.txt", "KEY=forgotten\n")
    told = refused(project, "--resume", "last")
    assert "the answer of the tool 'file_system' held a secret and is another one now" in told


@pytest.mark.parametrize(
    ("gives", "whose"), [(WRITES, "the tool 'shell_command'"), (ASKS, "the model service 'openai'")]
)
def test_a_secret_that_cannot_be_had_again_is_refused_by_name(
    project: Project, language: str, gives: dict[str, str], whose: str
) -> None:
    """Never is a script given the mask in its place; nobody is asked for anything."""
    killed_with(project, language, gives)
    before = project.asked
    told = refused(project, "--resume", "last")
    assert f"the answer of {whose} held a secret, which the recording does not hold" in told
    assert f"secret{ENDING[language]}:3" in told
    assert project.asked == before


STREAMED = {
    "lua": """
    local clerk = Agent.new{ name = "clerk" }
    for piece in clerk:stream_chat("zero KEY") do io.write(piece) end
    clerk:chat("two")
    """,
    "javascript": """
    const clerk = new Agent({ name: "clerk" });
    for await (const piece of clerk.streamChat("zero KEY")) console.log(piece);
    await clerk.chat("two");
    """,
}


def test_a_streamed_answer_that_held_a_secret_is_refused(project: Project, language: str) -> None:
    spell = project.write(f"stream{ENDING[language]}", STREAMED[language].replace("KEY", f"sk-{'a' * 40}"))
    project.killed(spell, at="two")
    assert "the answer of the model service 'openai' held a secret" in refused(project, "--resume", "last")


def test_so_is_one_that_told_it_a_letter_at_a_time(project: Project, language: str) -> None:
    secret = f"sk-{'a' * 40}"
    text = STREAMED[language].replace("zero KEY", "letters KEY and more").replace("KEY", secret)
    spell = project.write(f"stream{ENDING[language]}", text)
    project.killed(spell, at="two")
    told = [line[8]["text"] for line in project.lines(project.runs[-1].id) if line[2] == "llm_chunk"]
    assert "".join(told) == "letters *** and more"
    assert "the answer of the model service 'openai' held a secret" in refused(project, "--resume", "last")


def test_three_stars_in_an_answer_are_no_secret(project: Project, language: str) -> None:
    gives = {"lua": 'clerk:chat("zero ***")', "javascript": 'await clerk.chat("zero ***")'}
    killed_with(project, language, gives)
    done = project.run("--resume", "last")
    assert done.stdout.strip() == "You said: zero ***", done.stderr
