-- The windows of runs' trees, and the keys that lead from a tree to its script. Sets no line of a tree itself.

local drawing = require('llmspell.drawing')
local figures = require('llmspell.figures')
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

--- Draws the tree now.
local function draw(buffer)
  local view = views[buffer]
  local lines = view.run.tree:lines(view.width)
  local old = view.lines
  view.lines = #lines > 0 and lines or words(view.run)
  drawing.set(buffer, old, view.lines)
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

local function here(buffer)
  local view = views[buffer]
  local line = view.lines[vim.api.nvim_win_get_cursor(0)[1]]
  return view.run, line
end

--- Goes to a window for a file: one that shows it, else one that shows a file, the last one first.
local function beside(path)
  local windows = vim.api.nvim_tabpage_list_wins(0)
  table.insert(windows, 1, vim.fn.win_getid(vim.fn.winnr('#')))
  local function find(fits)
    return vim.iter(windows):find(function(window)
      return window ~= 0 and fits(vim.api.nvim_win_get_buf(window))
    end)
  end
  local window = find(function(buffer)
    return vim.api.nvim_buf_get_name(buffer) == path
  end) or find(function(buffer)
    return vim.bo[buffer].buftype == ''
  end)
  if window then
    vim.api.nvim_set_current_win(window)
  else
    vim.cmd('leftabove vsplit')
  end
end

--- Where a line leads to: its own place, its span's, or the beginning of the script.
local function place_of(run, line)
  local span = line and run.tree.spans[line.span]
  local sites = span and { line.site, span.site, (run.file or '') .. ':1' } or {}
  for _, site in ipairs(sites) do
    local path, lnum = require('llmspell.runs').place(run, site)
    if path then
      return path, lnum
    end
  end
end

--- Goes to the script's line that the line under the cursor tells of.
function M.jump(buffer)
  local path, lnum = place_of(here(buffer))
  if not path or not lnum then
    return program.tell('this line has no place in the script')
  end
  local file = vim.fn.bufadd(path)
  if vim.fn.bufloaded(file) == 0 and not vim.uv.fs_stat(path) then
    return program.tell(path .. ' is not there any more', vim.log.levels.WARN)
  end
  beside(path)
  vim.bo[file].buflisted = true
  vim.cmd("normal! m'")
  vim.api.nvim_win_set_buf(0, file)
  vim.api.nvim_win_set_cursor(0, { math.min(lnum, vim.api.nvim_buf_line_count(0)), 0 })
end

--- Closes the current window, or empties the only one.
local function leave()
  if not pcall(vim.cmd.close) then
    vim.cmd.enew()
  end
end

--- All events of a span, one below the other: what each is, and its fields.
local function recorded(span, width)
  local lines = {}
  for _, event in ipairs(span.events) do
    local place = event.site ~= '' and ', ' .. event.site or ''
    local time = ('%.1f ms'):format(event.time - span.started)
    lines[#lines + 1] = ('%s: # %s, event %d%s'):format(event.kind, time, event.seq, place)
    for _, line in ipairs(figures.outline(event.data, width)) do
      lines[#lines + 1] = '  ' .. line
    end
  end
  return lines
end

--- Shows all that is recorded of the span under the cursor.
function M.inspect(buffer)
  local run, line = here(buffer)
  local span = line and run.tree.spans[line.span]
  if not span then
    return
  end
  local from = vim.api.nvim_get_current_win()
  vim.cmd('botright new')
  local shown = vim.api.nvim_get_current_buf()
  vim.api.nvim_buf_set_lines(shown, 0, -1, false, recorded(span, vim.api.nvim_win_get_width(0) - 4))
  vim.bo[shown].buftype, vim.bo[shown].bufhidden, vim.bo[shown].swapfile = 'nofile', 'wipe', false
  vim.bo[shown].modifiable = false
  vim.bo[shown].syntax = 'yaml'
  pcall(vim.api.nvim_buf_set_name, shown, ('llmspell://%d/%s %s'):format(shown, span.kind, span.name))
  vim.keymap.set('n', 'q', function()
    leave()
    if vim.api.nvim_win_is_valid(from) then
      vim.api.nvim_set_current_win(from)
    end
  end, { buffer = shown, nowait = true, desc = 'Close' })
end

local KEYS = {
  { '<CR>', 'Go to the place in the script', M.jump },
  { 'K', 'Show all that is recorded of this span', M.inspect },
  {
    'X',
    'Cancel the run',
    function(buffer)
      require('llmspell.runs').cancel(views[buffer].run)
    end,
  },
  { 'q', 'Close', leave },
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
      key[3](buffer)
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
      vim.cmd(settings.get('split'))
    end
    vim.api.nvim_win_set_buf(0, run.buffer)
    for name, value in pairs(OPTIONS) do
      vim.api.nvim_set_option_value(name, value, { scope = 'local', win = 0 })
    end
  end
  views[run.buffer].width = math.max(vim.api.nvim_win_get_width(0) - 2, 40)
  draw(run.buffer)
  if not focus then
    vim.api.nvim_set_current_win(from)
  end
  clear()
end

return M
