-- The quickfix list, from what `llmspell validate` finds and from what a run failed at.

local program = require('llmspell.program')

local M = {}

local TYPES = { error = 'E', warning = 'W', information = 'I', hint = 'N' }

local function set(title, items)
  vim.fn.setqflist({}, ' ', { title = title, items = items })
end

--- Gives the column of a file's line in bytes, as the list counts, for one in characters, as the checks do.
local function in_bytes()
  local texts = {}
  return function(file, line, column)
    if not column or column < 2 then
      return column
    end
    texts[file] = texts[file] or vim.fn.readfile(file)
    return vim.fn.byteidxcomp(texts[file][line] or '', column - 1) + 1
  end
end

--- Checks a file or a folder, and opens the list if anything was found.
---@param path string
---@param root string where the program runs
function M.validate(path, root)
  local arguments = { 'validate', '--format', 'json', path }
  program.ask(arguments, root, function(findings, said)
    if type(findings) ~= 'table' then
      program.tell(program.reason(said), vim.log.levels.ERROR)
      return
    end
    local bytes = in_bytes()
    local items = vim.tbl_map(function(found)
      local file = vim.startswith(found.file, '/') and found.file or vim.fs.joinpath(root, found.file)
      return {
        filename = file,
        lnum = found.line,
        col = bytes(file, found.line, found.column),
        end_lnum = found.end_line,
        end_col = bytes(file, found.end_line, found.end_column),
        type = TYPES[found.severity],
        text = ('%s [%s]'):format(found.message, found.code),
      }
    end, findings)
    set('llmspell validate ' .. path, items)
    if #items == 0 then
      vim.cmd('cclose')
      program.tell('nothing found in ' .. path)
    else
      vim.cmd('botright copen')
    end
  end)
end

--- The list of a run's errors with the callers that led there. Opens nothing.
---@return integer how many errors
function M.failures(run, failures)
  local places = require('llmspell.places')
  local items = {}
  for _, failure in ipairs(failures) do
    local path, line = places.of(run, failure.source)
    local hint = failure.hint ~= '' and (' (%s)'):format(failure.hint) or ''
    items[#items + 1] = {
      filename = path,
      lnum = line,
      type = failure.fatal and 'E' or 'W',
      text = failure.message .. hint,
    }
    for _, frame in ipairs(failure.stack) do
      local site, what = frame:match('^(.-:%d+):? ?(.*)$')
      local where, row = places.of(run, site or '')
      if where and not (where == path and row == line) then
        items[#items + 1] = { filename = where, lnum = row, type = 'I', text = 'from here ' .. what }
      end
    end
  end
  set('llmspell run ' .. (run.target or ''), items)
  return #failures
end

--- Lists the errors of a stored run.
---@param target string
function M.of_run(target, root)
  require('llmspell.runs').read(target, root, function(run)
    if M.failures(run, run.tree:failures()) == 0 then
      vim.cmd('cclose')
      program.tell('no errors in run ' .. run.target)
    else
      vim.cmd('botright copen')
    end
  end)
end

return M
