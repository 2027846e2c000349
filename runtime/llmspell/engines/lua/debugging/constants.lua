-- `local n <const> = 5` as `local n = 5`: Lua keeps no trace of a constant whose value it knows, which then could be
-- neither seen nor used where the spell stands. What is assigned to one is refused first, in the text as it was written.

local K = ...
local N = K.native
local find, match, sub = N.string.find, N.string.match, N.string.sub
local raw_load, concat = N.load, N.table.concat

-- Where a string or comment that begins at a place ends, and true; else false.
local function skipped(text, at)
  local level = match(text, "^%[(=*)%[", at) or match(text, "^%-%-%[(=*)%[", at)
  if level then
    local _, last = find(text, "]" .. level .. "]", at, true)
    return true, (last or #text) + 1
  end
  if find(text, "^%-%-", at) then return true, find(text, "[\r\n]", at) or #text + 1 end
  local quote = match(text, "^[\"']", at)
  if not quote then return false end
  at = at + 1
  while at <= #text do
    local sign = sub(text, at, at)
    if sign == quote then return true, at + 1 end
    at = at + (sign == "\\" and 2 or 1)
  end
  return true, at
end

-- The text with spaces for each `<const>`.
function K.without_constants(text)
  local parts, from, at = {}, 1, 1
  while true do
    at = find(text, "[%a_\"'%-%[]", at)
    if not at then break end
    local is_skipped, after = skipped(text, at)
    local word = not is_skipped and match(text, "^[%a_][%w_]*", at)
    at = after or at + (word and #word or 1)
    while word == "local" or word == "," do
      local _, name_end = find(text, "^%s*[%a_][%w_]*%s*", at)
      if not name_end then break end
      at = name_end + 1
      local _, attribute_end = find(text, "^<%s*%a+%s*>%s*", at)
      if attribute_end and find(text, "^<%s*const%s*>", at) then
        local attribute = sub(text, at, attribute_end)
        parts[#parts + 1] = sub(text, from, at - 1)
        parts[#parts + 1] = N.string.gsub(attribute, "[^\r\n]", " ")
        from = attribute_end + 1
      end
      at = (attribute_end or name_end) + 1
      word = sub(text, at, at)
      if word == "," then at = at + 1 end
    end
  end
  parts[#parts + 1] = sub(text, from)
  return concat(parts)
end

local load_script = K.load_script

function K.load_script(source, label)
  local chunk, problem = load_script(source, label)
  local plain = chunk and K.without_constants(source)
  if plain and plain ~= source and raw_load(plain, "@" .. label, "t", K.env) then return load_script(plain, label) end
  return chunk, problem
end

K.api.without_constants = K.without_constants
