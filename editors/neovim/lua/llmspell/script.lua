-- The script that a command is about: which one, the buffer that holds it, its text on disk. Starts nothing.

local M = {}

--- The whole path of a file as it was typed: `~`, `%` and wildcards that match one file are understood.
function M.absolute(typed)
  local found = vim.uv.fs_stat(typed) and typed or vim.fn.expand(typed)
  local path = (found == '' or found:find('\n', 1, true)) and typed or found
  return vim.fs.normalize(vim.fn.fnamemodify(path, ':p'))
end

--- A run as `llmspell trace` takes it from any folder: a file's whole path, else the name as it was typed.
---@param typed string
function M.run(typed)
  local path = M.absolute(typed)
  local stat = typed:find('[./]') and vim.uv.fs_stat(path)
  return stat and stat.type == 'file' and path or typed
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

--- A script as the program is given it: from its root, since places are told as it was given.
---@param path string
---@param root string
function M.label(path, root)
  return vim.startswith(path, root .. '/') and path:sub(#root + 2) or path
end

--- The loaded buffer of a file, by its whole name.
---@return integer?
function M.buffer(path)
  return vim.iter(vim.api.nvim_list_bufs()):find(function(buffer)
    return vim.api.nvim_buf_is_loaded(buffer) and vim.api.nvim_buf_get_name(buffer) == path
  end)
end

--- The file or folder that is meant, and the options after it: what is named first, else the current buffer's script.
---@param arguments string[]
---@return string? path nil where it cannot be told
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

--- The same, where a folder stands for the spell in it.
function M.spell(arguments)
  local path, rest = M.meant(arguments)
  local inside = path and vim.iter({ 'spell.lua', 'spell.js' }):find(function(name)
    return vim.uv.fs_stat(vim.fs.joinpath(path, name)) ~= nil
  end)
  return inside and vim.fs.joinpath(path, inside) or path, rest
end

---@return string? problem why it could not be written
local function write(buffer)
  local ok, problem = pcall(vim.api.nvim_buf_call, buffer, function()
    vim.cmd('silent update')
  end)
  if ok and not vim.bo[buffer].modified then
    return nil
  end
  local said = ok and 'it still has changes' or require('llmspell.program').refused(problem)
  return ('%s cannot be written: %s'):format(vim.fs.basename(vim.api.nvim_buf_get_name(buffer)), said)
end

--- Writes the changes of a file's buffer, or of those of a folder's spells, for what reads the files.
---@param path string
---@return string? problem why one could not be written
function M.save(path)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    local name = vim.api.nvim_buf_get_name(buffer)
    local is_meant = name == path or vim.startswith(name, path .. '/') and require('llmspell.server').is_ours(name)
    local problem = is_meant and vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].modified and write(buffer)
    if problem then
      return problem
    end
  end
end

return M
