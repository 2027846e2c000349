-- Tasks: the main chunk, callbacks of the host, and what Async and the *_async methods start. One runs at a time; each
-- runs until it waits.
--
-- A task waits by parking (coroutines.lua) after it has left word who will wake it: `pending` for an answer of the
-- host, or whatever calls K.wake. The spell has ended when its main chunk has and no task is left.

local K, host = ...
local N = K.native
local type, next, error, pcall, rawget = N.type, N.next, N.error, N.pcall, N.rawget
local raw_status, raw_close = N.coroutine.status, N.coroutine.close
local raw_sort, unpack, pack = N.table.sort, N.table.unpack, N.table.pack
local create_root, close_chain, drive, park = K.create_root, K.close_chain, K.drive, K.park

-- Yields of a spell's own that are resumed at once while nothing is pending; after as many it takes naps.
local QUICK_YIELDS = 1000
local LONGEST_NAP_MS = 10

local queue, head, tail = {}, 1, 0
local pending, pending_count = {}, 0
local callbacks = {}
local alive, serial, quick_yields, nap_ms = 0, 0, 0, 0
local current
-- The callback that what runs belongs to: it began the task, or what began the task. 0: the main chunk.
local origin = 0
local depth = 0
-- Failures of tasks that nothing waits for, oldest first: the first ends the spell once everything ready has run.
local unobserved = {}

local function push(task)
  tail = tail + 1
  queue[tail] = task
end

-- Makes a parked task ready; it continues with the values given.
local function wake(task, ...)
  if task.over then return end
  task.args = pack(...)
  push(task)
end

-- A new task, ready to run body(...). finish(task, ok, value) is told how it ended, unless it is cancelled.
local function start(body, finish, parent, ...)
  serial = serial + 1
  local task = { co = create_root(body), finish = finish, parent = parent, serial = serial, args = pack(...) }
  task.origin = origin
  if parent then
    parent.children = parent.children or {}
    parent.children[task] = true
  end
  alive = alive + 1
  push(task)
  return task
end

local function leave(task)
  task.over = true
  alive = alive - 1
  if task.parent and task.parent.children then task.parent.children[task] = nil end
  if task.callback then callbacks[task.callback] = nil end
end

local function expect(call, waiter)
  pending[call], pending_count = waiter, pending_count + 1
end

local function forget(call)
  if pending[call] then pending[call], pending_count = nil, pending_count - 1 end
end

-- Waits for the host's answer to a call: whether it is good, and its bytes.
local function answer(call)
  local task = current
  expect(call, task)
  task.call = call
  return park()
end

-- Lets frames in before a task that yielded by itself goes on.
local function yielded(task)
  if pending_count == 0 and quick_yields < QUICK_YIELDS then
    quick_yields = quick_yields + 1
    return wake(task)
  end
  nap_ms = nap_ms < LONGEST_NAP_MS and nap_ms + 1 or LONGEST_NAP_MS
  local call = host.call("Async.sleep", nil, K.encode_args(nap_ms), "")
  if call then
    task.call = call
    expect(call, function()
      task.call = nil
      wake(task)
    end)
  end
end

local function after(task, ok, parked, ...)
  if K.ended then return end
  if task.over then  -- cancelled while it ran
    close_chain(task.co)
  elseif not ok then
    local failure = ...
    K.check_caught(failure)
    if K.ended then return end
    leave(task)
    task.finish(task, false, failure)
    raw_close(task.co)
  elseif raw_status(task.co) == "dead" then
    leave(task)
    task.finish(task, true, (...))
  elseif not parked then
    yielded(task)
  end
end

local function enter(callback)
  if origin ~= callback then
    origin = callback
    host.within(callback)
  end
end

local function step(task)
  local outer, args = current, task.args
  current, task.args = task, nil
  enter(task.origin)
  drive(task, after, unpack(args, 1, args.n))
  current = outer
  enter(outer and outer.origin or 0)
end

local function collect(task, calls)
  if task.over then return calls end
  leave(task)
  if task.call then
    forget(task.call)
    calls[#calls + 1] = task.call
  end
  if task.children then
    local children = {}
    for child in next, task.children do children[#children + 1] = child end
    raw_sort(children, function(a, b) return a.serial < b.serial end)
    for i = 1, #children do collect(children[i], calls) end
  end
  if task.abandon then task.abandon(calls) end
  calls.tasks[#calls.tasks + 1] = task
  return calls
end

-- Stops tasks, what they started and the calls they wait for; their coroutines are closed, which pcall cannot stop.
function K.cancel(...)
  local calls = { tasks = {} }
  local list = { ... }
  for i = 1, #list do collect(list[i], calls) end
  local tasks = calls.tasks
  calls.tasks = nil
  K.drop_calls(calls)
  for i = 1, #tasks do
    if not N.rawequal(tasks[i], current) then close_chain(tasks[i].co) end
    if tasks[i].cancelled then tasks[i].cancelled() end
  end
end

function K.drop_calls(calls)
  for i = 1, #calls do forget(calls[i]) end
  if #calls > 0 and not K.ended then host.cancel(K.encode(calls)) end
end

local function fail(failure, co)
  if K.ended then return end
  local fields = K.describe(failure, co)
  K.ended = true
  host.fail(K.encode(fields))
end

-- A task has failed and nothing waits for it, so far.
function K.unobserved(task, failure)
  unobserved[#unobserved + 1] = { task = task, fields = K.describe(failure, task.co) }
end

-- Something waits for the task after all.
function K.observed(task)
  for i = 1, #unobserved do
    if N.rawequal(unobserved[i].task, task) then return N.table.remove(unobserved, i) end
  end
end

local main_value, main_over

local function finish_main(task, ok, value)
  if ok then
    main_value, main_over = value, true
  else
    fail(value, task.co)
  end
end

local function finish_callback(task, ok, value)
  if ok then
    current = nil -- the task is over, but a live table in its value is still read from the host
    local encoded, bytes = pcall(K.encode, value)
    if encoded then return host.result(task.callback, true, bytes) end
    value = bytes
  end
  host.result(task.callback, false, K.encode(K.describe(value, task.co)))
end

-- What of its first argument the function has changed or added; a table inside counts as changed. To pack what the host
-- has anyway would take most of a hook's time.
local function call_and_echo(f, first, ...)
  local before, changed = {}, {}
  for key, value in next, first do before[key] = value end
  K.settled(f(first, ...))
  for key, value in next, first do
    if type(value) == "table" or value ~= before[key] then changed[key] = value end
  end
  K.shape[changed] = "map"
  return changed
end

local function call_function(f, bytes, echo)
  if echo then return call_and_echo(f, K.decode_args(bytes)) end
  return K.settled(f(K.decode_args(bytes)))
end

-- -- What the engine calls -------------------------------------------------------------------------------------------

local api = {}

function api.settle(call, ok, bytes)
  local waiter = pending[call]
  if not waiter then return end
  forget(call)
  quick_yields = 0
  if type(waiter) == "function" then
    waiter(ok, bytes)
  else
    nap_ms, waiter.call = 0, nil
    wake(waiter, ok, bytes)
  end
end

function api.invoke(callback, number, bytes, echo)
  local f = K.function_by_number(number)
  quick_yields = 0
  if not f then
    local gone = K.new_error("error", "function " .. number .. " is not known to this spell")
    return host.result(callback, false, K.encode(K.describe(gone)))
  end
  local task = start(call_function, finish_callback, nil, f, bytes, echo)
  task.callback, task.origin, K.body_of[task.co] = callback, callback, f
  callbacks[callback] = task
end

function api.cancel(callback)
  local task = callbacks[callback]
  if task then K.cancel(task) end
end

function api.release(number, count)
  K.release(number, count)
end

-- Runs what is ready; ends the spell when that was all.
function api.run()
  depth = depth + 1
  while head <= tail and not K.ended do
    local task = queue[head]
    queue[head] = nil
    head = head + 1
    if not task.over then step(task) end
  end
  if head > tail then head, tail = 1, 0 end
  depth = depth - 1
  if K.ended or depth > 0 then return end
  if unobserved[1] then
    K.ended = true
    host.fail(K.encode(unobserved[1].fields))
  elseif main_over and alive == 0 then
    local ok, bytes = pcall(K.encode, main_value)
    if not ok then return fail(bytes) end
    depth = depth + 1  -- callbacks that still come before the host has heard of the end cannot end it again
    host.done(bytes)
    depth = depth - 1
    K.ended = true
  end
end

-- Makes the main chunk ready: bytes are {label, source, params, config, globals, env}.
function api.start(bytes)
  local ok, spell = pcall(K.decode_around, bytes)
  if not ok then return fail(spell) end
  K.bind_values(spell)
  local chunk, problem = K.load_script(spell.source, spell.label)
  if chunk then
    start(chunk, finish_main, nil)
  else
    fail(problem)
  end
end

-- Where the spell is, for a failure outside of it: the innermost line of the task that runs.
function api.position()
  return current and K.describe("", current.co).source or ""
end

K.api = api
K.wake, K.start_task, K.answer, K.expect, K.forget, K.fail = wake, start, answer, expect, forget, fail

function K.current_task()
  return current
end

-- The task that waits for a call, if it is one.
function K.waiting_task(call)
  local waiter = pending[call]
  if type(waiter) == "table" then return waiter end
end
