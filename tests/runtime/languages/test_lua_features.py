"""The Lua that spells are written in: each feature alone, in a worker, with calls of the host in between."""

from __future__ import annotations

from typing import Any, Final

import pytest

#: name: (what the spell is, what it gives)
FEATURES: Final[dict[str, tuple[str, Any]]] = {
    "coroutine.create, resume, status and yield": (
        """local co = coroutine.create(function(a, b)
             local c = coroutine.yield(a + b)
             Async.sleep(1)
             local d, e = coroutine.yield(c * 2)
             return d + e
           end)
           local log = { coroutine.status(co) }
           for _, args in ipairs{ { 1, 2 }, { 10 }, { 3, 4 } } do
             local ok, value = coroutine.resume(co, table.unpack(args))
             log[#log + 1] = { ok, value, coroutine.status(co) }
           end
           log[#log + 1] = { coroutine.resume(co) }
           return log""",
        [
            "suspended", [True, 3, "suspended"], [True, 20, "suspended"], [True, 7, "dead"],
            [False, "cannot resume dead coroutine"],
        ],
    ),
    "coroutine.wrap as an iterator": (
        """local function words(text)
             return coroutine.wrap(function()
               for word in text:gmatch("%a+") do Async.sleep(1) coroutine.yield(word) end
             end)
           end
           local found = {}
           for word in words("one, two; three") do found[#found + 1] = word:upper() end
           return found""",
        ["ONE", "TWO", "THREE"],
    ),
    "a coroutine that fails": (
        """local co = coroutine.create(function() Async.sleep(1) error({ code = 7 }) end)
           local ok, e = coroutine.resume(co)
           return { ok, e.code, coroutine.status(co) }""",
        [False, 7, "dead"],
    ),
    "the main chunk yields": (
        """local log = {}
           for i = 1, 3 do log[i] = select("#", coroutine.yield(i)) end
           local main, is_main = coroutine.running()
           return { log, type(main), is_main, coroutine.isyieldable() }""",
        [[0, 0, 0], "thread", False, True],
    ),
    "math.pow": ("return { math.pow(2, 10), math.pow(9, 0.5), 2 ^ 3 }", [1024.0, 3.0, 8.0]),
    "keys are removed while pairs goes over them": (
        """local t = {}
           for i = 1, 100 do t["key" .. i] = i end
           local seen = 0
           for key, value in pairs(t) do
             seen = seen + 1
             t[key] = nil
             Async.sleep(0)
           end
           return { seen, next(t) == nil }""",
        [100, True],
    ),
    "pcall and errors that are tables": (
        """local ok, e = pcall(function() Async.sleep(1) error({ code = 404, message = "gone" }) end)
           local ok2, e2 = pcall(error, setmetatable({}, { __tostring = function() return "shown" end }))
           local ok3, e3 = pcall(error)
           local ok4, e4 = xpcall(function() error("deep", 0) end, function(m) return "handled " .. m end)
           return { ok, e.code, e.message, ok2, tostring(e2), ok3, e3 == nil, ok4, e4 }""",
        [False, 404, "gone", False, "shown", False, True, False, "handled deep"],
    ),
    "error with a level": (
        "local function check(x) error('wrong: ' .. x, 2) end\nlocal ok, e = pcall(function()\n  check(1)\nend)\nreturn e:match(':(%d+: .*)$')",
        "3: wrong: 1",
    ),
    "os.clock, os.time and os.date": (
        """local before = os.clock()
           for i = 1, 100000 do end
           return { os.clock() >= before, math.type(os.time()), os.date("%Y", 0) == "1970" or os.date("!%Y", 0) == "1970",
             os.time{ year = 2024, month = 1, day = 2, hour = 12 } > 1704000000 }""",
        [True, "integer", True, True],
    ),
    "string.format": (
        """return { string.format("%5.2f|%-4s|%04d|%x|%q|%s|%%", 3.14159, "ab", 42, 255, "a\\nb", nil),
             ("%s and %s"):format(true, {} ~= nil), string.format("%s", 2), string.format("%d", 3.0) }""",
        [" 3.14|ab  |0042|ff|\"a\\\nb\"|nil|%", "true and true", "2", "3"],
    ),
    "gsub's two values go into string.format": (
        """return { string.format("%s (%d)", ("a-b-c"):gsub("-", "+")), (("x y"):gsub("%w", { x = "1", y = "2" })),
             (("hello"):gsub("l", function(c) Async.sleep(1) return c:upper() end)) }""",
        ["a+b+c (2)", "1 2", "heLLo"],
    ),
    "classes of setmetatable": (
        """local Animal = {} Animal.__index = Animal
           function Animal.new(name) return setmetatable({ name = name }, Animal) end
           function Animal:speak() Async.sleep(1) return self.name .. " " .. self:sound() end
           function Animal:sound() return "?" end
           local Dog = setmetatable({}, { __index = Animal }) Dog.__index = Dog
           function Dog.new(name) return setmetatable(Animal.new(name), Dog) end
           function Dog:sound() return "woof" end
           return { Dog.new("Rex"):speak(), Animal.new("It"):speak(), getmetatable(Dog.new("")) == Dog }""",
        ["Rex woof", "It ?", True],
    ),
    "metamethods, which may wait": (
        """local V = {}
           V.__index = function(_, key) Async.sleep(1) return key .. "!" end
           V.__add = function(a, b) Async.sleep(1) return a.n + b.n end
           V.__eq = function() return true end
           V.__lt = function(a, b) return a.n < b.n end
           V.__call = function(self, x) Async.sleep(1) return x * 2 end
           V.__len = function() return 42 end
           V.__concat = function(a, b) return "joined" end
           V.__close = function() end
           local a, b = setmetatable({ n = 1 }, V), setmetatable({ n = 2 }, V)
           return { a.missing, a + b, a == b, a < b, a(21), #a, a .. b }""",
        ["missing!", 3, True, True, 42, 42, "joined"],
    ),
    "long strings": (
        'local s = [[\nfirst "line"\n  second \\n ]=] ]]\nlocal t = [==[ ]] ]==]\nreturn { s, t, #[[\n]] }',
        ['first "line"\n  second \\n ]=] ', " ]] ", 0],
    ),
    "integers, floats and bits": (
        "return { 7 // 2, 7 % 3, -7 // 2, 7 / 2, 1 << 40, 5 & 6, 5 | 6, 5 ~ 6, ~0, 3 | 0, math.type(3.0), 10 // 0.3 }",
        [3, 1, -4, 3.5, 1 << 40, 4, 7, 3, -1, 3, "float", 33.0],
    ),
    "goto, varargs, multiple assignment, closures": (
        """local function count(...) return select("#", ...), ... end
           local n, first = count(nil, nil, 3)
           local a, b = 1, 2
           a, b = b, a
           local fs = {}
           for i = 1, 3 do fs[i] = function() i = i + 10 return i end end
           local odd = {}
           for i = 1, 6 do
             if i % 2 == 0 then goto continue end
             odd[#odd + 1] = i
             ::continue::
           end
           return { n, first == nil, a, b, fs[1](), fs[1](), fs[2](), odd }""",
        [3, True, 2, 1, 11, 21, 12, [1, 3, 5]],
    ),
    "variables that are closed and constant": (
        """local log = {}
           do
             local first <close> = setmetatable({}, { __close = function() Async.sleep(1) log[#log + 1] = "first" end })
             local second <close> = setmetatable({}, { __close = function() log[#log + 1] = "second" end })
             local fixed <const> = 5
             log[#log + 1] = fixed
           end
           return log""",
        [5, "second", "first"],
    ),
    "table and utf8": (
        """local t = { 3, 1, 2 }
           table.sort(t, function(a, b) Async.sleep(0) return a > b end)
           table.insert(t, 1, 9) table.remove(t)
           local points = {}
           for _, point in utf8.codes("h\\u{e9}\\u{1F389}") do points[#points + 1] = point end
           return { table.concat(t, ","), points, utf8.len("h\\u{e9}"), utf8.char(72, 228),
             table.pack(1, nil, 3).n, select(2, table.unpack({ 1, 2 })), #table.move({ 1, 2, 3 }, 2, 3, 1) }""",
        ["9,3,2", [104, 233, 127881], 2, "Hä", 3, 2, 3],
    ),
}  # fmt: skip


@pytest.mark.mission(65)
@pytest.mark.parametrize("feature", FEATURES)
async def test_a_feature_of_lua(cast: Any, feature: str) -> None:
    source, value = FEATURES[feature]
    told = await cast(lua=source)
    assert told.result.error is None, told.result.error
    assert told.value == value
