-- The script that a command is about: which one, the buffer that holds it, its text on disk. Starts nothing.

local M = {}

--- The whole path of a file as it was typed: `~`, `%` and wildcards that match one file are understood.
function M.absolute(typed)
  local found = vim.uv.fs_stat(typed) and typed or vim.fn.expand(typed)
  local path = (found == '' or found:find('\n', 1, true)) and typed or found
  return vim.fs.normalize(vim.fn.fnamemodify(path, ':p'))
end

--- The file of the current buffer; beside the tree of a run, that run's script.
---@return string?
function M.here()
  local trace = package.loaded['llmspell.trace']
  local run = trace and trace.run(vim.api.nvim_get_current_buf())
  if run then
    return run.file
  end
  local path = vim.api.nvim_buf_get_name(0)
  return vim.bo.buftype == '' and path ~= '' and not path:match('^%a[%w+.-]*://') and path or nil
end

--- The folder that runs and settings are looked for from.
function M.root()
  return require('llmspell.server').root(M.here() or vim.fn.getcwd() .. '/.')
end

--- The loaded buffer of a file, by its whole name.
---@return integer?
function M.buffer(path)
  return vim.iter(vim.api.nvim_list_bufs()):find(function(buffer)
    return vim.api.nvim_buf_is_loaded(buffer) and vim.api.nvim_buf_get_name(buffer) == path
  end)
end

--- The script that is meant, and the options after it: one that is named first, else the current buffer's.
---@param arguments string[]
---@return string? file nil where it cannot be told
---@return string[]|string rest the options, or why it cannot be told
function M.meant(arguments)
  local first = arguments[1]
  if first and not vim.startswith(first, '-') then
    local path = M.absolute(first)
    if not vim.uv.fs_stat(path) and not M.buffer(path) then
      return nil, ('there is no file %q'):format(first)
    end
    return path, vim.list_slice(arguments, 2)
  end
  local file = M.here()
  if not file then
    return nil, 'which spell? open one, or name its file'
  end
  if not require('llmspell.server').is_script(file) then
    return nil, ('%s is no spell: those are Lua and JavaScript files'):format(vim.fs.basename(file))
  end
  return file, arguments
end

--- Writes a file's buffer if it has changes, for what reads the file.
---@return string? problem why it could not be written
function M.save(path)
  local buffer = M.buffer(path)
  if not buffer or not vim.bo[buffer].modified then
    return nil
  end
  local ok, problem = pcall(vim.api.nvim_buf_call, buffer, function()
    vim.cmd('silent update')
  end)
  if ok and not vim.bo[buffer].modified then
    return nil
  end
  local said = not ok and vim.split(tostring(problem), '\n')[1]:match('E%d+:.*') or 'it still has changes'
  return ('%s cannot be written: %s'):format(vim.fs.basename(path), said)
end

return M
