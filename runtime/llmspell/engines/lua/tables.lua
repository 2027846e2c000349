-- Tables walked in a fixed order, and the table functions that call back into the spell.
--
-- Lua orders string keys by a hash seeded anew in each process: a spell that calls agents from a pairs() loop would do
-- so in another order when it is replayed. So pairs gives 1..n, then numbers, strings and booleans in order; `next`
-- stays Lua's own. table.sort with a comparator is a merge sort written in Lua, because a comparator may wait.

local K = ...
local N = K.native
local error, type, next, rawget, rawlen, pcall = N.error, N.type, N.next, N.rawget, N.rawlen, N.pcall
local raw_getmetatable, raw_sort, math_type = N.getmetatable, N.table.sort, N.math.type
local env = K.env

local RANK = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local kind_a, kind_b = type(a), type(b)
  if kind_a ~= kind_b then return (RANK[kind_a] or 4) < (RANK[kind_b] or 4) end
  if kind_a == "number" or kind_a == "string" then return a < b end
  if kind_a == "boolean" then return not a and b end
  return K.identity(a) < K.identity(b)
end

local function sort_keys(keys, count)
  if count < 2 then return end
  local kind = type(keys[1])
  for i = 2, count do
    if type(keys[i]) ~= kind then return raw_sort(keys, before) end
  end
  if kind == "string" or kind == "number" then return raw_sort(keys) end
  return raw_sort(keys, before)
end

-- The keys of a table in their fixed order, and how many.
function K.sorted_keys(t)
  local keys, count = {}, 0
  for key in next, t do
    count = count + 1
    keys[count] = key
  end
  sort_keys(keys, count)
  return keys, count
end

local function ordered(t)
  local length, keys, count = rawlen(t), nil, 0
  for key in next, t do
    if math_type(key) ~= "integer" or key < 1 or key > length then
      keys = keys or {}
      count = count + 1
      keys[count] = key
    end
  end
  sort_keys(keys, count)
  local i, j = 0, 0
  return function()
    while i < length do
      i = i + 1
      local value = rawget(t, i)
      if value ~= nil then return i, value end
    end
    while j < count do
      j = j + 1
      local value = rawget(t, keys[j])
      if value ~= nil then return keys[j], value end
    end
  end
end

local function first_three(a, b, c)
  return a, b, c
end

function env.pairs(t)
  if type(t) ~= "table" then
    error("bad argument #1 to 'pairs' (table expected, got " .. (t == nil and "nil" or type(t)) .. ")", 2)
  end
  local metatable = raw_getmetatable(t)
  local own = metatable and rawget(metatable, "__pairs")
  if own then return first_three(own(t)) end
  return ordered(t), t, nil
end

function env.next(t, key)
  local live, value = K.crossing.live(t)
  if live then t = value end
  local ok, following, item = pcall(next, t, key)
  if not ok then K.raise(following) end
  return following, item
end

local function natural(a, b)
  return a < b
end

local function all_plain(t, length)
  local kind = type(t[1])
  if kind ~= "number" and kind ~= "string" then return false end
  for i = 2, length do
    if type(t[i]) ~= kind then return false end
  end
  return true
end

local function merge(from, to, low, middle, high, less)
  local left, right = low, middle
  for at = low, high - 1 do
    if left < middle and (right >= high or not less(from[right], from[left])) then
      to[at], left = from[left], left + 1
    else
      to[at], right = from[right], right + 1
    end
  end
end

local function merge_sort(t, length, less)
  local from, to = {}, {}
  for i = 1, length do from[i] = t[i] end
  local width = 1
  while width < length do
    for low = 1, length, 2 * width do
      local middle, high = low + width, low + 2 * width
      if middle > length + 1 then middle = length + 1 end
      if high > length + 1 then high = length + 1 end
      merge(from, to, low, middle, high, less)
    end
    from, to, width = to, from, 2 * width
  end
  for i = 1, length do t[i] = from[i] end
end

local library = {}
for name, value in next, N.table do library[name] = value end

function library.sort(t, less)
  if type(t) ~= "table" then error("bad argument #1 to 'sort' (table expected, got " .. type(t) .. ")", 2) end
  if less ~= nil and type(less) ~= "function" then
    error("bad argument #2 to 'sort' (function expected, got " .. type(less) .. ")", 2)
  end
  local length = #t
  if not less and not raw_getmetatable(t) and all_plain(t, length) then return raw_sort(t) end
  merge_sort(t, length, less or natural)
end

env.table = library
