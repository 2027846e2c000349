-- What a member of a class does when a spell calls it: the frame it sends, with or without its object.
--
-- A method of the plan is {name, frame, kind, overridable, prefix, spellings}. Knows no class table.

local K = ...
local N = K.native
local error, type, rawequal, select, format = N.error, N.type, N.rawequal, N.select, N.string.format
local here, encode_args, call_at, ask_at = K.here, K.encode_args, K.call_at, K.ask_at

-- Proxy -> its object's number, and -> what is known of its class. No spell reaches these, so none can forge a proxy.
local number_of = N.setmetatable({}, { __mode = "k" })
local class_of = N.setmetatable({}, { __mode = "k" })
K.number_of, K.class_of = number_of, class_of

local function misuse(method)
  K.throw("invalid_argument", method.frame .. " needs its object before the dot: it was called without one",
    { hint = format("write object:%s(…) with a colon, not object.%s(…)", method.name, method.name) })
end

local function send(method, frame, receiver, ...)
  local kind = method.kind
  if kind == "sync" then return ask_at(here(2), frame, receiver, encode_args(...)) end
  local value = call_at(here(2), frame, receiver, encode_args(...))
  if kind == "stream" then return value, nil, nil, value end
  return value
end

-- The call in a task of its own, if the last argument is a callback; otherwise it waits as the plain method does.
local function send_async(method, frame, receiver, ...)
  local count = select("#", ...)
  local callback = count > 0 and (select(count, ...))
  if type(callback) ~= "function" then return send(method, frame, receiver, ...) end
  local args = N.table.pack(...)
  local bytes = encode_args(N.table.unpack(args, 1, count - 1))
  return K.in_background(here(2), frame, receiver, bytes, callback)
end

local function instance_method(method, sending)
  return function(self, ...)
    local number = number_of[self]
    if not number then misuse(method) end
    return sending(method, method.frame, number, ...)
  end
end

local function static_method(method, sending, owner)
  return function(first, ...)
    if rawequal(first, owner) then return sending(method, method.frame, nil, ...) end
    return sending(method, method.frame, nil, first, ...)
  end
end

-- `Agent.execute(x, …)`: on an object the method itself, past a script's override of it; otherwise the static one.
local function class_method(method, static, sending, owner)
  local without_object = static and static_method(static, sending, owner)
  return function(self, ...)
    local number = number_of[self]
    if number then
      local info = class_of[self]
      local overridden = info.script and method.overridable and info.overrides and info.overrides[method.name]
      return sending(method, overridden and method.frame .. ":base" or method.frame, number, ...)
    end
    if without_object then return without_object(self, ...) end
    misuse(method)
  end
end

K.methods = {
  send = send, send_async = send_async, instance = instance_method, static = static_method, of_class = class_method,
}
