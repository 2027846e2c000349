-- Runs: those that a person started from here and those that are looked at. Events come from `llmspell trace follow`.
-- Starts nothing by itself.

local program = require('llmspell.program')
local script = require('llmspell.script')
local server = require('llmspell.server')
local Tree = require('llmspell.tree')

local M = {}

---@class llmspell.Run
---@field title string
---@field file string? the script
---@field root string the folder that the programs run in
---@field target string? what `llmspell trace` knows it by: an id or a file
---@field status string starting, running, then as `llmspell trace list` says it
---@field tree llmspell.Tree
---@field base string what the places of its events count from
---@field process vim.SystemObj? of a run that was started here
---@field said string? what there is to read where no event came
---@field started_here boolean?

--- Milliseconds between looks for the run of a process that has just been started, and after which each takes longer.
local LOOK = 120

---@type llmspell.Run? that was started here
local newest
--- The newest run of a script that was started here.
---@type table<string, llmspell.Run>
local by_file = {}

local function trace()
  return require('llmspell.trace')
end

--- Tells of the error that ended a run, and what to do about it.
local function told(run, failures)
  for _, failure in ipairs(failures) do
    if failure.fatal then
      local remedy = failure.type == 'no_answer' and '`:Spell! run` runs it in a terminal, where it can ask' or failure.hint
      local hint = remedy ~= '' and (' (%s)'):format(remedy) or ''
      program.tell(('%s: %s%s'):format(vim.fs.basename(run.file), failure.message, hint), vim.log.levels.ERROR)
    end
  end
end

local function ended(run, status)
  run.status = status
  run.process = nil
  trace().changed(run)
  vim.cmd.redrawstatus({ bang = true })
  local failures = run.tree:failures()
  if run.started_here and #failures > 0 then
    require('llmspell.quickfix').failures(run, failures)
    told(run, failures)
  end
  vim.api.nvim_exec_autocmds('User', {
    pattern = 'LlmspellRunEnded',
    data = { run = run.target, file = run.file, status = status },
  })
end

local function follow(run)
  run.status = 'running'
  run.follower = program.start({ 'trace', 'follow', run.target, '--json' }, {
    cwd = run.root,
    on_line = function(line)
      local ok, event = pcall(vim.json.decode, line, { luanil = { object = true, array = true } })
      if ok and type(event) == 'table' and event.seq then
        run.tree:add(event)
        trace().changed(run)
      end
    end,
    on_exit = function(code, said)
      run.follower = nil
      if code ~= 0 and run.tree.seq == 0 then
        run.said = program.reason(said)
      end
      ended(run, run.tree.status == 'running' and 'lost' or run.tree.status)
    end,
  })
end

--- The folder before the label of a script: the places of events are written from there.
local function base_of(meta)
  local spell, label = meta.spell or '', meta.label or ''
  if label ~= '' and spell:sub(-#label) == label then
    return spell:sub(1, -#label - 1)
  end
  return vim.fs.dirname(spell) .. '/'
end

local function identified(run, meta)
  run.target = meta.id
  run.base = base_of(meta)
  follow(run)
end

--- Looks for the stored run of a process: by its number, or, behind a wrapper, by its script and time.
local function look(run, again)
  program.ask({ 'trace', 'list', '--json', '-n', '10' }, run.root, function(list)
    local found
    for _, meta in ipairs(type(list) == 'table' and list or {}) do
      -- Numbers of processes come again.
      if (meta.started or 0) >= run.begun then
        if meta.pid == run.pid then
          found = meta
          break
        elseif meta.spell == run.file then
          found = found or meta
        end
      end
    end
    if found then
      identified(run, found)
    elseif again and run.process then
      vim.defer_fn(function()
        look(run, true)
      end, LOOK)
    elseif again then
      look(run, false)
    else
      run.said = run.said or 'the run left no trace; `:Spell log` has what it said'
      ended(run, 'error')
      program.tell(run.said, vim.log.levels.ERROR)
    end
  end)
end

--- Starts `llmspell run` and shows its tree.
---@param words string[] of its command line
---@return llmspell.Run?
local function begin(title, file, root, words)
  local seconds, microseconds = vim.uv.gettimeofday()
  local run = {
    title = title,
    file = file,
    root = root,
    status = 'starting',
    tree = Tree.new(),
    base = '',
    begun = seconds * 1000 + microseconds / 1000,
    started_here = true,
  }
  run.process = program.start(vim.list_extend({ 'run' }, words), {
    cwd = root,
    on_exit = function(code, said)
      run.process = nil
      if code ~= 0 then
        run.said = program.reason(said)
      end
    end,
  })
  if not run.process then
    return nil
  end
  run.pid = run.process.pid
  newest = run
  by_file[file] = run
  trace().open(run, false)
  look(run, true)
  return run
end

--- Runs a spell, as it is in its buffer if it is open.
---@param file string
---@param arguments string[]? after the file
---@return llmspell.Run?
function M.start(file, arguments)
  local path = script.absolute(file)
  local problem = script.save(path)
  if problem then
    program.tell(problem, vim.log.levels.ERROR)
    return nil
  end
  local root = server.root(path)
  -- Places of events are written as the file was: from the root, where they can be read.
  local words = { vim.startswith(path, root .. '/') and path:sub(#root + 2) or path }
  vim.list_extend(words, require('llmspell.settings').get('run'))
  return begin('run ' .. vim.fs.basename(path), path, root, vim.list_extend(words, arguments or {}))
end

--- Repeats a run from its recording.
---@param target string beginning of an id, `last`, or a file of a run
---@param arguments string[]
function M.replay(target, arguments)
  local root = script.root()
  program.ask({ 'trace', 'show', target, '--json' }, root, function(meta, said)
    if type(meta) ~= 'table' or not meta.id then
      program.tell(program.reason(said), vim.log.levels.ERROR)
      return
    end
    local file = meta.spell or target
    begin('replay ' .. vim.fs.basename(file), file, root, vim.list_extend({ '--replay', target }, arguments))
  end)
end

--- Shows a stored or live run.
---@param target string beginning of an id, `last`, or a file of a run
function M.show(target)
  local root = script.root()
  program.ask({ 'trace', 'show', target, '--json' }, root, function(meta, said)
    if type(meta) ~= 'table' or not meta.id then
      program.tell(program.reason(said), vim.log.levels.ERROR)
      return
    end
    local run = {
      title = 'trace ' .. vim.fs.basename(target),
      file = meta.spell,
      root = root,
      target = target == 'last' and meta.id or target,
      status = 'starting',
      tree = Tree.new(),
      base = base_of(meta),
    }
    trace().open(run, true)
    follow(run)
  end)
end

--- Reads a run without showing it.
---@param on_run fun(run: llmspell.Run?)
function M.read(target, root, on_run)
  program.ask({ 'trace', 'show', target, '--json' }, root, function(meta, said)
    if type(meta) ~= 'table' or not meta.id then
      program.tell(program.reason(said), vim.log.levels.ERROR)
      return on_run(nil)
    end
    local run = { tree = Tree.new(), base = base_of(meta), target = meta.id, file = meta.spell, root = root }
    program.start({ 'trace', 'follow', target == 'last' and meta.id or target, '--json' }, {
      cwd = root,
      on_line = function(line)
        run.tree:add(vim.json.decode(line, { luanil = { object = true, array = true } }))
      end,
      on_exit = function()
        on_run(run)
      end,
    })
  end)
end

--- Ends a live run in order: its events say that it was cancelled.
function M.cancel(run)
  if not run.target or run.status ~= 'running' then
    if run.process then
      run.process:kill('sigterm')
    else
      program.tell('this run has ended')
    end
    return
  end
  program.start({ 'trace', 'cancel', run.target, '--reason', 'cancelled in Neovim' }, {
    cwd = run.root,
    on_exit = function(code, said)
      if code ~= 0 then
        program.tell(program.reason(said), vim.log.levels.WARN)
      end
    end,
  })
end

--- The file and line of a place as events have it.
---@return string? path, integer? line
function M.place(run, site)
  local path, line = site:match('^(.*):(%d+)$')
  if not path then
    return nil
  end
  return vim.startswith(path, '/') and path or vim.fs.normalize(run.base .. path), tonumber(line)
end

--- The newest run of a buffer's file that was started here.
---@return llmspell.Run?
function M.of_buffer(buffer)
  return by_file[vim.api.nvim_buf_get_name(buffer)]
end

--- The newest run that was started here.
---@return llmspell.Run?
function M.newest()
  return newest
end

return M
