-- Evaluates what a person writes while the spell stands, and everything else that is asked then: in a coroutine of its
-- own, on which no breakpoint is, which cannot wait, and which is over after a second.

local K, host = ...
local N = K.native
local type, next, error, select, rawequal = N.type, N.next, N.error, N.select, N.rawequal
local match, gsub, sub = N.string.match, N.string.gsub, N.string.sub
local setmetatable, load = N.setmetatable, N.load
local Debugging = K.debugging
local env = K.env
-- The spell may change its own `coroutine`.
local create, resume, status, close = env.coroutine.create, env.coroutine.resume, env.coroutine.status, env.coroutine.close

local Refusal = {}

function Debugging.refuse(message)
  error(setmetatable({ refused = message }, Refusal), 0)
end

-- -- Running a text --------------------------------------------------------------------------------------------------

-- What a text sees: the variables of the frame, then the globals; assignments go to the same.
local function seen_from(frame)
  if not frame then return env end
  return setmetatable({}, {
    __index = function(_, name)
      local found, value = Debugging.lookup(frame, name)
      if found then return value end
      return env[name]
    end,
    __newindex = function(_, name, value)
      if not Debugging.set_variable(frame, name, value) then env[name] = value end
    end,
  })
end

local function compiled(text, scope)
  local chunk = load("return " .. text, "=(debugger)", "t", scope)
  if chunk then return chunk end
  local problem
  chunk, problem = load(text, "=(debugger)", "t", scope)
  if not chunk then Debugging.refuse((gsub(problem, "^%(debugger%):%d+: ", ""))) end
  return chunk
end

local function run(text, frame)
  local chunk = compiled(text, seen_from(frame))
  if not frame then return chunk() end
  local varargs, count = Debugging.varargs(frame)
  return chunk(N.table.unpack(varargs, 1, count))
end

local function expression(text, frame)
  local chunk, problem = load("return " .. text, "=(debugger)", "t", seen_from(frame))
  if not chunk then Debugging.refuse((gsub(problem, "^%(debugger%):%d+: ", ""))) end
  local varargs, count = {}, 0
  if frame then varargs, count = Debugging.varargs(frame) end
  return (chunk(N.table.unpack(varargs, 1, count)))
end

local function frame_or_none(number)
  return number and Debugging.frame(number)
end

-- -- What can be asked -----------------------------------------------------------------------------------------------

local function results(most, text, ...)
  local count = select("#", ...)
  if count < 2 then return Debugging.shown((...), most, match(text, "^%s*([%a_][%w_.]*)%s*$")) end
  local item = Debugging.shown({ ... }, most)
  item.type = count .. " values"
  return item
end

local function assign(reference, name, text, number)
  local what = Debugging.referred(reference)
  local value = expression(text, frame_or_none(number))
  if what.kind == "locals" or what.kind == "upvalues" then
    if not Debugging.set_variable(what.frame, name, value) then Debugging.refuse(name .. " cannot be set") end
  elseif what.kind == "globals" or what.kind == "language" then
    env[name] = value
  elseif type(what.value) == "table" then
    if not what.keys then Debugging.variables(reference, 0, 0) end
    local key = what.keys[name]
    if not key then Debugging.refuse("there is no " .. name) end
    what.value[key[1]] = value
    value = what.value[key[1]]
  else
    Debugging.refuse(name .. " cannot be set")
  end
  return Debugging.shown(value, Debugging.SHOWN)
end

local function store(target, text, number)
  local frame = frame_or_none(number)
  local chunk, problem = load(target .. " = " .. text, "=(debugger)", "t", seen_from(frame))
  if not chunk then Debugging.refuse((gsub(problem, "^%(debugger%):%d+: ", ""))) end
  chunk()
  return Debugging.shown(expression(target, frame), Debugging.SHOWN)
end

local function kind_of(value)
  if type(value) == "function" then return "function" end
  return "variable"
end

local function members(found, base, frame, by_colon)
  local value = expression(base, frame)
  if type(value) == "string" then value = env.string end
  if type(value) ~= "table" then return end
  local class = K.class_of[value]
  if class and class.host then
    for name in next, class.host.methods do found[name] = "method" end
    if not by_colon then
      for name in next, class.host.properties do found[name] = "property" end
    end
    value = class.table
  end
  local _, fields = K.crossing.live(value)
  for name, item in next, fields or value do
    if type(name) == "string" then found[name] = type(item) == "function" and "method" or not by_colon and "property" end
  end
end

local function completions(text, number)
  local frame = frame_or_none(number)
  local base, sign, partial = match(text, "([%a_][%w_.]*)([.:])([%w_]*)$")
  local found = {}
  if base then
    members(found, base, frame, sign == ":")
  else
    partial = match(text, "[%a_][%w_]*$") or ""
    for name, value in next, env do
      if type(name) == "string" then found[name] = kind_of(value) end
    end
    if frame then
      local order, values = Debugging.upvalues(frame.func)
      for i = 1, #order do found[order[i]] = kind_of(values[order[i]].value) end
      order, values = Debugging.locals(frame)
      for i = 1, #order do found[order[i]] = kind_of(values[order[i]].value) end
    end
  end
  local list = {}
  for _, name in N.ipairs((K.sorted_keys(found))) do
    if found[name] and sub(name, 1, #partial) == partial then list[#list + 1] = { label = name, kind = found[name] } end
  end
  return list
end

local function places(frames, first)
  local list = {}
  for i, frame in N.ipairs(frames) do
    list[i] = { number = first + i - 1, name = frame.name, label = frame.label, line = frame.line, awaits = frame.awaits }
  end
  return list
end

local function scopes(number)
  local frame = Debugging.frame(number)
  local list = { { name = "Locals", reference = Debugging.refer({ kind = "locals", frame = frame }), expensive = false } }
  if Debugging.upvalues(frame.func)[1] then
    local reference = Debugging.refer({ kind = "upvalues", frame = frame })
    list[2] = { name = "Upvalues", reference = reference, expensive = false }
  end
  list[#list + 1] = { name = "Globals", reference = Debugging.refer({ kind = "globals" }), expensive = true }
  return list
end

local ASKED = {
  frames = function() return places(Debugging.frames(), 0) end,
  catches = function(call) return Debugging.catches(call) end,
  callers = function(call) return places(Debugging.callers(call)) end,
  scopes = scopes,
  variables = Debugging.variables,
  evaluate = function(text, number, most) return results(most, text, run(text, frame_or_none(number))) end,
  holds = function(text, number) return expression(text, Debugging.frame(number)) and true or false end,
  text = function(text, number) return Debugging.logged(expression(text, Debugging.frame(number))) end,
  assign = assign,
  store = store,
  completions = completions,
}

local function sentence(failure)
  if type(failure) == "table" and rawequal(N.getmetatable(failure), Refusal) then return failure.refused end
  local text = gsub(K.show(K.describe(failure).message or ""), "^%(debugger%):%d+: ", "")
  local name = match(text, "^(.-) cannot wait here: ")
  return name and name .. " waits, which cannot be done while the spell stands still" or text
end

local function finished(co, ok, value)
  Debugging.evaluating = false
  if not ok then return false, K.encode(sentence(value)) end
  if status(co) ~= "dead" then
    close(co)
    return false, K.encode("it waits for something, which cannot be done while the spell stands still")
  end
  return true, K.encode(value)
end

-- What would end a spell that lacks memory only ends the evaluation: what that has made is nobody's.
local out_of_memory = K.out_of_memory

function K.out_of_memory(site)
  if Debugging.evaluating then Debugging.refuse("it needs more memory than the spell has left") end
  return out_of_memory(site)
end

local function resumed(co, ok, ...)
  if ok then return finished(co, ...) end
  return finished(co, false, (...))
end

-- Asks for something by its name: whether it could be done, and what it gave or why not.
function K.api.inspect(name, bytes)
  Debugging.evaluating = true
  local co = create(function() return ASKED[name](K.decode_args(bytes)) end)
  return resumed(co, N.pcall(resume, co))
end

function K.api.lines(label, bytes)
  Debugging.set_lines(label, K.decode_around(bytes))
end

function K.api.errors(caught, uncaught)
  Debugging.caught, Debugging.uncaught = caught, uncaught
end

function K.api.forget()
  Debugging.leave()
  Debugging.forget()
end

K.api.step, K.api.remember_globals = Debugging.step, Debugging.remember_globals
