-- Calls of the host from a spell: asynchronous ones that wait, synchronous ones that do not.
--
-- The host functions take numbers and strings only, never a table, and never raise: nil or false means that the spell
-- has ended meanwhile.

local K, host = ...
local N = K.native
local error = N.error
local here, encode_args, decode = K.here, K.encode_args, K.decode
local host_call, host_ask, host_tell = host.call, host.ask, host.tell

local function no_finalizer(name)
  if K.in_finalizer() then
    K.throw("error", name .. " cannot be called while Lua collects garbage (in __gc)",
      { hint = "release it in __close, or where you last use it" })
  end
end

local function no_waiting(name)
  no_finalizer(name)
  K.throw("error", name .. " cannot wait here: it was called from a function that Lua itself runs without pause",
    { hint = "call it before, and use its result here" })
end

-- Throws the host's error as the spell's own, with the line and stack of the call. Lines that the error came with, of
-- a function of the spell's that the host called, stay innermost.
local function throw(fields, site)
  local failure = K.error_from(fields)
  if (failure.source or "") == "" then failure.source = site end
  local stack, own = failure.stack or {}, K.new_error("error", "").stack
  for i = 1, #own do
    if #stack >= K.STACK_LINES then break end
    stack[#stack + 1] = own[i]
  end
  failure.stack = stack
  error(failure, 0)
end

local function outcome(ok, bytes, site)
  if K.ended then K.stop_here() end
  if ok then return bytes and decode(bytes) end
  throw(decode(bytes), site)
end

-- A task that was cancelled while it ran goes no further.
local function stop_if_over()
  local task = K.current_task()
  if K.ended or task and task.over then K.stop_here() end
end

-- An asynchronous call with arguments already packed: waits, and gives its value or throws.
local function call_at(site, name, receiver, bytes)
  if not K.can_wait() then no_waiting(name) end
  stop_if_over()
  local call = host_call(name, receiver, bytes, site)
  if not call then K.stop_here() end
  local ok, answer = K.answer(call)
  return outcome(ok, answer, site)
end

-- A synchronous call with arguments already packed: callbacks may run meanwhile, the calling task does not.
local function ask_at(site, name, receiver, bytes)
  no_finalizer(name)
  local answer = host_ask(name, receiver, bytes, site)
  if answer == nil then return stop_if_over() end
  if not answer then K.stop_here() end
  stop_if_over()
  local reply = K.decode_around(answer)
  if reply[1] then return reply[2] end
  throw(reply[2], site)
end

K.call_at, K.ask_at, K.no_waiting = call_at, ask_at, no_waiting

function K.call(name, receiver, ...)
  return call_at(here(3), name, receiver, encode_args(...))
end

function K.ask(name, receiver, ...)
  return ask_at(here(3), name, receiver, encode_args(...))
end

function K.tell(name, bytes, site)
  if not host_tell(name, bytes, site) then K.stop_here() end
end

-- Running out of memory ends the spell: the host learns where, and nothing of the spell runs on.
function K.out_of_memory(site)
  K.ended = true
  host.out_of_memory(site)
  K.stop_here()
end
