-- JSON.parse and JSON.stringify, and how a value reads in a message. Keys are written in their fixed order.

local K = ...
local N = K.native
local error, type, rawget, pcall, raw_getmetatable = N.error, N.type, N.rawget, N.pcall, N.getmetatable
local byte, char, find, sub = N.string.byte, N.string.char, N.string.find, N.string.sub
local format, match = N.string.format, N.string.match
local raw_gsub, concat, rep = N.string.gsub, N.table.concat, N.string.rep
local math_type, tonumber, utf8_char = N.math.type, N.tonumber, N.utf8.char

local DEPTH_LIMIT = 200

-- -- Writing ---------------------------------------------------------------------------------------------------------

local ESCAPES = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function escape(c)
  return ESCAPES[c] or format("\\u%04x", byte(c))
end

local function quote(s)
  return '"' .. raw_gsub(s, '[%c"\\]', escape) .. '"'
end

local function write_number(v)
  if math_type(v) == "integer" then return format("%d", v) end
  if v ~= v or v == 1 / 0 or v == -1 / 0 then return "null" end
  if v % 1 == 0 and v > -1e15 and v < 1e15 then return format("%d", v) end
  for digits = 15, 17 do
    local text = format("%." .. digits .. "g", v)
    if tonumber(text) == v then return text end
  end
end

local function is_list(t)
  local known = K.shape[t]
  local length = N.rawlen(t)
  if known == "map" and length == 0 then return nil end
  if type(known) == "number" and known > length then length = known end
  for key in N.next, t do
    if math_type(key) ~= "integer" or key < 1 or key > length then return nil end
  end
  return length
end

local write

local function write_members(state, t, depth, length)
  local out, opening, closing = state.out, length and "[" or "{", length and "]" or "}"
  local keys, count
  if length then count = length else keys, count = K.sorted_keys(t) end
  local line = state.indent and "\n" .. rep(state.indent, depth + 1) or ""
  local written = 0
  out[#out + 1] = opening
  for i = 1, count do
    local value
    if keys then value = rawget(t, keys[i]) else value = rawget(t, i) end
    if length or type(value) ~= "function" or state.lenient then
      out[#out + 1] = (written > 0 and "," or "") .. line
      if keys then out[#out + 1] = quote(K.show(keys[i])) .. (state.indent and ": " or ":") end
      write(state, value, depth + 1)
      written = written + 1
    end
  end
  if written > 0 and state.indent then out[#out + 1] = "\n" .. rep(state.indent, depth) end
  out[#out + 1] = closing
end

local function write_table(state, t, depth)
  local live, value = K.crossing.live(t)
  if live then t = value end
  if type(t) ~= "table" then return write(state, t, depth) end
  local metatable = raw_getmetatable(t)
  local error_fields = K.crossing.error(t)
  if error_fields then
    t = error_fields
  elseif metatable and (K.crossing.object(t) or K.crossing.class(t) or K.crossing.handle(t)) then
    state.out[#state.out + 1] = quote(K.show(t))
    return
  end
  if state.seen[t] then
    if state.lenient then state.out[#state.out + 1] = '"(cyclic)"' return end
    K.throw("invalid_argument", "the value is cyclic: a table contains itself")
  end
  if depth > DEPTH_LIMIT then
    K.throw("invalid_argument", "the value is nested deeper than " .. DEPTH_LIMIT .. " levels")
  end
  state.seen[t] = true
  write_members(state, t, depth, is_list(t))
  state.seen[t] = nil
end

write = function(state, value, depth)
  local kind, out = type(value), state.out
  if kind == "table" then
    write_table(state, value, depth)
  elseif kind == "string" then
    out[#out + 1] = quote(value)
  elseif kind == "number" then
    out[#out + 1] = write_number(value)
  elseif kind == "boolean" then
    out[#out + 1] = value and "true" or "false"
  elseif kind == "nil" or not state.lenient then
    out[#out + 1] = "null"
  else
    out[#out + 1] = quote(K.show(value))
  end
end

local function indent_of(space)
  if type(space) == "number" and space > 0 then return rep(" ", space < 10 and N.math.floor(space) or 10) end
  if type(space) == "string" and space ~= "" then return sub(space, 1, 10) end
  return nil
end

local JSON = {}

function JSON.stringify(value, replacer, space)
  local state = { out = {}, seen = {}, indent = indent_of(space) or indent_of(replacer) }
  write(state, value, 0)
  return concat(state.out)
end

-- A value in a message: like JSON, whatever it holds, and not too long.
function K.render(value)
  if type(value) ~= "table" then return K.show(value) end
  local state = { out = {}, seen = {}, lenient = true }
  write(state, value, 0)
  local text = concat(state.out)
  return #text > 500 and sub(text, 1, 500) .. "…" or text
end

-- -- Reading ---------------------------------------------------------------------------------------------------------

local function fail(s, at, what)
  local head = sub(s, 1, at - 1)
  local _, lines = raw_gsub(head, "\n", "\n")
  local column = at - #(match(head, "^.*\n") or "")
  error({ text = format("%s at line %d column %d", what, lines + 1, column) }, 0)
end

local UNESCAPED = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function read_escape(s, at)
  local letter = sub(s, at, at)
  if UNESCAPED[letter] then return UNESCAPED[letter], at + 1 end
  local digits = letter == "u" and match(s, "^%x%x%x%x", at + 1)
  if not digits then fail(s, at - 1, "a wrong escape") end
  local code, after = tonumber(digits, 16), at + 5
  if code >= 0xd800 and code < 0xdc00 then
    local low = match(s, "^\\u(%x%x%x%x)", after)
    low = low and tonumber(low, 16)
    if low and low >= 0xdc00 and low < 0xe000 then
      return utf8_char(0x10000 + (code - 0xd800) * 1024 + (low - 0xdc00)), after + 6
    end
  end
  return utf8_char(code), after
end

local function read_string(s, at)
  local last = find(s, '["\\%c]', at)
  if last and byte(s, last) == 34 then return sub(s, at, last - 1), last + 1 end
  local out, n = {}, 0
  while true do
    if not last then fail(s, at - 1, "a string without its end") end
    n = n + 1
    out[n] = sub(s, at, last - 1)
    local c = byte(s, last)
    if c == 34 then return concat(out), last + 1 end
    if c == 92 then
      n = n + 1
      out[n], at = read_escape(s, last + 1)
    elseif c < 32 then
      fail(s, last, "a control character in a string")
    else  -- %c also matches DEL, which JSON allows
      n = n + 1
      out[n], at = char(c), last + 1
    end
    last = find(s, '["\\%c]', at)
  end
end

local function read_number(s, at)
  local text = match(s, "^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  if not text or find(text, "^-?0%d") or find(text, "%.$") or find(text, "%.[eE]") or find(text, "[eE+-]$") then
    fail(s, at, "a wrong number")
  end
  return tonumber(text), at + #text
end

local WORDS = { t = { "true", true }, f = { "false", false }, n = { "null", nil } }
local read

local function skip(s, at)
  return find(s, "[^ \t\r\n]", at) or #s + 1
end

local function read_list(s, at, depth)
  local list, n, holes = {}, 0, false
  at = skip(s, at)
  if byte(s, at) == 93 then return list, at + 1 end
  while true do
    local value
    value, at = read(s, at, depth + 1)
    n = n + 1
    list[n] = value
    if value == nil then holes = true end
    at = skip(s, at)
    local c = byte(s, at)
    if c == 93 then
      if holes then K.shape[list] = n end
      return list, at + 1
    end
    if c ~= 44 then fail(s, at, "',' or ']' is missing") end
    at = skip(s, at + 1)
  end
end

local function read_map(s, at, depth)
  local map = {}
  K.shape[map] = "map"
  at = skip(s, at)
  if byte(s, at) == 125 then return map, at + 1 end
  while true do
    if byte(s, at) ~= 34 then fail(s, at, "a key in double quotes is missing") end
    local key, value
    key, at = read_string(s, at + 1)
    at = skip(s, at)
    if byte(s, at) ~= 58 then fail(s, at, "':' is missing") end
    value, at = read(s, skip(s, at + 1), depth + 1)
    map[key] = value
    at = skip(s, at)
    local c = byte(s, at)
    if c == 125 then return map, at + 1 end
    if c ~= 44 then fail(s, at, "',' or '}' is missing") end
    at = skip(s, at + 1)
  end
end

read = function(s, at, depth)
  if depth > DEPTH_LIMIT then fail(s, at, "nesting deeper than " .. DEPTH_LIMIT .. " levels") end
  local c = byte(s, at)
  if c == 34 then return read_string(s, at + 1) end
  if c == 123 then return read_map(s, at + 1, depth) end
  if c == 91 then return read_list(s, at + 1, depth) end
  if not c then fail(s, at, "the text ends too early") end
  local word = WORDS[char(c)]
  if word and sub(s, at, at + #word[1] - 1) == word[1] then return word[2], at + #word[1] end
  if c == 45 or c >= 48 and c <= 57 then return read_number(s, at) end
  fail(s, at, "no value begins with '" .. char(c) .. "'")
end

local function read_all(text)
  local value, at = read(text, skip(text, 1), 0)
  at = skip(text, at)
  if at <= #text then fail(text, at, "text after the value") end
  return value
end

function JSON.parse(text)
  if type(text) ~= "string" then
    K.throw("invalid_argument", "JSON.parse takes text, not a " .. type(text))
  end
  local ok, value = pcall(read_all, text)
  if ok then return value end
  K.check_caught(value)
  if type(value) == "table" and value.text then
    value = K.new_error("invalid_argument", "this is not JSON: " .. value.text)
  end
  error(value, 0)
end

for name, f in N.next, JSON do
  JSON[name] = function(first, ...)
    if N.rawequal(first, JSON) then return f(...) end
    return f(first, ...)
  end
end

K.locals.JSON = JSON
