-- A small client of the Debug Adapter Protocol that a script drives, where nvim-dap is not to be had: what the plugin and the
-- tests use of that, by the same names. Knows no llmspell; messages are as the protocol frames them.

local M = { adapters = {}, configurations = {}, providers = { configs = {} }, listeners = { before = {}, after = {} } }

for _, moment in pairs(M.listeners) do
  setmetatable(moment, {
    __index = function(events, name)
      return rawget(rawset(events, name, {}), name)
    end,
  })
end

--- File -> its breakpoints, as `setBreakpoints` takes them.
local wanted = {}
local current

---@class Session
local Session = {}
Session.__index = Session

local function tell(moment, name, session, body)
  for _, listener in pairs(M.listeners[moment][name]) do
    listener(session, body)
  end
end

function Session:send(message)
  self.seq = self.seq + 1
  message.seq = self.seq
  local text = vim.json.encode(message)
  self.process:write(('Content-Length: %d\r\n\r\n%s'):format(#text, text))
  return message.seq
end

---@param answered fun(problem: table?, body: table?)?
function Session:request(command, arguments, answered)
  local seq = self:send({ type = 'request', command = command, arguments = arguments or vim.empty_dict() })
  self.asked[seq] = answered or false
end

function Session:evaluate(expression, answered)
  local frame = (self.current_frame or {}).id
  self:request('evaluate', { expression = expression, context = 'repl', frameId = frame }, answered)
end

function Session:set_breakpoints(path)
  self:request('setBreakpoints', { source = { path = path }, breakpoints = wanted[path] })
end

function Session:step(command)
  local thread = self.stopped_thread_id
  self.stopped_thread_id, self.current_frame = nil, nil
  self:request(command, { threadId = thread })
end

function Session:disconnect(options, done)
  self:request('disconnect', options, function(problem, body)
    self:close()
    if done then
      done(problem, body)
    end
  end)
end

function Session:close()
  current = current ~= self and current or nil
end

local HEARD = {}

function HEARD.initialized(session)
  for path in pairs(wanted) do
    session:set_breakpoints(path)
  end
  local filters = {}
  for _, filter in ipairs(session.capabilities.exceptionBreakpointFilters or {}) do
    filters[#filters + 1] = filter.default and filter.filter or nil
  end
  session:request('setExceptionBreakpoints', { filters = filters })
  session:request('configurationDone')
end

function HEARD.stopped(session, body)
  local thread = body.threadId
  session:request('stackTrace', { threadId = thread }, function(_, stack)
    local frame = stack.stackFrames[1]
    session.threads[thread] = { id = thread, frames = stack.stackFrames }
    session.stopped_thread_id, session.current_frame = thread, frame
    session:request('scopes', { frameId = frame.id }, function(_, found)
      frame.scopes = found.scopes
    end)
  end)
end

function HEARD.terminated(session)
  session:disconnect({ restart = false })
end

function Session:take(message)
  if message.type == 'event' then
    tell('before', 'event_' .. message.event, self, message.body)
    if HEARD[message.event] then
      HEARD[message.event](self, message.body)
    end
    tell('after', 'event_' .. message.event, self, message.body)
  elseif message.type == 'response' then
    local answered = self.asked[message.request_seq]
    self.asked[message.request_seq] = nil
    if answered then
      local problem = not message.success and { message = message.message, body = message.body } or nil
      answered(problem, message.body)
    elseif not message.success then
      vim.notify(message.command .. ': ' .. message.message, vim.log.levels.ERROR)
    end
  end
end

--- Takes what the adapter writes, a message at a time.
local function reading(session)
  local pending = ''
  return vim.schedule_wrap(function(_, data)
    pending = pending .. (data or '')
    while true do
      local _, at, length = pending:find('^Content%-Length: (%d+)\r\n\r\n')
      if not at or #pending < at + tonumber(length) then
        return
      end
      local text = pending:sub(at + 1, at + length)
      pending = pending:sub(at + length + 1)
      session:take(vim.json.decode(text, { luanil = { object = true } }))
    end
  end)
end

local function start(adapter, config)
  assert(adapter.type == 'executable', 'the adapter is a program')
  local session = setmetatable({ config = config, seq = 0, asked = {}, threads = {} }, Session)
  session.process = vim.system(vim.list_extend({ adapter.command }, adapter.args), {
    cwd = adapter.options.cwd,
    stdin = true,
    stdout = reading(session),
  }, function(done)
    session.ended = done.code
  end)
  current = session
  M.last = session
  local about = { adapterID = config.type, pathFormat = 'path', linesStartAt1 = true, columnsStartAt1 = true }
  session:request('initialize', about, function(problem, capabilities)
    assert(not problem, vim.inspect(problem))
    session.capabilities = capabilities
    session:request(config.request, config, function(refused)
      if refused then
        vim.notify(refused.message, vim.log.levels.ERROR)
        session:disconnect()
      end
    end)
  end)
end

function M.run(config)
  local adapter = M.adapters[config.type]
  if type(adapter) ~= 'function' then
    return start(adapter, config)
  end
  adapter(function(resolved)
    start(resolved, config)
  end, config)
end

function M.session()
  return current
end

function M.set_breakpoint(condition)
  local path = vim.api.nvim_buf_get_name(0)
  wanted[path] = wanted[path] or {}
  table.insert(wanted[path], { line = vim.fn.line('.'), condition = condition })
end

function M.clear_breakpoints()
  for path in pairs(wanted) do
    wanted[path] = {}
    if current then
      current:set_breakpoints(path)
    end
  end
end

function M.continue()
  current:step('continue')
end

function M.step_over()
  current:step('next')
end

function M.disconnect(options, done)
  current:disconnect(options, done)
end

M.repl = {}

function M.repl.open()
  vim.cmd('new')
  vim.bo.filetype = 'dap-repl'
  vim.cmd('wincmd p')
end

return M
