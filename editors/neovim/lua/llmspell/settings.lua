-- What can be set in `vim.g.llmspell`, and what holds otherwise. Read anew at each use: no setup has to come first.

local M = {}

local DEFAULTS = {
  cmd = 'llmspell',
  venv = false,
  lenses = true,
  attach = false,
  run = {},
  split = 'botright vsplit',
}

local KINDS = {
  cmd = { 'string', 'table' },
  venv = { 'boolean' },
  lenses = { 'boolean' },
  attach = { 'boolean', 'function' },
  run = { 'table' },
  split = { 'string' },
}

--- The value of a setting. One that cannot be used counts as not set; the health check tells of it.
function M.get(name)
  local set = vim.g.llmspell
  local value = type(set) == 'table' and set[name] or nil
  if value == nil or not vim.tbl_contains(KINDS[name], type(value)) then
    return DEFAULTS[name]
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
  local found = {}
  for name, value in pairs(set) do
    if not KINDS[name] then
      local names = vim.tbl_keys(KINDS)
      table.sort(names)
      found[#found + 1] = ('vim.g.llmspell has no %q; it can have %s'):format(name, table.concat(names, ', '))
    elseif not vim.tbl_contains(KINDS[name], type(value)) then
      found[#found + 1] = ('vim.g.llmspell.%s is a %s; it must be a %s'):format(
        name,
        type(value),
        table.concat(KINDS[name], ' or ')
      )
    end
  end
  return found
end

return M
