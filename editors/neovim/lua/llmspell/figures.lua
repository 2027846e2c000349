-- Times, tokens, costs, values and what a run came to, in a few words or lines. Draws nothing.

local M = {}

--- As `llmspell trace` shows it: 0.4 ms, 12 ms, 3.20 s, 2m 05s, 1h 02m.
---@param milliseconds number
function M.duration(milliseconds)
  if milliseconds < 9.95 then
    return ('%.1f ms'):format(math.max(milliseconds, 0))
  elseif milliseconds < 999.5 then
    return ('%.0f ms'):format(milliseconds)
  elseif milliseconds < 59995 then
    return ('%.2f s'):format(milliseconds / 1000)
  end
  local seconds, minutes = math.floor(milliseconds / 1000 + 0.5), math.floor(milliseconds / 60000 + 0.5)
  if milliseconds < 3599500 then
    return ('%dm %02ds'):format(math.floor(seconds / 60), seconds % 60)
  end
  return ('%dh %02dm'):format(math.floor(minutes / 60), minutes % 60)
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
  if #line <= width or vim.fn.strchars(line) <= width then
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

local SIGNS = { starting = '▸', running = '▸', paused = '‖', waiting = '‖', ok = '✓', cancelled = '■' }

--- A run's state and what it took so far.
---@param run llmspell.Run
function M.summary(run)
  -- The tree knows of the end before the program that told of it has ended.
  local status = run.tree.status ~= 'running' and run.tree.status or run.status
  if status == 'running' and run.tree.paused then
    status = 'paused'
  elseif status == 'running' and next(run.tree.asks) then
    status = 'waiting'
  end
  local parts = { (SIGNS[status] or '✗') .. ' ' .. status }
  local sums = run.tree:sums()
  if sums.duration then
    parts[#parts + 1] = M.duration(sums.duration)
  end
  if sums.tokens > 0 then
    parts[#parts + 1] = M.tokens(sums.tokens)
  end
  if sums.cost > 0 then
    parts[#parts + 1] = M.cost(sums.cost)
  end
  return table.concat(parts, ' · ')
end

local function scalar(value)
  return type(value) == 'number' and value % 1 ~= 0 and ('%.15g'):format(value) or tostring(value)
end

--- What stands for a value in one line: a text as it is, the one text of a table, everything else as JSON.
function M.short(value)
  if value == nil then
    return ''
  elseif type(value) ~= 'table' then
    return scalar(value)
  end
  local fields = vim.tbl_keys(value)
  local only = #fields == 1 and value[fields[1]]
  if type(only) == 'string' then
    return only
  end
  return vim.tbl_isempty(value) and '' or M.json(value)
end

--- A text in lines of at most `width` characters, broken at spaces where there are any.
---@param text string
---@param width integer
---@return string[]
function M.wrapped(text, width)
  local lines = {}
  for _, line in ipairs(vim.split(text, '\n')) do
    line = line:gsub('\r$', ''):gsub('%c', ' ')
    while #line > width and vim.fn.strchars(line) > width do
      local part = vim.fn.strcharpart(line, 0, width + 1)
      local space = part:match('^.*()%s')
      local head = space and space > width / 3 and line:sub(1, space - 1) or vim.fn.strcharpart(line, 0, width)
      lines[#lines + 1] = head
      line = line:sub(#head + 1):gsub('^%s', '')
    end
    lines[#lines + 1] = line
  end
  return lines
end

--- A value as lines for people: a field a line, its own fields below it, texts as they were written.
---@param value any
---@param width integer characters in a line
---@return string[]
function M.outline(value, width)
  if type(value) ~= 'table' then
    return M.wrapped(scalar(value), width)
  elseif vim.tbl_isempty(value) then
    return { getmetatable(value) == getmetatable(vim.empty_dict()) and '{}' or '[]' }
  end
  local lines = {}
  local function push(title, each)
    local inner = M.outline(each, math.max(width - 2, 20))
    local room = width - vim.fn.strchars(title) - 1
    local single = #inner == 1 and vim.fn.strchars(inner[1]) <= room and (type(each) ~= 'table' or vim.tbl_isempty(each))
    if single then
      lines[#lines + 1] = vim.trim(title .. ' ' .. inner[1])
      return
    end
    -- An item of a list begins on the line of its dash.
    local dashed = title == '-' and type(each) == 'table'
    if not dashed then
      lines[#lines + 1] = title
    end
    for index, line in ipairs(inner) do
      lines[#lines + 1] = (dashed and index == 1 and '- ' or '  ') .. line
    end
  end
  if vim.islist(value) then
    for _, each in ipairs(value) do
      push('-', each)
    end
    return lines
  end
  local names = vim.tbl_keys(value)
  table.sort(names)
  for _, name in ipairs(names) do
    push(tostring(name) .. ':', value[name])
  end
  return lines
end

return M
