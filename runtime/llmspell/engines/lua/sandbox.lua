-- The rest of the globals a spell may use: Lua's safe functions, each library as a copy of its own.

local K = ...
local N = K.native
local env = K.env
local error, type, next = N.error, N.type, N.next
local raw_getmetatable, raw_setmetatable = N.getmetatable, N.setmetatable

for _, name in N.ipairs { "assert", "error", "ipairs", "rawequal", "rawget", "rawlen", "select", "tonumber", "type" } do
  env[name] = N[name]
end

function env.rawset(t, key, value)
  if type(t) ~= "table" then error("bad argument #1 to 'rawset' (table expected, got " .. type(t) .. ")", 2) end
  if key == nil or key ~= key then error("table index is " .. (key == nil and "nil" or "NaN"), 2) end
  return N.rawset(t, key, value)
end

function env.getmetatable(value)
  if type(value) == "table" then return N.polite_getmetatable(value) end
  return nil
end

function env.setmetatable(t, metatable)
  if type(t) ~= "table" then error("bad argument #1 to 'setmetatable' (table expected, got " .. type(t) .. ")", 2) end
  if metatable ~= nil and type(metatable) ~= "table" then
    error("bad argument #2 to 'setmetatable' (nil or table expected)", 2)
  end
  local current = raw_getmetatable(t)
  if current and N.rawget(current, "__metatable") ~= nil then error("cannot change a protected metatable", 2) end
  return raw_setmetatable(t, metatable)
end

env.math, env.utf8 = {}, {}
for name, value in next, N.math do env.math[name] = value end
for name, value in next, N.utf8 do env.utf8[name] = value end

function env.math.pow(base, exponent)
  return base ^ exponent
end

env._G = env
env._VERSION = _VERSION
