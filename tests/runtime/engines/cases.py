"""What both languages must do alike: each case is one spell in Lua and in JavaScript, and what both give.

`result` is the spell's value, `printed` its output; `error` is a part of the error map that the spell must fail with, where
`line` stands for the line that the case marks with HERE. The names come from `frame_host.BINDING`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Case:
    name: str
    lua: str
    javascript: str
    result: Any = None
    printed: str = ""
    error: dict[str, Any] | None = None

    def source(self, language: str) -> str:
        return self.lua if language == "lua" else self.javascript

    def line(self, language: str) -> int:
        """The line marked HERE."""
        lines = self.source(language).split("\n")
        return next(number for number, text in enumerate(lines, 1) if "HERE" in text)


CASES: Final = (
    Case("a value is the result", "return 42", "return 42", 42),
    Case("no value", "local x = 1", "const x = 1", None),
    Case("printing", "print('a', 1) print('b')", "console.log('a\\t1'); console.log('b')", printed="a\t1\nb\n"),
    Case("parameters", "return params.who", "return params.who", "tester"),
    Case(
        "options of a constructor",
        "local e = Echo.new{label = 'l', tags = {'a', 'b'}} return e.label",
        "const e = new Echo({ label: 'l', tags: ['a', 'b'] }); return e.label",
        "l",
    ),
    Case("a positional option", "return Echo.new('p'):run('x')", "return await new Echo('p').run('x')", ["plain", "x"]),
    Case("an alias", "return Repeater.new{}:say('x')", "return await new Repeater({}).say('x')", "x"),
    Case("a property that is written", "local e = Echo.new{} e.label = 'new' return e.label", "const e = new Echo({}); e.label = 'new'; return e.label", "new"),
    Case("a synchronous method", "return Echo.new{}:describe()", "return new Echo({}).describe()", "object 1"),
    Case("the other language's spelling", "return Echo.new{}:sayLater('x', 1)", "return await new Echo({}).say_later('x', 1)", "x"),
    Case("an asynchronous method", "return Echo.new{}:say_later('x', 5)", "return await new Echo({}).sayLater('x', 5)", "x"),
    Case("a static method and a method of one name",
         "local e = Echo.new{} return {Echo.run('a'), e:run('b')}",
         "const e = new Echo({}); return [await Echo.run('a'), await e.run('b')]", [["static", "a"], ["plain", "b"]]),
    Case("a namespace", "return {board.count(1, 2, 3), board.size, board.fetch('x')}",
         "return [board.count(1, 2, 3), board.size, await board.fetch('x')]", [3, 7, ["x"]]),
    Case("an object is itself when it comes back",
         "local e = Echo.new{} return {e:give(e) == e, Echo.find(1) == e}",
         "const e = new Echo({}); return [e.give(e) === e, (await Echo.find(1)) === e]", [True, True]),
    Case("an object's own methods", "return Echo.find(3):polish('p')", "return await (await Echo.find(3)).polish('p')", ["polished", "p"]),
    Case("live state",
         "local e = Echo.new{} e.state = {n = 1, list = {}} e.state.n = e.state.n + 1 table.insert(e.state.list, 'x') return {e.state.n, #e.state.list, e.state.list[1]}",
         "const e = new Echo({}); e.state = { n: 1, list: [] }; e.state.n += 1; e.state.list.push('x'); return [e.state.n, e.state.list.length, e.state.list[0]]",
         [2, 1, "x"]),
    Case("numbers", "return Echo.new{}:give({0, -1, 1.5, 2^53, 1e300, 2147483648})",
         "return new Echo({}).give([0, -1, 1.5, 2 ** 53, 1e300, 2147483648])", [0, -1, 1.5, 2**53, 1e300, 2**31]),
    Case("big integers", "return Echo.new{}:give(9007199254740993)", "return new Echo({}).give(9007199254740993n)", 2**53 + 1),
    Case("text of every kind",
         "return Echo.new{}:give({'', 'a\\0b', '\\u{1F389}', ('x'):rep(70000)})",
         "return new Echo({}).give(['', 'a\\0b', '\\u{1F389}', 'x'.repeat(70000)])", ["", "a\0b", "🎉", "x" * 70000]),
    Case("a lone surrogate", "return Echo.new{}:give('\\xed\\xa0\\x80')", "return new Echo({}).give('\\ud800')", "\ud800"),
    Case("bytes", "return Echo.new{}:give('\\xff\\xfe')", "return new Echo({}).give(new Uint8Array([255, 254]))", b"\xff\xfe"),
    Case("nested data", "return Echo.new{}:give({a = {b = {1, {c = true}}}, d = {}})",
         "return new Echo({}).give({ a: { b: [1, { c: true }] }, d: [] })", {"a": {"b": [1, {"c": True}]}, "d": []}),
    Case("nothing inside data", "return Echo.new{}:give({a = nil, b = 1})", "return new Echo({}).give({ a: undefined, b: 1 })", {"b": 1}),
    Case("a cyclic value is refused", "local t = {a = {}} t.a.b = t\nEcho.new{}:give(t) -- HERE",
         "const t = { a: {} }; t.a.b = t\nnew Echo({}).give(t) // HERE",
         error={"message": "argument 1.a.b is cyclic"}),
    Case("a function that comes back is the same",
         "local function f() end local e = Echo.new{} return e:give(f) == f",
         "const f = () => {}; const e = new Echo({}); return e.give(f) === f", True),
    Case("a callback that waits",
         "local e = Echo.new{} return e:call_me(function(x) return e:say_later(x .. '!', 2) end, 'a')",
         "const e = new Echo({}); return await e.callMe(async (x) => await e.sayLater(x + '!', 2), 'a')", "a!"),
    Case("a callback during a question",
         "return Echo.new{}:call_me_now(function(x) return x + 1 end, 1)",
         "return new Echo({}).callMeNow((x) => x + 1, 1)", 2),
    Case("a callback that asks during a question",
         "local e = Echo.new{} return e:call_me_now(function() return e:call_me_now(function() return e.id end) end)",
         "const e = new Echo({}); return e.callMeNow(() => e.callMeNow(() => e.id))", "id-1"),
    Case("a callback that fails",
         "local ok, err = pcall(function() Echo.new{}:call_me(function()\nerror('inside') end) end) return {err.message, err.source}",
         "try { await new Echo({}).callMe(() => {\nthrow new Error('inside') }) } catch (err) { return [err.message, err.source.replace('.js', '.lua')] }",
         ["inside", "spell.lua:2"]),
    Case("a caught error of the host",
         "local ok, err = pcall(function() Echo.new{}:fail_with{message = 'm', type = 'rate_limit', name = 'RateLimitError', retry_after = 5} end) return {err.type, err.name, err.message, err.retry_after}",
         "try { await new Echo({}).failWith({ message: 'm', type: 'rate_limit', name: 'RateLimitError', retry_after: 5 }) } catch (err) { return [err.type, err.name, err.message, err.retryAfter] }",
         ["rate_limit", "RateLimitError", "m", 5]),
    Case("an error of a synchronous method",
         "local ok, err = pcall(function() Echo.new{}:fail_now('m') end) return {ok, err.message}",
         "try { new Echo({}).failNow('m') } catch (err) { return [false, err.message] }", [False, "m"]),
    Case("parsing an error",
         "local i = ErrorHandler.parse_error(RateLimitError('calm')) return {i.type, i.message, i.retryable}",
         "const i = ErrorHandler.parseError(new RateLimitError('calm')); return [i.type, i.message, i.retryable]", ["rate_limit", "calm", True]),
    Case("an uncaught error", "local function f()\n  error('bad') -- HERE\nend\nf()", "function f() {\n  throw new Error('bad') // HERE\n}\nf()",
         error={"message": "bad"}),
    Case("an uncaught error of the host", "local e = Echo.new{}\nlocal x = e:fail_with('no') -- HERE", "const e = new Echo({})\nawait e.failWith('no') // HERE",
         error={"message": "no"}),
    Case("an uncaught error of a class", "\nerror(RateLimitError('m')) -- HERE", "\nthrow new RateLimitError('m') // HERE",
         error={"message": "m", "type": "rate_limit", "name": "RateLimitError"}),
    Case("a syntax error", "local x = 1\nlocal y = = 2 -- HERE", "const x = 1\nconst y = = 2 // HERE", error={"type": "syntax"}),
    Case("a thrown value", "error({code = 7})", "throw { code: 7 }", error={"value": {"code": 7}}),
    Case("a script's class",
         "local Mine = Echo:extend('Mine') function Mine:init(config) self.extra = config.extra end\n"
         "function Mine:run(x) return {self.extra, Echo.run(self, x)} end\n"
         "return Mine.new{label = 'l', extra = 'e'}:run('in')",
         "class Mine extends Echo { constructor(config) { super(config); this.extra = config.extra }\n"
         "async run(x) { return [this.extra, await super.run(x)] } }\n"
         "return await new Mine({ label: 'l', extra: 'e' }).run('in')", ["e", ["base", "in"]]),
    Case("a class of a script's class",
         "local A = Echo:extend('A') function A:run(x) return {'a', x} end\n"
         "local B = A:extend('B') function B:run(x) return {'b', A.run(self, x)} end\nreturn B.new{}:run(1)",
         "class A extends Echo { run(x) { return ['a', x] } }\n"
         "class B extends A { async run(x) { return ['b', await super.run(x)] } }\nreturn await new B({}).run(1)", ["b", ["a", 1]]),
    Case("a stream",
         "local words = {} for w in Echo.new{}:stream_words('a b c') do words[#words + 1] = w end return words",
         "const words = []; for await (const w of new Echo({}).streamWords('a b c')) words.push(w); return words", ["a", "b", "c"]),
    Case("a stream that is left early",
         "for w in Echo.new{}:stream_words('a b c') do return w end",
         "for await (const w of new Echo({}).streamWords('a b c')) return w", "a"),
    Case("a hundred waits at once",
         "local e, jobs = Echo.new{}, {} for i = 1, 100 do jobs[i] = function() return e:say_later(i, 20) end end local sum = 0 for _, v in ipairs(Async.all(jobs)) do sum = sum + v end return sum",
         "const e = new Echo({}); const all = []; for (let i = 1; i <= 100; i++) all.push(e.sayLater(i, 20)); return (await Promise.all(all)).reduce((a, b) => a + b)",
         5050),
    Case("all of a list, in its order",
         "local e = Echo.new{} return Async.all{function() return e:say_later('a', 9) end, function() return e:say_later('b', 1) end}",
         "const e = new Echo({}); return await Async.all([() => e.sayLater('a', 9), () => e.sayLater('b', 1)])", ["a", "b"]),
    Case("the first failure of all",
         "local e = Echo.new{} local ok, err = pcall(Async.all, {function() return e:say_later('a', 60000) end, function() e:fail_with('no') end}) return err.message",
         "const e = new Echo({}); try { await Async.all([() => e.sayLater('a', 60000), () => e.failWith('no')]) } catch (err) { return err.message }", "no"),
    Case("a race",
         "local e = Echo.new{} return Async.race{function() return e:say_later('slow', 60000) end, function() return e:say_later('quick', 1) end}",
         "const e = new Echo({}); return await Async.race([() => e.sayLater('slow', 60000), () => e.sayLater('quick', 1)])", "quick"),
    Case("settling all",
         "local e = Echo.new{} local r = Async.settle{function() return e:say('fine') end, function() e:fail_with('no') end} return {r[1].status, r[1].value, r[2].status, r[2].reason.message}",
         "const e = new Echo({}); const r = await Async.settle([() => e.say('fine'), () => e.failWith('no')]); return [r[0].status, r[0].value, r[1].status, r[1].reason.message]",
         ["fulfilled", "fine", "rejected", "no"]),
    Case("a time-out",
         "local e = Echo.new{} local ok, err = pcall(Async.timeout, 5, function() e:say_later('x', 60000) end) return {ok, err.type, err.name}",
         "const e = new Echo({}); try { await Async.timeout(5, () => e.sayLater('x', 60000)) } catch (err) { return [false, err.type, err.name] }",
         [False, "timeout", "TimeoutError"]),
    Case("in time", "return Async.timeout(60000, function() return Echo.new{}:say('x') end)",
         "return await Async.timeout(60000, () => new Echo({}).say('x'))", "x"),
    Case("sleeping", "Async.sleep(3) return 'rested'", "await Async.sleep(3); return 'rested'", "rested"),
    Case("the spell ends when what it started has ended",
         "Async.spawn(function() Async.sleep(5) print('late') end) print('main')",
         "(async () => { await Async.sleep(5); console.log('late') })(); console.log('main')", printed="main\nlate\n"),
    Case("a background failure fails the spell",
         "Async.spawn(function() Async.sleep(1)\nerror('lost') end) -- x\nAsync.sleep(60000)",
         "(async () => { await Async.sleep(1)\nthrow new Error('lost') })()\nawait Async.sleep(60000)", error={"message": "lost"}),
    Case("an event emitter",
         "local e, log = EventEmitter.new(), {} local function f(x) log[#log + 1] = x end e:on('a', f) e:once('a', f) e:emit('a', 1) e:emit('a', 2) e:off('a', f) e:emit('a', 3) return log",
         "const e = new EventEmitter(); const log = []; const f = (x) => log.push(x); e.on('a', f); e.once('a', f); e.emit('a', 1); e.emit('a', 2); e.off('a', f); e.emit('a', 3); return log",
         [1, 1, 2]),
    Case("JSON", "local v = JSON.parse('{\"a\":[1,2.5,true]}') return JSON.stringify({v.a, 'x'})",
         "const v = JSON.parse('{\"a\":[1,2.5,true]}'); return JSON.stringify([v.a, 'x'])", '[[1,2.5,true],"x"]'),
    Case("a uuid", "return #uuid.generate() == 36 and uuid.generate():sub(15, 15)", "return uuid.generate().length === 36 && uuid.generate()[14]", "4"),
    Case("chance follows the seed", "local a = math.random() return a >= 0 and a < 1", "const a = Math.random(); return a >= 0 && a < 1", True),
    Case("the allow-listed environment", "return {os.getenv('HOME'), tostring(os.getenv('PATH'))}", "return [process.env.HOME, String(process.env.PATH ?? 'nil')]", ["/home/tester", "nil"]),
    Case("an error crosses and comes back", "local same = Echo.new{}:give(RateLimitError('late')) return {same.type, same.message}",
         "const same = new Echo({}).give(new RateLimitError('late')); return [same.type, same.message]", ["rate_limit", "late"]),
)  # fmt: skip
