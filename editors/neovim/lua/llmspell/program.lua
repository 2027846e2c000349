-- Finds and runs the program `llmspell`, and keeps a log of what it was asked. Knows no run and no buffer of a spell.

local settings = require('llmspell.settings')

local M = {}

--- Lines of `:Spell log`; the oldest go first.
local MOST_LINES = 2000

local lines = {}
---@type table<vim.SystemObj, true>
local alive = {}

--- Adds a line to `:Spell log`.
function M.note(text)
  for _, line in ipairs(vim.split(text, '\n', { trimempty = true })) do
    lines[#lines + 1] = os.date('%H:%M:%S ') .. line
  end
  while #lines > MOST_LINES do
    table.remove(lines, 1)
  end
end

function M.log()
  return vim.list_slice(lines)
end

--- Tells the person, and the log.
function M.tell(text, level)
  M.note(text)
  vim.schedule(function()
    vim.notify('llmspell: ' .. text, level or vim.log.levels.INFO)
  end)
end

--- The command line up to its arguments: what is set, else the one of the environment that is activated, else PATH's.
--- A folder's own `.venv` is a program that came with the folder: it is used only where `venv` says so.
---@param folder string? where a `.venv` is looked for, upwards
---@return string[]
function M.command(folder)
  local set = settings.get('cmd')
  if type(set) == 'table' then
    return vim.list_slice(set)
  end
  if set ~= 'llmspell' then
    return { vim.fn.expand(set) }
  end
  local places = { vim.env.VIRTUAL_ENV and vim.fs.joinpath(vim.env.VIRTUAL_ENV, 'bin', 'llmspell') or nil }
  if settings.get('venv') and folder then
    for _, found in ipairs(vim.fs.find('.venv', { path = folder, upward = true, type = 'directory', limit = math.huge })) do
      table.insert(places, 1, vim.fs.joinpath(found, 'bin', 'llmspell'))
    end
  end
  for _, place in ipairs(places) do
    if vim.fn.executable(place) == 1 then
      return { place }
    end
  end
  return { 'llmspell' }
end

--- Why the program cannot be started, or nil.
---@param command string[]
function M.missing(command)
  if vim.fn.executable(command[1]) == 1 then
    return nil
  end
  return ('%q was not found; install llmspell, or set vim.g.llmspell.cmd (:checkhealth llmspell)'):format(command[1])
end

--- What Neovim says of something that did not work, without Lua's own words.
function M.refused(problem)
  return tostring(problem):match('E%d+:[^\n]*') or (tostring(problem):gsub('^.-:%d+: ', ''))
end

--- Starts it. on_line gets each line of its output; on_exit its code, and what it said on stderr.
---@param arguments string[]
---@param options {cwd: string, on_line: fun(line: string)?, on_exit: fun(code: integer, said: string)?}
---@return vim.SystemObj? nil where it could not be started; the person has been told
function M.start(arguments, options)
  local command = M.command(options.cwd)
  local missing = M.missing(command)
  if missing then
    M.tell(missing, vim.log.levels.ERROR)
    return nil
  end
  vim.list_extend(command, arguments)
  M.note('$ ' .. table.concat(command, ' '))
  local pending, said = '', {}
  local function heard(_, data)
    pending = pending .. (data or '')
    local complete = {}
    while true do
      local at = pending:find('\n', 1, true)
      if not at then
        break
      end
      complete[#complete + 1] = pending:sub(1, at - 1)
      pending = pending:sub(at + 1)
    end
    if not data and pending ~= '' then
      complete[#complete + 1], pending = pending, ''
    end
    if options.on_line and #complete > 0 then
      vim.schedule(function()
        vim.iter(complete):each(options.on_line)
      end)
    end
  end
  local started, process
  started, process = pcall(vim.system, command, {
    cwd = options.cwd,
    env = { NO_COLOR = '1' },
    stdout = heard,
    stderr = function(_, data)
      said[#said + 1] = data
    end,
  }, function(done)
    vim.schedule(function()
      if process then
        alive[process] = nil
      end
      local text = table.concat(said)
      M.note(text)
      M.note(('exit %d: %s'):format(done.code, table.concat(arguments, ' ')))
      if options.on_exit then
        options.on_exit(done.code, text)
      end
    end)
  end)
  if not started then
    M.tell(('%s cannot be started: %s (:checkhealth llmspell)'):format(command[1], M.refused(process)), vim.log.levels.ERROR)
    return nil
  end
  alive[process] = true
  return process
end

--- Starts it and gives what it printed, as JSON, to on_value; nil where it failed, with what it said.
---@param on_value fun(value: any, said: string)
function M.ask(arguments, cwd, on_value)
  local printed = {}
  return M.start(arguments, {
    cwd = cwd,
    on_line = function(line)
      printed[#printed + 1] = line
    end,
    on_exit = function(_, said)
      local ok, value = pcall(vim.json.decode, table.concat(printed, '\n'), { luanil = { object = true, array = true } })
      on_value(ok and value or nil, said)
    end,
  })
end

-- What was started here ends with Neovim.
vim.api.nvim_create_autocmd('VimLeavePre', {
  group = vim.api.nvim_create_augroup('llmspell.program', {}),
  callback = function()
    for process in pairs(alive) do
      process:kill('sigterm')
    end
  end,
})

--- What a failed program said, as one line.
function M.reason(said)
  local line = vim.split(said, '\n', { trimempty = true })[1] or 'it said nothing'
  return (line:gsub('^llmspell: ', ''))
end

return M
