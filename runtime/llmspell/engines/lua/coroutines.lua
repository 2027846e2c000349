-- Waiting from anywhere: the `coroutine` library of a spell, and the one tagged yield that parks a task.
--
-- A task parks by yielding TAG. A spell's coroutine.resume and wrap pass that yield on to the coroutine around them, up
-- to the scheduler, and pass its answer back down; a spell can neither see the tag nor make one. Knows no host.

local K = ...
local N = K.native
local error, rawequal, type, select, getinfo = N.error, N.rawequal, N.type, N.select, N.getinfo
local raw_create, raw_resume, raw_yield = N.coroutine.create, N.coroutine.resume, N.coroutine.yield
local raw_status, raw_close, raw_running = N.coroutine.status, N.coroutine.close, N.coroutine.running
local raw_isyieldable = N.coroutine.isyieldable
local weak_keys = { __mode = "k" }

local TAG = {}

-- Coroutines that a spell must not resume or close: a task's own, and those parked inside another one.
local busy = N.setmetatable({}, weak_keys)
-- The coroutine that a parked coroutine is waiting inside of: outer -> inner.
local inner = N.setmetatable({}, weak_keys)
-- Coroutines resumed from a place that cannot wait (a metamethod called by a C function): they cannot wait either.
local stuck = N.setmetatable({}, weak_keys)
local any_stuck = false
-- The function that a coroutine runs: where it is when a tail call has left no frame of its own.
local body_of = N.setmetatable({}, weak_keys)

local function can_wait()
  return raw_isyieldable() and not (any_stuck and stuck[(raw_running())])
end

-- Whether a finalizer (`__gc`) is running, in this coroutine or around it.
local function in_finalizer()
  if raw_isyieldable() then return any_stuck and stuck[(raw_running())] == "finalizer" end
  for level = 2, 200 do
    local info = getinfo(level, "n")
    if not info then break end
    if info.name == "__gc" and info.namewhat == "metamethod" then return true end
  end
  return stuck[(raw_running())] == "finalizer"
end

-- Parks the running task until the scheduler resumes it; gives what it is resumed with.
local function park()
  return raw_yield(TAG)
end

-- After a failure that no spell may catch, nothing of the spell goes on.
local function stop_here()
  if raw_isyieldable() then
    while true do raw_yield(TAG) end
  end
  error("the spell has ended", 0)
end

local function unpark(co, outer, ...)
  busy[co], inner[outer] = nil, nil
  return ...
end

local function forward(co, ok, ...)
  if ok then
    if rawequal((...), TAG) then
      local outer = raw_running()
      busy[co], inner[outer] = true, co
      return forward(co, raw_resume(co, unpark(co, outer, raw_yield(TAG))))
    end
  else
    K.check_caught((...))
  end
  return ok, ...
end

local function resume(co, ...)
  if busy[co] then return false, "cannot resume non-suspended coroutine" end
  if can_wait() then
    if any_stuck then stuck[co] = nil end
  else
    stuck[co], any_stuck = in_finalizer() and "finalizer" or true, true
  end
  return forward(co, raw_resume(co, ...))
end

local function unwrap(co, ok, ...)
  if ok then return ... end
  local failure = ...
  if raw_status(co) == "dead" then
    K.remember_stack(failure, co)
    raw_close(co)
  end
  error(failure, 0)
end

local function expect_thread(co, name)
  if type(co) ~= "thread" then
    error("bad argument #1 to '" .. name .. "' (coroutine expected, got " .. type(co) .. ")", 3)
  end
end

local library = { running = raw_running, isyieldable = raw_isyieldable, yield = raw_yield }

function library.create(body)
  if type(body) ~= "function" then
    error("bad argument #1 to 'create' (function expected, got " .. type(body) .. ")", 2)
  end
  local co = raw_create(body)
  body_of[co] = body
  return co
end

function library.resume(co, ...)
  expect_thread(co, "resume")
  return resume(co, ...)
end

function library.wrap(body)
  if type(body) ~= "function" then
    error("bad argument #1 to 'wrap' (function expected, got " .. type(body) .. ")", 2)
  end
  local co = raw_create(body)
  body_of[co] = body
  return function(...) return unwrap(co, resume(co, ...)) end
end

function library.status(co)
  expect_thread(co, "status")
  local status = raw_status(co)
  if status == "suspended" and busy[co] then return "normal" end
  return status
end

function library.close(co)
  expect_thread(co, "close")
  local status = library.status(co)
  if status ~= "suspended" and status ~= "dead" then error("cannot close a " .. status .. " coroutine", 2) end
  return raw_close(co)
end

-- A coroutine for a task: spells may see it, never drive it.
local function create_root(body)
  local co = raw_create(body)
  busy[co], body_of[co] = true, body
  return co
end

-- Closes a suspended coroutine and those it waits inside of, innermost first; pcall cannot stop that.
local function close_chain(co)
  local chain, count = {}, 0
  while co do
    count = count + 1
    chain[count], co = co, inner[co]
  end
  for i = count, 1, -1 do
    local status = raw_status(chain[i])
    if status == "suspended" or status == "dead" then raw_close(chain[i]) end
  end
end

-- Runs a task's coroutine until it parks, ends or yields by itself: calls after(task, ok, parked, ...).
local function drive(task, after, ...)
  local function sorted(ok, ...)
    return after(task, ok, ok and select("#", ...) > 0 and rawequal((...), TAG), ...)
  end
  return sorted(raw_resume(task.co, ...))
end

K.can_wait, K.in_finalizer, K.park, K.stop_here = can_wait, in_finalizer, park, stop_here
K.body_of, K.inner, K.resume = body_of, inner, resume
K.create_root, K.close_chain, K.drive = create_root, close_chain, drive
K.env.coroutine = library
