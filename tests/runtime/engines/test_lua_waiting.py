"""Lua: waiting works from wherever a spell calls, and what cannot wait says so."""

from __future__ import annotations

import pytest
from frame_host import EchoHost, run

PLACES = {
    "pcall": "local ok, v = pcall(function() return e:say('x') end) return v",
    "pcall of the method itself": "local ok, v = pcall(e.say, e, 'x') return v",
    "pcall in pcall": "local _, _, v = pcall(pcall, e.say, e, 'x') return v",
    "xpcall": "local ok, v = xpcall(function(a) return e:say(a) end, print, 'x') return v",
    "xpcall handler": "local ok, v = xpcall(error, function(m) return e:say(m) end, 'x') return v",
    "user coroutine": "local co = coroutine.create(function(a) return e:say(a) end) local ok, v = coroutine.resume(co, 'x') return v",
    "wrap": "return coroutine.wrap(function() return e:say('x') end)()",
    "wrap in wrap in pcall": "local w = coroutine.wrap return w(function() local ok, v = pcall(w(function() return e:say('x') end)) return v end)()",
    "__index": "return setmetatable({}, {__index = function(_, k) return e:say(k) end}).x",
    "__newindex": "local got setmetatable({}, {__newindex = function(_, k, v) got = e:say(v) end}).k = 'x' return got",
    "__call": "return setmetatable({}, {__call = function(_, v) return e:say(v) end})('x')",
    "__add": "return setmetatable({}, {__add = function(_, v) return e:say(v) end}) + 'x'",
    "__eq": "local m = {__eq = function() return e:say(true) end} return setmetatable({}, m) == setmetatable({}, m) and 'x'",
    "__lt": "local m = {__lt = function() return e:say(true) end} return setmetatable({}, m) < setmetatable({}, m) and 'x'",
    "__concat": "return setmetatable({}, {__concat = function(_, v) return e:say(v) end}) .. 'x'",
    "__len": "return #setmetatable({}, {__len = function() return e:say('x') end})",
    "__close": "local got do local c <close> = setmetatable({}, {__close = function() got = e:say('x') end}) end return got",
    "__tostring by tostring": "return tostring(setmetatable({}, {__tostring = function() return e:say('x') end}))",
    "__tostring by format": "return ('%s'):format(setmetatable({}, {__tostring = function() return e:say('x') end}))",
    "__pairs": "for k in pairs(setmetatable({}, {__pairs = function(t) return next, {[e:say('x')] = 1} end})) do return k end",
    "iterator": "local n = 0 for v in function() n = n + 1 if n == 1 then return e:say('x') end end do return v end",
    "sort comparator": "local t = {3, 1, 2} table.sort(t, function(a, b) return e:say(a) < e:say(b) end) return t[1] == 1 and t[3] == 3 and 'x'",
    "__lt in sort": "local m = {__lt = function(a, b) return e:say(a.n) < e:say(b.n) end} local t = {setmetatable({n = 2}, m), setmetatable({n = 1}, m)} table.sort(t) return t[1].n == 1 and 'x'",
    "gsub callback": "return (('abc'):gsub('.', function(c) return c == 'b' and e:say('x') or '' end))",
    "default argument of a callback": "return e:call_me(function(v) return e:say(v) end, 'x')",
    "method without callback": "return coroutine.wrap(function() return e:say_async('x') end)()",
    "deep recursion": "local function f(n) if n == 0 then return e:say('x') end return (f(n - 1)) end return f(5000)",
    "require'd function": "return load == nil and e:say('x')",
}  # fmt: skip


@pytest.mark.mission(55)
@pytest.mark.parametrize("place", PLACES)
def test_waiting_works_in(place: str) -> None:
    assert run("lua", "local e = Echo.new{} " + PLACES[place]).value() == "x"


STUCK = {
    "gsub table": "(('k'):gsub('k', setmetatable({}, {__index = function() return e:say('x') end})))",
    "concat": "table.concat(setmetatable({}, {__len = function() return 1 end, __index = function() return e:say('x') end}))",
    "coroutine inside": "(('k'):gsub('k', setmetatable({}, {__index = coroutine.wrap(function() return e:say('x') end)})))",
}  # fmt: skip


@pytest.mark.parametrize("place", STUCK)
def test_what_cannot_wait_names_the_call(place: str) -> None:
    host = run(
        "lua",
        f"local e = Echo.new{{}} local ok, why = pcall(function() return {STUCK[place]} end) return tostring(why)",
    )
    assert "spell.lua:1: Echo.say cannot wait here" in host.value()
    assert host.calls("Echo.say") == []


def test_synchronous_members_work_even_there() -> None:
    source = "local e = Echo.new{} return (('k'):gsub('k', setmetatable({}, {__index = function() return e.id end})))"
    assert run("lua", source).value() == "id-1"


def test_a_finalizer_can_call_nothing_of_the_host() -> None:
    source = """
        local e, failures = Echo.new{}, {}
        local function try(f) local ok, why = pcall(f) failures[#failures + 1] = ok and 'worked' or tostring(why) end
        do setmetatable({}, {__gc = function()
            try(function() e:say('x') end)
            try(function() return e.id end)
            try(function() coroutine.wrap(function() return e.id end)() end)
        end}) end
        while #failures < 3 do local garbage = {} end
        return failures"""
    host = run("lua", source)
    for failure, name in zip(host.value(), ["Echo.say", "Base.id", "Base.id"], strict=True):
        assert f"{name} cannot be called while Lua collects garbage (in __gc)" in failure
    assert [frame[2] for frame in host.frames if frame[0] in ("call", "ask")] == ["Echo.new"]


def test_hundred_waits_in_pcall_in_coroutines_overlap() -> None:
    source = """
        local e = Echo.new{}
        local jobs = {}
        for i = 1, 100 do
            jobs[i] = function()
                return coroutine.wrap(function()
                    local ok, v = pcall(e.say_later, e, i, 50)
                    return v
                end)()
            end
        end
        local sum = 0
        for _, v in ipairs(Async.all(jobs)) do sum = sum + v end
        return sum"""
    host = run("lua", source)
    assert host.value() == 5050
    assert host.clock == 50


def test_the_yield_of_the_main_chunk_is_resumed() -> None:
    assert run("lua", "local n = 0 for i = 1, 5000 do coroutine.yield(i) n = n + 1 end return n").value() == 5000


def test_a_loop_of_yields_lets_answers_in() -> None:
    source = "local got Echo.new{}:say_later_async('x', 5, function(v) got = v end) while not got do coroutine.yield() end return got"
    assert run("lua", source).value() == "x"


def test_the_coroutine_library_behaves_as_lua_people_know_it() -> None:
    source = """
        local e, log = Echo.new{}, {}
        local function note(...) log[#log + 1] = table.concat({...}, ' ') end
        local co
        co = coroutine.create(function(a)
            note('status inside', coroutine.status(co), tostring(coroutine.isyieldable()))
            local b = coroutine.yield(a + 1)
            e:say('wait')
            local c = coroutine.yield(b + 1)
            error('end ' .. c, 0)
        end)
        note(coroutine.status(co))
        note(select(2, coroutine.resume(co, 1)))
        note(select(2, coroutine.resume(co, 10)))
        note(tostring(coroutine.resume(co, 5)), coroutine.status(co))
        note(tostring(coroutine.resume(co)), select(2, coroutine.resume(co)))
        note(tostring(coroutine.close(co)))
        local nothing = coroutine.wrap(function() end)
        note(tostring(select('#', nothing())), select(2, pcall(nothing)))
        note(select('#', coroutine.resume(coroutine.create(function() end))))
        note(type(coroutine.running()), tostring(select(2, coroutine.running())))
        local gen = coroutine.wrap(function() for i = 1, 3 do e:say(i) coroutine.yield(i) end end)
        for v in gen do note(v) end
        return log"""
    assert run("lua", source).value() == [
        "suspended", "status inside running true", "2", "11", "false dead", "false cannot resume dead coroutine",
        "false", "0 cannot resume dead coroutine", "1", "thread false", "1", "2", "3",
    ]  # fmt: skip


def test_two_tasks_cannot_mix_up_a_coroutine_that_waits() -> None:
    source = """
        local e, seen = Echo.new{}, {}
        local co = coroutine.create(function() return e:say_later('mine', 10) end)
        local results = Async.all{
            function() return select(2, coroutine.resume(co)) end,
            function()
                seen = {coroutine.status(co), select(2, coroutine.resume(co, 'forged')), select(2, pcall(coroutine.close, co))}
                return 'other'
            end}
        return {results, seen}"""
    results, (status, resumed, closed) = run("lua", source).value()
    assert results == ["mine", "other"]
    assert (status, resumed) == ("normal", "cannot resume non-suspended coroutine")
    assert "cannot close a normal coroutine" in closed


def test_a_cancelled_callback_is_closed_and_pcall_cannot_stop_that() -> None:
    source = """
        local e = Echo.new{}
        board.on(function()
            local guard <close> = setmetatable({}, {__close = function() print('closed') end})
            while true do pcall(function() coroutine.wrap(function() e:say_later('x', 1e6) end)() end) print('swallowed') end
        end)
        print('ready')
        return e:say_later('main', 100)"""
    host = EchoHost("lua", source)
    host.until(lambda: host.listeners)
    callback = host.invoke(host.listeners[0].number)
    host.until(lambda: len(host.calls("Echo.say_later")) == 2)
    host.cancel(callback)
    host.run()
    assert host.value() == "main"
    assert host.text == "ready\nclosed\n"
    assert host.cancelled == {call[1] for call in host.calls("Echo.say_later") if call[4][0] == "x"}
    assert callback not in host.results


CANCELLED_STATES = {
    "not begun": "function() print('ran') end",
    "waiting for a call": "function() e:say_later('x', 1e6) print('ran') end",
    "waiting in a coroutine": "function() coroutine.wrap(function() e:say_later('x', 1e6) end)() print('ran') end",
    "waiting for a group": "function() Async.all{function() e:say_later('x', 1e6) end, function() e:say_later('y', 1e6) end} print('ran') end",
    "waiting with a time-out": "function() Async.timeout(1e6, function() e:say_later('x', 1e6) end) print('ran') end",
    "waiting for a task": "function() local t = Async.spawn(function() e:say_later('x', 1e6) end) t:await() print('ran') end",
    "asleep": "function() Async.sleep(1e6) print('ran') end",
    "yielding": "function() while true do coroutine.yield() end end",
    "in a stream": "function() for w in e:stream_words('a b') do e:say_later(w, 1e6) end print('ran') end",
}  # fmt: skip


@pytest.mark.parametrize("state", CANCELLED_STATES)
def test_cancelling_works_while(state: str) -> None:
    source = f"""
        local e = Echo.new{{}}
        local ok, why = pcall(Async.all, {{{CANCELLED_STATES[state]}, function() Async.sleep(5) error('first', 0) end}})
        return why"""
    if state == "not begun":
        source = f"return select(2, pcall(Async.all, {{function() error('first', 0) end, {CANCELLED_STATES[state]}}}))"
    host = run("lua", source)
    assert host.value() == "first"
    assert host.text == ""
    assert host.clock < 1000


def test_a_task_cancelled_during_its_own_question_goes_no_further() -> None:
    source = """
        local e, task = Echo.new{}, nil
        task = Async.spawn(function() e:call_me_now(function() task:cancel() end) print('went on') end)
        local ok, why = pcall(task.await, task)
        return {ok, why.type}"""
    host = run("lua", source)
    assert host.value() == [False, "cancelled"]
    assert host.text == ""


@pytest.mark.mission(29)
def test_async_methods_call_back_later_in_order() -> None:
    source = """
        local e = Echo.new{}
        e:say_later_async('slow', 20, function(v) print(v) end)
        e:say_later_async('quick', 10, function(v) e:say_async(v .. ' again', function(w) print(w) end) end)
        e:fail_with_async('no', function(v, err) print(v, err.message) end)
        print('first')"""
    assert run("lua", source).text == "first\nnil\tno\nquick again\nslow\n"


def test_a_failure_that_no_callback_takes_fails_the_spell() -> None:
    host = run("lua", "Echo.new{}:fail_with_async('no', function(v) print('called') end)\nAsync.sleep(1000)")
    assert host.error is not None
    assert (host.error["message"], host.error["source"]) == ("no", "spell.lua:1")
    assert host.text == ""


def test_callbacks_wait_and_enter_during_a_question() -> None:
    source = """
        local e = Echo.new{}
        local v = e:call_me_now(function(x) return e:say(x) .. e:say_later('b', 5) end, 'a')
        return v .. e:call_me(function() return e:call_me_now(function() return 'c' end) end)"""
    assert run("lua", source).value() == "abc"


def test_async_in_all_its_forms() -> None:
    source = """
        local e = Echo.new{}
        local function later(v, ms) return function() return e:say_later(v, ms) end end
        local out = {}
        out.all = Async.all{later('a', 9), later('b', 3), 'plain', coroutine.create(later('c', 1)), Async.spawn(later('d', 2))}
        out.race = Async.race{later('slow', 60000), later('quick', 5)}
        out.settled = Async.settle{later('fine', 1), function() error('bad', 0) end, function() return nil end}
        out.in_time = Async.timeout(60000, later('in time', 5))
        local ok, late = pcall(Async.timeout, 5, later('late', 60000))
        out.late = {ok, late.type, late.name, late.source}
        local t = Async.spawn(function(a, b) Async.sleep(1) return a + b end, 2, 3)
        out.status = t:status()
        out.sum, out.after = t:await(), t:status()
        out.empty = #Async.all{}
        out.method = Async:all{later('m', 1)}
        return out"""
    host = run("lua", source)
    assert host.value() == {
        "all": ["a", "b", "plain", "c", "d"],
        "race": "quick",
        "settled": [
            {"status": "fulfilled", "value": "fine"},
            {"status": "rejected", "reason": "bad"},
            {"status": "fulfilled"},
        ],
        "in_time": "in time",
        "late": [False, "timeout", "TimeoutError", "spell.lua:9"],
        "status": "pending", "sum": 5, "after": "fulfilled", "empty": 0, "method": ["m"],
    }  # fmt: skip
    slow = {call[1] for call in host.calls("Echo.say_later") if call[4][0] in ("slow", "late")}
    assert slow <= host.cancelled


def test_a_spawned_failure_that_nobody_awaits_fails_the_spell() -> None:
    host = run("lua", "Async.spawn(function()\nerror('lost') end)\nAsync.sleep(1000)")
    assert host.error is not None
    assert (host.error["message"], host.error["source"]) == ("lost", "spell.lua:2")
    assert run("lua", "local t = Async.spawn(error, 'kept', 0) return select(2, pcall(t.await, t))").value() == "kept"


def test_the_spell_waits_for_what_it_started() -> None:
    source = "Async.spawn(function() Async.sleep(30) print('late') end) print('main') return 7"
    host = run("lua", source)
    assert (host.value(), host.text) == (7, "main\nlate\n")


def test_a_stream_is_an_iterator_and_is_closed_when_left() -> None:
    source = """
        local e = Echo.new{}
        local words = {}
        for word in e:stream_words('a b c') do words[#words + 1] = word end
        for word in e:stream_words('d e') do words[#words + 1] = word break end
        pcall(function() for word in e:stream_words('f g') do error('stop') end end)
        local s = e:stream_words('h i')
        words[#words + 1] = s()
        words[#words + 1] = s:next()
        words[#words + 1] = tostring(s())
        s:close()
        return words"""
    host = run("lua", source)
    assert host.value() == ["a", "b", "c", "d", "h", "i", "nil"]
    assert [host.objects[call[3]]["words"] for call in host.calls("Stream.close")] == [["e"], ["g"]]
