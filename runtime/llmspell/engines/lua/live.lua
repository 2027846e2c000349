-- Live tables: `agent.state` and what is read from it. Each read and write of a field is one in the host.
--
-- A path is a list of keys from the property down, as Lua counts them; the host knows which are places in a list.

local K = ...
local N = K.native
local type, error, setmetatable, raw_getmetatable = N.type, N.error, N.setmetatable, N.getmetatable
local here, encode_args, ask_at = K.here, K.encode_args, K.ask_at

local records = setmetatable({}, { __mode = "k" })
-- proxy -> frame -> its live table, so that agent.state is the same table each time.
local roots = setmetatable({}, { __mode = "k" })
local metatable

local function new_live(receiver, frame, path)
  local t = setmetatable({}, metatable)
  records[t] = { receiver = receiver, frame = frame, path = path }
  return t
end

local function fetch(record)
  return ask_at(here(3), record.frame, record.receiver, encode_args(record.path))
end

local function extended(record, key)
  local path, count = {}, #record.path
  for i = 1, count do path[i] = record.path[i] end
  path[count + 1] = key
  return path
end

local function child(record, path, value)
  if type(value) ~= "table" or raw_getmetatable(value) then return value end
  return new_live(record.receiver, record.frame, path)
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
    root = new_live(receiver, frame, {})
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
