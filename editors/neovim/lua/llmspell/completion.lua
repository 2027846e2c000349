-- What the command line offers after a subcommand of `:Spell`: scripts, stored runs, options. Starts no spell.

local program = require('llmspell.program')
local script = require('llmspell.script')

local M = {}

--- Options that are followed by a run.
local OF_RUNS = { ['--replay'] = true, ['--resume'] = true, ['--replay-prefix'] = true, ['--fork'] = true }

--- Program and command -> the options that its help names: asking takes 80 ms.
local options = {}

local function answer(arguments)
  local command = vim.list_extend(program.command(script.root()), arguments)
  local ok, done = pcall(function()
    return vim.system(command, { cwd = script.root(), text = true }):wait(2000)
  end)
  return ok and done.code == 0 and done.stdout or ''
end

--- Scripts, and folders on the way to one.
function M.scripts(lead)
  return vim.tbl_filter(function(path)
    return vim.endswith(path, '/') or require('llmspell.server').is_script(path)
  end, vim.fn.getcompletion(lead, 'file'))
end

--- Runs, the newest first.
---@param which 'stored'|'live'
function M.runs(which)
  local decoded, list = pcall(vim.json.decode, answer({ 'trace', 'list', '--json', '-n', '50' }))
  local names = { which == 'stored' and 'last' or nil }
  for index = decoded and #list or 0, 1, -1 do
    if which == 'stored' or list[index].status == 'running' then
      names[#names + 1] = list[index].id
    end
  end
  return names
end

--- The options of a command, as its help names them.
---@param name string such as `run` or `trace step`
function M.options(name)
  local key = table.concat(program.command(script.root()), '\0') .. '\0' .. name
  local found = options[key]
  if not found then
    found = {}
    for option in answer(vim.list_extend(vim.split(name, ' '), { '--help' })):gmatch('\n  (%-%-[%a-]+)') do
      found[#found + 1] = option
    end
    options[key] = #found > 0 and found or nil
  end
  return found
end

--- What fits after the words that are there, as it is typed: a blank of a name after a backslash.
---@param takes {files: boolean?, runs: 'stored'|'live'?, options: string?} of the subcommand
---@param before string[] the words between the subcommand and `lead`
---@param lead string
---@return string[]
function M.offered(takes, before, lead)
  local found = {}
  if OF_RUNS[before[#before]] and takes.options then
    found = M.runs('stored')
  elseif vim.startswith(lead, '-') then
    found = takes.options and M.options(takes.options) or {}
  elseif #before == 0 and takes.files then
    found = vim.tbl_map(function(path)
      return (path:gsub('[\\ \t]', '\\%0'))
    end, M.scripts((lead:gsub('\\([\\ \t])', '%1'))))
  elseif #before == 0 and takes.runs then
    found = M.runs(takes.runs)
  end
  return vim.tbl_filter(function(each)
    return vim.startswith(each, lead)
  end, found)
end

return M
