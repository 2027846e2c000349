-- Times, tokens, costs and values in a few words. Knows no run.

local M = {}

--- 0.4 ms, 12 ms, 3.20 s, 2m 05s.
---@param milliseconds number
function M.duration(milliseconds)
  if milliseconds < 9.95 then
    return ('%.1f ms'):format(math.max(milliseconds, 0))
  elseif milliseconds < 999.5 then
    return ('%.0f ms'):format(milliseconds)
  elseif milliseconds < 59995 then
    return ('%.2f s'):format(milliseconds / 1000)
  end
  local seconds = math.floor(milliseconds / 1000 + 0.5)
  return ('%dm %02ds'):format(math.floor(seconds / 60), seconds % 60)
end

function M.tokens(count)
  return ('%d token%s'):format(count, count == 1 and '' or 's')
end

--- Dollars, with as many places as say something.
function M.cost(dollars)
  return (dollars >= 10 and '$%.2f' or '$%.4f'):format(dollars)
end

--- The beginning of a text, cut between characters, in one line.
function M.cut(text, width)
  local line = vim.trim((text:gsub('[%c]+', ' ')))
  if vim.fn.strchars(line) <= width then
    return line
  end
  return vim.fn.strcharpart(line, 0, width - 1) .. '…'
end

--- JSON with its keys in order: the same value is always the same text.
function M.json(value)
  if type(value) ~= 'table' then
    return vim.json.encode(value)
  end
  local parts = {}
  if vim.islist(value) and #value > 0 then
    for index, each in ipairs(value) do
      parts[index] = M.json(each)
    end
    return '[' .. table.concat(parts, ', ') .. ']'
  end
  local names = vim.tbl_keys(value)
  table.sort(names)
  for index, name in ipairs(names) do
    parts[index] = vim.json.encode(name) .. ': ' .. M.json(value[name])
  end
  return '{' .. table.concat(parts, ', ') .. '}'
end

--- A value as text of as many lines as it has: a text as it is, everything else as JSON.
function M.whole(value)
  if value == nil then
    return ''
  elseif type(value) == 'string' then
    return value
  elseif type(value) == 'table' then
    local fields = vim.tbl_keys(value)
    local only = #fields == 1 and value[fields[1]]
    if type(only) == 'string' then
      return only
    end
    return vim.tbl_isempty(value) and '' or M.json(value)
  end
  return tostring(value)
end

return M
