-- Debugging with nvim-dap: the adapter, which is `llmspell dap`, and what it is told to start. Speaks no protocol.

local program = require('llmspell.program')
local script = require('llmspell.script')
local server = require('llmspell.server')
local settings = require('llmspell.settings')

local M = {}

M.TYPE = 'llmspell'

local MISSING = 'debugging needs the plugin nvim-dap (:help llmspell-debug)'

--- The words without `--break WHAT`, and what was named so: nvim-dap has breakpoints for lines only.
local function parted(words)
  local options, breakpoints = {}, {}
  local at = 1
  while at <= #words do
    local what = words[at]:match('^%-%-break=(.*)')
    if words[at] == '--break' and words[at + 1] then
      at = at + 1
      what = words[at]
    end
    table.insert(what and breakpoints or options, what or words[at])
    at = at + 1
  end
  return options, breakpoints
end

--- What nvim-dap is to start for a file.
---@param file string
---@param arguments string[]? options of `llmspell run`
function M.configuration(file, arguments)
  local options, breakpoints = parted(vim.list_extend(vim.list_slice(settings.get('run')), arguments or {}))
  return {
    type = M.TYPE,
    request = 'launch',
    name = 'Debug ' .. vim.fs.basename(file),
    program = file,
    cwd = server.root(file),
    options = #options > 0 and options or nil,
    breakpoints = #breakpoints > 0 and breakpoints or nil,
  }
end

--- How nvim-dap starts the adapter of a session. Called for each, so that a changed setting is heeded.
function M.adapter(on_adapter, configuration)
  local root = configuration.cwd or server.root(configuration.program or vim.fn.getcwd() .. '/.')
  local command = program.command(root)
  local missing = program.missing(command)
  if missing then
    return program.tell(missing, vim.log.levels.ERROR)
  end
  local args = vim.list_extend(vim.list_slice(command, 2), { 'dap' })
  program.note('$ ' .. table.concat(vim.list_extend({ command[1] }, args), ' '))
  on_adapter({
    type = 'executable',
    command = command[1],
    args = args,
    options = { cwd = root, initialize_timeout_sec = 20 },
  })
end

--- Sets a configuration's `breakpoints` (`tool:csv`, `agent:*`) before its spell begins.
local function set_breakpoints(session)
  local wanted = vim.tbl_map(function(name)
    return { name = name }
  end, session.config.type == M.TYPE and session.config.breakpoints or {})
  if #wanted == 0 then
    return
  end
  session:request('setFunctionBreakpoints', { breakpoints = wanted }, function(problem, answer)
    for _, each in ipairs(answer and answer.breakpoints or {}) do
      if not each.verified then
        problem = problem or each
      end
    end
    if problem then
      program.tell(problem.message or tostring(problem), vim.log.levels.ERROR)
    end
  end)
end

--- Opens the window where what a spell asks stands and is answered, if none shows it.
local function show_console()
  local shown = vim.iter(vim.api.nvim_list_wins()):any(function(window)
    return vim.bo[vim.api.nvim_win_get_buf(window)].filetype == 'dap-repl'
  end)
  if not shown then
    require('dap').repl.open()
  end
end

--- What a session's spell and adapter said on stderr; a client shows it in a window that need not be open.
---@type table<table, string>
local complaints = setmetatable({}, { __mode = 'k' })

local function heard(session, body)
  if session.config.type ~= M.TYPE then
    return
  elseif body.category == 'stderr' then
    complaints[session] = (complaints[session] or '') .. body.output
  elseif body.category == 'important' then
    show_console()
  end
end

--- Tells why a spell ended that failed.
local function ended(session, body)
  local said = complaints[session]
  if session.config.type == M.TYPE and body.exitCode ~= 0 and said then
    program.tell(program.reason(said), vim.log.levels.ERROR)
  end
end

--- Makes `:DapContinue` in a spell offer to debug it. Needs nothing to be set up, and may be called again.
---@return table? dap nil where nvim-dap is not there
function M.register()
  local ok, dap = pcall(require, 'dap')
  if not ok then
    return nil
  end
  dap.adapters[M.TYPE] = dap.adapters[M.TYPE] or M.adapter
  dap.listeners.before.event_initialized[M.TYPE] = set_breakpoints
  dap.listeners.before.event_output[M.TYPE] = heard
  dap.listeners.before.event_exited[M.TYPE] = ended
  dap.providers.configs[M.TYPE] = function(buffer)
    local path = vim.api.nvim_buf_get_name(buffer)
    local is_script = vim.tbl_contains({ 'lua', 'javascript' }, vim.bo[buffer].filetype)
    return is_script and (vim.b[buffer].llmspell or server.is_ours(path)) and { M.configuration(path) } or {}
  end
  return dap
end

--- Debugs a spell: breakpoints are those of nvim-dap.
---@param file string
---@param arguments string[]? options of `llmspell run`
function M.start(file, arguments)
  local dap = M.register()
  if not dap then
    return program.tell(MISSING, vim.log.levels.ERROR)
  end
  local path = script.absolute(file)
  local problem = script.save(path)
  if problem then
    return program.tell(problem, vim.log.levels.ERROR)
  end
  dap.run(M.configuration(path, arguments))
end

return M
