-- Live tables: `agent.state` and what is read from it. Each read and write of a field is one in the host.
--
-- A path is a list of keys from the property down; places in a list are counted from 0 there, as the host does.

local K = ...
local N = K.native
local type, next, error, setmetatable, raw_getmetatable = N.type, N.next, N.error, N.setmetatable, N.getmetatable
local math_type = N.math.type
local here, encode_args, ask_at = K.here, K.encode_args, K.ask_at

local records = setmetatable({}, { __mode = "k" })
-- proxy -> frame -> its live table, so that agent.state is the same table each time.
local roots = setmetatable({}, { __mode = "k" })
local metatable

local function kind_of(value)
  if K.shape[value] == "map" then return "map" end
  local length = #value
  for key in next, value do
    if math_type(key) ~= "integer" or key < 1 or key > length then return "map" end
  end
  return "list"
end

local function new_live(receiver, frame, path, kind)
  local t = setmetatable({}, metatable)
  records[t] = { receiver = receiver, frame = frame, path = path, kind = kind }
  return t
end

local function fetch(record)
  return ask_at(here(3), record.frame, record.receiver, encode_args(record.path))
end

local function extended(record, key)
  if math_type(key) == "integer" then
    if not record.kind then
      local whole = fetch(record)
      record.kind = type(whole) == "table" and kind_of(whole) or "map"
    end
    if record.kind == "list" then key = key - 1 end
  end
  local path = {}
  for i = 1, #record.path do path[i] = record.path[i] end
  path[#path + 1] = key
  return path
end

local function child(record, path, value)
  if type(value) == "table" and not raw_getmetatable(value) then
    return new_live(record.receiver, record.frame, path, kind_of(value))
  end
  return value
end

metatable = {
  __name = "table",
  __metatable = false,
  __index = function(t, key)
    local record = records[t]
    local path = extended(record, key)
    return child(record, path, ask_at(here(2), record.frame, record.receiver, encode_args(path)))
  end,
  __newindex = function(t, key, value)
    local record = records[t]
    if key == nil then error("index is nil", 2) end
    ask_at(here(2), record.frame .. "=", record.receiver, encode_args(extended(record, key), value))
  end,
  __len = function(t)
    local value = fetch(records[t])
    return type(value) == "table" and #value or 0
  end,
  __pairs = function(t)
    local record = records[t]
    local value = fetch(record)
    if type(value) ~= "table" then value = {} end
    local keys, count = K.sorted_keys(value)
    local at = 0
    return function()
      at = at + 1
      if at > count then return nil end
      local key = keys[at]
      return key, child(record, extended(record, key), value[key])
    end, t, nil
  end,
}

-- The live table of a property of the object `proxy`.
function K.live_root(proxy, receiver, frame)
  local of_proxy = roots[proxy]
  if not of_proxy then
    of_proxy = {}
    roots[proxy] = of_proxy
  end
  local root = of_proxy[frame]
  if not root then
    root = new_live(receiver, frame, {}, nil)
    of_proxy[frame] = root
  end
  return root
end

-- Whether t is live, and then the plain value it stands for now.
K.crossing.live = function(t)
  local record = records[t]
  if not record then return false end
  local value = fetch(record)
  return true, value == nil and {} or value
end
