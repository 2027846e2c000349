-- The registry's classes as globals of a spell: constructors, class functions, namespaces, and script subclasses.
--
-- What the classes are called and have comes from the plan (plan.py); no name of the registry is written here.

local K = ...
local N = K.native
local env = K.env
local type, next, rawget, rawset, rawequal, select = N.type, N.next, N.rawget, N.rawset, N.rawequal, N.select
local setmetatable, raw_getmetatable = N.setmetatable, N.getmetatable
local format, sub = N.string.format, N.string.sub
local here, encode_args, ask_at = K.here, K.encode_args, K.ask_at
local hosts, own_member, make_metatable = K.hosts, K.own_member, K.make_metatable
local send, send_async = K.methods.send, K.methods.send_async
local instance_method, static_method, class_method = K.methods.instance, K.methods.static, K.methods.of_class

-- Class table -> what is known of the class.
local class_info = setmetatable({}, { __mode = "k" })

K.crossing.class = function(t)
  local info = class_info[t]
  return info and info.name
end

local function is_option_table(value)
  return type(value) == "table" and not raw_getmetatable(value) and rawget(value, 1) == nil
end

local function all_declared(host, options)
  for key in next, options do
    if not host.options[key] then return false end
  end
  return true
end

-- The option table of a constructor's arguments, or the one value that is none.
local function options_of(host, ...)
  local first = ...
  if first == nil and select("#", ...) < 2 or is_option_table(first) then return first or {} end
  if #host.positional == 0 then return first end
  local options = {}
  local count = select("#", ...)
  for i = 1, count do
    local value = select(i, ...)
    if i > 1 and i == count and is_option_table(value) and all_declared(host, value) then
      for key, item in next, value do options[key] = item end
    elseif host.positional[i] then
      options[host.positional[i]] = value
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
  K.adopt(object, info)
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

local extend

-- `Agent:extend(name)`, and with a dot too.
local function extender(info)
  return function(first, second)
    if rawequal(first, info.table) then return extend(info, second) end
    return extend(info, first)
  end
end

extend = function(parent, name)
  local info = { script = true, parent = parent, host = parent.host, table = {} }
  info.name = type(name) == "string" and name or parent.host.name
  info.metatable = make_metatable(info)
  info.new = constructor(info)
  class_info[info.table] = info
  rawset(info.table, "super", parent.table)
  local extend_this = extender(info)
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
    for _, spelling in N.ipairs(method.spellings) do
      members[spelling] = make(method, statics[spelling], send, info.table)
    end
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

-- `Cache.get_cached_notes(key)` is `Cache.get_cached("notes", key)`, for methods that are declared so.
local function prefixed_member(info, spec, key)
  for _, method in N.ipairs(spec.statics) do
    local length = #method.name + 1
    if method.prefix and sub(key, 1, length) == method.name .. "_" and #key > length then
      local rest = sub(key, length + 1)
      local function send_rest(one, frame, _, ...) return send(one, frame, nil, rest, ...) end
      local member = static_method(method, send_rest, info.table)
      info.members[key] = member
      return member
    end
  end
end

local function class_metatable(info, spec)
  local metatable = { __name = info.name, __metatable = false }
  if info.constructible then metatable.__call = drop_class(info.new) end
  function metatable.__index(t, key)
    local member = info.members[key]
    if member ~= nil then return member end
    local property = spec.namespace and info.properties[key]
    if property then return ask_at(here(2), property.frame, nil, "\x90") end
    return type(key) == "string" and prefixed_member(info, spec, key) or nil
  end
  function metatable.__newindex(t, key, value)
    if info.members[key] or info.methods[key] then
      K.throw("invalid_argument", format("%s.%s cannot be replaced", info.name, N.tostring(key)),
        { hint = format("make a class of your own: local Mine = %s:extend()", info.name) })
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
    name = spec.name, table = {}, members = {}, methods = {}, methods_by_name = {},
    properties = by_spelling(spec.properties), options = spec.options, positional = spec.positional,
    text = spec.text, open = spec.open, constructible = spec.constructible,
  }
  info.host = info
  class_info[info.table], hosts[info.name] = info, info
  for _, method in N.ipairs(spec.methods) do add_method(info, method) end
  add_class_functions(info, spec)
  if info.constructible then
    info.new = constructor(info)
    info.members.new = info.new
    info.members.extend = extender(info)
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
