"""`require` and `import`: files of the project and nothing else, once each, with lines that are their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cast = Callable[..., Any]


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


async def test_lua_modules(cast: Cast, tmp_path: Path) -> None:
    write(
        tmp_path,
        lib__tea_DOT_lua='local other = require("lib.other")\nreturn { name = "oolong", other = other }',
        lib__other_DOT_lua='loads = (loads or 0) + 1\nreturn "sencha"',
        lib__pots__init_DOT_lua='return "a pot"',
    )
    text = """
      local tea = require("lib.tea")
      return { tea.name, tea.other, require("lib.pots"), require("lib.tea") == tea, require("lib/other") }"""
    assert (await cast(lua=text)).value == ["oolong", "sencha", "a pot", True, "sencha"]


async def test_javascript_modules(cast: Cast, tmp_path: Path) -> None:
    write(
        tmp_path,
        lib__tea_DOT_js='import other, { cups as many } from "./other.js";\nexport const name = "oolong";\n'
        "export default { other, many };",
        lib__other_DOT_js='globalThis.loads = (globalThis.loads ?? 0) + 1;\nexport default "sencha";\nexport const cups = 2;',
        lib__pots_DOT_json='{"size": 3}',
    )
    text = """
      import tea, { name } from "./lib/tea.js";
      import * as all from "./lib/other.js";
      import pots from "./lib/pots.json";
      const late = await import("./lib/other.js");
      console.log(name, tea.other, tea.many, all.cups, pots.size, late.default, globalThis.loads);"""
    assert (await cast(js=text)).output["out"] == "oolong sencha 2 2 3 sencha 1\n"


@pytest.mark.parametrize(
    ("lua", "js"),
    [
        ('require("..secret")', 'import "../secret.js";'),
        ('require("/etc/passwd")', 'import "/etc/passwd";'),
        ('require("lib.link")', 'import "./lib/link.js";'),
        ('require("os")', 'import "node:fs";'),
        ('require("missing")', 'import "./missing.js";'),
    ],
)
async def test_nothing_outside_the_project_is_loaded(cast: Cast, tmp_path: Path, lua: str, js: str) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    for ending in ("lua", "js"):
        secret = outside / f"secret.{ending}"
        secret.write_text("outside = true")
        (tmp_path / "lib").mkdir(exist_ok=True)
        (tmp_path / "lib" / f"link.{ending}").symlink_to(secret)
    for texts in ({"lua": lua}, {"js": js}):
        result = (await cast(**texts)).result
        assert result.status == "error"
        assert "there is no module" in str(result.error) or "may not" in str(result.error) or "not" in str(result.error)
        assert result.error.source.endswith(":1")


async def test_a_mistake_in_a_module_names_its_own_line(cast: Cast, tmp_path: Path) -> None:
    write(
        tmp_path,
        bad_DOT_lua="local a = 1\nlocal b = = 2",
        bad_DOT_js="const a = 1;\nconst b = = 2;",
        late_DOT_lua='local a = 1\nerror("late")',
        late_DOT_js='const a = 1;\nthrow new Error("late");',
    )
    for name, texts in (
        ("bad.lua", {"lua": 'return require("bad")'}),
        ("bad.js", {"js": 'import "./bad.js";'}),
        ("late.lua", {"lua": 'return require("late")'}),
        ("late.js", {"js": 'import "./late.js";'}),
    ):
        error = (await cast(**texts)).result.error
        assert error.source.endswith(f"{name}:2"), (name, error.source, str(error))


@pytest.mark.parametrize(
    ("language", "text"), [("lua", "local a = 1\nlocal b = = 2"), ("js", "let a = 1;\nlet b = = 2;")]
)
async def test_a_text_that_does_not_compile_is_the_same_error_as_a_module(
    cast: Cast, tmp_path: Path, language: str, text: str
) -> None:
    (tmp_path / f"bad.{language}").write_text(text)
    loads = {"lua": '\n\nrequire("bad")', "js": '\nimport fs from "./good.js"\nimport "./bad.js"'}
    (tmp_path / "good.js").write_text("export default 1")
    caught = {
        "lua": 'local ok, e = pcall(require, "bad") print(e.type, e.message, e.source)',
        "js": 'try { await import("./bad.js") } catch (e) { console.log(e.type, e.message, ErrorHandler.parseError(e).source) }',
    }
    main = (await cast(**{language: text})).result.error
    module = (await cast(**{language: loads[language]})).result.error
    told = await cast(**{language: caught[language]})
    assert (main.type, main.message, main.stack) == ("syntax", module.message, ())
    assert module.type == "syntax"
    assert [line.rpartition("/")[2] for line in module.stack] == [f"spell.{language}:3: in main chunk"]
    assert module.source.endswith(f"bad.{language}:2")
    assert told.output["out"].split() == ["syntax", *main.message.split(), module.source]


@pytest.mark.parametrize(
    "source", ['import { a } from "./good.js"\nimport "./missing.js"', '\nimport { b } from "./good.js"']
)
async def test_what_an_import_asks_for_in_vain_is_told_at_its_line(cast: Cast, tmp_path: Path, source: str) -> None:
    (tmp_path / "good.js").write_text("export const a = 1")
    error = (await cast(js=source)).result.error
    assert error.source.endswith("spell.js:2")
    assert error.stack[0].endswith("spell.js:2: in main chunk")


@pytest.mark.parametrize("language", ["lua", "js"])
async def test_a_module_that_fails_names_its_lines_and_those_that_load_it(
    cast: Cast, tmp_path: Path, language: str
) -> None:
    write(
        tmp_path,
        good_DOT_lua="return 1",
        bad_DOT_lua='local one = require("good")\nlocal function deep()\n  error("late " .. one)\nend\ndeep()\nreturn 1',
        between_DOT_lua='\nlocal bad = require("bad")\nreturn bad',
        good_DOT_js="export const one = 1;",
        bad_DOT_js='import { one } from "./good.js";\nfunction deep() {\n  throw new Error("late " + one);\n}\ndeep();',
        between_DOT_js='\nimport "./bad.js";',
    )
    loads = {
        "lua": 'local good = require("good")\n\nrequire("between")',
        "js": 'import "./good.js";\n\nimport "./between.js";',
    }
    error = (await cast(**{language: loads[language]})).result.error
    assert error.message == "late 1"
    assert [line.rpartition("/")[2] for line in error.stack] == [
        f"bad.{language}:3: in function 'deep'",
        f"bad.{language}:5: in main chunk",
        f"between.{language}:2: in main chunk",
        f"spell.{language}:3: in main chunk",
    ]


async def test_who_began_a_module_that_fails_is_told_once(cast: Cast, tmp_path: Path) -> None:
    write(
        tmp_path,
        bad_DOT_js='import "./good.js";\nthrow new Error("late");',
        good_DOT_js="",
        two_DOT_js='import "./bad.js";',
    )
    text = """
      async function first() { await import("./bad.js"); }
      let said;
      try { await first(); } catch (error) { said = error.stack; }
      try { await import("./two.js"); } catch (error) { return [said, error.stack]; }"""
    first, second = (await cast(js=text)).result.value
    lines = [line.rpartition("/")[2].partition(":")[::2] for line in first.splitlines()]
    assert [(name, rest.partition(":")[0]) for name, rest in lines] == [
        ("bad.js", "2"),
        ("spell.js", "2"),
        ("spell.js", "4"),
    ]
    assert second == first


async def test_a_stack_is_of_this_failure_and_not_of_one_that_said_the_same(cast: Cast, tmp_path: Path) -> None:
    write(tmp_path, bad_DOT_lua='error("again")', through_DOT_lua='local bad = require("bad")\nreturn bad')
    text = """
      pcall(require, "bad")
      for i = 1, 3 do pcall(require, "through") end
      local function later() require("through") end
      later()"""
    error = (await cast(lua=text)).result.error
    assert [line.rpartition("/")[2] for line in error.stack] == [
        "bad.lua:1: in main chunk",
        "through.lua:1: in main chunk",
        "spell.lua:4: in function 'later'",
        "spell.lua:5: in main chunk",
    ]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('{"size": 3,\n "kind": }', 2, "unexpected token: '}'"),
        ("[1,\n NaN]", 2, "unexpected token: 'NaN'"),
        ("[1,\n 2\n\n", 4, "Expected ',' or ']' after array element"),
        ("{\r\n'a': 1}", 2, "Expected property name or '}'"),
        ("", 1, "Unexpected end of JSON input"),
    ],
)
async def test_what_is_no_json_is_told_at_its_line(cast: Cast, tmp_path: Path, text: str, line: int, said: str) -> None:
    (tmp_path / "pots.json").write_bytes(text.encode())
    error = (await cast(js='\nimport pots from "./pots.json"')).result.error
    assert (error.type, error.message) == ("syntax", f"this is not JSON: {said}")
    assert error.source.endswith(f"pots.json:{line}")
    assert [each.rpartition("/")[2] for each in error.stack] == ["spell.js:2: in main chunk"]


async def test_json_is_data_and_no_text_that_runs(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "pots.json").write_bytes('\ufeff{"__proto__": {"a": 1}, "u": "\u2028"}'.encode())
    (tmp_path / "one.js").write_text('import pots from "./pots.json"; export default pots;')
    text = """
      import pots, * as all from "./pots.json";
      import same from "./one.js";
      const late = await import("./pots.json");
      return [Object.keys(pots), pots.u.length, same === pots, late.default === pots, Object.keys(all)];"""
    assert (await cast(js=text)).result.value == [["__proto__", "u"], 1, True, True, ["default"]]
    error = (await cast(js='\nimport { kind } from "./pots.json"')).result.error
    assert error.message.endswith("pots.json has no export named 'kind'")
    assert error.source.endswith("spell.js:2")


@pytest.mark.parametrize("text", ["export const a = (", "export { a b }", "if (params) {\n  export const a = 1 }"])
async def test_an_export_that_cannot_be_read_says_so(cast: Cast, text: str) -> None:
    error = (await cast(js=text)).result.error
    assert error.message.startswith("this export cannot be read")
    assert "validate" in error.hint
    assert error.source.endswith("spell.js:2" if "if" in text else "spell.js:1")


@pytest.mark.parametrize("text", ["if (params) {\n  print()", "return 1\n}"])
async def test_a_bracket_of_the_runtimes_own_takes_no_blame(cast: Cast, text: str) -> None:
    error = (await cast(js=text)).result.error
    assert error.message == "the text ends too early, or closes a bracket too many"
    assert error.source.endswith("spell.js:2")


async def test_modules_that_need_each_other(cast: Cast, tmp_path: Path) -> None:
    write(
        tmp_path,
        one_DOT_lua='return require("two")',
        two_DOT_lua='return require("one")',
        one_DOT_js='import { two } from "./two.js";\nexport const one = () => two() + 1;',
        two_DOT_js='import { one } from "./one.js";\nexport const two = () => (typeof one === "function" ? 1 : 0);',
    )
    result = (await cast(lua='return require("one")')).result
    assert result.status == "error"
    assert "one" in str(result.error)
    assert (await cast(js='import { one } from "./one.js";\nconsole.log(one());')).output["out"] == "2\n"


async def test_what_was_loaded_is_in_the_recording(cast: Cast, tmp_path: Path) -> None:
    from llmspell.traces.reader import RunFile

    write(tmp_path, tea_DOT_lua='return "oolong"')
    done = await cast(lua='return require("tea")')
    with RunFile(tmp_path / ".llmspell" / "runs" / f"{done.result.run_id}.db") as file:
        [(label, text)] = file.meta().modules.items()
    assert (Path(label).name, text) == ("tea.lua", 'return "oolong"')
