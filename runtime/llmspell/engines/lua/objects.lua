-- Objects of the host as a spell holds them: proxies, always the same one for one object.
--
-- A proxy is an empty table that K.number_of knows. Fields that a script sets on it are the script's own.

local K = ...
local N = K.native
local type, rawget, rawset, setmetatable, format = N.type, N.rawget, N.rawset, N.setmetatable, N.string.format
local raw_getmetatable = N.getmetatable
local here, encode_args, ask_at = K.here, K.encode_args, K.ask_at
local number_of, class_of = K.number_of, K.class_of
local methods_of = K.methods

local proxies = setmetatable({}, { __mode = "v" })
-- Objects with fields of the spell's own live as long as the spell: the host may hand them back at any time.
local pinned = {}
-- Asynchronous methods that one object has beside those of its class; at COUNT, how many the host named.
local more_methods = setmetatable({}, { __mode = "k" })
local COUNT = {}
-- Classes of the host by name.
local hosts = {}

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
  local open = info.host.open
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
    if more and more[key] then return more[key] end
    if open then return K.live_root(self, number_of[self], open)[key] end
  end
end

local function make_newindex(info)
  local properties, open = info.host.properties, info.host.open
  return function(self, key, value)
    local property = properties[key]
    if property then
      if property.live then return ask_at(here(2), property.frame .. "=", number_of[self], encode_args({}, value)) end
      if property.writable then return ask_at(here(2), property.frame .. "=", number_of[self], encode_args(value)) end
      if not info.script then
        K.throw("invalid_argument", format("%s cannot be changed", property.frame))
      end
    end
    if open then
      K.live_root(self, number_of[self], open)[key] = value
      return
    end
    pinned[self] = true
    rawset(self, key, value)
  end
end

local function make_metatable(info)
  local metatable = {
    __name = info.name,
    __metatable = info.table,
    __index = make_index(info),
    __newindex = make_newindex(info),
  }
  local open = info.host.open
  if open then
    function metatable.__pairs(self)
      local root = K.live_root(self, number_of[self], open)
      return raw_getmetatable(root).__pairs(root)
    end
  end
  local text = info.host.text
  if text then
    metatable.__tostring = function(self) return ask_at(here(2), text, number_of[self], "\x90") or "" end
    metatable.__concat = function(a, b) return K.show(a) .. K.show(b) end
    metatable.__len = function(self) return #K.show(self) end
  else
    metatable.__tostring = function(self) return format("%s #%d", info.name, number_of[self] or 0) end
  end
  return metatable
end

local function unknown_class(name)
  return { name = name, table = {}, methods = {}, properties = {}, methods_by_name = {}, statics = {} }
end

local function new_proxy(number, class_name)
  if class_name == "Stream" then
    local stream = K.new_stream(number)
    class_of[stream] = { name = "Stream" }
    return stream
  end
  local info = hosts[class_name]
  if not info then
    info = unknown_class(class_name)
    info.host = info
    info.metatable = make_metatable(info)
    hosts[class_name] = info
  end
  local proxy = setmetatable({}, info.metatable)
  class_of[proxy] = info
  return proxy
end

local function add_methods(proxy, class_name, names)
  local more = { [COUNT] = #names }
  for _, name in N.ipairs(names) do
    local method = { name = name, kind = "async", frame = class_name .. "." .. name }
    more[name] = methods_of.instance(method, methods_of.send)
    more[name .. "_async"] = methods_of.instance(method, methods_of.send_async)
  end
  more_methods[proxy] = more
end

-- The object with a number: always the same proxy while the spell holds it.
function K.proxy(number, class_name, methods)
  local proxy = proxies[number]
  if not proxy then
    proxy = new_proxy(number, class_name)
    number_of[proxy], proxies[number] = number, proxy
  end
  if methods and methods[1] then
    local known = more_methods[proxy]
    if not known or known[COUNT] ~= #methods then add_methods(proxy, class_name, methods) end
  end
  return proxy
end

K.crossing.object = function(t)
  local number = number_of[t]
  if number then return number, class_of[t].host and class_of[t].host.name or class_of[t].name end
end

K.hosts, K.own_member, K.make_metatable = hosts, own_member, make_metatable

-- Makes a proxy an object of a script's class, which the spell keeps.
function K.adopt(proxy, info)
  setmetatable(proxy, info.metatable)
  class_of[proxy], pinned[proxy] = info, true
end
