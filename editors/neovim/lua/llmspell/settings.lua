-- What can be set in `vim.g.llmspell`, and what holds otherwise. Read anew at each use: no setup has to come first.

local M = {}

local function kind(...)
  local kinds = { ... }
  return function(value)
    return not vim.tbl_contains(kinds, type(value)) and 'a ' .. table.concat(kinds, ' or a ') or nil
  end
end

local function words(least)
  return function(value)
    local fits = type(value) == 'table' and vim.islist(value) and #value >= least
    for _, word in ipairs(fits and value or {}) do
      fits = fits and type(word) == 'string'
    end
    return not fits and 'a list of strings' or nil
  end
end

--- Beside each other two windows of less than 60 columns cannot be read.
local function split()
  return vim.o.columns < 120 and 'botright split' or 'botright vsplit'
end

--- Name -> the default or what gives it, and a function that says what a value would have to be, or nil for one that can
--- be used.
local SETTINGS = {
  cmd = {
    'llmspell',
    function(value)
      return type(value) ~= 'string' and words(1)(value) and 'a string or a list of strings' or nil
    end,
  },
  venv = { false, kind('boolean') },
  lenses = { true, kind('boolean') },
  attach = { false, kind('boolean', 'function') },
  run = { {}, words(0) },
  split = { split, kind('string') },
}

--- The value of a setting. One that cannot be used counts as not set; the health check tells of it.
function M.get(name)
  local set = vim.g.llmspell
  local default, wrong = unpack(SETTINGS[name])
  local value = type(set) == 'table' and set[name]
  if value == nil or type(set) ~= 'table' or wrong(value) then
    return type(default) == 'function' and default() or default
  end
  return value
end

--- What is wrong with `vim.g.llmspell`, a sentence each.
---@return string[]
function M.mistakes()
  local set = vim.g.llmspell
  if set == nil then
    return {}
  end
  if type(set) ~= 'table' then
    return { ('vim.g.llmspell is a %s; it must be a table'):format(type(set)) }
  end
  local names = vim.tbl_keys(SETTINGS)
  table.sort(names)
  local found = {}
  for name, value in vim.spairs(set) do
    local known = SETTINGS[name]
    local wanted = known and known[2](value)
    if not known then
      found[#found + 1] = ('vim.g.llmspell has no %q; it can have %s'):format(name, table.concat(names, ', '))
    elseif wanted then
      local given = type(value) == 'table' and vim.inspect(value, { newline = ' ', indent = '' }) or 'a ' .. type(value)
      found[#found + 1] = ('vim.g.llmspell.%s is %s; it must be %s'):format(name, given, wanted)
    end
  end
  return found
end

return M
