-- The windows of runs' trees: when they are drawn, what their keys do. Sets no line of a tree itself.

local control = require('llmspell.control')
local drawing = require('llmspell.drawing')
local figures = require('llmspell.figures')
local inspector = require('llmspell.inspector')
local lines_of = require('llmspell.lines').of
local program = require('llmspell.program')
local settings = require('llmspell.settings')

local M = {}

--- Milliseconds between drawings; a tree that takes longer to draw waits longer.
local PAUSE = 40

--- Trees that are kept though no window shows them; the oldest go first.
local KEPT = 20

---@class llmspell.View
---@field run llmspell.Run
---@field lines llmspell.Line[] as they are in the buffer
---@field width integer characters of a line of a value
---@field pause number milliseconds before it is drawn again
---@field waits boolean? it will be drawn

---@type table<integer, llmspell.View>
local views = {}

--- The run whose tree a buffer is.
---@return llmspell.Run?
function M.run(buffer)
  return views[buffer] and views[buffer].run
end

--- The window's title: which run, and what it came to.
function M.bar()
  local run = M.run(vim.api.nvim_get_current_buf())
  if not run then
    return ''
  end
  local title = (run.title .. '  ' .. figures.summary(run)):gsub('%%', '%%%%')
  return '%#Title#' .. title .. '%*%=%#Comment#g? keys %*'
end

--- The level of a line for 'foldexpr'.
function M.level(lnum)
  local view = views[vim.api.nvim_get_current_buf()]
  local line = view and view.lines[lnum]
  if not line then
    return '0'
  end
  -- A point lies in its span's fold, the lines of a value in the value's.
  local own = line.depth + 1
  if line.opens then
    return '>' .. math.min(own, 20)
  end
  return tostring(math.min(line.text:match('^%s*│  ') and own or own - 1, 20))
end

--- What there is to read where no line of a tree is.
local function words(run)
  return vim.tbl_map(drawing.plain, vim.split(run.said or ('… ' .. run.title), '\n'))
end

--- Draws a tree that is in a buffer, now.
local function draw(buffer)
  local view = views[buffer]
  local window = vim.fn.win_findbuf(buffer)[1]
  view.width = window and math.max(vim.api.nvim_win_get_width(window) - 2, 40) or view.width
  local lines = lines_of(view.run.tree, view.width)
  local old = view.lines
  view.lines = #lines > 0 and lines or words(view.run)
  drawing.set(buffer, old, view.lines)
end

--- Draws a run now, whatever is told next.
function M.show(run)
  if run.buffer then
    draw(run.buffer)
  end
  vim.cmd.redrawstatus({ bang = true })
  vim.cmd.redraw()
end

--- The run has something new: it will be drawn.
function M.changed(run)
  local view = run.buffer and views[run.buffer]
  if not view or view.waits then
    return
  end
  view.waits = true
  vim.defer_fn(function()
    view.waits = false
    if not views[run.buffer or 0] then
      return
    end
    local began = vim.uv.hrtime()
    draw(run.buffer)
    vim.cmd.redrawstatus({ bang = true })
    view.pause = math.max(PAUSE, 4 * (vim.uv.hrtime() - began) / 1e6)
  end, math.floor(view.pause))
end

vim.api.nvim_create_autocmd('WinResized', {
  group = vim.api.nvim_create_augroup('llmspell.trace', {}),
  callback = function()
    for _, window in ipairs(vim.v.event.windows) do
      local run = vim.api.nvim_win_is_valid(window) and M.run(vim.api.nvim_win_get_buf(window))
      if run then
        M.changed(run)
      end
    end
  end,
})

--- Key, what it does, and how: with the run and the line under the cursor.
---@type {[1]: string, [2]: string, [3]: fun(run: llmspell.Run, line: llmspell.Line?)}[]
local KEYS = {
  { '<CR>', 'Go to the place in the script', require('llmspell.places').jump },
  {
    'K',
    'Show all that is recorded of this span',
    function(run, line)
      local span = line and run.tree.spans[line.span]
      if span then
        inspector.inspect(span)
      end
    end,
  },
  { 'P', 'Pause the run, or let it go on', control.toggle },
  {
    'S',
    'Let a paused run go on to its next call of a model or tool',
    function(run)
      control.give('step', run)
    end,
  },
  {
    'X',
    'Cancel the run',
    function(run)
      control.give('cancel', run)
    end,
  },
  { 'q', 'Close', inspector.leave },
}

--- What the keys do, in the message line.
local function help()
  local words = vim.tbl_map(function(key)
    return key[1] .. '  ' .. key[2]
  end, KEYS)
  vim.api.nvim_echo({ { table.concat(words, '\n') .. '\nzo zc zR zM  Open and close folds' } }, false, {})
end

--- Of the trees that no window shows, only the newest are kept.
local function clear()
  local hidden = vim.tbl_filter(function(buffer)
    return #vim.fn.win_findbuf(buffer) == 0
  end, vim.tbl_keys(views))
  table.sort(hidden)
  for index = 1, #hidden - KEPT do
    vim.api.nvim_buf_delete(hidden[index], { force = true })
  end
end

local function make(run)
  local buffer = vim.api.nvim_create_buf(false, true)
  run.buffer = buffer
  views[buffer] = { run = run, lines = { drawing.plain('') }, width = 100, pause = PAUSE }
  pcall(vim.api.nvim_buf_set_name, buffer, ('llmspell://%d/%s'):format(buffer, run.title))
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].filetype = 'llmspelltrace'
  for _, key in ipairs(KEYS) do
    vim.keymap.set('n', key[1], function()
      key[3](run, views[buffer].lines[vim.api.nvim_win_get_cursor(0)[1]])
    end, { buffer = buffer, nowait = true, desc = key[2] })
  end
  vim.keymap.set('n', 'g?', help, { buffer = buffer, nowait = true, desc = 'What the keys do' })
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buffer,
    callback = function()
      views[buffer], run.buffer = nil, nil
    end,
  })
end

local OPTIONS = {
  foldmethod = 'expr',
  foldexpr = "v:lua.require'llmspell.trace'.level(v:lnum)",
  foldlevel = 99,
  foldtext = '',
  foldenable = true,
  fillchars = 'fold: ',
  statuscolumn = "%{foldclosed(v:lnum) == v:lnum ? '+' : ' '}",
  winbar = "%{%v:lua.require'llmspell.trace'.bar()%}",
  wrap = false,
  number = false,
  relativenumber = false,
  cursorline = true,
}

--- Opens a run's tree. The cursor goes there if `focus` says so.
function M.open(run, focus)
  local from = vim.api.nvim_get_current_win()
  if not run.buffer then
    make(run)
  end
  local window = vim.fn.win_findbuf(run.buffer)[1]
  if window then
    vim.api.nvim_set_current_win(window)
  else
    -- One window serves one trace after another.
    local old = vim.iter(vim.api.nvim_tabpage_list_wins(0)):find(function(each)
      return views[vim.api.nvim_win_get_buf(each)] ~= nil
    end)
    if old then
      vim.api.nvim_set_current_win(old)
    else
      local ok, problem = pcall(vim.cmd, settings.get('split'))
      if not ok then
        -- Not enough room, or a setting that is no command.
        program.tell(('%s: %s'):format(settings.get('split'), program.refused(problem)), vim.log.levels.WARN)
        vim.cmd.tabnew()
      end
    end
    vim.api.nvim_win_set_buf(0, run.buffer)
    for name, value in pairs(OPTIONS) do
      vim.api.nvim_set_option_value(name, value, { scope = 'local', win = 0 })
    end
  end
  draw(run.buffer)
  if not focus then
    vim.api.nvim_set_current_win(from)
  end
  clear()
end

return M
