-- Where the spell stands: its frames, what they hold, and the errors it stops at.
--
-- A frame is {co, level, func, line, …} of a coroutine that does not run meanwhile: the debugger works in another one.

local K, host = ...
local N, D = K.native, K.debug
local getinfo, getlocal, setlocal = D.getinfo, D.getlocal, D.setlocal
local getupvalue, setupvalue = D.getupvalue, D.setupvalue
local byte, sub, rawequal, type, next, error = N.string.byte, N.string.sub, N.rawequal, N.type, N.next, N.error
local Debugging = K.debugging

local MOST_FRAMES = 5000

-- -- Frames ----------------------------------------------------------------------------------------------------------

local standing
-- Those of the place where the spell stands; call -> those of who waits for it, and the number of the first; all that
-- were numbered so far.
local here, of_call, numbered

function Debugging.leave()
  standing, here, of_call, numbered = nil, nil, {}, {}
end
Debugging.leave()

function Debugging.stand(co)
  Debugging.leave()
  standing = co
end

local function name_of(info, named)
  if info.what == "main" then return "main chunk" end
  if info.name and named then return info.name end
  return "function <" .. sub(info.source, 2) .. ":" .. info.linedefined .. ">"
end

local function add_frames(list, co)
  local waiting
  for level = 0, 100000 do
    local info = getinfo(co, level, "Slnf")
    local is_script = info and byte(info.source) == 64
    if waiting then
      waiting.name, waiting.info = name_of(waiting.info, is_script), nil
      list[#list + 1], waiting = waiting, nil
    end
    if not info or #list >= MOST_FRAMES then return end
    if is_script then
      waiting = { co = co, level = level, func = info.func, info = info,
        label = sub(info.source, 2), line = info.currentline }
    end
  end
end

-- The coroutines of a parked task, innermost first: it may wait inside of some of the spell's own.
local function chain_of(task)
  local chain, co = {}, task.co
  while co do
    N.table.insert(chain, 1, co)
    co = K.inner[co]
  end
  return chain
end

local function add_running(list, co)
  while co and not rawequal(co, K.main_coroutine) do
    add_frames(list, co)
    co = K.resumed_by[co]
  end
end

local function add_parked(list, task)
  if task.over then return end
  local chain = chain_of(task)
  for i = 1, #chain do add_frames(list, chain[i]) end
end

-- Those that await a task.
local function add_awaiting(list, task)
  task = task and task.parent
  while task and #list < MOST_FRAMES do
    local first = #list + 1
    add_parked(list, task)
    if list[first] then list[first].awaits = true end
    task = task.parent
  end
end

-- Numbers frames on; gives the number of the first.
local function number(list)
  local first = #numbered
  N.table.move(list, 1, #list, first + 1, numbered)
  return first
end

function Debugging.frames()
  if not here then
    here = {}
    add_running(here, standing)
    if standing then add_awaiting(here, K.current_task()) end
    number(here)
  end
  return here
end

-- Of who waits for a call; below 0, for a question under way: -1 is the outermost.
local function frames_of(call)
  local list = {}
  if call < 0 then
    local asker = Debugging.asking[-call]
    if asker then
      add_running(list, asker.co)
      add_awaiting(list, asker.task)
    end
  else
    local task = K.waiting_task(call)
    if task then
      add_parked(list, task)
      add_awaiting(list, task)
    end
  end
  return list
end

-- Those of a call, and the number of the first.
function Debugging.callers(call)
  Debugging.frames()
  if not of_call[call] then
    local list = frames_of(call)
    of_call[call] = { list = list, first = number(list) }
  end
  return of_call[call].list, of_call[call].first
end

-- A frame by its number from 0.
function Debugging.frame(number)
  local frame = Debugging.frames() and numbered[number + 1]
  if not frame then Debugging.refuse("there is no frame " .. number) end
  return frame
end

-- -- What a frame sees -----------------------------------------------------------------------------------------------

-- The place of a local by name, the innermost of several, and its value.
local function find_local(frame, name)
  local found, value
  for i = 1, 250 do
    local each, item = getlocal(frame.co, frame.level, i)
    if not each then break end
    if each == name then found, value = i, item end
  end
  return found, value
end

local function find_upvalue(frame, name)
  for i = 1, 255 do
    local each, value = getupvalue(frame.func, i)
    if not each then return nil end
    if each == name then return i, value end
  end
end

-- Names and values of the locals in the order of their lines; the innermost of several with one name.
function Debugging.locals(frame)
  local order, values = {}, {}
  for i = 1, 250 do
    local name, value = getlocal(frame.co, frame.level, i)
    if not name then break end
    if byte(name) ~= 40 then
      if not values[name] then order[#order + 1] = name end
      values[name] = { value = value }
    end
  end
  return order, values
end

function Debugging.varargs(frame)
  local values, count = {}, 0
  while true do
    local name, value = getlocal(frame.co, frame.level, -count - 1)
    if not name then return values, count end
    count = count + 1
    values[count] = value
  end
end

function Debugging.upvalues(func)
  local order, values = {}, {}
  for i = 1, 255 do
    local name, value = getupvalue(func, i)
    if not name then break end
    if name ~= "_ENV" and name ~= "" then
      order[#order + 1] = name
      values[name] = { value = value }
    end
  end
  return order, values
end

-- Whether a frame has a variable of this name, and its value: a local, an upvalue.
function Debugging.lookup(frame, name)
  local at, value = find_local(frame, name)
  if at then return true, value end
  at, value = find_upvalue(frame, name)
  return at ~= nil, value
end

-- Sets such a variable; whether there is one.
function Debugging.set_variable(frame, name, value)
  local at = find_local(frame, name)
  if at then
    setlocal(frame.co, frame.level, at, value)
    return true
  end
  at = find_upvalue(frame, name)
  if at then
    setupvalue(frame.func, at, value)
    return true
  end
  return false
end

-- -- Errors ----------------------------------------------------------------------------------------------------------

local raw_xpcall = D.xpcall
-- The functions that a spell catches with.
local catchers = {}
-- The failure told last: on its way out it may come by again.
local told, told_text

local function has_catcher(co, from)
  for level = from, 100000 do
    local info = getinfo(co, level, "ft")
    if not info then return false end
    -- coroutine.resume is the one that calls it in its own place
    if catchers[info.func] or rawequal(info.func, K.resume) and info.istailcall then return true end
  end
end

local function caught_by(co)
  while co and not rawequal(co, K.main_coroutine) do
    if has_catcher(co, 0) then return true end
    co = K.resumed_by[co]
  end
  return false
end

-- Whether a task that waits would catch, or one that awaits it.
local function caught_by_task(task)
  while task do
    local chain = chain_of(task)
    for i = 1, #chain do
      if has_catcher(chain[i], 0) then return true end
    end
    task = task.parent
  end
  return false
end

-- Whether something of the spell's would catch a failure that leaves a coroutine.
local function caught_outside(co)
  local task = K.current_task()
  return caught_by(K.resumed_by[co]) or caught_by_task(task and task.parent)
end

-- Whether who waits for a call, as of `callers`, would catch what the host throws there.
function Debugging.catches(call)
  if call >= 0 then return caught_by_task(K.waiting_task(call)) end
  local asker = Debugging.asking[-call]
  return asker and (caught_by(asker.co) or caught_by_task(asker.task and asker.task.parent)) or false
end

local function was_told(failure)
  if type(failure) == "table" then return rawequal(failure, told) end
  return told_text ~= nil and failure == told_text
end

-- The spell stands where a failure was thrown. co: its stack is still there.
local function failed(co, failure, caught)
  if Debugging.evaluating or K.ended or failure == "not enough memory" or was_told(failure) then return end
  if rawequal(co, K.main_coroutine) then return end
  if not (caught and Debugging.caught or not caught and Debugging.uncaught) then return end
  told, told_text = failure, type(failure) ~= "table" and failure or nil
  Debugging.stand(co)
  local here = Debugging.frames()[1]
  if here then
    local fields = K.describe(failure, co)
    local kind = type(failure) == "table" and fields.name or "Error"
    local thrown = { type = kind, message = K.show(fields.message), caught = caught, stack = fields.stack }
    Debugging.failing = true
    local goes_on = host.failed(here.label, here.line, K.encode(thrown))
    Debugging.failing = false
    if not goes_on then K.ended = true end
  end
  Debugging.leave()
end

-- A coroutine has ended with a failure; its stack can still be read.
function K.coroutine_failed(co, failure)
  if not (Debugging.caught or Debugging.uncaught) then return end
  local task = K.current_task()
  if task and task.over and rawequal(task.co, co) then return end
  failed(co, failure, caught_outside(co))
end

-- Message handlers: they are called where the failure is thrown, of what the spell catches, and of what the prelude
-- passes on.
local function seen(failure)
  if Debugging.caught then failed(N.coroutine.running(), failure, true) end
  return failure
end

local function passed_on(failure)
  if Debugging.caught or Debugging.uncaught then
    local co = N.coroutine.running()
    failed(co, failure, has_catcher(co, 2) or caught_outside(co))
  end
  return K.pass_on(failure)
end

function K.try(f, ...)
  return raw_xpcall(f, passed_on, ...)
end

local function caught(ok, ...)
  if not ok then
    told, told_text = nil, nil
    K.check_caught((...))
  end
  return ok, ...
end

function K.env.pcall(...)
  if N.select("#", ...) == 0 then error("bad argument #1 to 'pcall' (value expected)", 2) end
  return caught(raw_xpcall((...), seen, N.select(2, ...)))
end

local function handled(handler, ok, ...)
  if ok then return ok, ... end
  K.check_caught((...))
  return false, N.select(2, caught(N.pcall(handler, ...)))
end

function K.env.xpcall(body, handler, ...)
  if type(handler) ~= "function" then
    error("bad argument #2 to 'xpcall' (function expected, got " .. type(handler) .. ")", 2)
  end
  return handled(handler, raw_xpcall(body, seen, ...))
end

catchers[K.env.pcall], catchers[K.env.xpcall] = true, true
