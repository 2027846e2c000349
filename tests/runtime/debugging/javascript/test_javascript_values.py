"""What is seen of a JavaScript spell that stands still, what can be evaluated in it, and what can be changed."""

from __future__ import annotations

import pytest

from llmspell.engines.debugging.inspected import Refused

pytestmark = [
    pytest.mark.usefixtures("evaluators"),
    pytest.mark.parametrize("evaluators", ["whole", "by name"], indirect=True),
]

SPELL = """const limit = 3, big = { a: 1, "b c": [1, 2, { deep: { er: { est: 1 } } }] };
globalThis.counted = 12;
let total = 10;
function add(n, { by = 2 } = {}, ...rest) {
  const twice = n * by;
  for (let i = 0; i < 1; i++) {
    const inner = `${twice}-${i}`;
    stop(inner);
    let late = 1;
  }
  return twice;
}
function stop() { return 0; }
const result = add.call({ me: 1 }, limit, {}, 8, 9);
return [result, total];
"""


def looked_at(debug, look, source=SPELL, line=8, **files):
    """What `look` gave at the first stop, and the spell once it has ended."""
    found = []

    def on_stop(at):
        if not found:
            found.append(look(at))

    spell = debug(source, on_stop, **files).run(line)
    assert found, spell.ended
    return found[0], spell


def test_scopes_show_what_is_visible_each_name_once(debug):
    (local, closure, names), _ = looked_at(
        debug, lambda at: (at.scope("Locals"), at.scope("Closure"), list(at.scope("Globals")))
    )
    assert local == {
        "i": "0", "inner": "'6-0'", "late": "<not yet declared>", "n": "3", "by": "2", "rest": "(2) [8, 9]",
        "twice": "6", "this": "{me: 1}",
    }  # fmt: skip
    assert closure == {
        "limit": "3", "big": "{a: 1, b c: (3) [1, 2, {deep: {…}}]}", "total": "10", "add": "[Function: add]",
        "stop": "[Function: stop]", "result": "<not yet declared>",
    }  # fmt: skip
    assert "counted" in names
    assert "params" in names
    assert "Object" not in names
    assert names[-1] == "(built in)"


def test_frames_of_callers_show_theirs(debug):
    (caller, total), _ = looked_at(debug, lambda at: (at.scope("Locals", 1), at.eval("total + limit", 1)), line=13)
    assert (caller["n"], caller["inner"], caller["late"]) == ("3", "'6-0'", "<not yet declared>")
    assert total == "13"


def test_expressions_and_statements_are_evaluated(debug):
    def look(at):
        texts = ["inner + total", "{ a: limit }", "let x = 2; x * n", "this.me", "rest.map((r) => r + n)", "twice = 1"]
        texts += ["nowhere", "late", "await 1", "1 +", "(() => { throw new RangeError('r') })()", "typeof nowhere"]
        return [at.eval(text) for text in texts] + [at.eval("counted + 1", None), at.eval("limit", None)]

    found, spell = looked_at(debug, look)
    assert found[:5] == ["'6-010'", "{a: 3}", "6", "1", "(2) [11, 12]"]
    assert found[5] == "refused: TypeError: 'twice' is read-only"
    assert found[6] == "refused: ReferenceError: nowhere is not defined"
    assert found[7] == "refused: ReferenceError: late is not initialized"
    assert found[8] == "refused: await waits, which cannot be done while the script stands still"
    assert found[9].startswith("refused: SyntaxError")
    assert found[10:12] == ["refused: RangeError: r", "'undefined'"]
    assert found[12:] == ["13", "refused: ReferenceError: limit is not defined"]
    assert spell.value() == [6, 10]


def test_variables_are_changed(debug):
    def look(at):
        scopes = {each["name"]: each["reference"] for each in at.script.scopes(0)}
        given = [at.script.assign(scopes["Locals"], "n", "total * 2", 0)["value"]]
        given.append(at.script.assign(scopes["Closure"], "total", "[1, n]", 0)["value"])
        reference = at.script.evaluate("big", 0, 400)["reference"]
        given.append(at.script.assign(reference, "a", "'new'", 0)["value"])
        items = at.script.evaluate("big['b c']", 0, 400)["reference"]
        given.append(at.script.assign(items, "1", "7", 0)["value"])
        given.append(at.script.store("big['b c'][0]", "n", 0)["value"])
        for name, text in (("twice", "1"), ("nothing", "1")):
            with pytest.raises(Refused):
                at.script.assign(scopes["Locals"], name, text, 0)
        return [*given, at.eval("[n, big.a, big['b c'][1]]")]

    found, spell = looked_at(debug, look)
    assert found == ["20", "(2) [1, 20]", "'new'", "7", "20", "(3) [20, 'new', 7]"]
    assert spell.value() == [6, [1, 20]]


VALUES = """class Shape { #secret = 5; kind = "s"; get area() { return calls++; } grow() { } }
class Square extends Shape { side = 2; }
let calls = 0;
const square = new Square(), map = new Map([["k", { v: 1 }], [2, 3]]), set = new Set(["x"]);
const long = Array.from({ length: 5000 }, (_, i) => i), bytes = new Uint8Array([1, 2]);
const day = new Date(0), pattern = /a+/g, error = new TypeError("bad"), text = "line\\n" + "x".repeat(900);
const cyclic = { name: "c" }; cyclic.self = cyclic;
const trap = new Proxy({}, { ownKeys() { throw new Error("trap") } });
const empty = Object.create(null), nothing = null, big = 10n, symbol = Symbol("s");
const echo = new Echo({});
return 1;
"""


def test_values_are_shown_in_one_line(debug):
    found, _ = looked_at(debug, lambda at: at.scope("Locals"), VALUES, 11)
    assert found["square"] == "Square {kind: 's', side: 2}"
    assert found["map"] == "Map(2) {'k' => {v: 1}, 2 => 3}"
    assert found["set"] == "Set(1) {'x'}"
    assert found["long"] == "(5000) [0, 1, 2, 3, 4, 5, 6, 7, …]"
    assert (found["day"], found["pattern"], found["error"]) == ("1970-01-01T00:00:00.000Z", "/a+/g", "TypeError: bad")
    assert len(found["text"]) == 400
    assert found["cyclic"] == "{name: 'c', self: {name: 'c', self: {name: 'c', self: {…}}}}"
    assert found["trap"] == "{…}"
    assert (found["nothing"], found["big"], found["symbol"]) == ("null", "10n", "Symbol(s)")
    assert found["echo"] == "Echo #7"


def test_parts_are_read_when_they_are_asked_for(debug):
    def look(at):
        whole = at.script.evaluate("text", 0, 1_000_000)["value"]
        getter = at.script.variables(at.script.evaluate("Square.prototype.__proto__", 0, 400)["reference"], 0, 0)
        area = next(each for each in getter if each["name"] == "area")
        opened = at.script.variables(area["reference"], 0, 0)
        return (
            at.parts("square"), at.parts("map"), at.parts("long", 4998, 5), at.parts("bytes"), len(whole),
            area["value"], opened[0]["value"], at.eval("calls"), at.parts("echo"), at.eval("echo.label"),
        )  # fmt: skip

    found, _ = looked_at(debug, look, VALUES, 11)
    square, entries, end, octets, whole, area, opened, calls, echo, label = found
    assert square == {"kind": "'s'", "side": "2", "[[Prototype]]": "Shape {}"}
    assert entries == {"'k'": "{v: 1}", "2": "3", "[[Prototype]]": "Map {}"} or entries["'k'"] == "{v: 1}"
    assert end == {"4998": "4998", "4999": "4999"}
    assert (octets["0"], octets["1"]) == ("1", "2")
    assert whole > 900
    assert (area, opened, calls) == ("(...)", "0", "1")
    assert (echo["label"], echo["state"], label) == ("'a label'", "{plan: {done: true}}", "'a label'")


def test_a_scope_that_only_computes_is_seen_too(debug):
    source = "let t = 0;\nfor (let i = 1; i < 4; i++) {\n  const twice = i * 2;\n  t += twice;\n}\nreturn t;\n"
    seen = []
    assert debug(source, lambda at: seen.append(at.scope("Locals"))).run(4).value() == 12
    assert [each["twice"] for each in seen] == ["2", "4", "6"]
    assert seen[1] == {"i": "2", "twice": "4", "t": "2"}


def test_private_fields_are_seen_where_the_language_lets_them_be(debug):
    source = "class A {\n  #p = 5;\n  get #q() { return this.#p * 2; }\n  m() {\n    return this.#p;\n  }\n}\n"

    def look(at):
        self = at.script.variables(at.script.scopes(0)[0]["reference"], 0, 0)[0]
        parts = {each["name"]: each["value"] for each in at.script.variables(self["reference"], 0, 0)}
        at.script.assign(self["reference"], "#p", "7", 0)
        return parts, at.eval("this.#p + 1")

    (parts, value), spell = looked_at(debug, look, f"{source}return new A().m();\n", 5)
    assert (parts["#p"], parts["#q"], value) == ("5", "10", "8")
    assert spell.value() == 7


def test_what_is_evaluated_cannot_hang_wait_or_fail_the_spell(debug):
    def look(at):
        return [
            at.eval("for (;;);"),
            at.eval("[1].map(function again(x) { return [x].map(again) })"),
            at.eval("board.fetch(1)"),
            at.eval("board.fetch(1).then((x) => x)"),
            at.eval("Promise.reject(new Error('nobody cares'))"),
            at.eval("n"),
        ]

    found, spell = looked_at(debug, look)
    assert found[0] == "refused: it took too long to evaluate and was broken off"
    assert found[1].startswith("refused: ")
    assert found[2] == "refused: board.fetch waits for an answer, which cannot be done while the script stands still"
    assert found[3] == found[2]
    assert found[5] == "3"
    assert spell.value() == [6, 10]


def test_what_is_evaluated_stops_nowhere(debug):
    spell = debug(SPELL, lambda at: at.eval("add(1)") and None)
    spell.script.errors(True, True)
    spell.run(8)
    assert len(spell.stops) == 1


def test_what_is_called_by_an_evaluation_may_stop_later(debug):
    spell = debug("function f() {\n  return 1;\n}\nconst a = 1;\nf();\nreturn a;\n", lambda at: at.eval("f()") and None)
    assert spell.run(2, 4).stops == [(4, "line"), (2, "line")]


def test_conditions_and_texts(debug):
    def look(at):
        return at.script.holds("n > 2 && inner", 0), at.script.holds("rest.length > 2", 0), at.script.text("inner", 0)

    assert looked_at(debug, look)[0] == (True, False, "6-0")


def test_names_are_completed(debug):
    def look(at):
        return [
            {each["label"]: each["kind"] for each in at.script.completions(text, frame)}
            for text, frame in (
                ("inn", 0),
                ("1 + big.", 0),
                ("tot", 1),
                ("coun", None),
                ("rest.ma", 0),
                ("echo().x", 0),
            )
        ]

    names, members, outer, globals_, methods, none = looked_at(debug, look)[0]
    assert names == {"inner": "variable"}
    assert members["a"] == "property"
    assert outer == {"total": "variable"}
    assert globals_ == {"counted": "variable"}
    assert methods == {"map": "method"}
    assert none == {}


def test_references_die_when_it_goes_on(debug):
    references = []

    def on_stop(at):
        if references:
            with pytest.raises(Refused, match="the script has gone on"):
                at.script.variables(references[0], 0, 0)
        references.append(at.script.scopes(0)[2]["reference"] + 40)

    assert len(debug(SPELL, on_stop).run(8, 13).stops) == 2


# -- a debugged run is like any other ----------------------------------------------------------------------------------


def test_stacks_and_functions_read_as_they_were_written(debug):
    source = "const f = (a) => { if (a) throw new Error('x') };\ntry { f(1) } catch (e) { return [e.stack, `${f}`] }\n"
    stack, text = debug(source).run().value()
    assert stack == "    at f (spell.js:1:37)\n    at <main> (spell.js:2:7)\n"
    assert text == "(a) => { if (a) throw new Error('x') }"


def test_a_syntax_error_is_that_of_the_text_as_written(debug):
    spell = debug("const a = 1;\nlet a = 2;\n").run()
    assert spell.ended is not None
    assert (spell.ended[0], spell.ended[1]["source"], spell.ended[1]["type"]) == ("fail", "spell.js:2", "syntax")


def test_a_text_that_cannot_be_rewritten_runs_all_the_same(debug):
    assert debug("{ using x = null; }\nreturn 4;\n").run(2).value() == 4
