-- A run's events folded into lines of a tree. Knows the events, no buffer and no window.

local figures = require('llmspell.figures')

---@class llmspell.Line
---@field text string
---@field depth integer how deep the line lies in the tree
---@field span integer the span that it belongs to
---@field site string the place in the script, `''` for none
---@field opens boolean a fold begins here
---@field closed boolean and is closed until somebody opens it
---@field status string of the span, for its colour; `''` for a line that is no span's own

---@class llmspell.Tree
local Tree = {}
Tree.__index = Tree

local WORDS = { execution = 'agent', llm_call = 'llm', workflow_step = 'step' }
local SIGNS = { ok = '✓', running = '▸', cancelled = '■' }
--- What stands in the tree anyway, or says nothing to a person.
local HIDDEN = {
  agent_created = true,
  checkpoint_saved = true,
  workflow_progress = true,
  permission_granted = true,
  audit = true,
}
--- Lines of a value that are shown; `K` shows all of it.
local MOST_LINES = 60
--- Characters of a value that stand in its first line.
local WIDTH = 60

---@return llmspell.Tree
function Tree.new()
  return setmetatable({ spans = {}, roots = {}, errors = {}, status = 'running', tokens = 0, cost = 0, seq = 0 }, Tree)
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
    return
  end
  local span = self.spans[event.span]
  if not span then
    return
  end
  if event.phase ~= 'end' then
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
    span.tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    span.cost = usage.cost or 0
    self.tokens = self.tokens + span.tokens
    self.cost = self.cost + span.cost
  end
  if span.error then
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
---@return {message: string, hint: string, source: string, stack: string[], fatal: boolean}[]
function Tree:failures()
  local found, seen = {}, {}
  for _, each in ipairs(self.errors) do
    local error = each.error
    local source = error.source and error.source ~= '' and error.source or each.site
    local key = (error.message or '') .. '\0' .. source
    local fatal = each.span.parent == nil
    if not seen[key] then
      local failure = {
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

local function point(event)
  local data = event.data
  if event.kind == 'output' then
    return '› ' .. figures.cut(data.text or '', 200)
  elseif event.kind == 'error' then
    return nil
  elseif event.kind == 'log' then
    return '› ' .. figures.cut((data.level or '') .. ' ' .. (data.message or ''), 200)
  end
  local name = event.name ~= '' and ' ' .. event.name or ''
  return '· ' .. event.kind:gsub('_', ' ') .. name
end

--- A text in quotes; JSON and what is said of calls stand without.
local function quoted(span, text, width)
  local cut = figures.cut(text, width)
  if text:match('^[%[{]') or span.kind == 'hook' or (span.kind == 'llm_call' and text:match('^calls ')) then
    return cut
  end
  return '"' .. cut .. '"'
end

local function head(span)
  local parts = { SIGNS[span.status] or '✗', WORDS[span.kind] or span.kind, span.name }
  local asked, answered = figures.whole(span.asked), figures.whole(span.gave)
  local text = table.concat(parts, ' ')
  if asked ~= '' then
    text = text .. '  ' .. quoted(span, asked, 40)
  end
  if span.error then
    text = text .. '  ' .. figures.cut(span.error.message or '', 80)
  elseif answered ~= '' then
    text = text .. ' → ' .. quoted(span, answered, 50)
  end
  local sums = {}
  if span.ended then
    sums[#sums + 1] = figures.duration(span.ended - span.started)
  end
  if (span.tokens or 0) > 0 then
    sums[#sums + 1] = figures.tokens(span.tokens)
  end
  if (span.cost or 0) > 0 then
    sums[#sums + 1] = figures.cost(span.cost)
  end
  return #sums > 0 and text .. '  ' .. table.concat(sums, ' · ') or text
end

--- A value: one that is short in one line, and else with all its lines in a fold that is closed.
local function block(lines, span, depth, title, value)
  local text = figures.whole(value)
  if text == '' then
    return
  end
  local body = vim.split(vim.trim(text), '\n')
  local function push(line, opens)
    lines[#lines + 1] = {
      text = ('  '):rep(depth) .. line,
      depth = depth,
      span = span.number,
      site = '',
      opens = opens,
      closed = opens,
      status = '',
    }
  end
  local whole = #body == 1 and vim.fn.strchars(body[1]) <= WIDTH
  push(('│ %s: %s'):format(title, figures.cut(body[1], WIDTH)), not whole)
  if whole then
    return
  end
  for index, line in ipairs(body) do
    if index > MOST_LINES then
      push(('│   … %d lines more'):format(#body - MOST_LINES), false)
      break
    end
    push('│   ' .. line, false)
  end
end

local function draw(lines, span, depth, site)
  local own = span.site ~= '' and span.site ~= site and span.site or ''
  lines[#lines + 1] = {
    text = ('  '):rep(depth) .. head(span) .. (own ~= '' and '  ' .. own or ''),
    depth = depth,
    span = span.number,
    site = span.site,
    opens = true,
    closed = false,
    status = span.status,
  }
  if span.kind == 'llm_call' then
    block(lines, span, depth + 1, 'system', span.system)
    block(lines, span, depth + 1, 'prompt', span.asked)
    block(lines, span, depth + 1, 'answer', span.gave)
  elseif span.kind == 'tool' then
    block(lines, span, depth + 1, 'arguments', span.asked)
    block(lines, span, depth + 1, 'result', span.gave)
  end
  if span.error then
    local stack = table.concat(span.error.stack or {}, '\n')
    local hint = span.error.hint
    local told = { span.error.message or '', stack, hint and hint ~= '' and 'hint: ' .. hint or nil }
    block(lines, span, depth + 1, 'error', table.concat(told, '\n'))
  end
  for _, child in ipairs(span.children) do
    if child.event then
      local text = point(child.event)
      if text then
        lines[#lines + 1] = {
          text = ('  '):rep(depth + 1) .. text,
          depth = depth + 1,
          span = span.number,
          site = child.event.site,
          opens = false,
          closed = false,
          status = '',
        }
      end
    else
      draw(lines, child, depth + 1, span.site)
    end
  end
end

---@return llmspell.Line[]
function Tree:lines()
  local lines = {}
  for _, root in ipairs(self.roots) do
    draw(lines, root, 0, '')
  end
  return lines
end

return Tree
