"""The names that files of a project share: read aside, kept up to date, and no other project's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from llmspell_lsp.analysis.infer import Modules
from llmspell_lsp.analysis.named import NameKind
from llmspell_lsp.documents.document import Document
from llmspell_lsp.workspace import names
from llmspell_lsp.workspace.files import Stamp, look
from llmspell_lsp.workspace.names import Mention

Desk = Callable[[], Any]

FILES: list[tuple[str, str, NameKind, str]] = [
    ("a.lua", "local a = Agent.new{ name = 'writer' }", "agent", "writer"),
    ("a.js", 'const a = new Agent({ name: "writer" });', "agent", "writer"),
    ("a.lua", "State.set('draft', 1)", "state_key", "draft"),
    ("a.js", 'await State.set("draft", 1);', "state_key", "draft"),
    ("a.lua", "Tool.define{ name = 'lookup', execute = function() end }", "tool", "lookup"),
    ("a.js", 'Tool.define({ name: "lookup", execute() {} });', "tool", "lookup"),
    ("a.lua", "local w = Workflow.sequential{ name = 'flow', steps = {} }", "workflow", "flow"),
    ("a.js", 'const w = Workflow.sequential({ name: "flow", steps: [] });', "workflow", "flow"),
    ("a.lua", "eventBus:emit('draft_ready', {})", "event", "draft_ready"),
    ("a.js", 'eventBus.emit("draft_ready", {});', "event", "draft_ready"),
]


@pytest.mark.parametrize("opened", [False, True], ids=["disk", "open"])
@pytest.mark.parametrize(("file", "text", "kind", "name"), FILES)
def test_what_another_file_names(desk: Desk, file: str, text: str, kind: NameKind, name: str, opened: bool) -> None:
    at = desk()
    if opened:
        at.open(file, f"\n{text}\n")
    else:
        at.write(file, f"\n{text}\n")
    at.open("spell.lua", "")
    at.rest()
    found = at.project.given(at.uri("spell.lua"), kind)
    assert [*found] == [name]
    mention = found[name]
    assert mention.uri == at.uri(file) and mention.gives
    line = text.splitlines()[0]
    assert mention.span == (1, line.rindex(name), 1, line.rindex(name) + len(name))
    assert at.project.given(at.uri(file), kind) == {}, "its own names are not another file's"


def test_names_follow_the_editor_and_the_disk(desk: Desk) -> None:
    at = desk()
    path = at.write("a.lua", "Agent.new{ name = 'one' }")
    spell = at.uri("spell.lua")
    at.open("spell.lua", "")

    def agents() -> list[str]:
        at.rest()
        return [*at.project.given(spell, "agent")]

    assert agents() == ["one"]
    at.open("a.lua", "Agent.new{ name = 'two' }")
    assert agents() == ["two"]
    at.type("a.lua", "Agent.new{ name = 'three' }")
    assert agents() == ["three"]
    at.close("a.lua")
    assert agents() == ["one"]
    at.write("a.lua", "Agent.new{ name = 'four' }")
    assert agents() == ["four"]
    path.unlink()
    at.project.files_changed([str(path)])
    assert agents() == []
    assert at.changes == 6


def test_a_client_that_does_not_tell_of_files(desk: Desk) -> None:
    at = desk()
    at.open("spell.lua", "")
    at.rest()
    (at.folder / "deep").mkdir()
    (at.folder / "deep/a.lua").write_text("Agent.new{ name = 'late' }")
    assert at.project.given(at.uri("spell.lua"), "agent") == {}
    at.project.look_again()
    at.rest()
    assert [*at.project.given(at.uri("spell.lua"), "agent")] == ["late"]
    (at.folder / "deep/a.lua").unlink()
    at.project.look_again()
    at.rest()
    assert at.project.given(at.uri("spell.lua"), "agent") == {}


def test_every_mention_of_a_name(desk: Desk) -> None:
    at = desk()
    at.write("far/away/a.lua", "State.get('k')")
    at.write("near.lua", "State.set('k', 1)\nlocal x = State.get('k')\nState.get('other')")
    at.open("spell.lua", "")
    at.rest()
    found = at.project.mentions(at.uri("spell.lua"), "state_key", "k")
    assert [(each.uri.rpartition("/")[2], each.span.line, each.gives) for each in found] == [
        ("near.lua", 0, True),
        ("near.lua", 1, False),
        ("a.lua", 0, False),
    ]


def test_projects_do_not_share_names(desk: Desk) -> None:
    at = desk()
    for name in ("one", "two"):
        at.write(f"{name}/llmspell.toml", "")
        at.write(f"{name}/a.lua", f"Agent.new{{ name = 'of_{name}' }}")
    at.open("one/spell.lua", "")
    at.open("two/spell.lua", "")
    at.rest()
    assert [*at.project.given(at.uri("one/spell.lua"), "agent")] == ["of_one"]
    assert [*at.project.given(at.uri("two/spell.lua"), "agent")] == ["of_two"]
    (at.folder / "one/llmspell.toml").unlink()
    (at.folder / "two/llmspell.toml").unlink()
    at.project.files_changed([str(at.folder / "one/llmspell.toml")])
    at.project.folders_changed()
    at.rest()
    assert {*at.project.given(at.uri("one/spell.lua"), "agent")} == {"of_one", "of_two"}


def test_a_file_outside_of_every_folder_sees_its_own_folder_only(desk: Desk) -> None:
    at = desk()
    at.folders = []
    at.write("deep/a.lua", "Agent.new{ name = 'deep' }")
    at.write("a.lua", "Agent.new{ name = 'beside' }")
    at.open("spell.lua", "")
    at.rest()
    assert [*at.project.given(at.uri("spell.lua"), "agent")] == ["beside"]


def test_what_is_left_out(desk: Desk) -> None:
    at = desk()
    text = "Agent.new{ name = 'x' }"
    for name in ("node_modules/a.lua", ".git/a.lua", "vendor/b/a.lua", ".hidden.lua", "a.luac", "a.txt"):
        at.write(name, text)
    at.write("real/a.lua", text)
    (at.folder / "link").symlink_to(at.folder / "real")
    (at.folder / "real/loop").symlink_to(at.folder)
    (at.folder / "broken.lua").symlink_to(at.folder / "nowhere")
    (at.folder / "self.lua").symlink_to(at.folder / "self.lua")
    at.open("spell.lua", "")
    at.rest()
    found = at.project.mentions(at.uri("spell.lua"), "agent")
    assert [each.uri for each in found] == [at.uri("real/a.lua")]


def test_a_script_without_a_word_of_ours_is_not_parsed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at = desk()
    at.write("web.js", "const x = JSON.parse(document.body);\nconsole.log(new URL(x));")
    at.write("ours.js", 'new Agent({ name: "x" });')
    read: list[str] = []
    real = names._mentions  # pyright: ignore[reportPrivateUsage]

    def watched(document: Document, modules: Modules) -> Iterator[list[Mention]]:
        read.append(document.uri)
        return real(document, modules)

    monkeypatch.setattr(names, "_mentions", watched)
    at.open("spell.lua", "")
    at.rest()
    assert read == [at.uri("spell.lua"), at.uri("ours.js")] or read == [at.uri("ours.js"), at.uri("spell.lua")]


def test_a_large_folder_is_read_up_to_a_limit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "MOST_FILES", 10)
    at = desk()
    for number in range(30):
        at.write(f"many/f{number}.lua", "")
    looked: list[str] = []

    def watched(path: str) -> Stamp | None:
        looked.append(path)
        return look(path)

    monkeypatch.setattr(names, "look", watched)
    at.open("spell.lua", "")
    at.rest()
    assert 10 <= len({*looked}) <= 41
    at = desk()
    at.open("spell.lua", "")
    assert at.rest() < 200


def test_an_edit_while_a_file_is_read_has_it_read_again(desk: Desk) -> None:
    at = desk()
    at.open("a.lua", "\n".join(f"Agent.new{{ name = 'a{number}' }}" for number in range(20)))
    at.open("spell.lua", "")
    for count, _ in enumerate(at.project.work()):
        if count == 25:
            at.type("a.lua", "Agent.new{ name = 'last' }")
    assert [*at.project.given(at.uri("spell.lua"), "agent")] == ["last"]
    assert not at.project.has_work


@pytest.mark.parametrize("text", ["Agent.new{ name = '", "Agent.new{ name = }", "\0", "State.set('", "{{{", "'\ud800'"])
@pytest.mark.parametrize("file", ["a.lua", "a.js"])
def test_half_typed_files_name_nothing_wrong(desk: Desk, file: str, text: str) -> None:
    at = desk()
    at.open(file, text)
    at.open("spell.lua", "")
    at.rest()
    assert at.project.mentions(at.uri("spell.lua")) == []
