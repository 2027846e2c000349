-- Async: sleep, spawn, all, race, settle, timeout; and calls that go on in a task of their own.
--
-- What a group started is a child of the task that waits for the group: the first failure, the win, the time-out or a
-- cancelled parent stops the rest, with the host calls they wait for.

local K, host = ...
local N = K.native
local error, type, rawequal, setmetatable, pcall = N.error, N.type, N.rawequal, N.setmetatable, N.pcall
local math_type = N.math.type
local park, wake, start = K.park, K.wake, K.start_task

-- Handles that spawn gives: handle -> {task, done, ok, value, waiters}.
local records = setmetatable({}, { __mode = "k" })

local function settle_record(record, ok, value)
  record.done, record.ok, record.value = true, ok, value
  for i = 1, #record.waiters do record.waiters[i](ok, value) end
end

-- How a background task ends: whoever waits learns it; a failure that nobody waits for ends the spell.
local function finish_background(task, ok, value)
  local record = task.record
  if not ok then
    if #record.waiters == 0 then K.unobserved(task, value) else K.remember_stack(value, task.co) end
  end
  settle_record(record, ok, value)
end

local function cancelled_error()
  return K.new_error("cancelled", "the task was cancelled before it ended")
end

local function result_of(ok, value)
  if ok then return value end
  error(value, 0)
end

local function observe(record, waiter)
  if record.done then
    K.observed(record.task)
    return waiter(record.ok, record.value)
  end
  record.waiters[#record.waiters + 1] = waiter
end

local function await(record)
  if record.done then
    K.observed(record.task)
    return result_of(record.ok, record.value)
  end
  if not K.can_wait() then K.no_waiting("await") end
  local me = K.current_task()
  observe(record, function(ok, value) wake(me, ok, value) end)
  return result_of(park())
end

local methods = {}

local function record_of(handle, name)
  local record = records[handle]
  if not record then error("handle:" .. name .. "() needs its handle, with a colon", 3) end
  return record
end

function methods.await(handle)
  return await(record_of(handle, "await"))
end

function methods.cancel(handle)
  local record = record_of(handle, "cancel")
  if not record.done then K.cancel(record.task) end
end

function methods.is_complete(handle)
  return record_of(handle, "is_complete").done
end

function methods.status(handle)
  local record = record_of(handle, "status")
  if not record.done then return "pending" end
  return record.ok and "fulfilled" or "rejected"
end

methods.await_result = methods.await
methods.awaitResult, methods.isComplete = methods.await_result, methods.is_complete

local AsyncHandle = setmetatable({}, { __name = "AsyncHandle", __metatable = false, __index = methods })
K.locals.AsyncHandle = AsyncHandle

local handle_metatable = {
  __name = "AsyncHandle",
  __metatable = AsyncHandle,
  __index = methods,
  __call = function(handle) return await(record_of(handle, "await")) end,
}

local function background(body, ...)
  local record = { done = false, waiters = {} }
  local task = start(body, finish_background, K.current_task(), ...)
  record.task, task.record = task, record
  function task.cancelled() settle_record(record, false, cancelled_error()) end
  local handle = setmetatable({}, handle_metatable)
  records[handle] = record
  return handle
end

-- A value as it is when what it stands for has ended.
function K.settled(value, ...)
  local record = type(value) == "table" and records[value]
  if record then return await(record) end
  return value, ...
end

K.crossing.handle = function(t)
  local record = records[t]
  if not record then return nil end
  record.awaiting = record.awaiting or function() return await(record) end
  return record.awaiting
end

local function takes_error(callback)
  local info = N.getinfo(callback, "u")
  return info.isvararg or info.nparams >= 2
end

local function call_back(site, name, receiver, bytes, callback)
  if not takes_error(callback) then
    local value = K.call_at(site, name, receiver, bytes)
    callback(value)
    return value
  end
  local ok, value = pcall(K.call_at, site, name, receiver, bytes)
  if ok then
    callback(value)
    return value
  end
  K.check_caught(value)
  callback(nil, value)
end

-- Makes a call in a task of its own: callback(value), or callback(nil, error) if it takes two arguments.
function K.in_background(site, name, receiver, bytes, callback)
  return background(call_back, site, name, receiver, bytes, callback)
end

local function run_coroutine(co)
  local library = K.env.coroutine
  local value
  while library.status(co) == "suspended" do
    local ok
    ok, value = library.resume(co)
    if not ok then error(value, 0) end
    if library.status(co) == "suspended" then N.coroutine.yield() end
  end
  return value
end

-- Starts one member of a group; settled(ok, value) is told how it ended. Gives the task to cancel, if there is one.
local function begin(item, settled)
  local kind = type(item)
  local record = kind == "table" and records[item]
  if record then
    observe(record, settled)
    return record.task
  end
  if kind ~= "function" and kind ~= "thread" then
    settled(true, item)
    return nil
  end
  local function finish(task, ok, value)
    if not ok then K.remember_stack(value, task.co) end
    settled(ok, value)
  end
  if kind == "thread" then return start(run_coroutine, finish, K.current_task(), item) end
  local task = start(function() return K.settled(item()) end, finish, K.current_task())
  K.body_of[task.co] = item
  return task
end

local function length_of(list, name)
  if type(list) ~= "table" then
    K.throw("invalid_argument", "Async." .. name .. " takes a list of functions or tasks, not a " .. type(list))
  end
  local length = #list
  for key in N.next, list do
    if math_type(key) == "integer" and key > length then length = key end
  end
  return length
end

-- Waits until resolve(ok, value) is called. run(resolve, tasks) starts the members and lists what to cancel at the end.
local function join(name, run)
  if not K.can_wait() then K.no_waiting("Async." .. name) end
  local me, tasks = K.current_task(), {}
  local resolved, parked, good, outcome = false, false, nil, nil
  local function resolve(ok, value)
    if resolved then return end
    resolved, good, outcome = true, ok, value
    K.cancel(N.table.unpack(tasks))
    if parked then wake(me) end
  end
  run(resolve, tasks)
  if resolved then
    K.cancel(N.table.unpack(tasks))
  else
    parked = true
    park()
  end
  return result_of(good, outcome)
end

local Async = {}
K.locals.Async = Async

local function collect_all(name, list, stop_at_failure)
  local length = length_of(list, name)
  local results, left = {}, length
  if length > 0 then K.shape[results] = length end
  if length == 0 then return results end
  return join(name, function(resolve, tasks)
    for i = 1, length do
      tasks[#tasks + 1] = begin(list[i], function(ok, value)
        if stop_at_failure then
          if not ok then return resolve(false, value) end
          results[i] = value
        else
          results[i] = ok and { status = "fulfilled", value = value } or { status = "rejected", reason = value }
        end
        left = left - 1
        if left == 0 then resolve(true, results) end
      end)
    end
  end)
end

function Async.all(list)
  return collect_all("all", list, true)
end

function Async.settle(list)
  return collect_all("settle", list, false)
end

function Async.race(list)
  local length = length_of(list, "race")
  if length == 0 then
    K.throw("invalid_argument", "Async.race needs at least one function or task: nothing can win")
  end
  return join("race", function(resolve, tasks)
    for i = 1, length do tasks[#tasks + 1] = begin(list[i], resolve) end
  end)
end

local function check_milliseconds(name, ms)
  if type(ms) ~= "number" or ms ~= ms or ms < 0 then
    K.throw("invalid_argument", "Async." .. name .. " takes milliseconds, not " .. K.render(ms))
  end
end

function Async.timeout(ms, body)
  check_milliseconds("timeout", ms)
  if not K.can_wait() then K.no_waiting("Async.timeout") end
  local site = K.here(2)
  local late = K.new_error("timeout", N.string.format("not done within %s ms", N.tostring(ms)))
  local timer = host.call("Async.sleep", nil, K.encode_args(ms), site)
  if not timer then K.stop_here() end
  local me = K.current_task()
  function me.abandon(calls) calls[#calls + 1] = timer end
  local function stop_timer()
    me.abandon, late = nil, nil
    K.drop_calls({ timer })
  end
  local ok, value = pcall(join, "timeout", function(resolve, tasks)
    K.expect(timer, function()
      if late then resolve(false, late) end
    end)
    tasks[1] = begin(body, function(good, result)
      if late then stop_timer() end
      resolve(good, result)
    end)
  end)
  me.abandon = nil
  K.check_caught(value)
  return result_of(ok, value)
end

function Async.sleep(ms)
  check_milliseconds("sleep", ms)
  K.call("Async.sleep", nil, ms)
end

function Async.spawn(body, ...)
  if type(body) == "thread" then return background(run_coroutine, body) end
  if type(body) ~= "function" then
    K.throw("invalid_argument", "Async.spawn takes a function, not a " .. type(body))
  end
  return background(body, ...)
end

for name, f in N.next, Async do
  Async[name] = function(first, ...)
    if rawequal(first, Async) then return f(...) end
    return f(first, ...)
  end
end

-- -- Streams ---------------------------------------------------------------------------------------------------------

local streams = setmetatable({}, { __mode = "k" })

local function next_chunk(stream)
  local state = streams[stream]
  if state.over then return nil end
  local item = K.call_at(K.here(2), "Stream.next", state.number, "\x90")
  if item == nil then
    state.over = true
    return nil
  end
  return item[1]
end

local function close_stream(stream)
  local state = streams[stream]
  if state.over or K.ended then return end
  state.over = true
  K.ask_at(K.here(2), "Stream.close", state.number, "\x90")
end

local stream_metatable = {
  __name = "stream",
  __metatable = false,
  __index = { next = next_chunk, close = close_stream },
  __call = next_chunk,
  __close = close_stream,
}

function K.new_stream(number)
  local stream = setmetatable({}, stream_metatable)
  streams[stream] = { number = number, over = false }
  return stream
end
