"""What is required or imported: found where the runtime finds it, typed as it stands in the editor or on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell.api.modules import LARGEST
from llmspell_lsp.analysis.shown import shown
from llmspell_lsp.analysis.types import UNKNOWN, Constant
from llmspell_lsp.workspace import files
from llmspell_lsp.workspace.snapshot import Snapshot

Desk = Callable[[], Any]


def holds(snapshot: Snapshot, name: str) -> str:
    """The type of a variable at the end of a document; "" for one that is not known."""
    document = snapshot.document
    last = len(document.lines) - 1
    binding = snapshot.analysis.means(name, last, len(document.lines[last]))
    assert binding is not None
    type_ = snapshot.types.of_binding(binding)
    if isinstance(type_, Constant):
        return "string" if isinstance(type_.value, str) else "boolean" if isinstance(type_.value, bool) else "number"
    return "" if type_ == UNKNOWN else shown(type_, snapshot.types.words)


LUA = [
    ("return { count = 1 }", "local x = require('m').count\n", "number"),
    ("local M = {}\nfunction M.name() return 'a' end\nreturn M", "local x = require('m').name()\n", "string"),
    ("return function() return true end", "local x = require('m')()\n", "boolean"),
    ("return Agent.new{ name = 'a' }", "local x = require('m'):chat('hi')\n", "string"),
    ("local a = Agent.new{ name = 'a' }\nreturn { writer = a }", "local x = require('m').writer:chat('')\n", "string"),
    ("local T = ResearchAgent:extend{ depth = 2 }\nreturn T", "local x = require('m').new{}.depth\n", "number"),
    ("return 1", "local name = 'm'\nlocal x = require(name)\n", "number"),
    ("", "local x = require('m')\n", ""),
    ("return", "local x = require('m')\n", ""),
    ("return { ", "local x = require('m')\n", None),
    ("return unknown", "local x = require('m')\n", ""),
    ("return { count = 1 }", "local x = require('nowhere')\n", ""),
    ("return { count = 1 }", "local x = require(3)\n", ""),
]
JAVASCRIPT = [
    ("export const x = 1;", 'import { x } from "./m.js";\n', "number"),
    ("export const y = 1;", 'import { y as x } from "./m.js";\n', "number"),
    ("const y = 'a';\nexport { y as x };", 'import { x } from "./m.js";\n', "string"),
    ("export default 1;", 'import x from "./m.js";\n', "number"),
    ("export default 1;", 'import x from "./m";\n', "number"),
    ("export const y = true;", 'import * as m from "./m.js";\nconst x = m.y;\n', "boolean"),
    ("export function f() { return 'a'; }", 'import { f } from "./m.js";\nconst x = f();\n', "string"),
    ("export class A extends Agent { n = 1; }", 'import { A } from "./m.js";\nconst x = new A({}).n;\n', "number"),
    ("export default function f() { return 1; }", 'import f from "./m.js";\nconst x = f();\n', "number"),
    ("export const x = 1;", 'import { y as x } from "./m.js";\n', ""),
    ("export const x = 1;", 'import x from "m.js";\n', ""),
    ("export const x = ", 'import { x } from "./m.js";\n', None),
]


@pytest.mark.parametrize("opened", [False, True], ids=["disk", "open"])
@pytest.mark.parametrize(
    ("language", "module", "spell", "expected"),
    [("lua", *each) for each in LUA] + [("js", *each) for each in JAVASCRIPT],
)
def test_what_a_module_gives(
    desk: Desk, language: str, module: str, spell: str, expected: str | None, opened: bool
) -> None:
    at = desk()
    if opened:
        at.open(f"m.{language}", module)
    else:
        at.write(f"m.{language}", module)
    found = holds(at.open(f"spell.{language}", spell), "x")
    if expected is not None:
        assert found == expected


def test_the_editors_text_comes_before_the_disks(desk: Desk) -> None:
    at = desk()
    at.write("m.lua", "return 1")
    spell = at.open("spell.lua", "local x = require('m')\n")
    assert holds(spell, "x") == "number"
    at.open("m.lua", "return 'a'")
    assert holds(spell, "x") == "string"
    at.type("m.lua", "return true")
    assert holds(spell, "x") == "boolean"
    at.close("m.lua")
    assert holds(spell, "x") == "number"
    at.write("m.lua", "return {}")
    assert holds(spell, "x") == "table"


def test_a_change_behind_a_module_reaches_the_spell(desk: Desk) -> None:
    at = desk()
    at.write("b.js", "export const n = 1;")
    at.write("a.js", 'import { n } from "./b.js";\nexport const x = n;')
    spell = at.open("spell.js", 'import { x } from "./a.js";\n')
    assert holds(spell, "x") == "number"
    at.write("b.js", "export const n = 'a';")
    assert holds(spell, "x") == "string"
    (at.folder / "b.js").unlink()
    at.project.files_changed([str(at.folder / "b.js")])
    assert holds(spell, "x") == ""


def test_what_is_passed_on(desk: Desk) -> None:
    at = desk()
    at.write("b.js", "export const n = 1; export default 'a';")
    at.write("a.js", 'export { n as x, default as y } from "./b.js";\nconst n = true;\nexport * from "./b.js";')
    spell = at.open("spell.js", 'import { x, y, n } from "./a.js";\n')
    assert [holds(spell, name) for name in "xyn"] == ["number", "string", "number"]


def test_files_that_need_each_other(desk: Desk) -> None:
    at = desk()
    at.write("a.lua", "local b = require('b')\nreturn { one = 1, theirs = b.two, mine = b.mine }")
    at.write("b.lua", "local a = require('a')\nreturn { two = 'x', mine = a.mine, ones = a.one }")
    spell = at.open("spell.lua", "local a, b = require('a'), require('b')\nlocal x, y, z = a.theirs, a.mine, a.one\n")
    assert [holds(spell, name) for name in "yz"] == ["", "number"]
    at.write("c.js", 'export * from "./d.js"; export const c = 1;')
    at.write("d.js", 'export * from "./c.js"; export const d = 1;')
    spell = at.open("spell.js", 'import { c, d } from "./c.js";\n')
    assert [holds(spell, name) for name in "cd"] == ["number", "number"]
    at.write("self.lua", "return require('self')")
    assert holds(at.open("other.lua", "local x = require('self')\n"), "x") == ""


def test_a_long_chain_ends_in_silence(desk: Desk) -> None:
    at = desk()
    for number in range(100):
        at.write(f"m{number}.lua", f"return require('m{number + 1}')")
    at.write("m100.lua", "return 1")
    assert holds(at.open("spell.lua", "local x = require('m0')\n"), "x") == ""
    assert holds(at.open("late.lua", "local x = require('m98')\n"), "x") == "number"


def test_where_modules_are_looked_for(desk: Desk) -> None:
    at = desk()
    at.write("lib/tools.lua", "return 1")
    at.write("lib/init/init.lua", "return 'a'")
    at.write("lib/deep/x.lua", "return require('lib.tools')")
    spell = at.open(
        "spell.lua", "local a, b = require('lib.tools'), require('lib.init')\nlocal c = require('lib.deep.x')\n"
    )
    assert [holds(spell, name) for name in "abc"] == ["number", "string", "number"]
    at.write("lib/tools/init.lua", "return true")
    assert holds(at.open("lib/near.lua", "local x = require('tools')\n"), "x") == "number"
    at.write("lib/deep/lib/only.lua", "return 1")
    at.write("lib/lib/only.lua", "return 'a'")
    deep = at.open("lib/deep/most/x.lua", "local x = require('lib.only')\n")
    assert holds(deep, "x") == "", "two folders above have one: which, the spell decides"
    assert at.project.path(at.uri("spell.lua"), "lib.tools") == str(at.folder / "lib/tools.lua")


def test_nothing_outside_of_the_project_is_read(desk: Desk, tmp_path: Path) -> None:
    at = desk()
    at.write("secret.lua", "return 1")
    at.write("p/llmspell.toml", "")
    assert holds(at.open("p/spell.lua", "local x = require('...secret')\n"), "x") == ""
    at.write("secret.js", "export default 1;")
    assert holds(at.open("p/spell.js", 'import x from "../secret.js";\n'), "x") == ""
    (at.folder / "p/link.js").symlink_to(at.folder / "secret.js")
    assert holds(at.open("p/two.js", 'import x from "./link.js";\n'), "x") == "number", "as the runtime has it"


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "closed", "large", "bytes", "binary"])
def test_files_that_are_none(desk: Desk, kind: str) -> None:
    at = desk()
    path = at.folder / "m.lua"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)
        case "closed":
            path.write_text("return 1")
            path.chmod(0)
        case "large":
            path.write_bytes(b"return 1 --" + b" " * LARGEST)
        case "bytes":
            path.write_bytes(b"return '\xff\xfe'")
        case _:
            path.write_bytes(bytes(range(256)) * 10)
    found = holds(at.open("spell.lua", "local x = require('m')\n"), "x")
    assert found == ("string" if kind == "bytes" else "number" if kind == "closed" and os.getuid() == 0 else "")
    at.rest()


def test_a_document_without_a_file_has_no_modules(desk: Desk) -> None:
    at = desk()
    at.write("m.lua", "return 1")
    assert at.project.module("untitled:Untitled-1", "m") is None
    assert at.project.module_names("untitled:Untitled-1", "") == []
    assert at.project.mentions("untitled:Untitled-1") == []


def test_a_file_is_looked_at_once_in_a_while(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at = desk()
    at.write("m.lua", "return 1")
    spell = at.open("spell.lua", "local x = require('m')\n")
    looked: list[str] = []
    real = files.look

    def look(path: str) -> files.Stamp | None:
        looked.append(path)
        return real(path)

    monkeypatch.setattr(files, "look", look)
    for _ in range(50):
        assert holds(spell, "x") == "number"
    assert len(looked) <= 8


@pytest.mark.parametrize(
    ("name", "typed", "expected"),
    [
        ("spell.lua", "", ["lib/", "m"]),
        ("spell.lua", "lib.", ["inner/", "tools"]),
        ("spell.lua", "lib.to", ["inner/", "tools"]),
        ("spell.js", "", ["./", "../"]),
        ("spell.js", "./", ["a.js", "data.json", "lib/"]),
        ("spell.js", "./lib/", ["b.js", "inner/"]),
        ("lib/x.js", "../", ["a.js", "data.json", "lib/", "spell.js"]),
        ("lib/x.lua", "", ["inner/", "lib/", "m", "spell", "tools"]),
        ("spell.js", "/etc/", []),
        ("spell.js", "./no/", []),
    ],
)
def test_names_of_modules_to_be_written(desk: Desk, name: str, typed: str, expected: list[str]) -> None:
    at = desk()
    for each in ("m.lua", "lib/tools.lua", "lib/inner/x.lua", "lib/inner/x.js", "a.js", "data.json", "lib/b.js"):
        at.write(each, "")
    at.write("node_modules/x.js", "")
    at.write("lib/inner/notes.txt", "")
    if name.startswith("lib"):
        at.write("spell.lua", "")
        at.write("spell.js", "")
    at.open(name, "")
    assert [
        f"{one}/".replace("//", "/") if folder else one for one, folder in at.project.module_names(at.uri(name), typed)
    ] == expected
