-- A run's events folded into lines of a tree. Knows the events, no buffer and no window.

local figures = require('llmspell.figures')

---@class llmspell.Line
---@field text string
---@field sums string time, tokens and cost, `''` for a line that is no span's own
---@field place string the place in the script, where it is another than the line's above it in the tree
---@field depth integer how deep the line lies in the tree
---@field span integer the span that it belongs to
---@field site string where the line leads to in the script, `''` for nowhere
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
--- Characters of a value's line where its window is too narrow for more.
local LEAST = 30

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

--- What was drawn of a span and of all it lies in holds no more.
local function forget(span)
  while span do
    span.drawn = nil
    span = span.parent
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

local function point(event)
  local data = event.data
  if event.kind == 'error' then
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
  local asked, answered = figures.short(span.asked), figures.short(span.gave)
  local text = table.concat(parts, ' ')
  if asked ~= '' then
    text = text .. '  ' .. quoted(span, asked, 40)
  end
  if span.error then
    return text .. '  ' .. figures.cut(span.error.message or '', 80)
  end
  return answered ~= '' and text .. ' → ' .. quoted(span, answered, 50) or text
end

--- Time, tokens and cost, each below that of the line above; costs only where there are any.
local function sums(span)
  local duration = span.ended and figures.duration(span.ended - span.started) or ''
  local tokens = (span.tokens or 0) > 0 and tostring(span.tokens) or ''
  local cost = (span.cost or 0) > 0 and '  ' .. figures.cost(span.cost) or ''
  return ('%8s %6s%s'):format(duration, tokens, cost)
end

---@class llmspell.Drawing
---@field width integer characters of a line of a value
---@field lines llmspell.Line[]
local Drawing = {}
Drawing.__index = Drawing

function Drawing:push(span, depth, text, more)
  more = more or {}
  self.lines[#self.lines + 1] = {
    text = ('  '):rep(depth) .. text:gsub('%c', ' '),
    depth = depth,
    span = span.number,
    sums = more.sums or '',
    place = more.place or '',
    site = more.site or '',
    opens = more.opens or false,
    closed = more.closed or false,
    status = more.status or '',
  }
end

--- A text after its title in one line if it is short, and else with all its lines in a fold that is closed.
---@param body any what is below the first line, where that is not enough
function Drawing:text(span, depth, title, text, body, site)
  local room = math.max(self.width - 2 * depth - vim.fn.strchars(title), LEAST)
  local fits = not text:find('\n', 1, true) and (#text <= room or vim.fn.strchars(text) <= room)
  self:push(span, depth, title .. figures.cut(text, room), { opens = not fits, closed = not fits, site = site })
  if fits then
    return
  end
  local lines = figures.outline(body, math.max(self.width - 2 * depth - 4, LEAST))
  for index = 1, math.min(#lines, MOST_LINES) do
    self:push(span, depth, '│   ' .. lines[index], { site = site })
  end
  if #lines > MOST_LINES then
    self:push(span, depth, ('│   … %d lines more'):format(#lines - MOST_LINES), { site = site })
  end
end

function Drawing:value(span, depth, title, value)
  local text = figures.short(value)
  if text ~= '' then
    local is_tree = type(value) == 'table' and text:match('^[%[{]')
    text = is_tree and text or vim.trim(text)
    self:text(span, depth, ('│ %s: '):format(title), text, is_tree and value or text)
  end
end

--- What a span was given and what it gave.
function Drawing:values(span, depth)
  if span.kind == 'llm_call' then
    self:value(span, depth, 'system', span.system)
    self:value(span, depth, 'prompt', span.asked)
    self:value(span, depth, 'answer', span.gave)
  elseif span.kind == 'tool' then
    self:value(span, depth, 'arguments', span.asked)
    self:value(span, depth, 'result', span.gave)
  end
  if span.error then
    local stack = table.concat(span.error.stack or {}, '\n')
    local hint = span.error.hint
    local told = { span.error.message or '', stack, hint and hint ~= '' and 'hint: ' .. hint or nil }
    self:value(span, depth, 'error', table.concat(told, '\n'))
  end
end

function Drawing:span(span, depth, site)
  local begins = #self.lines + 1
  if span.drawn and span.drawn.depth == depth and span.drawn.width == self.width then
    vim.list_extend(self.lines, span.drawn.lines)
    return
  end
  self:push(span, depth, head(span), {
    sums = sums(span),
    place = span.site ~= site and span.site or '',
    site = span.site,
    opens = true,
    status = span.status,
  })
  self:values(span, depth + 1)
  for _, child in ipairs(span.children) do
    local event = child.event
    if not event then
      self:span(child, depth + 1, span.site)
    elseif event.kind == 'output' then
      local text = vim.trim(event.data.text or '')
      self:text(span, depth + 1, '› ', text, text, event.site)
    else
      local text = point(event)
      if text then
        self:push(span, depth + 1, text, { site = event.site })
      end
    end
  end
  -- What has ended hardly ever changes.
  if span.ended then
    span.drawn = { depth = depth, width = self.width, lines = vim.list_slice(self.lines, begins) }
  end
end

---@param width integer? characters of a line of a value
---@return llmspell.Line[]
function Tree:lines(width)
  local drawing = setmetatable({ lines = {}, width = width or 100 }, Drawing)
  for _, root in ipairs(self.roots) do
    drawing:span(root, 0, '')
  end
  return drawing.lines
end

return Tree
