-- A run's events folded into a tree of spans, and what they come to. Knows no line, no buffer and no window.

---@class llmspell.Tree
---@field spans table<integer, table> by number
---@field paused table? the event that paused the run, while it is paused
---@field asks table<integer, table> the events that asked for an approval that is not given, by their spans
local Tree = {}
Tree.__index = Tree

--- What stands in the tree anyway, or says nothing to a person.
local HIDDEN = {
  agent_created = true,
  checkpoint_saved = true,
  workflow_progress = true,
  permission_granted = true,
  audit = true,
}

---@return llmspell.Tree
function Tree.new()
  local empty = { spans = {}, roots = {}, errors = {}, asks = {}, status = 'running', tokens = 0, cost = 0, seq = 0 }
  return setmetatable(empty, Tree)
end

local function requested(request)
  if type(request) ~= 'table' then
    return nil
  end
  local messages = request.messages
  local last = type(messages) == 'table' and messages[#messages]
  return last and last.content or request
end

local function given(kind, data)
  if kind == 'llm_call' then
    return requested(data.request)
  elseif kind == 'tool' then
    return data.params
  elseif kind == 'hook' then
    return nil
  elseif kind == 'spell' then
    return data.params
  end
  return data.input or data.message or data.task
end

local function gave(kind, data)
  if kind == 'llm_call' then
    local calls = data.tool_calls
    if type(calls) == 'table' and #calls > 0 then
      return 'calls ' .. table.concat(vim.tbl_map(function(call)
        return call.name or '?'
      end, calls), ', ')
    end
    return data.response
  elseif kind == 'tool' or kind == 'spell' then
    return data.result
  elseif kind == 'hook' then
    local changes = type(data.changes) == 'table' and vim.tbl_keys(data.changes) or {}
    return #changes > 0 and 'changed ' .. table.concat(changes, ', ') or nil
  end
  return data.output or data.result
end

local function kind_of(event)
  local kind = event.kind:gsub('_started$', ''):gsub('_called$', '')
  return kind
end

--- What was drawn of a span and of all it lies in holds no more.
local function forget(span)
  while span do
    span.drawn = nil
    span = span.parent
  end
end

--- What the run waits for.
function Tree:hold(event)
  if event.kind == 'paused' then
    self.paused = event
  elseif event.kind == 'resumed' then
    self.paused = nil
  elseif event.kind == 'approval_asked' then
    self.asks[event.span] = event
  elseif event.kind == 'approval_given' then
    self.asks[event.span] = nil
  end
end

--- Takes an event, in the order they come.
---@param event table one line of `llmspell trace follow --json`
function Tree:add(event)
  self.seq = event.seq
  if event.phase == 'start' then
    local span = {
      number = event.span,
      kind = kind_of(event),
      name = event.name,
      site = event.site,
      started = event.time,
      status = 'running',
      events = { event },
      children = {},
      asked = given(kind_of(event), event.data),
      system = event.data.request and event.data.request.system,
    }
    self.spans[event.span] = span
    local parent = self.spans[event.parent]
    table.insert(parent and parent.children or self.roots, span)
    span.parent = parent
    forget(parent)
    return
  end
  local span = self.spans[event.span]
  if not span then
    return
  end
  forget(span)
  if event.phase ~= 'end' then
    self:hold(event)
    if not HIDDEN[event.kind] then
      table.insert(span.children, { event = event })
    end
    table.insert(span.events, event)
    return
  end
  table.insert(span.events, event)
  span.ended = event.time
  span.status = event.data.status or 'ok'
  span.gave = gave(span.kind, event.data)
  span.error = event.data.error
  local usage = event.data.usage
  if span.kind == 'llm_call' and usage then
    local tokens, cost = (usage.input_tokens or 0) + (usage.output_tokens or 0), usage.cost or 0
    self.tokens, self.cost = self.tokens + tokens, self.cost + cost
    -- It was for all that it lies in.
    local each = span
    while each do
      each.tokens, each.cost = (each.tokens or 0) + tokens, (each.cost or 0) + cost
      each = each.parent
    end
  end
  -- Who cancels a run has not failed.
  if span.error and span.status ~= 'cancelled' then
    table.insert(self.errors, { error = span.error, span = span, site = event.site })
  end
  if not span.parent then
    self.status = span.status
  end
end

--- duration: in milliseconds, nil before the first event.
function Tree:sums()
  local root = self.roots[1]
  local duration = root and root.ended and root.ended - root.started or nil
  return { duration = duration, tokens = self.tokens, cost = self.cost }
end

--- The errors at which spans ended, the innermost of each only: what was passed on outwards is one error.
---@return {type: string, message: string, hint: string, source: string, stack: string[], fatal: boolean}[]
function Tree:failures()
  local found, seen = {}, {}
  for _, each in ipairs(self.errors) do
    local error = each.error
    local source = error.source and error.source ~= '' and error.source or each.site
    local key = (error.message or '') .. '\0' .. source
    local fatal = each.span.parent == nil
    if not seen[key] then
      local failure = {
        type = error.type or '',
        message = error.message or error.type or 'failed',
        hint = error.hint or '',
        source = source,
        stack = error.stack or {},
        fatal = fatal,
      }
      seen[key] = failure
      found[#found + 1] = failure
    elseif fatal then
      seen[key].fatal = true
    end
  end
  return found
end

return Tree
