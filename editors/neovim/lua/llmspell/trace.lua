-- The buffer of one run's tree: drawn while it grows, folded, with the keys that lead from it to the script.

local settings = require('llmspell.settings')

local M = {}

local SPACE = vim.api.nvim_create_namespace('llmspell.trace')
--- Milliseconds between drawings; a tree that takes longer to draw waits longer.
local PAUSE = 40

local COLOURS = { ok = 'DiagnosticOk', running = 'DiagnosticInfo', cancelled = 'DiagnosticWarn' }

--- Buffer -> what it shows.
local views = {}

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

local function close(buffer, lnums)
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    vim.api.nvim_win_call(window, function()
      for index = #lnums, 1, -1 do
        pcall(vim.cmd, ('silent! %dfoldclose'):format(lnums[index]))
      end
    end)
  end
end

local function colour(buffer, first, lines)
  vim.api.nvim_buf_clear_namespace(buffer, SPACE, first, -1)
  for row = first, #lines - 1 do
    local line = lines[row + 1]
    local start = #line.text:match('^%s*')
    if line.status ~= '' then
      local sign = vim.fn.strcharpart(line.text:sub(start + 1), 0, 1)
      local group = COLOURS[line.status] or 'DiagnosticError'
      vim.api.nvim_buf_set_extmark(buffer, SPACE, row, start, { end_col = start + #sign, hl_group = group })
    elseif line.text:sub(start + 1, start + 3) ~= '›' then
      vim.api.nvim_buf_set_extmark(buffer, SPACE, row, start, { end_col = #line.text, hl_group = 'Comment' })
    end
  end
end

--- Draws the tree now. Only lines that are others are set, so that folds and the cursor stay where they are.
function M.draw(buffer)
  local view = views[buffer]
  if not view or not vim.api.nvim_buf_is_valid(buffer) then
    return
  end
  local lines = view.run.tree:lines()
  local texts = vim.tbl_map(function(line)
    return line.text
  end, lines)
  if #texts == 0 then
    texts = vim.split(view.run.said or ('… ' .. view.run.title), '\n')
  end
  local old = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  local first = 0
  while first < math.min(#old, #texts) and old[first + 1] == texts[first + 1] do
    first = first + 1
  end
  local same = 0
  while same < math.min(#old, #texts) - first and old[#old - same] == texts[#texts - same] do
    same = same + 1
  end
  local fresh = {}
  for index = first + 1, #texts - same do
    if lines[index] and lines[index].closed then
      fresh[#fresh + 1] = index
    end
  end
  view.lines = lines
  if first < #texts or #old ~= #texts then
    local follows = {}
    for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
      follows[window] = vim.api.nvim_win_get_cursor(window)[1] == #old
    end
    vim.bo[buffer].modifiable = true
    vim.api.nvim_buf_set_lines(buffer, first, #old - same, false, vim.list_slice(texts, first + 1, #texts - same))
    vim.bo[buffer].modifiable = false
    for window, last in pairs(follows) do
      if last and vim.api.nvim_get_current_win() ~= window then
        vim.api.nvim_win_set_cursor(window, { #texts, 0 })
      end
    end
  end
  colour(buffer, math.min(first, #lines), lines)
  close(buffer, fresh)
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
    local began = vim.uv.hrtime()
    M.draw(run.buffer)
    view.pause = math.max(PAUSE, 4 * (vim.uv.hrtime() - began) / 1e6)
  end, math.floor(view.pause))
end

local function here(buffer)
  local view = views[buffer]
  local line = view.lines[vim.api.nvim_win_get_cursor(0)[1]]
  return view.run, line
end

--- The window where scripts are shown: the last one, unless that is a trace as well.
local function beside()
  local window = vim.fn.win_getid(vim.fn.winnr('#'))
  if window == 0 or views[vim.api.nvim_win_get_buf(window)] then
    vim.cmd('leftabove vsplit')
  else
    vim.api.nvim_set_current_win(window)
  end
end

--- Goes to the script's line that the line under the cursor tells of.
function M.jump(buffer)
  local run, line = here(buffer)
  local path, lnum = require('llmspell.runs').place(run, line and line.site or '')
  if not path then
    vim.notify('llmspell: this line has no place in the script')
    return
  end
  beside()
  vim.cmd.edit(vim.fn.fnameescape(path))
  vim.api.nvim_win_set_cursor(0, { math.min(lnum, vim.api.nvim_buf_line_count(0)), 0 })
end

--- Shows all that is recorded of the span under the cursor.
function M.inspect(buffer)
  local run, line = here(buffer)
  local span = line and run.tree.spans[line.span]
  if not span then
    return
  end
  local texts = {}
  for _, event in ipairs(span.events) do
    vim.list_extend(texts, vim.split(vim.inspect(event), '\n'))
  end
  local from = vim.api.nvim_get_current_win()
  vim.cmd('botright new')
  local shown = vim.api.nvim_get_current_buf()
  vim.api.nvim_buf_set_lines(shown, 0, -1, false, texts)
  vim.bo[shown].buftype, vim.bo[shown].bufhidden, vim.bo[shown].swapfile = 'nofile', 'wipe', false
  vim.bo[shown].modifiable = false
  vim.bo[shown].syntax = 'lua'
  vim.keymap.set('n', 'q', function()
    vim.cmd.close()
    if vim.api.nvim_win_is_valid(from) then
      vim.api.nvim_set_current_win(from)
    end
  end, { buffer = shown, nowait = true, desc = 'Close' })
end

local KEYS = {
  ['<CR>'] = { M.jump, 'Go to the place in the script' },
  K = { M.inspect, 'Show all that is recorded of this span' },
  X = {
    function(buffer)
      require('llmspell.runs').cancel(views[buffer].run)
    end,
    'Cancel the run',
  },
  q = {
    function()
      vim.cmd.close()
    end,
    'Close',
  },
}

local function make(run)
  local buffer = vim.api.nvim_create_buf(false, true)
  run.buffer = buffer
  views[buffer] = { run = run, lines = {}, pause = PAUSE }
  pcall(vim.api.nvim_buf_set_name, buffer, ('llmspell://%d/%s'):format(buffer, run.title))
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].filetype = 'llmspelltrace'
  for key, bound in pairs(KEYS) do
    vim.keymap.set('n', key, function()
      bound[1](buffer)
    end, { buffer = buffer, nowait = true, desc = bound[2] })
  end
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buffer,
    callback = function()
      views[buffer], run.buffer = nil, nil
    end,
  })
end

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
    local options = {
      foldmethod = 'expr',
      foldexpr = "v:lua.require'llmspell.trace'.level(v:lnum)",
      foldlevel = 99,
      foldtext = 'getline(v:foldstart)',
      foldenable = true,
      fillchars = 'fold: ',
      wrap = false,
      number = false,
      relativenumber = false,
      cursorline = true,
    }
    for name, value in pairs(options) do
      vim.api.nvim_set_option_value(name, value, { scope = 'local', win = 0 })
    end
  end
  M.draw(run.buffer)
  if not focus then
    vim.api.nvim_set_current_win(from)
  end
end

return M
