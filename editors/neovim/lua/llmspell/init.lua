-- What others call: a statusline, the paths of spells, attaching by hand. Everything else is `:Spell`.

local M = {}

local SIGNS = { starting = '▸', running = '▸', ok = '✓', cancelled = '■' }

--- One line about the current buffer's newest run, `''` for what is no spell or has not been run here.
---@return string
function M.statusline()
  local run = require('llmspell.runs').of_buffer(vim.api.nvim_get_current_buf())
  if not run then
    return ''
  end
  -- The tree knows of the end before the program that told of it has ended.
  local status = run.tree.status ~= 'running' and run.tree.status or run.status
  local parts = { (SIGNS[status] or '✗') .. ' ' .. status }
  local figures = require('llmspell.figures')
  local sums = run.tree:sums()
  if sums.duration then
    parts[#parts + 1] = figures.duration(sums.duration)
  end
  if sums.tokens > 0 then
    parts[#parts + 1] = figures.tokens(sums.tokens)
  end
  if sums.cost > 0 then
    parts[#parts + 1] = figures.cost(sums.cost)
  end
  -- A statusline takes % for its own.
  return (('spell ' .. table.concat(parts, ' · ')):gsub('%%', '%%%%'))
end

--- Whether a file is taken for a spell, `llmspell.toml` or `replies.json`.
---@param path string
function M.is_spell(path)
  return require('llmspell.server').is_ours(path)
end

--- Starts the language server for a buffer that is not taken for a spell by itself.
---@param buffer integer? the current one
function M.attach(buffer)
  require('llmspell.server').attach(buffer or vim.api.nvim_get_current_buf())
end

return M
