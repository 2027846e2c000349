-- Time and chance: os, math.random and uuid. All of it comes from the host, which records it, so that a run can be
-- replayed; math.randomseed switches to Lua's own generator, which the seed decides.

local K, host = ...
local N = K.native
local error, type, pcall = N.error, N.type, N.pcall
local floor, raw_random, raw_randomseed = N.math.floor, N.math.random, N.math.randomseed
local byte, format = N.string.byte, N.string.format
local env = K.env

env.os = { difftime = N.os.difftime }

function env.os.clock()
  return host.cpu_clock()
end

function env.os.time(parts)
  if parts == nil then return floor(host.clock() / 1000) end
  local ok, seconds = pcall(N.os.time, parts)
  if not ok then K.raise(seconds) end
  return seconds
end

function env.os.date(layout, seconds)
  local ok, text = pcall(N.os.date, layout or "%c", seconds == nil and floor(host.clock() / 1000) or seconds)
  if not ok then K.raise(text) end
  return text
end

function env.os.getenv(name)
  local value = K.environment[name]
  return value
end

-- The C library reads the time zone's file once, which it can only do before the worker gives up its files.
N.os.date("*t", 0)

local seeded = false

-- A number in [0, range) for a range of up to 2^53.
local function below(range)
  return floor(host.random() * range)
end

function env.math.random(low, high)
  if seeded then
    local ok, value
    if low == nil then return raw_random() end
    if high == nil then ok, value = pcall(raw_random, low) else ok, value = pcall(raw_random, low, high) end
    if not ok then K.raise(value) end
    return value
  end
  if low == nil then return host.random() end
  if high == nil then low, high = 1, low end
  local first, last = N.math.tointeger(low), N.math.tointeger(high)
  if not first or not last then error("bad argument to 'random' (number has no integer representation)", 2) end
  if first == 1 and last == 0 then return below(0x100000000) << 32 | below(0x100000000) end
  if first > last then error("bad argument #" .. (first == 1 and 1 or 2) .. " to 'random' (interval is empty)", 2) end
  local range = last - first + 1
  if range > 0 and range <= 1 << 53 then return first + below(range) end
  raw_randomseed(below(1 << 53), below(1 << 53))
  return raw_random(first, last)
end

function env.math.randomseed(seed, more)
  seeded = seed ~= nil
  if not seeded then return end
  local ok, problem = pcall(raw_randomseed, seed, more or 0)
  if not ok then K.raise(problem) end
end

local uuid = {}

-- A random UUID (version 4), 36 characters.
function uuid.generate()
  local b = { byte(host.random_bytes(16), 1, 16) }
  b[7], b[9] = b[7] & 0x0f | 0x40, b[9] & 0x3f | 0x80
  return format("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", N.table.unpack(b))
end

K.locals.uuid = uuid
