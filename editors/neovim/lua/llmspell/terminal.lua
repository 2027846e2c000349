-- Spells in a terminal of their own tab: runs that ask a person, and llmspell's terminal interface.

local program = require('llmspell.program')
local script = require('llmspell.script')
local settings = require('llmspell.settings')

local M = {}

---@param name string a command of `llmspell`
---@param on_end fun(buffer: integer, code: integer)?
local function start(name, file, options, on_end)
  local root = require('llmspell.server').root(file)
  local command = program.command(root)
  local problem = script.save(file) or program.missing(command)
  if problem then
    return program.tell(problem, vim.log.levels.ERROR)
  end
  vim.list_extend(command, { name, script.label(file, root) })
  vim.list_extend(command, options)
  program.note('$ ' .. table.concat(command, ' '))
  vim.cmd.tabnew()
  local buffer = vim.api.nvim_get_current_buf()
  local job = {
    cwd = root,
    on_exit = function(_, code)
      if on_end then
        on_end(buffer, code)
      end
    end,
  }
  if vim.fn.has('nvim-0.11') == 1 then
    job.term = true
    vim.fn.jobstart(command, job)
  else
    vim.fn.termopen(command, job)
  end
  vim.cmd.startinsert()
end

--- Runs a spell; what it printed stays to be read.
---@param file string
---@param options string[]
function M.run(file, options)
  start('run', file, vim.list_extend(vim.list_slice(settings.get('run')), options))
end

--- The terminal interface, whose tab goes with it.
---@param file string
---@param options string[]
function M.dev(file, options)
  start('dev', file, options, function(buffer, code)
    if code == 0 and vim.api.nvim_buf_is_valid(buffer) then
      vim.api.nvim_buf_delete(buffer, { force = true })
    end
  end)
end

return M
