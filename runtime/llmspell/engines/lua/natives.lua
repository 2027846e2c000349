-- Captures Lua's own functions before any spell runs, and prepares the tables that the other files fill.
--
-- Every file of the prelude receives `K`, which no spell can reach. Prelude code calls only what it captured here,
-- never a method of a string (`s:sub`): a spell may change the `string` table it sees.

local K = ...

K.native = {
  assert = assert, error = error, ipairs = ipairs, next = next, pcall = pcall, xpcall = xpcall,
  rawequal = rawequal, rawget = rawget, rawlen = rawlen, rawset = rawset, select = select,
  -- past any __metatable field
  setmetatable = debug.setmetatable, getmetatable = debug.getmetatable, polite_getmetatable = getmetatable,
  tonumber = tonumber, tostring = tostring, type = type, load = load, collectgarbage = collectgarbage,
  getinfo = debug.getinfo, string_metatable = debug.getmetatable(""),
  coroutine = coroutine, string = string, table = table, math = math, utf8 = utf8, os = os,
}

-- The globals that a spell sees; never the real _G, which lupa itself reads.
K.env = {}

-- Namespaces and functions that live in the worker, by class and member name.
K.locals = {}

-- Set once the spell has ended: nothing more is sent, nothing more runs.
K.ended = false

-- lupa asks the global `debug` for a traceback with each call it makes; ours are made where they are needed.
debug, package, python, require, io, dofile, loadfile = nil, nil, nil, nil, nil, nil, nil
