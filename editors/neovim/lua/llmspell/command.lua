-- `:Spell` and its subcommands: what each is given, and how the command line completes them.

local program = require('llmspell.program')

local M = {}

local function here()
  local path = vim.api.nvim_buf_get_name(0)
  return vim.bo.buftype == '' and path ~= '' and path or nil
end

local function root()
  return require('llmspell.server').root(here() or vim.fn.getcwd() .. '/.')
end

--- The script that is meant and what follows it: named first, or the current buffer's.
---@return string? file, string[] rest
local function script(arguments)
  local first = arguments[1]
  if first and not vim.startswith(first, '-') and vim.uv.fs_stat(vim.fn.expand(first)) then
    return vim.fn.fnamemodify(vim.fn.expand(first), ':p'), vim.list_slice(arguments, 2)
  end
  local file = here()
  if not file then
    program.tell('which spell? open one, or name its file', vim.log.levels.ERROR)
  end
  return file, arguments
end

--- In a terminal, for what asks a person or draws a screen of its own.
local function terminal(words, cwd)
  local command = program.command(cwd)
  local missing = program.missing(command)
  if missing then
    return program.tell(missing, vim.log.levels.ERROR)
  end
  vim.list_extend(command, words)
  vim.cmd('tabnew')
  if vim.fn.has('nvim-0.11') == 1 then
    vim.fn.jobstart(command, { term = true, cwd = cwd })
  else
    vim.fn.termopen(command, { cwd = cwd })
  end
  vim.cmd.startinsert()
end

local function in_terminal(name, arguments)
  local file, rest = script(arguments)
  if file then
    vim.cmd('silent! update')
    terminal(vim.list_extend({ name, file }, rest), require('llmspell.server').root(file))
  end
end

local function scripts(lead)
  return vim.fn.getcompletion(lead, 'file')
end

local function runs()
  local command = vim.list_extend(program.command(root()), { 'trace', 'list', '--json', '-n', '50' })
  local ok, done = pcall(function()
    return vim.system(command, { cwd = root(), text = true }):wait(2000)
  end)
  local decoded, list = pcall(vim.json.decode, ok and done.stdout or '')
  local names = { 'last' }
  for index = decoded and #list or 0, 1, -1 do
    names[#names + 1] = list[index].id
  end
  return names
end

local COMMANDS = {
  run = {
    complete = scripts,
    run = function(arguments, bang)
      if bang then
        return in_terminal('run', arguments)
      end
      local file, rest = script(arguments)
      if file then
        require('llmspell.runs').start(file, rest)
      end
    end,
  },
  debug = {
    complete = scripts,
    run = function(arguments)
      local file, rest = script(arguments)
      if file then
        require('llmspell.debug').start(file, rest)
      end
    end,
  },
  dev = {
    complete = scripts,
    run = function(arguments)
      in_terminal('dev', arguments)
    end,
  },
  trace = {
    complete = runs,
    run = function(arguments)
      require('llmspell.runs').show(arguments[1] or 'last')
    end,
  },
  replay = {
    complete = runs,
    run = function(arguments)
      local runs_ = require('llmspell.runs')
      local file = here() or root() .. '/.'
      runs_.start(file, vim.list_slice(arguments, 2), { '--replay', arguments[1] or 'last' })
    end,
  },
  validate = {
    complete = scripts,
    run = function(arguments)
      local path = arguments[1] and vim.fn.fnamemodify(vim.fn.expand(arguments[1]), ':p') or here()
      if not path then
        return program.tell('validate what? open a spell, or name a file or a folder', vim.log.levels.ERROR)
      end
      vim.cmd('silent! update')
      require('llmspell.quickfix').validate(path, root())
    end,
  },
  errors = {
    complete = runs,
    run = function(arguments)
      require('llmspell.quickfix').of_run(arguments[1] or 'last', root())
    end,
  },
  cancel = {
    run = function()
      local found = require('llmspell.runs').of_buffer(vim.api.nvim_get_current_buf()) or require('llmspell.runs').newest()
      if not found then
        return program.tell('no run was started here')
      end
      require('llmspell.runs').cancel(found)
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

--- `given`: as `nvim_create_user_command` hands it over.
function M.run(given)
  local arguments = vim.list_slice(given.fargs)
  local name = table.remove(arguments, 1)
  local command = COMMANDS[name or '']
  if not command then
    local what = name and ('there is no :Spell %s; '):format(name) or ''
    return program.tell(what .. ':Spell ' .. table.concat(names(), '|'), vim.log.levels.ERROR)
  end
  command.run(arguments, given.bang)
end

function M.complete(lead, line)
  local name = line:match('^%s*%S*Spell!?%s+(%S+)%s')
  if not name then
    return vim.tbl_filter(function(each)
      return vim.startswith(each, lead)
    end, names())
  end
  local command = COMMANDS[name]
  local found = command and command.complete and command.complete(lead) or {}
  return vim.tbl_filter(function(each)
    return vim.startswith(each, lead)
  end, found)
end

return M
