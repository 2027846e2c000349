"""JavaScript under the debugger: where it stops, how it steps, what its stack is, which errors it stops for."""

from __future__ import annotations

SPELL = """const limit = 3;
function add(n, { by = 2 } = {}) {
  const twice = n * by;
  for (let i = 0; i < 2; i++) {
    say(i);
  }
  return twice;
}
function say(x) { return x; }
let total = add(limit);
total += add(1);
return total;
"""


def test_a_breakpoint_stops_each_time_its_line_runs(debug):
    spell = debug(SPELL).run(5, 10)
    assert spell.stops == [(10, "line"), (5, "line"), (5, "line"), (5, "line"), (5, "line")]
    assert spell.value() == 8


def test_a_line_stops_once_for_each_function_on_it(debug):
    spell = debug("let n = 0; n++; n++;\nreturn [1, 2].map((x) => x + n);\n").run(1, 2)
    assert spell.stops == [(1, "line"), (2, "line"), (2, "line"), (2, "line")]


def test_a_loop_on_its_own_line_stops_each_round(debug):
    assert debug("let n = 0;\nwhile (n++ < 2);\nreturn n").run(2).stops == [(2, "line")] * 3


def test_breakpoints_can_be_set_while_it_stands(debug):
    def move(at):
        at.script.lines("spell.js", [12])

    assert debug(SPELL, move).run(5).stops == [(5, "line"), (12, "line")]


def test_the_debugger_statement_stops(debug):
    spell = debug("const a = 1;\ndebugger;\nreturn a", lambda at: seen.append(at.eval("a")))
    seen: list[str] = []
    assert spell.run().stops == [(2, "statement")]
    assert seen == ["1"]


def test_stepping_over_keeps_to_the_function_and_its_callers(debug):
    spell = debug(SPELL, lambda at: "over").run(3)
    assert [line for line, _ in spell.stops] == [3, 4, 5, 4, 5, 4, 7, 11, 3, 4, 5, 4, 5, 4, 7, 12]
    assert spell.stops[1][1] == "step"


def test_stepping_in_and_out(debug):
    ways = iter(["in", "in", "in", "out", "out", "go"])
    spell = debug(SPELL, lambda at: next(ways, "go")).run(10)
    assert [line for line, _ in spell.stops] == [10, 3, 4, 5, 11]


def test_stepping_over_a_call_that_waits_stays_with_who_waits(debug):
    source = """async function other() {
  await board.fetch(1);
  return 2;
}
const beside = other();
const a = await board.fetch(5);
const b = await other();
return a + b;
"""
    spell = debug(source, lambda at: "over").run(6)
    assert [line for line, _ in spell.stops] == [6, 7, 8]


def test_a_step_at_the_end_of_a_round_goes_to_the_next(debug):
    spell = debug("const f = (x) => {\n  return x;\n};\n[1, 2].map(f);\nreturn 0", lambda at: "over").run(2)
    assert [line for line, _ in spell.stops] == [2, 2, 5]


def test_the_stack_goes_through_what_waits(debug):
    source = """async function outer(n) {
  const inner = async () => {
    await board.fetch(n);
    return deep(n);
  };
  return await inner();
}
function deep(n) {
  return n;
}
return await outer(1);
"""
    stacks = []
    debug(source, lambda at: stacks.append(at.stack())).run(3, 9)
    assert stacks == [
        ["inner:3", "outer:6", "main chunk:11"],
        ["deep:9", "inner:4", "await outer:6", "await main chunk:11"],
    ]


def test_the_stack_goes_through_generators_and_callbacks(debug):
    source = """function* numbers() {
  yield 1;
  yield 2;
}
async function* later() { for (const n of numbers()) yield n; }
const seen = [];
for await (const n of later()) {
  [n].forEach((x) => {
    seen.push(x);
  });
}
await board.fetch(handler, 4);
board.on(handler, 5);
function handler(x) {
  seen.push(x);
}
return seen;
"""
    stacks, asking = [], []

    def look(at):
        stacks.append(at.stack())
        asking.append([(each["number"], each["name"], each["line"]) for each in at.script.callers(-1)])

    spell = debug(source, look).run(3, 9, 15)
    assert spell.value() == [1, 2, 4, 5]
    assert asking == [[], [], [], [], [(1, "main chunk", 13)]]
    assert stacks == [
        ["(anonymous):9", "main chunk:8"],
        ["numbers:3", "later:5", "main chunk:7"],
        ["(anonymous):9", "main chunk:8"],
        ["handler:15"],
        ["handler:15"],
    ]


def test_who_closes_an_iterator_goes_on_as_the_caller(debug):
    source = """function* numbers() { yield 1; yield 2; }
const iterator = numbers();
function begins() { iterator.next(); }
function closes() {
  iterator.return();
  last();
}
function last() {
  return 0;
}
begins();
closes();
"""
    stacks = []
    debug(source, lambda at: stacks.append(at.stack())).run(9)
    assert stacks == [["last:9", "closes:6", "main chunk:12"]]


def test_tasks_begin_with_a_stack_of_their_own(debug):
    source = """async function waits() { for await (const x of [board.fetch(1)]) { } }
waits();
setTimeout(() => {
  fires();
}, 1);
function fires() {
  return 0;
}
await board.fetch(2);
await board.fetch(3);
"""
    stacks = []
    debug(source, lambda at: stacks.append(at.stack())).run(7)
    assert stacks == [["fires:7", "(anonymous):4"]]


def test_methods_accessors_and_static_blocks_have_names(debug):
    source = """class Point {
  #x;
  static { Point.made =
    0; }
  constructor(x) {
    this.#x = x;
  }
  get double() {
    return this.#x * 2;
  }
  static from = (x) =>
    new Point(x);
}
return Point.from(4).double;
"""
    stacks = []
    debug(source, lambda at: stacks.append(at.stack())).run(3, 6, 9, 12)
    assert stacks == [
        ["static block:3", "main chunk:1"],
        ["from:12", "main chunk:14"],
        ["Point.constructor:6", "from:12", "main chunk:14"],
        ["Point.double:9", "main chunk:14"],
    ]


def test_modules_stop_too(debug):
    helper = "export let count = 0;\nexport function more(n) {\n  count += n;\n  return count;\n}\n"
    seen = []

    def on_stop(at):
        frames = at.script.frames()
        seen.append([(each["label"], each["line"]) for each in frames])
        seen.append((at.scope("Locals"), at.scope("Closure", 1)))

    spell = debug(
        "import { more, count } from './helper.js';\nmore(2);\nreturn count + more(1);\n", on_stop, helper=helper
    )
    spell.script.lines("helper.js", [4])
    assert spell.run().value() == 5
    assert seen[0] == [("helper.js", 4), ("spell.js", 2)]
    assert seen[1] == ({"n": "2"}, {"more": "[Function: more]", "count": "2"})
    assert spell.stops == [(4, "line"), (4, "line")]


# -- errors --------------------------------------------------------------------------------------------------------

FAILING = """async function fails(n) {
  const local = n;
  if (local > 1) await board.fetch("refuse");
  throw new RangeError(`no ${local}`);
}
try { await fails(1) } catch (error) { }
try { await fails(2) } catch { }
const f = () => undefined.x;
const g = () => {
  const before = 1;
  return f(before);
};
g();
"""


def test_uncaught_errors_stop_where_they_arise(debug):
    stacks = []
    spell = debug(FAILING, lambda at: stacks.append((at.stack(), at.eval("before", 1))))
    spell.script.errors(False, True)
    spell.run()
    ((line, thrown),) = spell.stops
    assert (line, thrown["type"], thrown["caught"]) == (8, "TypeError", False)
    assert thrown["message"] == "cannot read property 'x' of undefined"
    assert thrown["stack"] == [
        "spell.js:8: in function 'f'",
        "spell.js:11: in function 'g'",
        "spell.js:13: in main chunk",
    ]
    assert stacks == [(["f:8", "g:11", "main chunk:13"], "1")]
    assert spell.ended is not None
    assert spell.ended[1]["source"] == "spell.js:8"


def test_errors_that_are_caught_stop_if_wanted(debug):
    seen = []
    spell = debug(FAILING, lambda at: seen.append((at.stack()[0], at.eval("local"))))
    spell.script.errors(True, False)
    spell.run()
    assert [(line, thrown["type"], thrown["message"]) for line, thrown in spell.stops] == [
        (4, "RangeError", "no 1"), (3, "ToolError", "the host says no"),
    ]  # fmt: skip
    assert seen == [("fails:4", "1"), ("fails:3", "2")]


def test_errors_are_told_before_anything_handles_them(debug):
    source = """const seen = [];
try {
  const inner = 1;
  null.x;
} catch ({ message }) { seen.push(message) }
function f() {
  try {
    const inner = 2;
    null.y;
  } finally {
    seen.push('finally');
  }
}
try { f() } catch { }
return seen;
"""
    told = []
    spell = debug(source, lambda at: told.append((at.line, at.eval("inner"), at.eval("seen.length", 0))))
    spell.script.errors(True, True)
    assert spell.run().value() == ["cannot read property 'x' of null", "finally"]
    assert told == [(4, "1", "0"), (9, "2", "1")]


def test_failures_of_promises_that_are_handled_are_caught(debug):
    source = """const fails = async () => { throw new Error('quiet') };
const calls = () => fails();
await fails().catch(() => 0);
await calls().then(() => 1, () => 2);
await Async.settle([fails]);
await fails(undefined.loud).catch(() => 0);
"""
    spell = debug(source)
    spell.script.errors(False, True)
    spell.run()
    assert [(line, thrown["type"]) for line, thrown in spell.stops] == [(6, "TypeError")]


def test_what_is_thrown_need_not_be_an_error(debug):
    spell = debug("throw { code: 4 };")
    spell.script.errors(False, True)
    spell.run()
    assert spell.stops == [(1, {"type": "Object", "message": "{ code: 4 }", "caught": False, "stack": []})]


def test_an_error_is_told_once(debug):
    spell = debug("const f = () => { throw new Error('x') };\nconst g = () => f();\ng();\n")
    spell.script.errors(True, True)
    assert len(spell.run().stops) == 1


# -- computing -----------------------------------------------------------------------------------------------------


def test_a_script_that_computes_hears_of_commands(debug):
    spell = debug("let n = 0;\nfor (;;) {\n  n += 1;\n  if (n < 0) break;\n}\nreturn n;\n")
    poll, lines = spell.poll, []

    def pause():
        poll()
        if not lines:
            spell.script.step("in")

    def leave(at):
        if "refused" not in str(at.eval("n = -5")):  # as it is before the first line has run
            lines.append(at.line)
        return "go"

    spell.poll, spell.on_stop = pause, leave
    assert spell.run().value() == {2: -4, 3: -4, 4: -5}[lines[0]]  # wherever it is by then
    assert len(lines) == 1


def test_a_limit_still_ends_it_at_its_line(debug):
    spell = debug("let n = 0;\nwhile (true) {\n  n += 1;\n}\n")
    spell.poll = lambda: spell.engine.interrupt(forced=False)
    spell.run()
    assert spell.ended == ("at", ("spell.js:3", ["spell.js:3: in main chunk"])) or spell.ended == (
        "at", ("spell.js:2", ["spell.js:2: in main chunk"]),
    )  # fmt: skip
