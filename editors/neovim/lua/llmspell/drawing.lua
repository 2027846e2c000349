-- The lines of a tree in a buffer: those that are others are set, coloured and folded. Knows no run and opens no window.

local M = {}

local SPACE = vim.api.nvim_create_namespace('llmspell.trace')

local COLOURS = { ok = 'DiagnosticOk', running = 'DiagnosticInfo', cancelled = 'DiagnosticWarn' }

--- A line that is no more than its text.
---@return llmspell.Line
function M.plain(text)
  return { text = text, depth = 0, span = 0, sums = '', place = '', site = '', opens = false, closed = false, status = '' }
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

--- Colours a line, and puts its time, tokens and place at the right edge: those are no part of its text.
local function decorate(buffer, row, line)
  local start = #line.text:match('^%s*')
  local mark
  if line.status ~= '' then
    local sign = line.text:match('^[%z\1-\127\194-\244][\128-\191]*', start + 1) or ''
    mark = { end_col = start + #sign, hl_group = COLOURS[line.status] or 'DiagnosticError' }
  elseif line.text:sub(start + 1, start + 3) ~= '›' then
    mark = { end_col = #line.text, hl_group = 'Comment' }
  else
    return
  end
  if line.sums ~= '' then
    local place = line.place ~= '' and line.place .. ' ' or ''
    mark.virt_text = { { ' ' .. place .. line.sums .. ' ', 'Comment' } }
    mark.virt_text_pos = 'right_align'
    mark.hl_mode = 'combine'
  end
  vim.api.nvim_buf_set_extmark(buffer, SPACE, row, start, mark)
end

local function texts(lines)
  return vim.tbl_map(function(line)
    return line.text
  end, lines)
end

---@class llmspell.Hunk
---@field old integer the first line that goes, or before which lines come
---@field gone integer how many lines go
---@field new integer the first line that comes
---@field come integer how many lines come

--- Where the lines are others, from the first to the last.
---@return llmspell.Hunk[]
local function hunks(old, new)
  local shorter = math.min(#old, #new)
  local head, tail = 0, 0
  while head < shorter and old[head + 1].text == new[head + 1].text do
    head = head + 1
  end
  while tail < shorter - head and old[#old - tail].text == new[#new - tail].text do
    tail = tail + 1
  end
  local gone, come = #old - tail - head, #new - tail - head
  if gone == 0 or come == 0 then
    return gone + come > 0 and { { old = head + 1, gone = gone, new = head + 1, come = come } } or {}
  end
  local diff = vim.text and vim.text.diff or vim.diff
  local before = table.concat(texts(vim.list_slice(old, head + 1, #old - tail)), '\n') .. '\n'
  local after = table.concat(texts(vim.list_slice(new, head + 1, #new - tail)), '\n') .. '\n'
  return vim.tbl_map(function(each)
    -- Where none go, or come, the line before is meant.
    return {
      old = head + each[1] + (each[2] == 0 and 1 or 0),
      gone = each[2],
      new = head + each[3] + (each[4] == 0 and 1 or 0),
      come = each[4],
    }
  end, diff(before, after, { result_type = 'indices' }))
end

--- Puts lines in the place of others. A line that is only another in its place keeps its fold, which it would lose if
--- it went and came back: Neovim 0.10 then opens all that lies in it.
---@param fresh string[]
local function replace(buffer, hunk, fresh)
  local both = math.min(hunk.gone, hunk.come)
  if both > 0 then
    vim.fn.setbufline(buffer, hunk.new, vim.list_slice(fresh, 1, both))
  end
  if hunk.come > both then
    vim.fn.appendbufline(buffer, hunk.new + both - 1, vim.list_slice(fresh, both + 1))
  elseif hunk.gone > both then
    vim.fn.deletebufline(buffer, hunk.new + both, hunk.new + hunk.gone - 1)
  end
end

--- The windows whose cursor is on the last line: they follow it.
local function following(buffer, old)
  -- Where somebody opens a tree to read it, it begins at its first line, which is the last as long as there is no other.
  local unread = #old == 1 and vim.api.nvim_get_current_win()
  return vim.tbl_filter(function(window)
    return window ~= unread and vim.api.nvim_win_get_cursor(window)[1] == #old
  end, vim.fn.win_findbuf(buffer))
end

--- Sets the lines that are others.
local function write(buffer, new, changes)
  vim.bo[buffer].modifiable = true
  -- From the top: 'foldexpr' is asked at each change, and knows lines by their numbers in the end.
  for _, each in ipairs(changes) do
    replace(buffer, each, texts(vim.list_slice(new, each.new, each.new + each.come - 1)))
  end
  vim.bo[buffer].modifiable = false
end

--- Colours the lines that are others, or whose times are; gives those whose folds are to be closed.
local function colour(buffer, old, new, changes)
  local closed = {}
  local at, shift = 1, 0
  local function kept(last)
    while at <= last do
      local before, line = old[at - shift], new[at]
      if before ~= line and (before.sums ~= line.sums or before.status ~= line.status) then
        vim.api.nvim_buf_clear_namespace(buffer, SPACE, at - 1, at)
        decorate(buffer, at - 1, line)
      end
      at = at + 1
    end
  end
  for _, each in ipairs(changes) do
    kept(each.new - 1)
    -- Marks of lines that are gone end up on the line after them.
    local last = math.min(each.new + each.come, #new)
    vim.api.nvim_buf_clear_namespace(buffer, SPACE, each.new - 1, last)
    for index = each.new, last do
      decorate(buffer, index - 1, new[index])
      if new[index].closed and index < each.new + each.come then
        closed[#closed + 1] = index
      end
    end
    at, shift = each.new + each.come, shift + each.come - each.gone
  end
  kept(#new)
  return closed
end

--- Makes a buffer's lines the new ones. Only those that are others are set, so that folds and cursors stay where they are.
---@param buffer integer
---@param old llmspell.Line[] as they are in the buffer
---@param new llmspell.Line[]
function M.set(buffer, old, new)
  local changes = hunks(old, new)
  local follows = following(buffer, old)
  write(buffer, new, changes)
  close(buffer, colour(buffer, old, new, changes))
  if #changes > 0 then
    for _, window in ipairs(follows) do
      vim.api.nvim_win_set_cursor(window, { #new, 0 })
    end
  end
end

return M
