-- Text: tostring, print and the string functions that a spell's own functions run inside of.
--
-- A table or function is shown with a number of its own, not with its address: addresses differ from run to run and
-- tell where the process keeps its memory. gsub with a function is written in Lua because that function may wait.

local K = ...
local N = K.native
local error, type, select, rawget, pcall = N.error, N.type, N.select, N.rawget, N.pcall
local raw_tostring, raw_getmetatable, setmetatable = N.tostring, N.getmetatable, N.setmetatable
local find, sub, match, format = N.string.find, N.string.sub, N.string.match, N.string.format
local rep, raw_gsub = N.string.rep, N.string.gsub
local concat, pack, unpack = N.table.concat, N.table.pack, N.table.unpack
local env = K.env

local identities, last_identity = setmetatable({}, { __mode = "k" }), 0

-- A number for a table, function or coroutine, the same as long as it lives.
function K.identity(value)
  local identity = identities[value]
  if not identity then
    last_identity = last_identity + 1
    identity = last_identity
    identities[value] = identity
  end
  return identity
end

local function show(value)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" or kind == "nil" or kind == "boolean" then return raw_tostring(value) end
  local metatable = kind == "table" and raw_getmetatable(value)
  if metatable then
    local own = rawget(metatable, "__tostring")
    if own then
      local text = own(value)
      if type(text) ~= "string" then
        if type(text) == "number" then return raw_tostring(text) end
        error("'__tostring' must return a string", 3)
      end
      return text
    end
    local name = rawget(metatable, "__name")
    if type(name) == "string" then kind = name end
  end
  return format("%s: 0x%06x", kind, K.identity(value))
end
K.show = show

function env.tostring(...)
  if select("#", ...) == 0 then error("bad argument #1 to 'tostring' (value expected)", 2) end
  return show((...))
end

-- Frames end at 16 MB, so a long text goes in pieces.
local PIECE = 4 * 1024 * 1024

local function say(stream, text, site)
  for at = 1, #text, PIECE do
    K.tell("print", K.encode_args(stream, #text > PIECE and sub(text, at, at + PIECE - 1) or text), site)
  end
end

function env.print(...)
  local count = select("#", ...)
  local parts = {}
  for i = 1, count do parts[i] = show((select(i, ...))) end
  say("out", concat(parts, "\t") .. "\n", K.here(2))
end

-- Of Lua's io only what prints: io.write, io.stdout:write, io.stderr:write. Files belong to the file_system tool.
local function writer(stream)
  local file = {}
  function file.write(self, ...)
    local parts = pack(...)
    for i = 1, parts.n do
      local kind = type(parts[i])
      if kind ~= "string" and kind ~= "number" then
        error("bad argument #" .. i .. " to 'write' (string expected, got " .. kind .. ")", 2)
      end
    end
    say(stream, concat(parts, "", 1, parts.n), K.here(2))
    return self
  end
  return file
end

local stdout = writer("out")
env.io = { stdout = stdout, stderr = writer("err") }

function env.io.write(...)
  return stdout:write(...)
end

local library = {}
for name, value in N.next, N.string do
  if name ~= "dump" then library[name] = value end
end

local function is_shown(kind)
  return kind == "table" or kind == "function" or kind == "thread"
end

local function with_text(...)
  local args = pack(...)
  for i = 1, args.n do
    if is_shown(type(args[i])) then args[i] = show(args[i]) end
  end
  return unpack(args, 1, args.n)
end

function library.format(layout, ...)
  local may_show = type(layout) == "string" and find(layout, "p", 1, true)
  if may_show and find((raw_gsub(layout, "%%%%", "")), "%%[-+ #0-9.]*p") then
    error("bad argument #1 to 'format' ('%p' would show an address)", 2)
  end
  local ok, text
  for i = 1, select("#", ...) do
    if is_shown(type((select(i, ...)))) then
      ok, text = pcall(format, layout, with_text(...))
      break
    end
  end
  if ok == nil then ok, text = pcall(format, layout, ...) end
  if not ok then K.raise(text) end
  return text
end

function library.rep(text, count, separator)
  -- Lua repeats nothing as often as it is told to: 1e12 times would take an hour.
  if text == "" and (separator == nil or separator == "") then return "" end
  local ok, result = pcall(rep, text, count, separator)
  if not ok then K.raise(result) end
  return result
end

local function replacement(whole, value)
  if not value then return whole end
  local kind = type(value)
  if kind == "string" or kind == "number" then return value end
  error("invalid replacement value (a " .. kind .. ")", 4)
end

local function call_with(replace, whole, ...)
  if select("#", ...) == 0 then return replacement(whole, replace(whole)) end
  return replacement(whole, replace(...))
end

-- One match from `at` on: its bounds and the replacement's text; nil without a match; false for an empty match where
-- the last one ended, which is none.
local function replaced(text, pattern, at, last_end, replace)
  local function take(first, last, ...)
    if not first then return nil end
    if first == at and last + 1 == last_end then return false end
    return first, last, call_with(replace, sub(text, first, last), ...)
  end
  return take(find(text, pattern, at))
end

local function gsub_function(text, pattern, replace, limit)
  local anchored = sub(pattern, 1, 1) == "^"
  local out, n, count, at, last_end = {}, 0, 0, 1, nil
  while count < limit do
    local first, last, value = replaced(text, pattern, at, last_end, replace)
    if first then
      out[n + 1], out[n + 2] = sub(text, at, first - 1), value
      n, count, at = n + 2, count + 1, last + 1
      last_end = at
    elseif first == false and at <= #text then
      n = n + 1
      out[n] = sub(text, at, at)
      at = at + 1
    else
      break
    end
    if anchored then break end
  end
  out[n + 1] = sub(text, at)
  return concat(out), count
end

function library.gsub(text, pattern, replace, limit)
  if type(replace) ~= "function" or type(text) ~= "string" or type(pattern) ~= "string" then
    local ok, result, count = pcall(raw_gsub, text, pattern, replace, limit)
    if not ok then K.raise(result) end
    return result, count
  end
  local ok, failure = pcall(find, "", pattern)
  if not ok then K.raise(failure) end
  return gsub_function(text, pattern, replace, limit or N.math.maxinteger)
end

env.string = library
N.string_metatable.__index = library
N.string_metatable.__metatable = false

-- "spell.lua", "12", "what happened" of a message as Lua writes it, or nil.
function K.split_position(message)
  return match(message, "^([^\n]-):(%d+): (.*)$")
end
