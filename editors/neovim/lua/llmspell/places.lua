-- From a run to its script: which line a place is, and in which window that is shown.

local program = require('llmspell.program')

local M = {}

--- The file and line of a place as events have it.
---@return string? path, integer? line
function M.of(run, site)
  local path, line = site:match('^(.*):(%d+)$')
  if not path then
    return nil
  end
  return vim.startswith(path, '/') and path or vim.fs.normalize(run.base .. path), tonumber(line)
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
    local path, lnum = M.of(run, site)
    if path then
      return path, lnum
    end
  end
end

--- Goes to the script's line that a line of a run's tree tells of.
---@param run llmspell.Run
---@param line llmspell.Line?
function M.jump(run, line)
  local path, lnum = place_of(run, line)
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

return M
