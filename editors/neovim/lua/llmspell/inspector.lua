-- All that is recorded of a span, in a window of its own. Knows no tree.

local figures = require('llmspell.figures')

local M = {}

--- Closes the current window, or empties the only one.
function M.leave()
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

--- Shows all that is recorded of a span.
function M.inspect(span)
  local from = vim.api.nvim_get_current_win()
  vim.cmd('botright new')
  local shown = vim.api.nvim_get_current_buf()
  vim.api.nvim_buf_set_lines(shown, 0, -1, false, recorded(span, vim.api.nvim_win_get_width(0) - 4))
  vim.bo[shown].buftype, vim.bo[shown].bufhidden, vim.bo[shown].swapfile = 'nofile', 'wipe', false
  vim.bo[shown].modifiable = false
  vim.bo[shown].syntax = 'yaml'
  pcall(vim.api.nvim_buf_set_name, shown, ('llmspell://%d/%s %s'):format(shown, span.kind, span.name))
  vim.keymap.set('n', 'q', function()
    M.leave()
    if vim.api.nvim_win_is_valid(from) then
      vim.api.nvim_set_current_win(from)
    end
  end, { buffer = shown, nowait = true, desc = 'Close' })
end

return M
