-- Values between the spell and its host, as msgpack bytes: what `llmspell.engines.values` packs and unpacks.
--
-- Tables 1..n cross as lists, an empty table as an empty list (unless it came as a map), other tables as maps with
-- their keys in a fixed order. What a proxy, an error or a live table is, the functions in K.crossing know.

local K = ...
local N = K.native
local type, next, rawget, rawlen, raw_getmetatable = N.type, N.next, N.rawget, N.rawlen, N.getmetatable
local setmetatable, select, tostring, error = N.setmetatable, N.select, N.tostring, N.error
local char, byte, sub = N.string.char, N.string.byte, N.string.sub
local string_pack, string_unpack = N.string.pack, N.string.unpack
local find, format = N.string.find, N.string.format
local concat, unpack = N.table.concat, N.table.unpack
local math_type, utf8_len = N.math.type, N.utf8.len

local DEPTH_LIMIT, LONGEST_PLACE = 200, 8
-- Frames end at 16 MB; the frame around a value takes some of it.
local SIZE_LIMIT = 16 * 1024 * 1024 - 65536

local FUNCTION, OBJECT, BIG_INTEGER, MAP, DATE, SET, ERROR, PROMISE, RECORD = 1, 2, 3, 4, 5, 6, 7, 8, 9

-- A host's table that reads as the text of its field `content`: an agent's output.
local record = { __metatable = "AgentOutput" }
local function text_of(value)
  if type(value) == "table" and raw_getmetatable(value) == record then return tostring(rawget(value, "content")) end
  return value
end
function record.__tostring(value) return tostring(rawget(value, "content")) end
function record.__concat(left, right) return text_of(left) .. text_of(right) end
function record.__len(value) return #tostring(rawget(value, "content")) end

-- What a table that came from the host was, where its content does not say: "map", or the length of a list with holes.
local shape = setmetatable({}, { __mode = "k" })
K.shape = shape

-- Functions that the host holds: number -> function and back, and how often each was sent.
local functions, numbers, sent, last_function = {}, {}, {}, 0

-- Filled by the files that make such values: each takes a value and says whether, and how, it crosses.
K.crossing = { object = nil, live = nil, error = nil, handle = nil, class = nil }
local crossing = K.crossing

local function head(length, fixed, fix_limit, short, medium, long)
  if length < fix_limit then return char(fixed + length) end
  if short and length < 256 then return char(short, length) end
  if length < 65536 then return string_pack(">BI2", medium, length) end
  return string_pack(">BI4", long, length)
end

-- Whether the bytes are UTF-8, lone surrogates allowed (the host keeps them).
local function is_text(s)
  if utf8_len(s) then return true end
  return utf8_len(s, 1, -1, true) and not find(s, "[\xf5-\xff]") and not find(s, "\xf4[\x90-\xbf]")
end

local function pack_string(s)
  if is_text(s) then return head(#s, 0xa0, 32, 0xd9, 0xda, 0xdb) .. s end
  return head(#s, 0, 0, 0xc4, 0xc5, 0xc6) .. s
end

local function pack_number(v)
  if math_type(v) == "float" then return string_pack(">Bd", 0xcb, v) end
  if v >= 0 then
    if v < 128 then return char(v) end
    if v < 65536 then return string_pack(">BI2", 0xcd, v) end
  elseif v >= -32 then
    return char(256 + v)
  end
  return string_pack(">Bi8", 0xd3, v)
end

local function pack_ext(code, body)
  local length = #body
  if length < 256 then return char(0xc7, length, code) .. body end
  if length < 65536 then return string_pack(">BI2B", 0xc8, length, code) .. body end
  return string_pack(">BI4B", 0xc9, length, code) .. body
end

local function number_of_function(f)
  local number = numbers[f]
  if not number then
    last_function = last_function + 1
    number = last_function
    numbers[f], functions[number], sent[number] = number, f, 0
  end
  sent[number] = sent[number] + 1
  return number
end

-- "argument 1.steps[2].run" for the place that a walk has reached; a long way is cut short.
local function place(trail, depth)
  local parts = { trail.argument and "argument " .. trail.argument or "value" }
  local shown = depth
  if depth > LONGEST_PLACE then
    shown = LONGEST_PLACE
    parts[shown + 2] = "…"
  end
  for i = 1, shown do
    local key = trail[i]
    if type(key) == "string" and find(key, "^[%a_][%w_]*$") then
      parts[i + 1] = "." .. key
    else
      parts[i + 1] = "[" .. (type(key) == "string" and format("%q", key) or tostring(key)) .. "]"
    end
  end
  return concat(parts)
end

local function refuse(trail, depth, reason, hint)
  K.throw("invalid_argument", place(trail, depth) .. " " .. reason, { hint = hint })
end

-- Appends `value` to `out` after position n; gives the new position. trail: the keys on the way, and the tables on it.
local put

local function put_list(out, n, list, length, trail, depth)
  n = n + 1
  out[n] = head(length, 0x90, 16, nil, 0xdc, 0xdd)
  for i = 1, length do
    trail[depth] = i
    n = put(out, n, rawget(list, i), trail, depth)
  end
  return n
end

local function put_map(out, n, map, trail, depth)
  local keys, count = K.sorted_keys(map)
  n = n + 1
  out[n] = head(count, 0x80, 16, nil, 0xde, 0xdf)
  for i = 1, count do
    local key = keys[i]
    local kind = type(key)
    trail[depth] = key
    n = n + 1
    if kind == "string" then
      out[n] = pack_string(key)
    elseif kind == "number" then
      out[n] = pack_number(key)
    else
      refuse(trail, depth - 1, "has a key that is a " .. kind, "use strings or whole numbers as keys")
    end
    n = put(out, n, rawget(map, key), trail, depth)
  end
  return n
end

local function list_length(t)
  local known = shape[t]
  local length = rawlen(t)
  if known == "map" and length == 0 then return nil end
  if type(known) == "number" and known > length then length = known end
  for key in next, t do
    if math_type(key) ~= "integer" or key < 1 or key > length then return nil end
  end
  if not known then
    for i = 1, length do
      if rawget(t, i) == nil then return nil end
    end
  end
  return length
end

local function put_table(out, n, t, trail, depth)
  if raw_getmetatable(t) then
    local number, class = crossing.object(t)
    if number then
      n = n + 1
      out[n] = pack_ext(OBJECT, "\x93" .. pack_number(number) .. pack_string(class) .. "\x90")
      return n
    end
    if raw_getmetatable(t) == record then
      local body = { "\x92", pack_string("AgentOutput") }
      put_map(body, 2, t, trail, depth)
      n = n + 1
      out[n] = pack_ext(RECORD, concat(body))
      return n
    end
    local fields = crossing.error(t)
    if fields then
      n = n + 1
      out[n] = pack_ext(ERROR, K.encode(fields))
      return n
    end
    local awaiting = crossing.handle(t)
    if awaiting then
      n = n + 1
      out[n] = pack_ext(PROMISE, pack_number(number_of_function(awaiting)))
      return n
    end
    local class_name = crossing.class(t)
    if class_name then
      refuse(trail, depth, "is the class " .. class_name .. " itself", "make an object: " .. class_name .. ".new()")
    end
    local live, value = crossing.live(t)
    if live then return put(out, n, value, trail, depth) end
  end
  if trail[t] then refuse(trail, depth, "is cyclic: it contains itself") end
  if depth >= DEPTH_LIMIT then refuse(trail, depth, "is nested deeper than " .. DEPTH_LIMIT .. " levels") end
  trail[t] = true
  local length = list_length(t)
  if length then
    n = put_list(out, n, t, length, trail, depth + 1)
  else
    n = put_map(out, n, t, trail, depth + 1)
  end
  trail[t] = nil
  return n
end

put = function(out, n, value, trail, depth)
  local kind = type(value)
  if kind == "table" then return put_table(out, n, value, trail, depth) end
  n = n + 1
  if kind == "string" then
    out[n] = pack_string(value)
  elseif kind == "number" then
    out[n] = pack_number(value)
  elseif kind == "boolean" then
    out[n] = value and "\xc3" or "\xc2"
  elseif kind == "nil" then
    out[n] = "\xc0"
  elseif kind == "function" then
    out[n] = pack_ext(FUNCTION, pack_number(number_of_function(value)))
  else
    refuse(trail, depth, "is a " .. kind .. ", which cannot leave the spell")
  end
  return n
end

local function checked(bytes)
  if #bytes > SIZE_LIMIT then
    local size = format("%.1f MB", #bytes / 1048576)
    K.throw("invalid_argument", "a value of " .. size .. " is too large to leave the spell",
      { hint = "one value may have 15.9 MB; hand it over in parts" })
  end
  return bytes
end

local function encode(value)
  local kind = type(value)
  if kind == "string" then return checked(pack_string(value)) end
  if kind == "number" then return pack_number(value) end
  local out = {}
  put(out, 0, value, {}, 0)
  return checked(concat(out))
end

-- The bytes of a list of the arguments given.
local function encode_args(...)
  local count = select("#", ...)
  if count == 0 then return "\x90" end
  if count == 1 then
    local kind = type((...))
    if kind == "string" then return checked("\x91" .. pack_string((...))) end
    if kind == "number" then return "\x91" .. pack_number((...)) end
  end
  local out, n = { head(count, 0x90, 16, nil, 0xdc, 0xdd) }, 1
  for i = 1, count do
    n = put(out, n, (select(i, ...)), { argument = i }, 0)
  end
  return checked(concat(out))
end

-- Readers by first byte: each takes the bytes, the position after the first byte and that byte; gives value, position.
local readers = {}

local function get(s, at)
  local first = byte(s, at)
  return readers[first](s, at + 1, first)
end

-- Levels of lists and maps around the place that is being read.
local level = 0

local function deeper()
  level = level + 1
  if level > DEPTH_LIMIT then
    K.throw("invalid_argument", "what the host gave is nested deeper than " .. DEPTH_LIMIT .. " levels")
  end
end

local function get_list(s, at, length)
  local list, holes = {}, false
  deeper()
  for i = 1, length do
    local value
    value, at = get(s, at)
    if value == nil then holes = true end
    list[i] = value
  end
  if holes then shape[list] = length end
  level = level - 1
  return list, at
end

local function get_map(s, at, length)
  local map = {}
  deeper()
  for _ = 1, length do
    local key, value
    key, at = get(s, at)
    value, at = get(s, at)
    if key ~= nil and key == key then map[key] = value end
  end
  shape[map] = "map"
  level = level - 1
  return map, at
end

local exts = {
  [FUNCTION] = function(body) return functions[(get(body, 1))] end,
  [PROMISE] = function(body) return functions[(get(body, 1))] end,
  [OBJECT] = function(body)
    local parts = get(body, 1)
    return K.proxy(parts[1], parts[2], parts[3])
  end,
  [BIG_INTEGER] = function(body) return N.tonumber(body) + 0.0 end,
  [MAP] = function(body)
    local map = {}
    for _, pair in N.ipairs((get(body, 1))) do
      if pair[1] ~= nil then map[pair[1]] = pair[2] end
    end
    shape[map] = "map"
    return map
  end,
  [DATE] = function(body) return (get(body, 1)) end,
  [SET] = function(body) return (get(body, 1)) end,
  [RECORD] = function(body) return setmetatable(get(body, 1)[2], record) end,
  [ERROR] = function(body) return K.error_from((get(body, 1))) end,
}

local function get_ext(s, at, length)
  local code = byte(s, at)
  return exts[code](sub(s, at + 1, at + length)), at + 1 + length
end

for b = 0x00, 0x7f do readers[b] = function(_, at, first) return first, at end end
for b = 0xe0, 0xff do readers[b] = function(_, at, first) return first - 256, at end end
for b = 0x80, 0x8f do readers[b] = function(s, at, first) return get_map(s, at, first - 0x80) end end
for b = 0x90, 0x9f do readers[b] = function(s, at, first) return get_list(s, at, first - 0x90) end end
for b = 0xa0, 0xbf do
  local length = b - 0xa0
  readers[b] = function(s, at) return sub(s, at, at + length - 1), at + length end
end
readers[0xc0] = function(_, at) return nil, at end
readers[0xc2] = function(_, at) return false, at end
readers[0xc3] = function(_, at) return true, at end
for b, layout in next, {
  [0xca] = ">f", [0xcb] = ">d", [0xcc] = ">B", [0xcd] = ">I2", [0xce] = ">I4",
  [0xd0] = ">i1", [0xd1] = ">i2", [0xd2] = ">i4", [0xd3] = ">i8",
} do
  readers[b] = function(s, at) return string_unpack(layout, s, at) end
end
readers[0xcf] = function(s, at)
  local value, after = string_unpack(">i8", s, at)
  if value < 0 then return value + 18446744073709551616.0, after end
  return value, after
end
for b, layout in next, {
  [0xc4] = ">s1", [0xc5] = ">s2", [0xc6] = ">s4", [0xd9] = ">s1", [0xda] = ">s2", [0xdb] = ">s4",
} do
  readers[b] = function(s, at) return string_unpack(layout, s, at) end
end
local function sized(layout, read)
  return function(s, at)
    local length, after = string_unpack(layout, s, at)
    return read(s, after, length)
  end
end
readers[0xdc], readers[0xdd] = sized(">I2", get_list), sized(">I4", get_list)
readers[0xde], readers[0xdf] = sized(">I2", get_map), sized(">I4", get_map)
readers[0xc7], readers[0xc8], readers[0xc9] = sized(">B", get_ext), sized(">I2", get_ext), sized(">I4", get_ext)
for i, length in next, { 1, 2, 4, 8, 16 } do
  readers[0xd3 + i] = function(s, at) return get_ext(s, at, length) end
end

K.encode, K.encode_args = encode, encode_args

function K.decode(bytes)
  level = 0
  return (get(bytes, 1))
end

-- A value inside of which are others, each as deep as a value may be.
function K.decode_around(bytes)
  level = -1
  return (get(bytes, 1))
end

-- The values of a list's bytes, as many as the list has.
function K.decode_args(bytes)
  local list = K.decode_around(bytes)
  return unpack(list, 1, shape[list] or #list)
end

function K.function_by_number(number)
  return functions[number]
end

-- The host has forgotten function `number`, which it had received `count` times.
function K.release(number, count)
  local left = (sent[number] or 0) - count
  if left > 0 then
    sent[number] = left
  elseif functions[number] then
    numbers[functions[number]], functions[number], sent[number] = nil, nil, nil
  end
end
