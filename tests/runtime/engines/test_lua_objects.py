"""Lua: objects of the host, script classes, live tables, errors, values, modules and the small globals."""

from __future__ import annotations

import re

import pytest
from frame_host import EchoHost, HostFailure, error_map, run

from llmspell.engines.values import ErrorValue, FunctionRef, ObjectRef

# -- objects -------------------------------------------------------------------------------------------------------


@pytest.mark.mission(26)
def test_construction_in_every_form() -> None:
    source = """
        Echo.new{label = 'a', tags = {'x'}}
        Echo{label = 'b'}
        Echo.new('the prompt')
        Echo('the prompt', 'the label')
        Echo.new('the prompt', {tags = {1}})
        Echo:new{label = 'c'}
        Repeater.new()
        Base.new{}"""
    host = run("lua", source)
    assert [call[4] for call in host.calls("Echo.new")] == [
        [{"label": "a", "tags": ["x"]}, None],
        [{"label": "b"}, None],
        [{"prompt": "the prompt"}, None],
        [{"prompt": "the prompt", "label": "the label"}, None],
        [{"prompt": "the prompt", "tags": [1]}, None],
        [{"label": "c"}, None],
        [{}, None],
    ]
    assert host.calls("Base.new")[0][3:5] == [None, [{}, None]]


def test_members_take_either_spelling_and_say_where_they_were_used() -> None:
    source = (
        "local e = Echo.new{}\ne:say_later('a', 0)\ne:sayLater('b', 0)\nlocal _ = e.id\ne.label = 'new'\nreturn e.label"
    )
    host = run("lua", source)
    assert host.value() == "new"
    sites = [(frame[2], frame[3], frame[5]) for frame in host.frames if frame[0] in ("call", "ask")]
    assert sites == [
        ("Echo.new", None, "spell.lua:1"),
        ("Echo.say_later", 1, "spell.lua:2"),
        ("Echo.say_later", 1, "spell.lua:3"),
        ("Base.id", 1, "spell.lua:4"),
        ("Base.label=", 1, "spell.lua:5"),
        ("Base.label", 1, "spell.lua:6"),
    ]


def test_the_site_is_the_scripts_even_in_odd_places() -> None:
    source = """local e = Echo.new{}
        Async.all{
            function()
                return e:say('tail call')
            end}
        table.sort({2, 1}, function(a, b)
            e:say('sort')
            return a < b end)
        coroutine.wrap(function()
            e:say('wrap') end)()
        local ok = pcall(
            e.say, e, 'pcall')
        local m = setmetatable({}, {__index = function(_, k)
            e:say(k) end})
        local _ = m.index"""
    sites = {call[4][0]: call[5] for call in run("lua", source).calls("Echo.say")}
    assert sites == {
        "tail call": "spell.lua:4", "sort": "spell.lua:7", "wrap": "spell.lua:10", "pcall": "spell.lua:11", "index": "spell.lua:14",
    }  # fmt: skip


def test_a_long_path_is_whole_in_sites_and_errors() -> None:
    label = "a/very/long/path/" * 8 + "spell.lua"
    host = run("lua", "local e = Echo.new{}\nerror('no')", label=label)
    assert host.calls("Echo.new")[0][5] == f"{label}:1"
    assert host.error is not None
    assert (host.error["message"], host.error["source"]) == ("no", f"{label}:2")


def test_identity() -> None:
    source = """
        local e = Echo.new{}
        local again = e:give(e)
        local t = {[e] = 'known'}
        return {again == e, t[again], Echo.find(1) == e, Echo.find(2) == Echo.find(2), tostring(e)}"""
    assert run("lua", source).value() == [True, "known", True, True, "Echo #1"]


def test_static_and_namespace_members_take_dot_and_colon() -> None:
    source = """
        local e = Echo.new{}
        return {board.count(1, 2), board:count(1, 2), board.count(), board:count(), board.size, board:fetch('x'),
            board.get_cached_notes('k'), Echo.run('static'), Echo.run(e, 'instance'), e:run('instance'),
            Echo.find(5):polish('p'), tostring(e.polish)}"""
    assert run("lua", source).value() == [
        2, 2, 0, 0, 7, ["x"], ["notes", "k"], ["static", "static"], ["plain", "instance"], ["plain", "instance"],
        ["polished", "p"], "nil",
    ]  # fmt: skip


def test_a_dot_for_a_colon_is_named() -> None:
    host = run("lua", "local e = Echo.new{}\ne.say('x')")
    assert host.error is not None
    assert (host.error["type"], host.error["source"]) == ("invalid_argument", "spell.lua:2")
    assert "Echo.say needs its object" in host.error["message"]
    assert host.error["hint"] == "write object:say(…) with a colon, not object.say(…)"


def test_properties_that_cannot_be_written_and_fields_that_can() -> None:
    source = """
        local e = Echo.new{}
        local ok, why = pcall(function() e.id = 'x' end)
        e.mine = {1}
        local number = 1
        e = nil
        for i = 1, 1e5 do local garbage = {} end
        return {ok, why.message, Echo.find(1).mine, Echo.find(1).nothing == nil}"""
    assert run("lua", source).value() == [False, "Base.id cannot be changed", [1], True]


def test_an_object_reads_as_its_text() -> None:
    handlers = {"board.fetch": lambda receiver, args: ObjectRef(9, "Text")}
    source = "local t = board.fetch() return {tostring(t), t .. '!', '<' .. t, ('%s'):format(t), #t, t.content}"
    assert run("lua", source, handlers).value() == ["the text", "the text!", "<the text", "the text", 8, "the text"]


# -- script classes --------------------------------------------------------------------------------------------------


@pytest.mark.mission(12, 14)
def test_a_scripts_class_extends_overrides_and_calls_its_base() -> None:
    source = """
        local Mine = Echo:extend('Mine')
        function Mine:init(config)
            self.steps = config.steps or {}
            self.id = config.id
            self.count = 0
        end
        function Mine:run(input)
            self.count = self.count + 1
            return {self.steps, self.count, Echo.run(self, input)}
        end
        function Mine:helper() return 'helped ' .. self:describe() end
        local Child = Mine:extend()
        function Child:run(input) return {'child', Mine.run(self, input)} end
        function Child:init(config) Mine.init(self, config) self.child = true end
        local m = Mine.new{label = 'l', id = 'own', steps = {1}, extra = 'e'}
        local c = Child{steps = {2}, label = 'c'}
        return {m.id, m.extra, m.label, m:helper(), m:run('in'), m:run('in'), c:run('x'), c.child, Child.super == Mine,
            m:run_async('y'), tostring(c)}"""
    host = run("lua", source)
    plain = ["base", "in"]
    assert host.value() == [
        "own", "e", "l", "helped object 1", [[1], 1, plain], [[1], 2, plain],
        ["child", [[2], 1, ["base", "x"]]], True, True, [[1], 3, ["base", "y"]], "Echo #2",
    ]  # fmt: skip
    first, second = (call[4] for call in host.calls("Echo.new"))
    assert first[0] == {"label": "l"}
    assert first[1]["name"] == "Mine"
    assert set(first[1]["overrides"]) == {"run"}
    assert second[0] == {"label": "c"}
    assert [call[2] for call in host.frames if call[0] == "call"].count("Echo.run:base") == 4


def test_an_object_of_a_scripts_class_keeps_its_fields_while_the_host_has_it() -> None:
    source = """
        local Mine = Base:extend()
        function Mine:run() return self.secret end
        do Mine.new{secret = 's'} end
        for i = 1, 1e5 do local garbage = {} end
        return Async.sleep(1)"""
    host = EchoHost("lua", source)
    host.until(lambda: host.objects)
    callback = host.invoke(host.objects[1]["subclass"]["overrides"]["run"].number, ObjectRef(1, "Base"))
    host.run()
    assert host.results[callback] == (True, "s")


def test_an_override_may_give_a_coroutine() -> None:
    source = """
        local Mine = Base:extend()
        function Mine:run(x) return coroutine.wrap(function() self.state.n = (self.state.n or 0) + 1 return {self.state.n, x} end) end
        return Mine.new{}:run('in')()"""
    assert run("lua", source).value() == [1, "in"]


@pytest.mark.mission(6)
def test_live_tables() -> None:
    source = """
        local e = Echo.new{}
        e.state = {status = 'ready', n = 0, errors = {}, deep = {a = {b = 1}}}
        e.state.n = e.state.n + 1
        table.insert(e.state.errors, 'one')
        table.insert(e.state.errors, 'three')
        table.insert(e.state.errors, 2, 'two')
        e.state.errors[#e.state.errors + 1] = {code = 4}
        e.state.errors[4].code = 5
        e.state.deep.a.b = e.state.deep.a.b * 7
        local removed = table.remove(e.state.errors, 1)
        local seen = {}
        for k, v in pairs(e.state) do seen[#seen + 1] = k .. ':' .. type(v) end
        for i, v in ipairs(e.state.errors) do seen[#seen + 1] = i .. '=' .. (type(v) == 'table' and v.code or v) end
        return {e.state, seen, #e.state.errors, next(e.state.errors) ~= nil, e.state == e.state, e.state.missing == nil,
            JSON.stringify(e.state.deep), removed, table.concat({table.unpack(e.state.errors, 1, 2)}, ',')}"""
    assert run("lua", source).value() == [
        {"status": "ready", "n": 1, "errors": ["two", "three", {"code": 5}], "deep": {"a": {"b": 7}}},
        ["deep:table", "errors:table", "n:number", "status:string", "1=two", "2=three", "3=5"],
        3, True, True, True, '{"a":{"b":7}}', "one", "two,three",
    ]  # fmt: skip


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.mission(61)
def test_errors_of_the_host_are_caught_as_objects() -> None:
    source = """
        local e = Echo.new{}
        local ok, err = pcall(function() e:fail_with{message = 'slow down', type = 'rate_limit', name = 'RateLimitError',
            retry_after = 5000, retryable = true, hint = 'wait', data = {limit = 3}} end)
        local info = ErrorHandler.parse_error(err)
        return {ok, err.type, err.name, err.message, err.retry_after, err.hint, err.data.limit, err.source, tostring(err),
            'got ' .. err, err:match('slow %a+'), getmetatable(err) == RateLimitError, info}"""
    value = run("lua", source).value()
    assert value[:12] == [
        False, "rate_limit", "RateLimitError", "slow down", 5000, "wait", 3, "spell.lua:3", "spell.lua:3: slow down",
        "got spell.lua:3: slow down", "slow down", True,
    ]  # fmt: skip
    assert value[12] == {
        "type": "rate_limit", "message": "slow down", "retry_after": 5000, "retryable": True, "source": "spell.lua:3",
        "hint": "wait", "data": {"limit": 3},
    }  # fmt: skip


def test_error_classes_and_parse_error() -> None:
    source = """
        local made = RateLimitError('calm down', {retry_after = 10})
        local ok, caught = pcall(error, ToolError.new('broken'))
        local function parsed(v) local i = ErrorHandler.parse_error(v) return {i.type, i.message, i.source, i.retryable} end
        return {made.type, made.retry_after, made.retryable, tostring(made), caught.name, parsed(made),
            parsed(select(2, pcall(error, 'plain'))), parsed(select(2, pcall(function() error('placed') end))),
            parsed({message = 'm', type = 'timeout'}), parsed(nil), ErrorHandler.parseError('x').message}"""
    assert run("lua", source).value() == [
        "rate_limit", 10, True, "spell.lua:2: calm down", "ToolError", ["rate_limit", "calm down", "spell.lua:2", True],
        ["script", "plain", "", False], ["script", "placed", "spell.lua:6", False], ["timeout", "m", "", True],
        ["script", "nil", "", False], "x",
    ]  # fmt: skip


UNCAUGHT = {
    "string": ("local function f()\n  error('bad')\nend\nf()", "script", "bad", "spell.lua:2",
               ["spell.lua:2: in function 'f'", "spell.lua:4: in main chunk"]),
    "runtime": ("local t\nprint(t.x)", "script", "attempt to index a nil value (local 't')", "spell.lua:2", ["spell.lua:2: in main chunk"]),
    "library": ("\n('x'):rep({})", "script", "bad argument #2 to 'rep' (number expected, got table)", "spell.lua:2", None),
    "host": ("local e = Echo.new{}\nlocal function ask()\n  local r = e:fail_with('no')\nend\nask()", "error", "no", "spell.lua:3",
             ["spell.lua:3: in function 'ask'", "spell.lua:5: in main chunk"]),
    "object": ("error(ToolError('broken'))", "tool", "broken", "spell.lua:1", None),
    "in wrap": ("local f = coroutine.wrap(function()\n  error('deep')\nend)\nf()", "script", "deep", "spell.lua:2",
                ["spell.lua:2: in function <spell.lua:1>", "spell.lua:4: in main chunk"]),
    "in Async.all": ("Async.all{function()\n  error('inside')\nend}", "script", "inside", "spell.lua:2",
                     ["spell.lua:2: in function <spell.lua:1>", "spell.lua:1: in main chunk"]),
    "rethrown": ("local ok, e = pcall(function()\n  error('first')\nend)\nerror(e, 0)", "script", "first", "spell.lua:2", None),
    "table": ("error({code = 7})", "script", '{"code":7}', "spell.lua:1", None),
    "table with a message": ("error({message = 'told', code = 7})", "script", "told", "spell.lua:1", None),
    "number": ("error(42)", "script", "42", "spell.lua:1", None),
    "nil": ("error()", "script", "nil", "spell.lua:1", None),
    "syntax": ("local x = 1\nlocal y = = 2", "syntax", "unexpected symbol near '='", "spell.lua:2", None),
    "colon": ("local x = nil + 1", "script", "attempt to perform arithmetic on a nil value", "spell.lua:1", None),
}  # fmt: skip


@pytest.mark.mission(54, 61)
@pytest.mark.parametrize("what", UNCAUGHT)
def test_an_uncaught_error_has_type_message_line_and_stack(what: str) -> None:
    source, kind, message, line, stack = UNCAUGHT[what]
    error = run("lua", source).error
    assert error is not None
    assert (error["type"], error["source"]) == (kind, line)
    if message is not None:
        assert error["message"] == message
    if stack is not None:
        assert error["stack"] == stack
    assert "llmspell" not in str(error)


def test_endless_recursion_is_an_ordinary_error() -> None:
    error = run("lua", "local function f() return 1 + f() end\nf()", memory_mb=256).error
    assert error is not None
    assert (error["type"], error["source"]) == ("script", "spell.lua:1")
    assert error["message"].startswith("stack overflow")


def test_a_thrown_value_is_carried() -> None:
    error = run("lua", "error({code = 7})").error
    assert error is not None
    assert error["value"] == {"code": 7}


def test_a_callback_that_fails_answers_with_its_error() -> None:
    host = run(
        "lua",
        "local e = Echo.new{}\nreturn select(2, pcall(e.call_me, e, function()\nerror('from inside') end)).message",
    )
    assert host.value() == "from inside"
    ok, error = host.results[1]
    assert (ok, error["source"], error["type"]) == (False, "spell.lua:3", "script")


def test_an_error_crosses_as_a_value_and_comes_back_an_error() -> None:
    host = run(
        "lua", "local e = Echo.new{} local same = e:give(TimeoutError('late')) return {same.type, tostring(same)}"
    )
    (sent,) = host.calls("Echo.give")[0][4]
    assert isinstance(sent, ErrorValue)
    assert sent.fields["message"] == "late"
    assert host.value() == ["timeout", "spell.lua:1: late"]


# -- values ----------------------------------------------------------------------------------------------------------

BOTH_WAYS = [
    None, True, False, 0, 1, -1, 31, -32, -33, 127, 128, 255, 256, 65535, 65536, 2**31, 2**32, 2**53 + 1, 2**63 - 1, -(2**63),
    0.0, 1.5, -2.25, 1e300, float("inf"), 3.0, "", "x", "x" * 31, "x" * 32, "x" * 255, "x" * 256, "x" * 70000, "nul\0inside",
    "äöü 日本 🎉", "\ud800 alone", "\udfff", b"\xff\xfe", b"\x80" * 300, b"\xc0\x80", [], [1, 2, 3], list(range(20)),
    list(range(70000)), {"a": 1}, {"a": {"b": [1, {"c": None}]}} | {}, {str(i): i for i in range(20)}, {}, [[], {}],
    [1, None, 3], [None], {1: "one", 3: "three"}, {-1: "x", "k": True, 2.5: "y"},
    ["x"] * 100, {"k" * 40: "v" * 40},
]  # fmt: skip


@pytest.mark.mission(53)
@pytest.mark.parametrize("value", BOTH_WAYS, ids=lambda value: repr(value)[:40])
def test_a_value_crosses_both_ways(value: object) -> None:
    host = run("lua", "return Echo.new{}:give(params.v)", params={"v": value})
    expected = {"a": {"b": [1, {}]}} if value == {"a": {"b": [1, {"c": None}]}} else value
    assert host.value() == expected
    assert type(host.value()) is type(expected)


def test_integers_beyond_64_bits_become_floats() -> None:
    source = "return {math.type(params[1]), params[1], params[2]}"
    assert run("lua", source, params=[2**64 - 1, 10**30]).value() == ["float", 2.0**64, 1e30]


def test_nesting_up_to_the_limit() -> None:
    source = "local t = {} for i = 1, %d do t = {t} end return #Echo.new{}:give(t)"
    assert run("lua", source % 199).value() == 1
    error = run("lua", source % 201).error
    assert error is not None
    assert "is nested deeper than 200 levels" in error["message"]


REFUSED = {
    "cycle": ("local t = {a = {b = {}}} t.a.b.c = t e:give(t)", "argument 1.a.b.c is cyclic: it contains itself"),
    "cycle in a list": ("local t = {{}} t[1][1] = t[1] e:give(t)", "argument 1[1][1] is cyclic: it contains itself"),
    "odd keys": ("e:give({['a b'] = {[true] = 1}})", 'argument 1["a b"] has a key that is a boolean'),
    "thread": ("e:give({co = coroutine.create(print)})", "argument 1.co is a thread, which cannot leave the spell"),
    "class": ("e:give({Echo})", "argument 1[1] is the class Echo itself"),
    "result": ("local t = {} t.t = t return t", "value.t is cyclic: it contains itself"),
    "too large": ("e:give(('x'):rep(17e6))", "a value of 16.2 MB is too large to leave the spell"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_cross_is_refused_by_its_place(what: str) -> None:
    source, message = REFUSED[what]
    error = run("lua", "local e = Echo.new{}\n" + source).error
    assert error is not None
    assert (error["type"], error["message"]) == ("invalid_argument", message)


def test_functions_keep_their_number_and_come_back_themselves() -> None:
    source = """
        local e = Echo.new{}
        local function f() end
        local a, b = e:give(f), e:give({f, f, print})
        return {a == f, b[1] == f, b[3] == print}"""
    host = run("lua", source)
    assert host.value() == [True, True, True]
    first, second = (call[4][0] for call in host.calls("Echo.give"))
    assert first == second[0] == second[1] == FunctionRef(1)
    assert second[2] == FunctionRef(2)


def test_a_released_function_is_forgotten_and_a_held_one_is_not() -> None:
    source = "board.on(function() return 1 end) board.on(board.count) local f = function() return 3 end board.on(f) board.on(f) Async.sleep(1)"
    host = EchoHost("lua", source)
    host.until(lambda: len(host.listeners) == 4)
    numbers = [one.number for one in host.listeners]
    host.release((numbers[0], 1), (numbers[2], 1))
    gone, held = host.invoke(numbers[0]), host.invoke(numbers[2])
    host.run()
    assert host.results[gone][0] is False
    assert host.results[held] == (True, 3)


def test_a_task_crosses_as_a_promise() -> None:
    source = "local e = Echo.new{} return e:call_me(function() return Async.spawn(function() Async.sleep(1) return 'settled' end) end)"
    assert run("lua", source).value() == "settled"


# -- the small globals -----------------------------------------------------------------------------------------------


def test_pairs_has_one_order_and_bears_removal() -> None:
    source = """
        local t = {30, 10, 20, z = 1, a = 2, m = 3, [2.5] = 'f', [-1] = 'n', [true] = 'b'}
        local keys, left = {}, {}
        for k in pairs(t) do keys[#keys + 1] = k if k == 1 then t.m = nil t[2] = nil end t[k] = nil end
        for k in pairs(t) do left[#left + 1] = k end
        return {keys, left}"""
    assert run("lua", source).value() == [[1, 3, -1, 2.5, "a", "z", True], []]


def test_print_shows_values_and_keeps_order() -> None:
    source = "print() print(1, 1.0, 'a\\0b', true, nil) print(setmetatable({}, {__name = 'Thing'}), {}, print) print('\\xff')"
    host = run("lua", source)
    assert host.printed[:2] == ["\n", "1\t1.0\ta\0b\ttrue\tnil\n"]
    assert re.fullmatch(r"Thing: 0x\d+\ttable: 0x\d+\tfunction: 0x\d+\n", host.printed[2])
    assert host.printed[3] == b"\xff\n"


def test_io_writes_without_a_line_end_and_does_nothing_else() -> None:
    source = """
        io.write('a', 1):write('b')
        io.stdout:write('c')
        local ok, message = pcall(io.write, {})
        local names = {}
        for name in pairs(io) do names[#names + 1] = name end
        return {ok, message, names}"""
    host = run("lua", source)
    assert host.printed == ["a1", "b", "c"]
    assert host.value() == [
        False,
        "bad argument #1 to 'write' (string expected, got table)",
        ["stderr", "stdout", "write"],
    ]


def test_string_functions_are_lua_s_own() -> None:
    source = r"""
        function string.shout(s) return s:upper() .. '!' end
        return {
            (('hello world'):gsub('o', function(c) return c:upper() end)), (('abc'):gsub('', function() return '-' end)),
            (('abc'):gsub('%w', function() return nil end)), {('abc'):gsub('^a', function() return 'x' end)},
            {('hello'):gsub('(l)(.)', function(a, b) return b .. a end)}, {('aaa'):gsub('a', function() return 'b' end, 2)},
            (('a.b'):gsub('()%.', function(at) return at end)), {('abc def'):gsub('%f[%w]%w+', function(w) return '<' .. w .. '>' end)},
            (('x'):gsub('x', {x = 'table'})), (('x'):gsub('x', '%0%0')), ('x'):shout(), ('%5.2f|%d|%q'):format(3.14159, 3.0, 'q'),
            select(2, pcall(string.gsub, 'x', '(', function() end)), select(2, pcall(string.gsub, 'x', 'x', function() return {} end)),
            math.pow(2, 10), #string.rep('ab', 3, ','), ('x'):rep(0)}"""
    assert run("lua", source).value() == [
        "hellO wOrld", "-a-b-c-", "abc", ["xbc", 1], ["hell".replace("ll", "ll") + "o", 1], ["bba", 2], "a2b",
        ["<abc> <def>", 2], "table", "xx", "X!", ' 3.14|3|"q"', "unfinished capture", "invalid replacement value (a table)",
        1024.0, 8, "",
    ]  # fmt: skip


def test_sort_orders_and_names_bad_arguments() -> None:
    source = """
        local a, b, c = {3, 1, 2}, {'b', 'a'}, {}
        table.sort(a) table.sort(b, function(x, y) return x < y end)
        for i = 1, 500 do c[i] = (i * 7919) % 503 end
        table.sort(c, function(x, y) return x > y end)
        for i = 2, #c do assert(c[i - 1] >= c[i]) end
        local stable = {{1, 'a'}, {0, 'b'}, {1, 'c'}, {0, 'd'}}
        table.sort(stable, function(x, y) return x[1] < y[1] end)
        return {a, b, stable[1][2] .. stable[2][2] .. stable[3][2] .. stable[4][2], select(2, pcall(table.sort, {1, 'x'}))}"""
    value = run("lua", source).value()
    assert value[:3] == [[1, 2, 3], ["a", "b"], "bdac"]
    assert "attempt to compare" in value[3]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ('{"a": [1, 2.5, -3e2, true, false, null], "b": "x\\n\\u00e4\\ud83c\\udf89"}', {"a": [1, 2.5, -300.0, True, False, None], "b": "x\nä🎉"}),
        ("[]", []), ("{}", {}), (' "x" ', "x"), ("0", 0), ("-0.5", -0.5), ("[[[]]]", [[[]]]), ('{"":1}', {"": 1}),
        ("9223372036854775808", 2.0**63),
    ],
)  # fmt: skip
def test_json_reads(text: str, parsed: object) -> None:
    assert run("lua", "return JSON.parse(params.text)", params={"text": text}).value() == parsed


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1,]", "{'a':1}", '{"a" 1}', "01", "1.", "nul", '"\\x"', '"a\nb"', "[1] 2", "-", "1e", '"', "[" * 300],
)
def test_json_refuses(text: str) -> None:
    host = run(
        "lua", "local ok, e = pcall(JSON.parse, params.text) return {ok, e.type, e.message}", params={"text": text}
    )
    ok, kind, message = host.value()
    assert (ok, kind) == (False, "invalid_argument")
    assert re.match(r"this is not JSON: .* at line \d+ column \d+$", message)


def test_json_writes() -> None:
    source = """
        local cyclic = {} cyclic[1] = cyclic
        return {JSON.stringify({b = 1, a = {1, 2.5, 10 / 2, true}, c = 'q"\\n\\1é'}), JSON.stringify({}), JSON.stringify(JSON.parse('{}')),
            JSON.stringify({a = {}, b = {1}}, nil, 2), JSON.stringify(JSON.parse('[1,null]')), JSON.stringify(0 / 0),
            JSON.stringify('x'), JSON.stringify(nil), select(2, pcall(JSON.stringify, cyclic)).message, JSON.stringify(1e100)}"""
    assert run("lua", source).value() == [
        '{"a":[1,2.5,5,true],"b":1,"c":"q\\"\\n\\u0001é"}', "[]", "{}", '{\n  "a": [],\n  "b": [\n    1\n  ]\n}', "[1,null]", "null",
        '"x"', "null", "the value is cyclic: a table contains itself", "1e+100",
    ]  # fmt: skip


def test_time_and_chance_come_from_the_host() -> None:
    source = """
        local a, b = math.random(), math.random(6)
        math.randomseed(42)
        local c = math.random(1000)
        math.randomseed(42)
        assert(c == math.random(1000))
        assert(os.time() > 1.7e9 and os.clock() >= 0 and os.date('!%Y', 0) == '1970')
        assert(os.time{year = 2020, month = 1, day = 2, hour = 12} > 1.5e9)
        return {a, b, uuid.generate(), math.random(5, 5), math.type(math.random(0))}"""
    first, second = run("lua", source).value(), run("lua", source).value()
    assert first == second
    assert 0 <= first[0] < 1
    assert 1 <= first[1] <= 6
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first[2])
    assert first[3:] == [5, "integer"]
    assert run("lua", source, seed=2).value()[:3] != first[:3]


def test_event_emitter() -> None:
    source = """
        local e, log = EventEmitter.new(), {}
        local function on(x) log[#log + 1] = 'on ' .. x end
        e:on('a', on):once('a', function(x) log[#log + 1] = 'once ' .. x end)
        local some = e:emit('a', 1)
        log[#log + 1] = tostring(some) .. e:listener_count('a')
        e:emit('a', 2)
        e:off('a', on)
        log[#log + 1] = tostring(e:emit('a', 3))
        e:on('b', on) e:remove_all_listeners()
        return {log, e:emit('b', 4), e:listenerCount('b'), pcall(e.on, e, 'x', 1)}"""
    assert run("lua", source).value()[:3] == [["on 1", "once 1", "true1", "on 2", "false"], False, 0]


def modules(sources: dict[str, str]) -> dict[str, object]:
    def load(_: object, args: list[str]) -> dict[str, str]:
        if args[0] not in sources:
            raise HostFailure(error_map(f"no module {args[0]!r}", type="not_found"))
        return {"label": f"lib/{args[0]}.lua", "source": sources[args[0]]}

    return {"module.load": load}


@pytest.mark.mission(41)
def test_require_loads_once_waits_and_names_circles() -> None:
    sources = {
        "a": "print('loading a', ...) local v = Echo.new{}:say_later('waited', 5) return {v = v, b = require('b')}",
        "b": "return {name = 'b'}",
        "nothing": "local x = 1",
        "round": "return require('trip')",
        "trip": "return require('round')",
        "broken": "local x = = 1",
        "failing": "local x\nreturn x.y",
    }
    source = """
        local first, second = table.unpack(Async.all{function() return require('a') end, function() return require('a') end})
        local function why(name) local ok, e = pcall(require, name) return ErrorHandler.parse_error(e) end
        return {first == second, require('a').v, first.b == require('b'), require('nothing'), why('round').message,
            why('broken').type, why('broken').source, why('failing').source, why('missing').message}"""
    host = run("lua", source, modules(sources))
    assert host.value() == [
        True, "waited", True, True, "modules require each other in a circle: lib/round.lua -> lib/trip.lua -> lib/round.lua",
        "syntax", "lib/broken.lua:1", "lib/failing.lua:2", "no module 'missing'",
    ]  # fmt: skip
    assert host.text == "loading a\ta\tlib/a.lua\n"
    froms = {(call[4][0], call[4][1]) for call in host.calls("module.load")}
    assert ("b", "lib/a.lua") in froms
    assert ("a", "spell.lua") in froms


def test_params_config_and_globals() -> None:
    source = "params.n = params.n + 1 return {params.n, config.key, extra[1], type(_G), _VERSION}"
    host = run("lua", source, params={"n": 1}, config={"key": "k"}, globals={"extra": ["e"]})
    assert host.value() == [2, "k", "e", "table", "Lua 5.4"]
