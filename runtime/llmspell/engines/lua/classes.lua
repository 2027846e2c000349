-- The registry's classes as a spell sees them: class tables, objects of the host as proxies, script subclasses.
--
-- A proxy is an empty table known by its number in a table that no spell reaches, so a spell cannot make or forge one.
-- What the classes are called and have comes from the plan (plan.py); no name of the registry is written here.

local K = ...
local N = K.native
local env = K.env
local error, type, next, rawget, rawset, rawequal, select = N.error, N.type, N.next, N.rawget, N.rawset, N.rawequal, N.select
local setmetatable, raw_getmetatable = N.setmetatable, N.getmetatable
local format, sub = N.string.format, N.string.sub
local here, encode_args, call_at, ask_at = K.here, K.encode_args, K.call_at, K.ask_at

local weak_keys, weak_values = { __mode = "k" }, { __mode = "v" }
local number_of, class_of = setmetatable({}, weak_keys), setmetatable({}, weak_keys)
local proxies = setmetatable({}, weak_values)
-- Objects with fields of the spell's own live as long as the spell: the host may hand them back at any time.
local pinned = {}
-- Asynchronous methods that one object has beside those of its class.
local more_methods = setmetatable({}, weak_keys)
-- By class name; and by class table.
local hosts, class_info = {}, setmetatable({}, weak_keys)

local function misuse(method)
  error(K.new_error("invalid_argument", format("%s needs its object before the dot: it was called without one", method.frame),
    { hint = format("write object:%s(…) with a colon, not object.%s(…)", method.name, method.name) }), 0)
end

-- -- Methods ---------------------------------------------------------------------------------------------------------

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

-- -- Instances -------------------------------------------------------------------------------------------------------

-- A member of a script's class, looked up through the classes it extends.
local function own_member(info, key)
  while info.script do
    local value = rawget(info.table, key)
    if value ~= nil then return value end
    info = info.parent
  end
  return rawget(info.table, key)
end

local function read_property(property, self)
  if property.live then return K.live_root(self, number_of[self], property.frame) end
  return ask_at(here(2), property.frame, number_of[self], "\x90")
end

local function make_index(info)
  local methods, properties, by_name = info.host.methods, info.host.properties, info.host.methods_by_name
  return function(self, key)
    local own = own_member(info, key)
    if own ~= nil then
      local method = by_name[key]
      if not (method and method.overridable and type(own) == "function") then return own end
    end
    local method = methods[key]
    if method then return method end
    local property = properties[key]
    if property then return read_property(property, self) end
    local more = more_methods[self]
    return more and more[key]
  end
end

local function make_newindex(info)
  local properties = info.host.properties
  return function(self, key, value)
    local property = properties[key]
    if property then
      if property.live then return ask_at(here(2), property.frame .. "=", number_of[self], encode_args({}, value)) end
      if property.writable then return ask_at(here(2), property.frame .. "=", number_of[self], encode_args(value)) end
      if not info.script then
        error(K.new_error("invalid_argument", format("%s cannot be changed", property.frame)), 0)
      end
    end
    pinned[self] = true
    rawset(self, key, value)
  end
end

local function text_of(value)
  return K.show(value)
end

local function make_metatable(info)
  local metatable = { __name = info.name, __metatable = info.table, __index = make_index(info), __newindex = make_newindex(info) }
  local text = info.host.text
  if text then
    metatable.__tostring = function(self) return ask_at(here(2), text, number_of[self], "\x90") or "" end
    metatable.__concat = function(a, b) return text_of(a) .. text_of(b) end
    metatable.__len = function(self) return #text_of(self) end
  else
    metatable.__tostring = function(self) return format("%s #%d", info.name, number_of[self] or 0) end
  end
  return metatable
end

local function unknown_class(name)
  return { name = name, table = {}, methods = {}, properties = {}, methods_by_name = {}, statics = {} }
end

-- The object with a number: always the same proxy while the spell holds it.
function K.proxy(number, class_name, methods)
  local proxy = proxies[number]
  if proxy then return proxy end
  if class_name == "Stream" then
    proxy = K.new_stream(number)
    number_of[proxy], class_of[proxy] = number, { name = "Stream" }
  else
    local info = hosts[class_name]
    if not info then
      info = unknown_class(class_name)
      info.host = info
      info.metatable = make_metatable(info)
      hosts[class_name] = info
    end
    proxy = setmetatable({}, info.metatable)
    number_of[proxy], class_of[proxy] = number, info
  end
  proxies[number] = proxy
  if methods and methods[1] then
    local more = {}
    for _, name in N.ipairs(methods) do
      local method = { name = name, kind = "async", frame = class_name .. "." .. name }
      more[name] = instance_method(method, send)
      more[name .. "_async"] = instance_method(method, send_async)
    end
    more_methods[proxy] = more
  end
  return proxy
end

K.crossing.object = function(t)
  local number = number_of[t]
  if number then return number, class_of[t].host and class_of[t].host.name or class_of[t].name end
end

K.crossing.class = function(t)
  local info = class_info[t]
  return info and info.name
end

-- -- Construction ----------------------------------------------------------------------------------------------------

local function is_option_table(value)
  return type(value) == "table" and not raw_getmetatable(value) and rawget(value, 1) == nil
end

-- The option table of a constructor's arguments, or the one value that is none.
local function options_of(host, ...)
  local first = ...
  if first == nil and select("#", ...) < 2 or is_option_table(first) then return first or {} end
  if #host.positional == 0 then return first end
  local options = {}
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if host.positional[i] then
      options[host.positional[i]] = value
    elseif is_option_table(value) then
      for key, item in next, value do options[key] = item end
    end
  end
  return options
end

local function as_map(options)
  if type(options) == "table" and next(options) == nil then
    options = {}
    K.shape[options] = "map"
  end
  return options
end

local function new_host_object(info, ...)
  return ask_at(here(3), info.name .. ".new", nil, encode_args(as_map(options_of(info, ...)), nil))
end

-- The script's functions for methods that its base lets it override, the nearest class first.
local function overrides_of(info)
  local overrides = {}
  K.shape[overrides] = "map"
  for key, method in next, info.host.methods_by_name do
    if method.overridable then
      local own = own_member(info, key)
      if type(own) == "function" and not overrides[method.name] then overrides[method.name] = own end
    end
  end
  return overrides
end

local function new_script_object(info, ...)
  local host = info.host
  local options = options_of(host, ...)
  local declared, own = options, {}
  if type(options) == "table" then
    declared = {}
    for key, value in next, options do
      if host.options[key] then declared[key] = value else own[key] = value end
    end
  end
  info.overrides = overrides_of(info)
  local subclass = { name = info.name, overrides = info.overrides }
  local object = ask_at(here(3), host.name .. ".new", nil, encode_args(as_map(declared), subclass))
  setmetatable(object, info.metatable)
  class_of[object], pinned[object] = info, true
  for key, value in next, own do rawset(object, key, value) end
  local init = own_member(info, "init")
  if type(init) == "function" then init(object, type(options) == "table" and options or ...) end
  return object
end

local function constructor(info)
  local make = info.script and new_script_object or new_host_object
  return function(first, ...)
    if rawequal(first, info.table) then return (make(info, ...)) end
    return (make(info, first, ...))
  end
end

local function drop_class(construct)
  return function(_, ...) return (construct(...)) end
end

local function extend(parent, name)
  local info = { script = true, parent = parent, host = parent.host, table = {} }
  info.name = type(name) == "string" and name or parent.host.name
  info.metatable = make_metatable(info)
  info.new = constructor(info)
  class_info[info.table] = info
  rawset(info.table, "super", parent.table)
  local function extend_this(first, second) return extend(info, rawequal(first, info.table) and second or first) end
  return setmetatable(info.table, {
    __name = info.name,
    __metatable = false,
    __call = drop_class(info.new),
    __index = function(_, key)
      if key == "new" then return info.new end
      if key == "extend" then return extend_this end
      return parent.table[key]
    end,
  })
end

-- -- Binding ---------------------------------------------------------------------------------------------------------

local function add_method(info, method)
  local plain, background = instance_method(method, send), instance_method(method, send_async)
  for _, spelling in N.ipairs(method.spellings) do
    info.methods[spelling], info.methods_by_name[spelling] = plain, method
  end
  if method.kind == "async" then
    for _, spelling in N.ipairs(method.async_spellings) do info.methods[spelling] = background end
  end
end

local function add_class_functions(info, spec)
  local statics = {}
  for _, method in N.ipairs(spec.statics) do
    for _, spelling in N.ipairs(method.spellings) do statics[spelling] = method end
  end
  local members = info.members
  local function add(method, make)
    for _, spelling in N.ipairs(method.spellings) do members[spelling] = make(method, statics[spelling], send, info.table) end
    if method.kind == "async" then
      for _, spelling in N.ipairs(method.async_spellings) do
        members[spelling] = make(method, statics[method.name], send_async, info.table)
      end
    end
  end
  for _, method in N.ipairs(spec.statics) do
    add(method, function(one, _, sending, owner)
      local call = static_method(one, sending, owner)
      local bare = one.kind == "sync" and function() return ask_at(here(2), one.frame, nil, "\x90") end
        or function() return sending(one, one.frame, nil) end
      return function(...)
        if select("#", ...) == 0 then return bare() end
        return call(...)
      end
    end)
  end
  for _, method in N.ipairs(spec.methods) do add(method, class_method) end
end

local function class_metatable(info, spec)
  local prefixed = spec.prefixed
  local metatable = { __name = info.name, __metatable = false }
  if info.constructible then metatable.__call = drop_class(info.new) end
  function metatable.__index(t, key)
    local member = info.members[key]
    if member ~= nil then return member end
    local property = spec.namespace and info.properties[key]
    if property then return ask_at(here(2), property.frame, nil, "\x90") end
    for _, method in N.ipairs(prefixed) do
      if type(key) == "string" and sub(key, 1, #method.prefix) == method.prefix then
        local one = { name = key, kind = method.kind, frame = info.name .. "." .. key }
        member = static_method(one, send, t)
        info.members[key] = member
        return member
      end
    end
  end
  function metatable.__newindex(t, key, value)
    if info.members[key] or info.methods[key] then
      error(K.new_error("invalid_argument", format("%s.%s cannot be replaced", info.name, N.tostring(key)),
        { hint = format("make a class of your own: local Mine = %s:extend()", info.name) }), 0)
    end
    rawset(t, key, value)
  end
  return metatable
end

local function by_spelling(list)
  local map = {}
  for _, item in N.ipairs(list) do
    for _, spelling in N.ipairs(item.spellings) do map[spelling] = item end
  end
  return map
end

local function bind_class(spec)
  local info = {
    name = spec.name, table = {}, members = {}, methods = {}, methods_by_name = {}, properties = by_spelling(spec.properties),
    options = spec.options, positional = spec.positional, text = spec.text, constructible = spec.constructible,
  }
  info.host = info
  class_info[info.table], hosts[info.name] = info, info
  for _, method in N.ipairs(spec.methods) do add_method(info, method) end
  add_class_functions(info, spec)
  if info.constructible then
    info.new = constructor(info)
    info.members.new = info.new
    info.members.extend = function(first, second) return extend(info, rawequal(first, info.table) and second or first) end
  end
  info.metatable = make_metatable(info)
  setmetatable(info.table, class_metatable(info, spec))
  local here_already = K.locals[spec.name]
  if here_already then  -- members that live in the worker, beside those that do not
    for key, member in next, info.members do
      if here_already[key] == nil then here_already[key] = member end
    end
  end
  env[spec.name] = here_already or info.table
  for _, alias in N.ipairs(spec.aliases) do env[alias] = env[spec.name] end
end

function K.bind(bytes)
  local plan = K.decode(bytes)
  K.bind_errors(plan.errors)
  for name, namespace in next, K.locals do env[name] = namespace end
  for _, spec in N.ipairs(plan.classes) do bind_class(spec) end
end
