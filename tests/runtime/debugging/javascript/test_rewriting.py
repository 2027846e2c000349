"""A rewritten text does what the original does, on the same lines: over a table of constructs, and over programs that
are put together at random. Both run in a bare context of the engine, with marks that do nothing."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell.engines.javascript import native
from llmspell.engines.javascript.instrumentation import Undebuggable, code_lines, instrument, layout, rewriting

#: What a run leaves in `log`, and what it gives or throws, with the stack of that as the engine renders it.
_AROUND = """
globalThis.log = []; globalThis.outcome = null;
const say = (value) => { log.push(value); return value };
const lines = (stack) => String(stack).split("\\n").map((one) => one.replace(/:\\d+\\)$/, ")"));
(%s)(async (body) => {
  try { outcome = { value: await body() } } catch (error) {
    outcome = { error: String(error), at: error && error.stack ? lines(error.stack)[0] : "" };
  }
});
"""
_MARKS = """const $$b = new Uint8Array(10000).fill(1), $$e = () => ({}), $$x = () => {}, $$h = () => {}, $$k = () => {},
$$s = (_, v) => v, $$r = $$s, $$w = $$s, $$y = $$s, $$t = $$s, $$d = $$k;""".replace("\n", "")


def outcome(text: str, marks: str = "") -> Any:
    """text: the body of an async function."""
    context = native.new_context()
    body = f"(start) => {{ {marks} return start(async function () {{\n{text}\n}}) }}"
    try:
        context.eval(_AROUND % body)
    except native.ScriptException as error:
        return str(error).partition("\n")[0]
    while context.execute_pending_job():
        pass
    return json.loads(context.eval("JSON.stringify({ log, outcome })"))


def rewritten(text: str) -> str:
    found = layout.split(instrument(text))
    assert found is not None, "it was not rewritten"
    assert layout.original(*found) == text
    assert found[0].count("\n") == text.count("\n")
    return found[0]


CONSTRUCTS = {
    "directive": "'use strict';\nlet ok = false; try { undeclared = 1 } catch (e) { ok = e.name } return ok",
    "no directive": "sloppy = 1; return [delete globalThis.sloppy, (function () { return this === globalThis })()]",
    "directive in a function": "function f() { 'use strict'\n return this } return f() === undefined",
    "no semicolons": "let a = 1\nlet b = 2\na\n++b\nconst c = a\n;[b].forEach((x) => say(x))\nreturn [a, b, c]",
    "a call that goes on": "const f = (x) => x\nconst a = f\n(3)\nreturn a",
    "return without a value": "function f() { return\n5 }\nreturn [f()]",
    "one line": "if (1) say(1); else say(2); for (let i = 0; i < 2; i++) say(i); while (log.length < 5) say('w'); do say('d'); while (log.length < 7); return 1",
    "dangling else": "if (true) if (false) say(1); else say(2)\nreturn 0",
    "else if": "const f = (n) => { if (n === 1) return 'a'; else if (n === 2) return 'b'; else return 'c' }\nreturn [1, 2, 3].map(f)",
    "comments": "if (1) /* a */ say(1) // b\nelse say(2) // c\nconst f = x => x + 1 // d\nreturn f(1) // e",
    "empty bodies": "for (let i = 0; i < 3; i++);\nlet n = 0; while (n++ < 3);\nif (n);\nelse ;\nfor (const x of [1]);\n;;\nreturn n",
    "labels": "outer: for (let i = 0; i < 3; i++) { inner: for (;;) { if (i === 1) continue outer; if (i === 2) break outer; say(i); break inner } }\nblock: { say('in'); break block; }\nl: while (true) { do { continue l2; } while (false); break }\nreturn 1".replace("continue l2", "break l"),
    "loops close over": "const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i); for (const k in { a: 1, b: 2 }) fs.push(() => k); return fs.map((f) => f())",
    "the head of a for": "for (var i = 0, j = 10; i < j; i += 3, j--) say([i, j]); let k = 0; for (;;) { if (k++ > 2) break } for (; k < 9;) k++; return [i, j, k]",
    "hoisting": "say(f(1)); say(typeof v); function f(n) { return n + g(n) } var v = 2; return v + f(2); function g(n) { return n * 10 }",
    "a var and a function of one name": "function f() { var a = 1; function b() { return 'b' } var b; return [typeof a, typeof b] } return f()",
    "two functions of one name": "return f(); function f() { return 1 } function f() { return 2 }",
    "functions in blocks": "let seen = []; { seen.push(typeof inner); function inner() { return 1 } } seen.push(typeof inner); if (1) function other() {}\nseen.push(typeof other); return seen",
    "a parameter and a function of one name": "function f(a) { function a() { return 'fn' } return [typeof a, typeof arguments[0]] } return f(1)",
    "arguments": "function f(a, b) { arguments[0] = 9; return [a, arguments.length, f.length] } return f(1, 2, 3)",
    "arguments of an arrow": "function f() { return (() => arguments[1])() } return f(1, 7)",
    "parameters with defaults": "const f = (a, b = a + 1, { c = b * 2, d: [e] = [5] } = {}, ...r) => [a, b, c, e, r]; return [f(1), f(1, 2, { c: 3, d: [4] }, 8, 9), f.length]",
    "defaults close over parameters": "let x = 'out'; function f(a = () => x) { var x = 'in'; return [a(), x] } return f()",
    "temporal dead zone": "try { early } catch (e) { say(e.name) } let early = 1; try { (() => late)() } catch (e) { say(e.name) } const late = 2; try { const x = x } catch (e) { say(e.name) } return early + late",
    "constants": "const c = 1; try { c = 2 } catch (e) { say(e.name) } return c",
    "this": "const o = { m() { return this.v }, a: () => typeof this, g: function () { return (() => this.v)() }, v: 3 }; return [o.m(), o.a(), o.g()]",
    "new.target": "function F() { return { t: new.target === F } } return [new F().t, Reflect.construct(F, []).t]",
    "classes": "class A { #p = 1; static s = 'st'; static #q = 2; x = this.#p + 1; static { A.z = A.#q; for (const k of [1]) A.z += k } constructor(n) { this.n = n } get p() { return this.#p } set p(v) { this.#p = v } #m() { return 'priv' } m() { return this.#m() } static has(o) { return #p in o } ['com' + 'puted']() { return 1 } }\nclass B extends A { constructor() { say('before'); super(4); this.b = super.m() } y = say('field') }\nconst b = new B(); b.p = 8; return [b.x, b.n, b.b, b.p, A.z, A.s, A.has(b), A.has({}), b.computed()]",
    "a constructor that returns": "class A { constructor() { return { other: 1 } } } class B extends A { constructor() { super(); this.own = 2 } } return new B()",
    "this before super": "class A {} class B extends A { constructor() { try { this.x } catch (e) { say(e.name) } super(); say(typeof this) } } new B(); return 1",
    "a class without a name": "const A = class { static n = this.name }; return [A.name, A.n, (class {}).name]",
    "names of functions": "const a = () => 1, b = function () {}, o = { c() {}, d: () => {}, get e() { return 1 } }; let f; f = () => {}; return [a.name, b.name, o.c.name, o.d.name, f.name, a.length]",
    "getters": "const o = { get g() { say('get'); return 1 }, set g(v) { say(v) } }; o.g = o.g + 1; return o.g",
    "arrows": "const o = () => ({ a: 1 }), n = () => () => 2, c = (a) => (b) => a + b, v = () => void 0, t = (x) => x ? y => y : z => -z; return [o(), n()(), c(1)(2), v(), t(1)(5), t(0)(5)]",
    "arrows over lines": "const f = (a) =>\n  a\n    .map((x) =>\n      x + 1)\n    .filter(Boolean)\nreturn f([1, -1, 2])",
    "generators": "function* g(n) { try { const got = yield n; say(got); yield* [1, 2]; return 'end' } finally { say('closed') } }\nconst i = g(5); say(i.next().value); say(i.next('in').value); say(i.return('r')); return [...g(0)]",
    "a generator that is thrown into": "function* g() { for (;;) try { yield 1 } catch (e) { say(e); yield 2 } } const i = g(); i.next(); say(i.throw('x').value); say(i.next().value); return 1",
    "yield of all kinds": "function* g() { const a = yield; const b = [yield 1, yield 2]; yield a ? yield b : 0; yield\n3 } const i = g(); i.next(); const out = []; for (let n = 0; n < 6; n++) out.push(i.next(n)); return out",
    "await": "const f = async (x) => (await x) + (await (async () => 1)()); say(await f(1)); say([await 1, await f(await 2)]); const o = { m: async () => await f(3) }; return (await o.m()) ** 2",
    "an error that is awaited": "const f = async () => { throw new TypeError('no') }; try { await f() } catch ({ message }) { say(message) } finally { say('f') } try { await Promise.reject(3) } catch { say('bare') } return 1",
    "the order of microtasks": "const a = (async () => { say('a1'); await null; say('a2'); await null; say('a3') })(); const b = (async () => { say('b1'); await null; say('b2') })(); Promise.resolve().then(() => say('t')); say('m'); await a; await b; return 1",
    "for await": "async function* g() { yield 1; yield Promise.resolve(2); try { yield 3 } finally { say('end') } }\nfor await (const x of g()) { say(x); if (x === 3) break }\nfor await (const y of [4, (async () => 5)()]) say(y)\nreturn 1",
    "an asynchronous generator": "async function* g() { const x = yield await 1; say(x); yield* (async function* () { yield 7 })(); return 8 } const i = g(); return [await i.next(), await i.next('in'), await i.next(), await i.next()]",
    "await as a name": "function f() { var await = 2; return await } return f() + (function () { const yield_ = 1; return yield_ })()",
    "switch": "const f = (x) => { switch (x) { case 1: let a = 'one'; say(a); case 2: say('two'); break; case 3: { a = 'three'; return a } default: say('d'); case 9: return 'nine' } return 'out' }; return [f(1), f(2), f(3), f(4), f(9)]",
    "a switch without a body": "switch (say(1)) {} switch (2) { case say(2): case 3: } return 1",
    "try": "const f = () => { try { return say('t') } finally { say('f') } }; const g = () => { for (;;) { try { throw 1 } catch (e) { say(e); break } finally { say('fin') } } return 'g' }; const h = () => { try { throw 2 } finally { return 'swallowed' } }; return [f(), g(), h()]",
    "a catch that binds": "let e = 'out'; try { throw 'in' } catch (e) { say(e); { let e = 'deep'; say(e) } } try { throw { a: 1, b: [2] } } catch ({ a, b: [c] }) { say(a + c) } return e",
    "an uncaught error": "function f() {\n  throw new RangeError('far')\n}\n\nf()",
    "an error of the engine": "const f = () =>\n  undefined.x\n\nf()",
    "an error that is no object": "throw 'text'",
    "throw over lines": "const f = () => { throw new Error(\n'x' +\n'y') }\nf()",
    "errors are the same object": "const e = new Error('one'); try { try { throw e } catch (x) { say(x === e); throw x } } catch (y) { return y === e }",
    "try without braces to spare": "try {} finally { say(1) } try { /* c */ } catch ({ a }) {} try { say(2) // d\n} finally {} try { function inner() { return 3 } say(inner()) } finally { say(typeof inner) } return typeof inner",
    "try that leaves": "for (const x of [1, 2]) { try { if (x === 1) continue; break } finally { say(x) } } const g = () => { try { return say('r') } catch ({ m }) {} }; return g()",
    "destructuring": "const { a, ...rest } = { a: 1, b: 2, c: 3 }; let x, y; [x, y = 5] = [1]; ({ a: x } = { a: 7 }); for (const [k, v] of Object.entries(rest)) say([k, v]); return [a, x, y]",
    "templates": "const tag = (s, ...v) => s.raw.join('|') + v; return [tag`a${1}b\\n${(() => 2)()}`, `x${`y${(() => 'z')()}`}`]",
    "optional chaining": "const o = { f: () => ({ g: 1 }) }; return [o?.f?.()?.g, o.n?.f(say('never')), o?.['f']().g]",
    "comma and conditions": "let n = 0; const r = (n++, n++, n); return [r, n > 1 ? say('y') : say('n'), n && say('and'), null ?? say('nn'), n ||= 5]",
    "regular expressions": "const a = 6, g = 2; return [a / 2 / g, /[/]\\/x/.test('//x'), 'a/b'.split(/\\//g)]",
    "with": "const o = { a: 1, f() { return this.a } }; with (o) { a = 5; var w = f() } return [o.a, w]",
    "direct eval": "let secret = 4; var r = eval('secret + 1'); eval('var made = 6'); return [r, made]",
    "the debugger statement": "debugger; if (1) debugger\nreturn 1",
    "deep recursion": "const f = (n) => n === 0 ? 0 : 1 + f(n - 1); return f(300)",
    "too deep recursion": "const f = () => f() + 1; try { f() } catch (e) { return e.name }",
    "unicode": "const größe = '😀'; const s = '\\u{1F600}' /* 😀 */; return größe === s",
    "getters run once": "let n = 0; const o = { get x() { return ++n } }; if (o.x) say(o.x); while (o.x < 5) ; return n",
    "delete, in and void": "const o = { a: 1 }; for (var k in o) ; return [k, 'a' in o, delete o.a, void say(1), typeof nowhere]",
    "a directive that is none": "let a = 1\n'use strict'\nundeclaredToo = a; return delete globalThis.undeclaredToo",
    "html-like text": "let a = 3; return a-->2 ? a : 0",
    "arrow in a condition": "const p = true ? (x) => x + 1 : null, q = [x => x * 2, (x, y) => x + y]; return [p(1), q[0](4), q[1](1, 2)]",
    "sequences in heads": "let i = 0, n = 0; while (i++, i < 4) n += i; do { n++ } while (n < 0, n < 9); for (i = 0; i < 3; n++, i++) ; return [i, n]",
    "async arrows as arguments": "const r = await Promise.all([1, 2].map(async (x) => { await null; return x * 2 })); return r",
    "a promise that fails later": "return await new Promise((_, fail) => fail('f')).catch((e) => e + '!')",
    "spread": "const f = (...a) => a.length; return f(...[1, 2], ...new Set([3])) + Math.max(...[4])",
    "symbols and iterators": "const o = { *[Symbol.iterator]() { yield 1; yield 2 } }; const [a, ...b] = o; return [a, b, [...o]]",
}  # fmt: skip


@pytest.mark.parametrize("text", CONSTRUCTS.values(), ids=CONSTRUCTS)
def test_a_rewritten_text_does_what_it_did(text: str) -> None:
    original = outcome(text)
    assert outcome(rewritten(text), _MARKS) == original
    by_name, tables = rewriting.rewritten(text, named=True)
    assert layout.original(by_name, tables) == text
    assert outcome(by_name, _MARKS) == original


def test_an_optional_call_of_a_name_compiles_where_imports_are() -> None:
    """The engine gets its stack wrong for `name?.()` in a `try` in a `with`; each body becomes a `try`."""
    found = rewritten("let f; f?.(1); const g = () => f?.(); return g()")
    native.new_context().eval(f"(function (o) {{ with (o) {{ return (async function () {{ {_MARKS} {found} }}) }} }})")
    assert outcome(found, _MARKS) == {"log": [], "outcome": {}}


# -- programs at random ------------------------------------------------------------------------------------------------

_names = st.sampled_from(["a", "b", "c", "d"])
_atoms = st.one_of(st.integers(0, 9).map(str), _names.map(lambda n: f"get('{n}', () => {n})"))


def _expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", ",", "&&", "||", "??", "<", "==="]), inner).map(
            lambda t: f"(({t[0]}) {t[1]} ({t[2]}))"
        ),
        inner.map(lambda e: f"say({e})"),
        inner.map(lambda e: f"(await ({e}))"),
        inner.map(lambda e: f"(await (async () => {e})())"),
        inner.map(lambda e: f"[{e}].map((d) => d)[0]"),
        inner.map(lambda e: f"((b) => {{ say('call'); return {e} }})(1)"),
        inner.map(lambda e: f"[...(function* (c) {{ yield c; const d = yield 1; return d }})(2)].length + ({e})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        inner.map(lambda e: f"`t${{{e}}}`.length"),
    )


_expression = st.recursive(_atoms, _expressions, max_leaves=4)


def _statements(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    block = st.lists(inner, max_size=3).map(lambda body: "{ " + "\n".join(body) + " }")
    either = st.one_of(block, inner.filter(lambda s: not s.startswith(("let ", "const ", "function ", "class "))))
    plain = either.map(lambda s: s if s.endswith(("}", ";")) else s + ";")
    return st.one_of(
        block,
        st.tuples(_expression, plain).map(lambda t: f"if ({t[0]}) {t[1]}"),
        st.tuples(_expression, plain, plain).map(lambda t: f"if ({t[0]}) {t[1]}\nelse {t[2]}"),
        st.tuples(_names, plain).map(
            lambda t: f"for (let {t[0]} = 0, fuel = 3; fuel-- && {t[0]} < 2; {t[0]}++) {t[1]}"
        ),
        st.tuples(_names, plain).map(lambda t: f"for (const {t[0]} of [1, 2])\n  {t[1]}"),
        st.tuples(_names, plain).map(lambda t: f"for await (const {t[0]} of [1, Promise.resolve(2)]) {t[1]}"),
        plain.map(lambda s: f"loop: for (let n = 0; ; n++) {{ if (n > 1) break loop; else {s}\ncontinue loop }}"),
        plain.map(lambda s: f"{{ let n = 0; do {s} while (n++ < 1) }}"),
        plain.map(lambda s: f"{{ let n = 0; while (n++ < 2) {s} }}"),
        st.tuples(block, block).map(lambda t: f"try {t[0]} catch (b) {{ say('caught'); {t[1]} }}"),
        st.tuples(block, block).map(lambda t: f"try {t[0]} finally {t[1]}"),
        st.tuples(_expression, block, plain).map(
            lambda t: f"switch ({t[0]}) {{ case 1: {t[1]} case 2: let c = 3; say(c); break; default: {t[2]} }}"
        ),
        st.tuples(block, _expression).map(lambda t: f"say(await (async function (a) {t[0]})({t[1]}));"),
        block.map(lambda s: f"for (const x of (function* () {s.replace('await', 'void')})()) say(x);"),
    )


_simple = st.one_of(
    _expression.map(lambda e: f"{e};"),
    _expression.map(lambda e: f"say({e})"),
    _expression.map(lambda e: f"throw {e};"),
    _expression.map(lambda e: f"return {e};"),
    st.tuples(_names, _expression).map(lambda t: f"try {{ {t[0]} = {t[1]} }} catch {{ say('no') }}"),
    st.sampled_from(["var a = say(1)", "var b;", ";", "debugger;", "return", "(() => { let d = 1; return d })()"]),
)
_programs = st.lists(st.recursive(_simple, _statements, max_leaves=8), min_size=1, max_size=5).map("\n".join)
_HELP = "function get(n, f) { try { return typeof f() === 'number' ? f() : n } catch (e) { return e.name } }\n"


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(_programs)
def test_programs_at_random_do_what_they_did(program: str) -> None:
    text = f"{_HELP}{program.replace('for await', 'for') if 'function*' in program else program}"
    original = outcome(text)
    if layout.split(instrument(text)) is None:
        assert isinstance(original, str)  # it does not compile either
        return
    found = outcome(rewritten(text), _MARKS)
    if isinstance(original, str):
        return  # a worker compiles the original first, which refuses it
    assert found == original


# -- what is known of a text -------------------------------------------------------------------------------------------


def test_lines_with_code_are_those_of_statements() -> None:
    text = """// nothing
const a = 1;

function f(n) {
  // here neither
  return n
    + a;
}
if (a)
  f(2);
else {
}
const g = () =>
  f(3);
/* not
   here */ g();
"""
    assert code_lines(text) == [2, 6, 9, 10, 13, 14, 16]


def test_imports_are_no_lines_with_code() -> None:
    assert code_lines(
        '#!/usr/bin/env llmspell\nimport { a } from "./a.js";\n\nexport const b = a;\nexport { a };\n'
    ) == [4]


def test_what_cannot_be_read_is_left_as_it_is() -> None:
    text = "const a = ;\nconst b = 1;\n"
    left = layout.split_without(instrument(text))
    assert left is not None
    assert left[0] == text
    assert "line 1" in left[1]
    with pytest.raises(Undebuggable, match="line 1"):
        code_lines(text)


def test_many_functions_are_seen_by_name_and_compiled_as_quickly() -> None:
    """Evaluators that see everything would take 3 seconds."""
    text = "".join(f"function f{each}(a) {{ return a }}\n" for each in range(1200))
    assert code_lines(text) == list(range(1, 1201))
    found = layout.split(instrument(text))
    assert found is not None
    assert found[1]["named"]
    began = time.process_time()
    assert outcome(f"{found[0]}; return f1199(7)", _MARKS) == {"log": [], "outcome": {"value": 7}}
    assert time.process_time() - began < 2


def test_a_deeply_nested_text_is_rewritten() -> None:
    deep = "if (a) {} else " * 2000 + "say(1)"
    found = layout.split(instrument(f"const a = 0, s = {'-'.join(['1'] * 3000)};\n{deep}\n"))
    assert found is not None
    assert len(found[1]["places"]) == 2002


def test_a_hot_loop_makes_no_evaluator() -> None:
    """A store and a look for each statement; what is only computed with is seen when somebody wants to see it."""
    found = layout.split(instrument("let t = 0;\nfor (let i = 0; i < 9; i++) t += i;\n"))
    assert found is not None
    assert "{$$l=3;$$b[3]&&($$s1=($$)=>eval($$),$$h($$f,3));t += i;}" in found[0]
    found = layout.split(instrument("for (let i = 0; i < 9; i++) f(i);\n"))
    assert found is not None
    assert "{$$s1=($$)=>eval($$);$$l=2;$$b[2]&&$$h($$f,2);f(i);}" in found[0]
