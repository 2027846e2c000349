"""Import and export as the host rewrites them: what is provided, what is linked, and that no line moves."""

from __future__ import annotations

import re

import pytest

from llmspell.engines.javascript.modules import prepare


def provided(source: str) -> str:
    match = re.match(r"\$module\.provide\(\{(.*?)\}\); ", prepare(source).source)
    return match[1] if match else ""


def linked(source: str) -> str:
    match = re.search(r"await \$module\.link\((.*?)\); ", prepare(source).source.partition("\n")[0])
    return match[1] if match else ""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import './a.js'", '[[1, "./a.js", [], []]]'),
        ("import a from './a.js'", '[[1, "./a.js", [["a", "default"]], []]]'),
        ("import * as a from './a.js'", '[[1, "./a.js", [["a", "*"]], []]]'),
        ("import d, {a, b as c} from \"./a.js\";", '[[1, "./a.js", [["d", "default"], ["a", "a"], ["c", "b"]], []]]'),
        ("import {default as x, 'odd name' as y} from './a.js'", '[[1, "./a.js", [["x", "default"], ["y", "odd name"]], []]]'),
        ("import a from './a.json' with {type: 'json'}", '[[1, "./a.json", [["a", "default"]], []]]'),
        ("export * from './a.js'", '[[1, "./a.js", [], [["*", "*"]]]]'),
        ("export * as ns from './a.js'", '[[1, "./a.js", [], [["ns", "*"]]]]'),
        ("export {a, b as default} from './a.js'", '[[1, "./a.js", [], [["a", "a"], ["default", "b"]]]]'),
    ],
)  # fmt: skip
def test_what_a_statement_links(source: str, expected: str) -> None:
    assert linked(source) == expected


@pytest.mark.parametrize(
    ("source", "expected", "rest"),
    [
        ("export const a = 1, b = 2;", '"a": () => a, "b": () => b', "const a = 1, b = 2;"),
        ("export let {a, b: [c, ...d], e = 1, ...f} = x", '"a": () => a, "e": () => e, "f": () => f, "c": () => c, "d": () => d',
         "let {a, b: [c, ...d], e = 1, ...f} = x"),
        ("export async function* f() {}", '"f": () => f', "async function* f() {}"),
        ("export class A {}", '"A": () => A', "class A {}"),
        ("export default class A {}", '"default": () => A', "class A {}"),
        ("export default function () {}", '"default": () => $default', "function  $default() {}"),
        ("export default async (x) => x", '"default": () => $default', "const $default = async (x) => x"),
        ("export default {a: 1}", '"default": () => $default', "const $default = {a: 1}"),
        ("const a = 1; export {a as b, a as default}", '"b": () => a, "default": () => a', "const a = 1; ;"),
    ],
)  # fmt: skip
def test_what_a_statement_provides(source: str, expected: str, rest: str) -> None:
    assert provided(source) == expected
    assert prepare(source).source.endswith("; " + rest)
    assert prepare(source).module is True


def test_lines_stay_where_they_were() -> None:
    source = (
        "// first\nimport {\n  a,\n  b,\n} from './x.js';\n\nexport default\n  function\n  () { return a }\nlast();\n"
    )
    rewritten = prepare(source).source
    assert rewritten.count("\n") == source.count("\n")
    assert rewritten.split("\n")[9] == "last();"


@pytest.mark.parametrize(
    "source",
    [
        "console.log('import x from y')",
        "const important = 1; exports(important)",
        "// import x from './x.js'\nreturn 1",
        "const text = `\nimport a from 'b'\n`;",
        "/* export */ const exported = 1",
        "",
    ],
)
def test_what_only_looks_like_a_module_is_left_alone(source: str) -> None:
    assert prepare(source) == (source, False)


def test_dynamic_imports_need_no_module() -> None:
    assert prepare("const m = await import('./a.js'); return m.x") == (
        "const m = await $module.import('./a.js'); return m.x",
        False,
    )
    assert "$module.meta.url" in prepare("export default import.meta.url").source


def test_a_text_that_does_not_parse_is_left_for_the_engine_to_refuse() -> None:
    assert "= ;" in prepare("import a from './a.js';\nconst x = ;").source


@pytest.mark.parametrize("source", ["import a, from './a.js'", "import {a b} from './a.js'", "export {a b}"])
def test_a_misspelt_import_or_export_is_left_too(source: str) -> None:
    assert prepare(source).source.endswith(source)


def test_a_script_may_begin_with_a_hash_bang_line() -> None:
    assert (
        prepare("#!/usr/bin/env llmspell\nimport './a.js'").source.split("\n")[0].endswith("//#!/usr/bin/env llmspell")
    )


def test_plain_spells_need_no_parser() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from llmspell.engines.javascript import modules\n"
        "modules.prepare('const important = 1; return important')\n"
        "assert not [name for name in sys.modules if name.startswith('tree_sitter')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
