-- Values as a person sees them: a line of text, a type, and their parts under a number, a reference.
--
-- References are dropped when the spell goes on. What a part is asked for with (a property of the host) is asked for
-- when it is shown.

local K = ...
local N, D = K.native, K.debug
local type, next, rawget, pcall, tostring = N.type, N.next, N.rawget, N.pcall, N.tostring
local raw_getmetatable, math_type = N.getmetatable, N.math.type
local sub, format, gsub, match, find = N.string.sub, N.string.format, N.string.gsub, N.string.match, N.string.find
local concat = N.table.concat
local Debugging = K.debugging

local MOST_PARTS = 5000
local PREVIEWED = 60
local WHOLE_LEVELS = 30
-- Items of a list that are shown at once.
local PAGE = 100
-- Keys of a table that are put in order, for a line of text and for its parts: more takes longer than a person waits.
local ORDERED, ORDERED_PARTS = 1000, 100000

-- -- A line of text --------------------------------------------------------------------------------------------------

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\0"] = "\\0", ['"'] = '\\"', ["\\"] = "\\\\" }

local function cut(text, most)
  if #text <= most then return text end
  local at = most
  while at > 0 and N.string.byte(text, at + 1) & 0xC0 == 0x80 do at = at - 1 end
  return sub(text, 1, at) .. "…"
end

local function quoted(text, most)
  return '"' .. gsub(cut(text, most), '[%c"\\]', function(c) return ESCAPES[c] or format("\\%d", N.string.byte(c)) end)
    .. '"'
end

local function function_text(f)
  local info = D.getinfo(f, "S")
  if N.string.byte(info.source) ~= 64 then return "function" end
  return "function <" .. sub(info.source, 2) .. ":" .. info.linedefined .. ">"
end

local function is_word(key)
  return type(key) == "string" and find(key, "^[%a_][%w_]*$") ~= nil
end

local function key_text(key)
  if is_word(key) then return key end
  if type(key) == "string" then return "[" .. quoted(key, PREVIEWED) .. "]" end
  if type(key) == "number" or type(key) == "boolean" then return "[" .. tostring(key) .. "]" end
  return "[" .. type(key) .. "]"
end

-- What a table stands for: its fields, and of a live table those in the host.
local function fields_of(t)
  local live, value = K.crossing.live(t)
  if live then return value end
  return t
end

-- An object of the host, with its name where it has one.
local function object_text(t, class, depth)
  if depth == 0 and class.host and class.host.properties.name then
    local ok, name = pcall(function() return t.name end)
    if ok and type(name) == "string" and name ~= "" then return class.name .. " " .. quoted(name, PREVIEWED) end
  end
  return format("%s #%d", class.name, K.number_of[t] or 0)
end

local text_of
-- Tables in a table that are shown, levels and the characters of each value; more of both where the whole is wanted.
local levels, previewed = 1, PREVIEWED
local around = {}

local function has_more_than(t, most)
  local count = 0
  for _ in next, t do
    count = count + 1
    if count > most then return true end
  end
  return false
end

-- In order; of a large table only as many as a line of text can show, items first.
local function first_keys(t, length)
  if levels > 1 or not has_more_than(t, ORDERED) then return K.sorted_keys(t) end
  local keys, last = {}, length < ORDERED and length or ORDERED
  for i = 1, last do keys[i] = i end
  for key in next, t do
    if last >= ORDERED then break end
    if math_type(key) ~= "integer" or key < 1 or key > length then
      last = last + 1
      keys[last] = key
    end
  end
  return keys, last
end

local function parts_text(t, most, depth)
  local parts, length, used = {}, N.rawlen(t), 2
  local keys, count = first_keys(t, length)
  for i = 1, count do
    local key = keys[i]
    local value = text_of(rawget(t, key), previewed, depth + 1)
    local is_item = math_type(key) == "integer" and key >= 1 and key <= length
    local part = is_item and value or key_text(key) .. " = " .. value
    used = used + #part + 2
    if used > most then
      parts[#parts + 1] = "…"
      break
    end
    parts[#parts + 1] = part
  end
  return "{" .. concat(parts, ", ") .. "}"
end

local function table_text(t, most, depth)
  local class = K.class_of[t]
  if class then return object_text(t, class, depth) end
  if K.is_error(t) then return K.show(t) end
  local metatable = raw_getmetatable(t)
  if metatable and rawget(metatable, "__tostring") then
    local ok, text = pcall(K.show, t)
    if ok then return cut(text, most) end
  end
  local name = metatable and rawget(metatable, "__name")
  local t = fields_of(t)
  if depth > levels or around[t] then return next(t) == nil and "{}" or "{…}" end
  around[t] = true
  local text = parts_text(t, most, depth)
  around[t] = nil
  return name and type(name) == "string" and name ~= "table" and name .. " " .. text or text
end

function text_of(value, most, depth)
  local kind = type(value)
  if kind == "string" then return quoted(value, most) end
  if kind == "table" then return table_text(value, most, depth or 0) end
  if kind == "function" then return function_text(value) end
  if kind == "thread" then return "coroutine (" .. K.env.coroutine.status(value) .. ")" end
  return tostring(value)
end

local function type_of(value)
  local kind = type(value)
  if kind ~= "table" then return kind == "thread" and "coroutine" or kind end
  local class = K.class_of[value]
  if class then return class.name end
  local metatable = raw_getmetatable(value)
  local name = metatable and rawget(metatable, "__name")
  return type(name) == "string" and name or kind
end

-- The text of a value; its whole where as much is wanted.
local function seen_text(value, most)
  local whole = most > Debugging.SHOWN
  levels, previewed, around = whole and WHOLE_LEVELS or 1, whole and most or PREVIEWED, {}
  return text_of(value, most)
end

-- As a log message shows it: a table with what is in it.
function Debugging.logged(value)
  if type(value) == "string" then return value end
  return type(value) == "table" and seen_text(value, Debugging.SHOWN) or K.show(value)
end

-- -- References ------------------------------------------------------------------------------------------------------

local references = {}

function Debugging.forget()
  references = {}
end

function Debugging.refer(what)
  references[#references + 1] = what
  return #references
end

function Debugging.referred(number)
  local what = references[number]
  if not what then Debugging.refuse("that was seen before the spell went on; it is no longer there") end
  return what
end

local function has_parts(value)
  if type(value) == "table" then
    return K.class_of[value] ~= nil or next(fields_of(value)) ~= nil or raw_getmetatable(value) ~= nil
  end
  return type(value) == "function" and D.getupvalue(value, 1) ~= nil
end

-- How long a list is that is better shown in pages.
local function long_list(value)
  if type(value) ~= "table" or raw_getmetatable(value) or N.rawlen(value) <= PAGE then return nil end
  local length = N.rawlen(value)
  for key in next, value do
    if math_type(key) ~= "integer" or key < 1 or key > length then return nil end
  end
  return length
end

-- A value as `Shown`.
local function shown(value, most, expression)
  local reference, indexed = 0, long_list(value)
  if has_parts(value) then
    reference = Debugging.refer({ kind = "value", value = value, expression = expression, indexed = indexed })
  end
  return { value = seen_text(value, most), type = type_of(value), reference = reference, indexed = indexed }
end
Debugging.shown = shown

local function variable(name, value, expression, writable)
  local item = shown(value, Debugging.SHOWN, expression)
  item.name, item.expression, item.writable = name, expression, writable
  return item
end

local function failed_variable(name, problem)
  return { name = name, value = "<" .. K.show(problem) .. ">", type = "error", reference = 0, writable = false }
end

-- -- Parts -----------------------------------------------------------------------------------------------------------

local function member_expression(parent, key)
  if not parent then return nil end
  if is_word(key) then return parent .. "." .. key end
  if type(key) == "string" then return parent .. "[" .. format("%q", key) .. "]" end
  if math_type(key) or type(key) == "boolean" then return parent .. "[" .. tostring(key) .. "]" end
end

-- The properties of an object of the host, each once: `max_tokens` and `maxTokens` are one.
local function properties_of(class)
  local names, seen = {}, {}
  for spelling, property in next, class.host and class.host.properties or {} do
    local name = match(property.frame, "%.([^.]+)$") or spelling
    if not seen[name] then
      seen[name] = true
      names[#names + 1] = { name = name, writable = property.writable or property.live or false }
    end
  end
  N.table.sort(names, function(a, b) return a.name < b.name end)
  return names
end

local function parts_of_object(list, what)
  local t = what.value
  for _, property in N.ipairs(properties_of(K.class_of[t])) do
    local ok, value = pcall(function() return t[property.name] end)
    what.keys[property.name] = { property.name }
    if ok then
      local expression = member_expression(what.expression, property.name)
      list[#list + 1] = variable(property.name, value, expression, property.writable)
    else
      list[#list + 1] = failed_variable(property.name, N.type(value) == "table" and value.message or value)
    end
  end
end

local function all_keys(t)
  if not has_more_than(t, ORDERED_PARTS) then return K.sorted_keys(t) end
  local keys, count = {}, 0
  for key in next, t do
    count = count + 1
    keys[count] = key
  end
  return keys, count
end

local function parts_of_table(list, what, start, count)
  local t = what.value
  local fields = fields_of(t)
  if not what.indexed and (start == 0 or not what.order) then what.order, what.all = all_keys(fields) end
  local keys, all = what.order, what.indexed or what.all
  local last = count > 0 and start + count or all
  if last > all then last = all end
  if last > start + MOST_PARTS then last = start + MOST_PARTS end
  for i = start + 1, last do
    local key = keys and keys[i] or i
    local name = key_text(key)
    if what.keys[name] then name = name .. " (" .. i .. ")" end
    what.keys[name] = { key }
    local value = fields == t and rawget(t, key) or t[key]
    list[#list + 1] = variable(name, value, member_expression(what.expression, key))
  end
  local metatable = raw_getmetatable(t)
  if last == all and metatable and fields == t and rawget(metatable, "__metatable") == nil then
    local item = variable("(metatable)", metatable, nil, false)
    item.kind = "virtual"
    list[#list + 1] = item
  end
end

local function named(list, order, values, expression_of)
  for i = 1, #order do
    local name = order[i]
    list[#list + 1] = variable(name, values[name].value, expression_of(name))
  end
end

local function itself(name)
  return is_word(name) and name or nil
end

local function nothing() end

local PARTS = {
  locals = function(list, what)
    local order, values = Debugging.locals(what.frame)
    named(list, order, values, itself)
    local varargs, count = Debugging.varargs(what.frame)
    for i = 1, count do list[#list + 1] = variable("..." .. i, varargs[i], "(select(" .. i .. ", ...))", false) end
  end,
  upvalues = function(list, what)
    local order, values = Debugging.upvalues(what.frame.func)
    named(list, order, values, itself)
  end,
  globals = function(list)
    local order, values = {}, {}
    for name, value in next, K.env do
      if type(name) == "string" and not Debugging.is_of_the_language(name, value) then
        order[#order + 1], values[name] = name, { value = value }
      end
    end
    N.table.sort(order)
    named(list, order, values, itself)
    local reference = Debugging.refer({ kind = "language" })
    list[#list + 1] = { name = "(of Lua and llmspell)", value = "", type = "", reference = reference, writable = false,
      kind = "virtual" }
  end,
  language = function(list)
    local order, values = {}, {}
    for name, value in next, K.env do
      if type(name) == "string" and Debugging.is_of_the_language(name, value) then
        order[#order + 1], values[name] = name, { value = value }
      end
    end
    N.table.sort(order)
    named(list, order, values, itself)
  end,
  value = function(list, what, start, count)
    if type(what.value) == "function" then
      local order, values = Debugging.upvalues(what.value)
      named(list, order, values, nothing)
      for i = 1, #list do list[i].writable = false end
      return
    end
    if K.class_of[what.value] then parts_of_object(list, what) end
    parts_of_table(list, what, start, count)
  end,
}

-- The parts of what a reference stands for, from `start` on.
function Debugging.variables(reference, start, count)
  local what, list = Debugging.referred(reference), {}
  what.keys = what.keys or {}
  if start == 0 then what.keys = {} end
  PARTS[what.kind](list, what, start, count)
  if what.kind ~= "value" and (start > 0 or count > 0) then
    list = N.table.move(list, start + 1, count > 0 and start + count or #list, 1, {})
  end
  return list
end

-- The names that were there before the spell.
local own = {}

function Debugging.remember_globals()
  for name, value in next, K.env do own[name] = { value = value } end
end

function Debugging.is_of_the_language(name, value)
  return own[name] ~= nil and N.rawequal(own[name].value, value)
end
