-- `:Spell` and its subcommands: what each is given, and how the command line completes them.

local program = require('llmspell.program')
local script = require('llmspell.script')

local M = {}

local function refuse(why)
  program.tell(why, vim.log.levels.ERROR)
end

--- A subcommand that is given the spell that is meant, and the options after it.
---@param start fun(file: string, rest: string[], bang: boolean)
local function of_spell(start)
  return function(arguments, bang)
    local file, rest = script.spell(arguments)
    if not file then
      return refuse(rest)
    end
    start(file, rest, bang)
  end
end

--- A subcommand that is given the run that is named first, or nil, and the options after it.
---@param start fun(named: string?, rest: string[])
local function of_run(start)
  return function(arguments)
    local named = arguments[1] and not vim.startswith(arguments[1], '-') and arguments[1] or nil
    start(named and script.run(named), named and vim.list_slice(arguments, 2) or arguments)
  end
end

--- The run that is shown in the current window, else the newest.
local function run_here()
  local trace = package.loaded['llmspell.trace']
  local run = trace and trace.run(vim.api.nvim_get_current_buf())
  return run and run.target or 'last'
end

---@class llmspell.Subcommand
---@field files boolean? a script may come first
---@field runs 'stored'|'live'? a run may come first
---@field options string? the options of this command of `llmspell` may follow; without it, one argument at most
---@field run fun(arguments: string[], bang: boolean)

---@type table<string, llmspell.Subcommand>
local COMMANDS = {
  run = {
    files = true,
    options = 'run',
    run = of_spell(function(file, rest, bang)
      if bang then
        require('llmspell.terminal').run(file, rest)
      else
        require('llmspell.runs').start(file, rest)
      end
    end),
  },
  debug = {
    files = true,
    options = 'run',
    run = of_spell(function(file, rest)
      require('llmspell.debug').start(file, rest)
    end),
  },
  dev = {
    files = true,
    options = 'dev',
    run = of_spell(function(file, rest)
      require('llmspell.terminal').dev(file, rest)
    end),
  },
  trace = {
    runs = 'stored',
    run = of_run(function(named)
      require('llmspell.runs').show(named or 'last')
    end),
  },
  replay = {
    runs = 'stored',
    options = 'run',
    run = of_run(function(named, rest)
      require('llmspell.runs').replay(named or run_here(), rest)
    end),
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
    runs = 'stored',
    run = of_run(function(named)
      require('llmspell.quickfix').of_run(named or run_here(), script.root())
    end),
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

for _, word in ipairs(require('llmspell.control').WORDS) do
  COMMANDS[word] = {
    runs = 'live',
    options = 'trace ' .. word,
    run = of_run(function(named, rest)
      require('llmspell.control').command(word, named, rest)
    end),
  }
end

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
  for index, argument in ipairs(command.options and {} or arguments) do
    if vim.startswith(argument, '-') then
      return refuse((':Spell %s takes no options; %q is one'):format(name, argument))
    elseif index > most then
      local takes = most == 1 and 'one argument' or 'no arguments'
      return refuse((':Spell %s takes %s; %q is too much'):format(name, takes, argument))
    end
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
