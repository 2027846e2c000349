-- `:Spell` and its subcommands: what each is given, and how the command line completes them.

local program = require('llmspell.program')
local script = require('llmspell.script')

local M = {}

local function refuse(why)
  program.tell(why, vim.log.levels.ERROR)
end

--- In a terminal, for what asks a person or draws a screen of its own.
local function terminal(name, arguments)
  local file, rest = script.meant(arguments)
  if not file then
    return refuse(rest)
  end
  local root = require('llmspell.server').root(file)
  local command = program.command(root)
  local problem = script.save(file) or program.missing(command)
  if problem then
    return refuse(problem)
  end
  vim.list_extend(command, { name, file })
  vim.list_extend(command, name == 'run' and require('llmspell.settings').get('run') or {})
  vim.list_extend(command, rest)
  program.note('$ ' .. table.concat(command, ' '))
  vim.cmd('tabnew')
  if vim.fn.has('nvim-0.11') == 1 then
    vim.fn.jobstart(command, { term = true, cwd = root })
  else
    vim.fn.termopen(command, { cwd = root })
  end
  vim.cmd.startinsert()
end

--- The run that is shown in the current window, else the newest.
local function run_here()
  local trace = package.loaded['llmspell.trace']
  local run = trace and trace.run(vim.api.nvim_get_current_buf())
  return run and run.target or 'last'
end

---@class llmspell.Subcommand
---@field files boolean? a script may come first
---@field runs boolean? a run may come first
---@field options string? the options of this command of `llmspell` may follow; without it, one argument at most
---@field run fun(arguments: string[], bang: boolean)

---@type table<string, llmspell.Subcommand>
local COMMANDS = {
  run = {
    files = true,
    options = 'run',
    run = function(arguments, bang)
      if bang then
        return terminal('run', arguments)
      end
      local file, rest = script.meant(arguments)
      if not file then
        return refuse(rest)
      end
      require('llmspell.runs').start(file, rest)
    end,
  },
  debug = {
    files = true,
    options = 'run',
    run = function(arguments)
      local file, rest = script.meant(arguments)
      if not file then
        return refuse(rest)
      end
      require('llmspell.debug').start(file, rest)
    end,
  },
  dev = {
    files = true,
    options = 'dev',
    run = function(arguments)
      terminal('dev', arguments)
    end,
  },
  trace = {
    runs = true,
    run = function(arguments)
      require('llmspell.runs').show(arguments[1] or 'last')
    end,
  },
  replay = {
    runs = true,
    options = 'run',
    run = function(arguments)
      local named = arguments[1] and not vim.startswith(arguments[1], '-')
      local rest = named and vim.list_slice(arguments, 2) or arguments
      require('llmspell.runs').replay(named and arguments[1] or run_here(), rest)
    end,
  },
  validate = {
    files = true,
    run = function(arguments)
      local path, why = script.meant(arguments)
      local problem = path and script.save(path) or why
      if not path or type(problem) == 'string' then
        return refuse(problem)
      end
      require('llmspell.quickfix').validate(path, script.root())
    end,
  },
  errors = {
    runs = true,
    run = function(arguments)
      require('llmspell.quickfix').of_run(arguments[1] or run_here(), script.root())
    end,
  },
  cancel = {
    run = function()
      local runs = require('llmspell.runs')
      local shown = package.loaded['llmspell.trace']
        and require('llmspell.trace').run(vim.api.nvim_get_current_buf())
      local found = shown or runs.of_buffer(vim.api.nvim_get_current_buf()) or runs.newest()
      if not found then
        return program.tell('no run was started here')
      end
      runs.cancel(found)
    end,
  },
  log = {
    run = function()
      vim.cmd('botright new')
      local log = vim.lsp.log and vim.lsp.log.get_filename or vim.lsp.get_log_path
      local lines = vim.list_extend({ 'language server: ' .. log(), '' }, program.log())
      vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
      vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile, vim.bo.modifiable = 'nofile', 'wipe', false, false
      vim.cmd('normal! G')
    end,
  },
}

local function names()
  local all = vim.tbl_keys(COMMANDS)
  table.sort(all)
  return all
end

--- Why there is no such subcommand, and what was probably meant.
local function unknown(name)
  local near = name and vim.fn.matchfuzzy(names(), name)[1]
  if near then
    return ('there is no :Spell %s; did you mean :Spell %s?'):format(name, near)
  end
  return (name and ('there is no :Spell %s; '):format(name) or '') .. ':Spell ' .. table.concat(names(), '|')
end

--- `given`: as `nvim_create_user_command` hands it over.
function M.run(given)
  local arguments = vim.list_slice(given.fargs)
  local name = table.remove(arguments, 1)
  local command = COMMANDS[name or '']
  if not command then
    return refuse(unknown(name))
  end
  local most = (command.files or command.runs) and 1 or 0
  if not command.options and #arguments > most then
    return refuse((':Spell %s takes %s; %q is too much'):format(name, most == 1 and 'one argument' or 'no arguments', arguments[most + 1]))
  end
  command.run(arguments, given.bang)
end

--- As `nvim_create_user_command` asks for `complete`.
---@param lead string
---@param line string
---@param at integer where the cursor is in the line
function M.complete(lead, line, at)
  local before = line:sub(1, at - #lead):match('Spell!?%s+(.*)$') or ''
  -- A blank after a backslash is no end of a word.
  local words = vim.split(before:gsub('\\.', '_'), '%s+', { trimempty = true })
  local name = table.remove(words, 1)
  if not name then
    return vim.tbl_filter(function(each)
      return vim.startswith(each, lead)
    end, names())
  end
  return COMMANDS[name] and require('llmspell.completion').offered(COMMANDS[name], words, lead) or {}
end

return M
