-- EventEmitter: on, once, off, emit within one spell. Handlers run at once, in the order they were added.

local K = ...
local N = K.native
local error, type, rawequal, setmetatable, remove = N.error, N.type, N.rawequal, N.setmetatable, N.table.remove

local EventEmitter, methods = {}, {}
local handlers_of = setmetatable({}, { __mode = "k" })
local metatable = { __name = "EventEmitter", __metatable = EventEmitter, __index = methods }

local function handlers(emitter, name)
  local all = handlers_of[emitter]
  if not all then
    K.throw("invalid_argument", "EventEmitter." .. name .. " needs its emitter before the dot",
      { hint = "write emitter:" .. name .. "(…) with a colon" })
  end
  return all
end

local function add(emitter, name, event, handler, once)
  local all = handlers(emitter, name)
  if type(handler) ~= "function" then
    K.throw("invalid_argument", "a handler is a function, not a " .. type(handler))
  end
  if event == nil then K.throw("invalid_argument", "an event needs a name") end
  local list = all[event] or {}
  all[event] = list
  list[#list + 1] = { handler = handler, once = once }
  return emitter
end

function methods.on(emitter, event, handler)
  return add(emitter, "on", event, handler, false)
end

function methods.once(emitter, event, handler)
  return add(emitter, "once", event, handler, true)
end

function methods.off(emitter, event, handler)
  local all = handlers(emitter, "off")
  if event == nil then return emitter end
  if handler == nil then
    all[event] = nil
    return emitter
  end
  local list = all[event] or {}
  for i = #list, 1, -1 do
    if rawequal(list[i].handler, handler) then
      remove(list, i)
      break
    end
  end
  return emitter
end

-- An error that nobody listens to is thrown: it must not go unseen.
local function unheard(problem)
  if K.is_error(problem) then error(problem, 0) end
  local kind = type(problem)
  local said = kind == "table" and N.rawget(problem, "message") or problem
  local plain = type(said) == "string" or type(said) == "number" or type(said) == "boolean"
  K.throw("script", "an error event without a listener: " .. (plain and N.tostring(said) or "a " .. kind))
end

function methods.emit(emitter, event, ...)
  local all = handlers(emitter, "emit")
  if event == nil then K.throw("invalid_argument", "an event needs a name") end
  local list = all[event]
  if not list or #list == 0 then
    if event == "error" then unheard((...)) end
    return false
  end
  local now = N.table.move(list, 1, #list, 1, {})
  for i = 1, #now do
    if now[i].once then methods.off(emitter, event, now[i].handler) end
    now[i].handler(...)
  end
  return true
end

function methods.listener_count(emitter, event)
  local list = handlers(emitter, "listener_count")[event]
  return list and #list or 0
end

function methods.remove_all_listeners(emitter, event)
  local all = handlers(emitter, "remove_all_listeners")
  if event ~= nil then
    all[event] = nil
  else
    handlers_of[emitter] = {}
  end
  return emitter
end

methods.listenerCount, methods.removeAllListeners = methods.listener_count, methods.remove_all_listeners

function EventEmitter.new()
  local emitter = setmetatable({}, metatable)
  handlers_of[emitter] = {}
  return emitter
end

setmetatable(EventEmitter, {
  __name = "EventEmitter",
  __metatable = false,
  __index = methods,
  __call = EventEmitter.new,
})

K.locals.EventEmitter = EventEmitter
