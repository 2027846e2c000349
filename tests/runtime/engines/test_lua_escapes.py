"""Lua: the known ways out of a sandbox, each closed; and memory, which ends the spell before it harms the process."""

from __future__ import annotations

import pytest
from frame_host import EchoHost, run

GONE = [
    "load", "loadstring", "loadfile", "dofile", "collectgarbage", "debug", "package", "io.open", "io.popen", "io.lines", "io.read", "python", "module", "setfenv",
    "getfenv", "newproxy", "jit", "ffi", "string.dump", "os.execute", "os.exit", "os.remove", "os.rename", "os.tmpname",
    "os.setlocale", "warn",
]  # fmt: skip


@pytest.mark.mission(139)
@pytest.mark.parametrize("name", GONE)
def test_what_a_spell_must_not_have_is_gone(name: str) -> None:
    assert run("lua", f"return {name} == nil").value() is True


#: Each evaluates to what the attempt gained; all must gain nothing.
ATTEMPTS = {
    "metatable of strings": "return getmetatable('') == nil",
    "rawset on the metatable of strings": "return select(2, pcall(function() return getmetatable('').__index end)) ~= nil",
    "metatable of functions": "return getmetatable(print) == nil",
    "metatable of nil": "return getmetatable(nil) == nil",
    "metatable of an object": "return getmetatable(e) == Echo",
    "changing an object's metatable": "return pcall(setmetatable, e, {}) == false",
    "metatable of a class": "return getmetatable(Echo) == false",
    "globals through _G": "return _G._G == _G and rawget(_G, 'debug') == nil",
    "globals through a prelude function's error": "local ok, m = pcall(string.rep) return type(m) == 'string'",
    "a host error is a table of plain values": """
        local ok, m = pcall(e.fail_with, e, 'x')
        for k, v in pairs(m) do if type(v) == 'userdata' then return false end end
        return type(m) == 'table'""",
    "a forged receiver": "local ok, m = pcall(e.say, setmetatable({}, {__index = e}), 'x') return not ok and m.type == 'invalid_argument'",
    "the receiver of another class's table": "return pcall(e.say, Echo, 'x') == false",
    "the tag by resuming": """
        local co = coroutine.create(function() return e:say_later('x', 1) end)
        local got = {coroutine.resume(co)}
        return #got == 2 and got[2] == 'x'""",
    "the tag by wrap": "local got = {coroutine.wrap(function() return e:say('x') end)()} return #got == 1 and got[1] == 'x'",
    "the tag by __eq": """
        local seen = 0
        local spy = setmetatable({}, {__eq = function(a, b) seen = seen + 1 return true end})
        local co = coroutine.wrap(function() coroutine.yield(spy) coroutine.yield(spy) end)
        co() co()
        return seen == 0""",
    "the tag by close": """
        local co = coroutine.create(function() e:say_later('x', 1e6) end)
        local t = Async.spawn(function() coroutine.resume(co) end)
        Async.sleep(1)
        local ok, m = pcall(coroutine.close, co)
        t:cancel()
        return not ok and type(m) == 'string'""",
    "waking a task by its coroutine": """
        local root
        local t = Async.spawn(function() root = coroutine.running() return e:say_later('true answer', 5) end)
        Async.sleep(1)
        local ok, m = coroutine.resume(root, true, 'forged')
        return ok == false and coroutine.status(root) == 'normal' and t:await() == 'true answer'""",
    "a fake answer by a user's yield": "local ok, v = pcall(coroutine.wrap(function() return coroutine.yield('call', 'Echo.say', 1) end)) return v == 'call'",
    "the tag by a metamethod of pairs": "for k, v in pairs(_G) do if type(v) == 'userdata' then return false end end return true",
    "addresses by tostring": "return not tostring(print):find('0x%x%x%x%x%x%x%x')",
    "addresses by %p": "return pcall(string.format, '%p', print) == false and pcall(string.format, '%-20p', 'x') == false",
    "addresses by %s": "return not string.format('%s', {}):find('0x%x%x%x%x%x%x%x')",
    "replacing a class's method": "return pcall(function() Echo.say = print end) == false",
    "poisoned globals": """
        local old = {pcall, error, type, next, select, tostring}
        pcall, error, type, next, select, tostring, setmetatable, rawequal = nil
        string.sub, string.byte, string.format, table.concat, math.floor, coroutine.running = nil
        return e:say('x') == 'x' and Async.all{function() return e:say('y') end}[1] == 'y'""",
    "poisoned string library": "string.find = error string.rep = error return ('x'):upper() == 'X' and e:say('x') == 'x'",
    "metatable of _G": """
        setmetatable(_G, {__index = function(_, k) return 'trap' end, __newindex = function() error('trap') end})
        return e:say(nothing) == 'trap' and JSON.stringify({1}) == '[1]'""",
    "metatable with __index = error": "setmetatable(_G, {__index = error}) return pcall(function() return missing end) == false",
    "_ENV swapped": "local say = e.say local _ENV = {} return say(nil or e1 or _ENV.e or 0) == nil",
    "bytecode by require": "return pcall(require, 'bytecode') == false",
    "a finalizer that resurrects": """
        local saved
        do setmetatable({}, {__gc = function(o) saved = o end}) end
        for i = 1, 1e5 do local g = {} if saved then break end end
        return e:say('x') == 'x'""",
    "a finalizer that fails": "do setmetatable({}, {__gc = error}) end for i = 1, 1e5 do local g = {} end return e:say('x') == 'x'",
    "a finalizer that yields": """
        do setmetatable({}, {__gc = function() coroutine.yield() end}) end
        for i = 1, 1e5 do local g = {} end
        return e:say('x') == 'x'""",
    "__metatable lies": "local t = setmetatable({}, {__metatable = 'mine'}) return getmetatable(t) == 'mine' and pcall(setmetatable, t, {}) == false",
    "__tostring that is no function": "return pcall(tostring, setmetatable({}, {__tostring = 1})) == false",
    "__name that is no string": "return type(tostring(setmetatable({}, {__name = {}}))) == 'string'",
    "a dead coroutine's tag": "local co = coroutine.wrap(function() end) co() return pcall(co) == false",
    "os.date with a bad layout": "return pcall(os.date, '%Ez') == false",
    "string.format overflow": "return pcall(string.format, '%1000d', 1) == false",
    "string.rep of nothing, for ever": "return string.rep('', 1e12) == ''",
    "pairs on something else": "return pcall(pairs, nil) == false and pcall(pairs, 'x') == false",
}  # fmt: skip
ATTEMPTS["_ENV swapped"] = "local say, call = e.say, pcall local _ENV = {} return call(say, nil, 'x') == false"


@pytest.mark.mission(139)
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_attempt_gains_nothing(attempt: str) -> None:
    handlers = {"module.load": {"label": "m.lua", "source": b"\x1bLua\x54\x00"}}
    assert run("lua", "local e = Echo.new{} " + ATTEMPTS[attempt], handlers).value() is True


def test_only_the_allow_listed_environment_is_there() -> None:
    assert run("lua", "return {os.getenv('HOME'), tostring(os.getenv('PATH'))}").value() == ["/home/tester", "nil"]


BOMBS = {
    "string.rep": "local s = string.rep('x', 1e9)",
    "string.rep with a separator": "local s = string.rep('x', 1e7, 'yyyyyyyyyyyyyyyyyyyyyyy')",
    "doubling": "local s = 'x' while true do s = s .. s end",
    "table": "local t = {} for i = 1, 1e9 do t[i] = i end",
    "tables": "local t = {} while true do t = {t} end",
    "table.concat": "local t, s = {}, ('x'):rep(1e6) for i = 1, 1e3 do t[i] = s end local s = table.concat(t)",
    "gsub": "local s = (('x'):rep(1e6)):gsub('x', ('y'):rep(1000))",
    "format": "local s = ('x'):rep(3e7) s = string.format('%s%s%s', s, s, s)",
    "coroutines": "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
    "closures": "local t = {} while true do t[#t + 1] = function() return t end end",
    "pcall that would catch it": "while true do pcall(string.rep, 'x', 1e9) end",
    "pcall around everything": "local t = {} pcall(function() while true do t[#t + 1] = ('x'):rep(1e5) .. #t end end) return 'caught'",
    "coroutine that would catch it": "while true do coroutine.resume(coroutine.create(function() return ('x'):rep(1e9) end)) end",
    "xpcall that would catch it": "while true do xpcall(string.rep, print, 'x', 1e9) end",
    "in a task": "Async.all{function() local s = ('x'):rep(1e9) end}",
    "in __tostring": "tostring(setmetatable({}, {__tostring = function() return ('x'):rep(1e9) end}))",
    "in a sort": "table.sort({1, 2}, function() return ('x'):rep(1e9) end)",
    "answers of the host": "local e, t = Echo.new{}, {} while true do t[#t + 1] = e:say(('x'):rep(1e6) .. #t) end",
    "answers to questions": "local e, t = Echo.new{}, {} while true do t[#t + 1] = e:give(('x'):rep(1e6) .. #t) end",
    "arguments": "local e, t = Echo.new{}, {} for i = 1, 15 do t[i] = ('x'):rep(2e6) .. i end while true do pcall(e.say, e, t) t[#t + 1] = ('y'):rep(#t * 1e5) end",
    "prints": "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t print(#t, t[#t]) end",
    "small prints when full": "local t = {} while true do t[#t + 1] = ('x'):rep(2000) .. #t print(#t) end",
    "errors when full": "local t = {} while true do t[#t + 1] = {pcall(error, RateLimitError('x'))} end",
}  # fmt: skip


@pytest.mark.mission(139)
@pytest.mark.parametrize("bomb", BOMBS)
def test_memory_has_an_end_that_cannot_be_caught(bomb: str) -> None:
    host = EchoHost("lua", "local x = 1\n" + BOMBS[bomb], memory_mb=24, patience=60.0)
    host.run()
    assert host.error is not None
    assert (host.error["type"], host.error["data"]) == ("limit", {"limit": "memory"}), host.error
    assert "more than its 24 MB of memory" in host.error["message"]
    assert host.error["source"] in ("spell.lua:2", "")


def test_running_out_of_memory_names_the_line() -> None:
    host = run(
        "lua", "local t = {}\nlocal function fill()\n  while true do t[#t + 1] = {} end\nend\nfill()", memory_mb=16
    )
    assert host.error is not None
    assert host.error["source"] == "spell.lua:3"


@pytest.mark.parametrize("when", ["settle", "ask", "callback"])
def test_a_limit_that_the_host_reports_cannot_be_caught(when: str) -> None:
    fields = {"message": "too much", "type": "limit", "name": "LimitError", "data": {"limit": "cost"}}
    call = {
        "settle": "e:fail_with(limit)",
        "ask": "e:fail_now(limit)",
        "callback": "e:call_me(function() e:fail_now(limit) end)",
    }[when]
    source = f"local e, limit = Echo.new{{}}, params while true do pcall(function() {call} end) print('caught') end"
    host = run("lua", source, params=fields)
    assert host.error is not None
    assert (host.error["message"], host.error["type"], host.text) == ("too much", "limit", "")


def test_ten_thousand_objects_and_collected_coroutines_do_no_harm() -> None:
    source = """
        local e = Echo.new{}
        for i = 1, 10000 do
            local co = coroutine.create(function() local o = e:give{i, {i}} coroutine.yield(o) end)
            coroutine.resume(co)
        end
        return e:say('still here')"""
    assert run("lua", source).value() == "still here"


def test_questions_in_callbacks_in_questions_end_in_a_limit_and_not_in_a_crash() -> None:
    source = "local e = Echo.new{}\nlocal function f()\n  coroutine.wrap(function() pcall(function() e:call_me_now(f) end) end)()\nend\nf()"
    host = run("lua", source)
    assert host.error is not None
    assert (host.error["type"], host.error["data"], host.error["source"]) == (
        "limit",
        {"limit": "depth"},
        "spell.lua:3",
    )
    nested = (
        "local e = Echo.new{} local function f(n) return n == 0 and 'deep' or e:call_me_now(f, n - 1) end return f(20)"
    )
    assert run("lua", nested).value() == "deep"


def test_callbacks_collected_coroutines_and_questions_mix_without_harm() -> None:
    source = """
        local e, sum = Echo.new{}, 0
        for i = 1, 300 do
            local co = coroutine.create(function()
                local v = e:call_me_now(function(x)
                    for _ = 1, 20 do local garbage = {('x'):rep(1000), function() return x end} end
                    return coroutine.wrap(function() return e:give({x, e:say(x)}) end)()
                end, i)
                coroutine.yield(v)
                error('never reached')
            end)
            local _, v = coroutine.resume(co)
            sum = sum + v[1] + v[2]
        end
        return sum"""
    assert run("lua", source, memory_mb=8).value() == 300 * 301
