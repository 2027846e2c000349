-- Errors: the classes that spells construct and catch, what failed and where, and the functions that catch.
--
-- An error is a table with `type`, `name`, `message`, …; shown, it reads "file:line: message" as error() writes it.
-- Knows no call: whoever raises an error says where.

local K = ...
local N = K.native
local error, type, select, rawget, pcall = N.error, N.type, N.select, N.rawget, N.pcall
local setmetatable, raw_getmetatable, tostring = N.setmetatable, N.getmetatable, N.tostring
local getinfo, byte, sub, format, find = N.getinfo, N.string.byte, N.string.sub, N.string.format, N.string.find
local env = K.env

local OUT_OF_MEMORY = "not enough memory"
local STACK_LINES = 30
K.STACK_LINES = STACK_LINES
local RETRYABLE = { timeout = true, rate_limit = true, overloaded = true, network = true }

-- The short name that Lua puts into messages -> the file's whole label.
local labels = {}

function K.add_label(label, chunk)
  labels[getinfo(chunk, "S").short_src] = label
end

-- The line of a coroutine's function, where `return f()` as a tail call has taken its frame away: the last line that
-- runs code before its `end`.
local function body_position(co)
  local body = K.body_of[co]
  local info = body and getinfo(body, "SL")
  if not info or byte(info.source) ~= 64 then return "" end
  local last = info.linedefined
  for line in N.next, info.activelines do
    if line > last and (line < info.lastlinedefined or info.what == "main") then last = line end
  end
  return sub(info.source, 2) .. ":" .. last
end

-- The script's own position at or above `level` (1: the caller of here), as "file:line". A position that Lua itself
-- writes for error() costs a quarter of a getinfo table, so that comes first; "[" begins the prelude, "..." a long
-- label, and what does not end in a space is another error altogether.
local function here(level)
  local _, at = pcall(error, "", level + 2)
  local first, second, third = byte(at, 1, 3)
  local cut_short = first == 46 and second == 46 and third == 46
  if first and first ~= 91 and byte(at, -1) == 32 and not cut_short then return sub(at, 1, -3) end
  for deeper = level + 1, level + 60 do
    local info = getinfo(deeper, "Sl")
    if not info then break end
    if byte(info.source) == 64 then return sub(info.source, 2) .. ":" .. info.currentline end
  end
  return body_position((N.coroutine.running()))
end
K.here = here

-- `named`: whether a script called this frame, so that the name is one that the script gave it.
local function stack_line(info, named)
  local where = sub(info.source, 2) .. ":" .. info.currentline .. ": in "
  if info.what == "main" then return where .. "main chunk" end
  if info.name and named then return where .. "function '" .. info.name .. "'" end
  return where .. "function <" .. sub(info.source, 2) .. ":" .. info.linedefined .. ">"
end

-- Script frames, innermost first: of a coroutine that failed, or of the running one from `level` on, up to the function
-- `base`.
local function stack_of(co, level, base)
  local lines, count, script = {}, 0, nil
  for at = level, level + 2000 do
    local info
    if co then info = getinfo(co, at, "Slnf") else info = getinfo(at, "Slnf") end
    local is_script = info and byte(info.source) == 64
    if script then
      count = count + 1
      lines[count] = stack_line(script, is_script)
    end
    if not info or count == STACK_LINES or N.rawequal(info.func, base) then break end
    script = is_script and info or nil
  end
  return lines
end

local function source_of(lines, co)
  if lines[1] then return N.string.match(lines[1], "^(.-:%d+): in ") end
  return co and body_position(co) or ""
end

-- The stacks that failures have left behind on their way out of coroutines and modules.
local inner_stacks = setmetatable({}, { __mode = "k" })
local last_failure, last_stack

local function joined(first, second)
  local all = {}
  for i = 1, #first do all[i] = first[i] end
  for i = 1, #second do all[#all + 1] = second[i] end
  return all
end

-- Whether a failure that was thrown at `level` comes from farther in: a function of the prelude has called error.
local function comes_by(co, level)
  local thrower, caller
  if co then
    thrower, caller = getinfo(co, level, "S"), getinfo(co, level + 1, "S")
  else
    thrower, caller = getinfo(level + 1, "S"), getinfo(level + 2, "S")
  end
  return thrower and caller and thrower.what == "C" and caller.what ~= "C" and byte(caller.source) ~= 64
end

local function remember(failure, again, lines)
  local is_table, before = type(failure) == "table", nil
  if is_table then before = inner_stacks[failure] elseif N.rawequal(failure, last_failure) then before = last_stack end
  if before and again then lines = joined(before, lines) end
  if is_table then inner_stacks[failure] = lines else last_failure, last_stack = failure, lines end
end

-- A coroutine has ended with a failure that somebody is to be given.
function K.remember_stack(failure, co)
  remember(failure, comes_by(co, 0), stack_of(co, 0))
end

-- The message handler of K.try.
function K.pass_on(failure)
  remember(failure, comes_by(nil, 2), stack_of(nil, 3, N.xpcall))
  return failure
end

-- Calls a function, and gives its failure to one who throws it again.
function K.try(f, ...)
  return N.xpcall(f, K.pass_on, ...)
end

local function whole_stack(failure, co)
  local lines = co and stack_of(co, 0) or {}
  local inner
  if type(failure) == "table" then
    inner = inner_stacks[failure]
  elseif N.rawequal(failure, last_failure) then
    inner, last_failure, last_stack = last_stack, nil, nil
  end
  return inner and joined(inner, lines) or lines
end

-- Throws what one of Lua's functions, called for the script by a wrapper, said of its arguments; it says `string.rep`
-- where the script wrote `rep`.
function K.raise(problem)
  K.check_caught(problem)
  error(type(problem) == "string" and N.string.gsub(problem, "^(bad argument #%d+ to ')%a+%.", "%1") or problem, 3)
end

-- -- Error objects ---------------------------------------------------------------------------------------------------

local is_error_metatable = setmetatable({}, { __mode = "k" })
local classes_by_name, classes_by_type = {}, {}

local function shown(e)
  local message = K.show(rawget(e, "message"))
  local source = rawget(e, "source")
  if type(source) == "string" and source ~= "" then return source .. ": " .. message end
  return message
end

local function text_of(value)
  return K.show(value)
end

local function make_class(name, kind)
  local class = { name = name, type = kind }
  local metatable = { __name = name, __tostring = shown, __metatable = class }
  function metatable.__index(_, key)
    -- err:match("…") works on an error as it does on the text that error() would have made of it
    local method = N.string[key]
    if method and key ~= "dump" then
      return function(e, ...) return method(text_of(e), ...) end
    end
  end
  function metatable.__concat(a, b) return text_of(a) .. text_of(b) end
  is_error_metatable[metatable] = true

  local function construct(message, options)
    local e = setmetatable({ type = kind, name = name, source = here(2), stack = stack_of(nil, 3) }, metatable)
    if type(message) == "table" and not raw_getmetatable(message) then message, options = message.message, message end
    if type(options) == "table" then
      for key, value in N.next, options do e[key] = value end
    end
    e.message = message == nil and "" or text_of(message)
    if e.retryable == nil then e.retryable = RETRYABLE[e.type] or false end
    return e
  end
  function class.new(message, options)
    if N.rawequal(message, class) then message, options = options, nil end
    return construct(message, options)
  end
  setmetatable(class, {
    __call = function(_, message, options) return construct(message, options) end,
    __metatable = false,
    __name = name,
  })
  classes_by_name[name] = { class = class, metatable = metatable }
  classes_by_type[kind] = classes_by_type[kind] or name
  return class
end

make_class("Error", "error")

function K.bind_errors(list)
  for _, entry in N.ipairs(list) do env[entry.name] = make_class(entry.name, entry.type) end
end

-- An error the host sent, as one of the spell's own.
function K.error_from(fields)
  local known = classes_by_name[fields.name] or classes_by_name.Error
  local cause = fields.cause
  if type(cause) == "table" and not raw_getmetatable(cause) then fields.cause = K.error_from(cause) end
  return setmetatable(fields, known.metatable)
end

-- A new error of the class that its type belongs to.
function K.new_error(kind, message, more)
  local name = classes_by_type[kind] or "Error"
  local e = { type = kind, name = name, message = message, source = here(3), stack = stack_of(nil, 3) }
  e.retryable = RETRYABLE[kind] or false
  if more then
    for key, value in N.next, more do e[key] = value end
  end
  return setmetatable(e, classes_by_name[name].metatable)
end

-- Throws such an error.
function K.throw(kind, message, more)
  error(K.new_error(kind, message, more), 0)
end

local function is_error(value)
  local metatable = type(value) == "table" and raw_getmetatable(value)
  return metatable and is_error_metatable[metatable] or false
end
K.is_error = is_error

local FIELDS = {
  "type", "name", "message", "hint", "source", "stack", "retry_after", "retryable", "cause", "data", "value",
}

local function fields_of(e)
  local fields = {}
  for _, key in N.ipairs(FIELDS) do
    local value = rawget(e, key)
    if key == "cause" and is_error(value) then value = fields_of(value) end
    if key == "message" then value = K.show(value) end
    if value ~= nil and pcall(K.encode, value) then fields[key] = value end
  end
  return fields
end

K.crossing.error = function(t) return is_error(t) and fields_of(t) end

-- Message, label and line of a text as error() makes it.
local function parse_text(text)
  local short, line, message = K.split_position(text)
  if short and labels[short] then return message, labels[short] .. ":" .. line end
  if short and find(short, "[llmspell", 1, true) == 1 then return message, "" end
  return text, ""
end

-- What a spell failed with, as plain fields. co: the coroutine that failed, for its stack.
function K.describe(failure, co)
  local stack = whole_stack(failure, co)
  if is_error(failure) then
    local fields = fields_of(failure)
    if (fields.source or "") == "" then fields.source = source_of(stack, co) end
    if not fields.stack or #fields.stack == 0 then fields.stack = stack end
    return fields
  end
  local fields = { type = "script", name = "Error", source = source_of(stack, co), stack = stack }
  if type(failure) == "string" then
    local source
    fields.message, source = parse_text(failure)
    if source ~= "" then fields.source = source end
    return fields
  end
  if type(failure) == "table" and type(rawget(failure, "message")) == "string" then
    fields.message = rawget(failure, "message")
  else
    local ok, text = pcall(K.render, failure)
    fields.message = ok and text or "a " .. type(failure)
  end
  if pcall(K.encode, failure) then fields.value = failure end
  return fields
end

-- -- Catching --------------------------------------------------------------------------------------------------------

-- Looks at a failure that a spell is about to catch: running out of memory ends the spell, and after its end nothing
-- is caught any more.
function K.check_caught(failure)
  if K.ended then K.stop_here() end
  if failure == OUT_OF_MEMORY then K.out_of_memory(here(2)) end
end

local function caught(ok, ...)
  if not ok then K.check_caught((...)) end
  return ok, ...
end

function env.pcall(...)
  if select("#", ...) == 0 then error("bad argument #1 to 'pcall' (value expected)", 2) end
  return caught(pcall(...))
end

local function handled(handler, ok, ...)
  if ok then return ok, ... end
  K.check_caught((...))
  return false, select(2, caught(pcall(handler, ...)))
end

-- The handler runs after the failed function has been left, so that it may wait.
function env.xpcall(body, handler, ...)
  if type(handler) ~= "function" then
    error("bad argument #2 to 'xpcall' (function expected, got " .. type(handler) .. ")", 2)
  end
  return handled(handler, pcall(body, ...))
end

-- {type, message, retry_after, retryable, source, cause} of anything thrown.
local function parse_error(value, other)
  if N.rawequal(value, K.locals.ErrorHandler) then value = other end
  if is_error(value) then
    return {
      type = value.type, message = K.show(value.message), retry_after = rawget(value, "retry_after"),
      retryable = rawget(value, "retryable") or false, source = rawget(value, "source"), cause = rawget(value, "cause"),
      hint = rawget(value, "hint"), data = rawget(value, "data"),
    }
  end
  if type(value) == "table" and rawget(value, "message") ~= nil then
    local kind = rawget(value, "type")
    kind = type(kind) == "string" and kind or "script"
    return { type = kind, message = K.show(value.message), retry_after = rawget(value, "retry_after"),
      retryable = RETRYABLE[kind] or false, source = "", cause = rawget(value, "cause") }
  end
  local message, source = K.show(value), ""
  if type(value) == "string" then message, source = parse_text(value) end
  return { type = "script", message = message, retryable = false, source = source }
end

K.locals.ErrorHandler = { parse_error = parse_error, parseError = parse_error }
