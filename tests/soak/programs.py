"""Random small programs, each written in Lua and in JavaScript so that both mean the same.

Variables hold whole numbers from 0 to 999, so that arithmetic agrees; a program returns all of them and prints some.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

NAMES = ("a", "b", "c")


@dataclass(frozen=True)
class Text:
    """The same in both languages."""

    lua: str
    javascript: str


def both(text: str) -> Text:
    return Text(text, text)


def join(parts: list[Text]) -> Text:
    return Text("\n".join(part.lua for part in parts), "\n".join(part.javascript for part in parts))


names = st.sampled_from(NAMES)
numbers = st.integers(0, 9).map(lambda number: both(str(number)))
values: st.SearchStrategy[Text] = st.deferred(lambda: names.map(both) | numbers | operations())


@st.composite
def operations(draw: st.DrawFn) -> Text:
    """Sums and differences as they are; factors are made small, so that products are exact in both languages."""
    one, other, operator = draw(values), draw(values), draw(st.sampled_from("+-*"))
    if operator == "*":
        one, other = whole(one), whole(other)
    return Text(f"({one.lua} {operator} {other.lua})", f"({one.javascript} {operator} {other.javascript})")


def whole(value: Text) -> Text:
    """Brought back to 0..999: the remainder of a negative number differs."""
    return Text(f"((({value.lua}) % 1000 + 1000) % 1000)", f"((({value.javascript}) % 1000 + 1000) % 1000)")


@st.composite
def assignments(draw: st.DrawFn) -> Text:
    name, value = draw(names), whole(draw(values))
    return Text(f"{name} = {value.lua}", f"{name} = {value.javascript};")


@st.composite
def printing(draw: st.DrawFn) -> Text:
    name = draw(names)
    return Text(f'print("{name}", {name})', f'console.log("{name}\\t" + {name});')


@st.composite
def choices(draw: st.DrawFn) -> Text:
    one, other, then, otherwise = draw(values), draw(values), draw(blocks), draw(blocks)
    return Text(
        f"if {one.lua} < {other.lua} then\n{then.lua}\nelse\n{otherwise.lua}\nend",
        f"if ({one.javascript} < {other.javascript}) {{\n{then.javascript}\n}} else {{\n{otherwise.javascript}\n}}",
    )


@st.composite
def loops(draw: st.DrawFn) -> Text:
    times, body = draw(st.integers(0, 4)), draw(blocks)
    return Text(
        f"for _ = 1, {times} do\n{body.lua}\nend",
        f"for (let _ = 1; _ <= {times}; _++) {{\n{body.javascript}\n}}",
    )


@st.composite
def tables(draw: st.DrawFn) -> Text:
    """A list built, changed and counted; a record read by name; both as text."""
    name, items = draw(names), draw(st.lists(values, max_size=4))
    lua = ", ".join(whole(item).lua for item in items)
    javascript = ", ".join(whole(item).javascript for item in items)
    return Text(
        f"do local t = {{ {lua} }} t[#t + 1] = {name} local r = {{ n = #t }} {name} = (r.n + #JSON.stringify(t)) % 1000 end",
        f"{{ const t = [{javascript}]; t.push({name}); const r = {{ n: t.length }};"
        f" {name} = (r.n + JSON.stringify(t).length) % 1000; }}",
    )


@st.composite
def functions(draw: st.DrawFn) -> Text:
    """A closure that calls itself."""
    name, depth, value = draw(names), draw(st.integers(0, 5)), whole(draw(values))
    return Text(
        f"do local function f(n) if n == 0 then return {value.lua} end return (f(n - 1) + n) % 1000 end"
        f" {name} = f({depth}) end",
        f"{{ const f = (n) => n === 0 ? {value.javascript} : (f(n - 1) + n) % 1000; {name} = f({depth}); }}",
    )


@st.composite
def failures(draw: st.DrawFn) -> Text:
    """An error thrown on the way, or not, and caught."""
    name, body, after = draw(names), draw(blocks), draw(values)
    return Text(
        f'do local ok = pcall(function()\n{body.lua}\nif {after.lua} % 2 == 0 then error("on the way") end\n'
        f"{name} = 1\nend) if not ok then {name} = 2 end end",
        f'try {{\n{body.javascript}\nif ({after.javascript} % 2 === 0) throw new Error("on the way");\n'
        f"{name} = 1;\n}} catch {{ {name} = 2; }}",
    )


@st.composite
def coroutines(draw: st.DrawFn) -> Text:
    """A coroutine or generator that waits for the host between two values."""
    name, times = draw(names), draw(st.integers(0, 3))
    return Text(
        f"do local sum = 0 for v in coroutine.wrap(function() for i = 1, {times} do Async.sleep(0)"
        f" coroutine.yield(i) end end) do sum = sum + v end {name} = sum end",
        f"{{ let sum = 0; const g = async function* () {{ for (let i = 1; i <= {times}; i++) {{"
        f" await Async.sleep(0); yield i; }} }}; for await (const v of g()) sum += v; {name} = sum; }}",
    )


@st.composite
def promises(draw: st.DrawFn) -> Text:
    """Several things at once; the results come in order."""
    name, count = draw(names), draw(st.integers(0, 4))
    return Text(
        f"do local all = {{}} for i = 1, {count} do all[i] = function() Async.sleep(i % 2) return i end end"
        f" local sum = 0 for i, v in ipairs(Async.all(all)) do sum = sum + i * v end {name} = sum end",
        f"{{ const all = Array.from({{ length: {count} }}, (_, i) => async () => {{ await Async.sleep((i + 1) % 2);"
        f" return i + 1; }}); let sum = 0; (await Async.all(all)).forEach((v, i) => {{ sum += (i + 1) * v; }});"
        f" {name} = sum; }}",
    )


@st.composite
def tools(draw: st.DrawFn) -> Text:
    """A tool of the library, and one of the spell's own that the host calls back."""
    name, one, other = draw(names), draw(names), draw(names)
    return Text(
        f'{name} = Calculator.new():execute{{ expression = {one} .. " + " .. {other} }}.result % 1000\n'
        f"{name} = own:execute{{ n = {name} }}",
        f'{name} = (await new Calculator().execute({{ expression: {one} + " + " + {other} }})).result % 1000;\n'
        f"{name} = await own.execute({{ n: {name} }});",
    )


@st.composite
def agents(draw: st.DrawFn) -> Text:
    """The offline model, with a hook that rewrites the prompt and a listener that counts."""
    name = draw(names)
    return Text(
        f'{name} = (#agent:chat("say " .. {name}) + heard) % 1000',
        f'{name} = ((await agent.chat("say " + {name})).length + heard) % 1000;',
    )


statements: st.SearchStrategy[Text] = st.deferred(
    lambda: st.one_of(
        assignments(), printing(), choices(), loops(), tables(), functions(), failures(), coroutines(), promises(),
        tools(), agents(),
    )
)  # fmt: skip
blocks = st.lists(statements, max_size=2).map(join)

_BEGIN = Text(
    """local a, b, c, heard = 1, 2, 3, 0
local own = Tool.define{ name = "own", description = "one more", parameters = { type = "object" },
  execute = function(given) Async.sleep(0) return (given.n + 1) % 1000 end }
local agent = Agent.new{ name = "agent", hooks = { before_llm_call = function(x) x.prompt = x.prompt .. "!" end } }
eventBus.on("llm:*", function() heard = (heard + 1) % 1000 end)
""",
    """let a = 1, b = 2, c = 3, heard = 0;
const own = Tool.define({ name: "own", description: "one more", parameters: { type: "object" },
  execute: async (given) => { await Async.sleep(0); return (given.n + 1) % 1000; } });
const agent = new Agent({ name: "agent", hooks: { beforeLLMCall: (x) => { x.prompt += "!"; } } });
eventBus.on("llm:*", () => { heard = (heard + 1) % 1000; });
""",
)


@st.composite
def programs(draw: st.DrawFn) -> Text:
    body = join(draw(st.lists(statements, min_size=1, max_size=5)))
    if draw(st.integers(0, 9)) == 0:
        end = Text('error("at the end")', 'throw new Error("at the end");')
    else:
        end = Text("return { a, b, c }", "return [a, b, c];")
    return join([_BEGIN, body, end])
