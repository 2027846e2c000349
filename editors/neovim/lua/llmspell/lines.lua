-- The lines that tell of a tree of spans, with what each was given and what it gave. Knows no buffer and no window.

local figures = require('llmspell.figures')

local M = {}

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

local WORDS = { execution = 'agent', llm_call = 'llm', workflow_step = 'step' }
local SIGNS = { ok = '✓', running = '▸', cancelled = '■' }
--- Lines of a value that are shown; `K` shows all of it.
local MOST_LINES = 60
--- Characters of a value's line where its window is too narrow for more.
local LEAST = 30

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

---@param tree llmspell.Tree
---@param width integer characters of a line of a value
---@return llmspell.Line[]
function M.of(tree, width)
  local drawing = setmetatable({ lines = {}, width = width }, Drawing)
  for _, root in ipairs(tree.roots) do
    drawing:span(root, 0, '')
  end
  return drawing.lines
end

return M
