-- What others call: a statusline, the paths of spells, attaching by hand. Everything else is `:Spell`.

local M = {}

--- One line about the current buffer's newest run, `''` for what is no spell or has not been run here.
---@return string
function M.statusline()
  local runs = package.loaded['llmspell.runs']
  local run = runs and runs.of_buffer(vim.api.nvim_get_current_buf())
  -- A statusline takes % for its own.
  return run and (('spell ' .. require('llmspell.figures').summary(run)):gsub('%%', '%%%%')) or ''
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
