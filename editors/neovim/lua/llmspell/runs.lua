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
---@field started_here boolean? and of such a run:
---@field printed string[]? what it printed before its trace was found
---@field code integer? that its process ended with
---@field complaint string? what it said on stderr

--- Milliseconds between looks for the run of a process that has just been started, and after which each takes longer.
local LOOK = 120

---@type llmspell.Run? that was started here
local newest
--- Those that were started here and have not ended, the newest first.
---@type llmspell.Run[]
local under_way = {}
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
      local remedy = failure.type == 'no_answer' and '`:Spell! run` has a terminal to ask in' or failure.hint
      local hint = remedy ~= '' and (' (%s)'):format(remedy) or ''
      program.tell(('%s: %s%s'):format(vim.fs.basename(run.file), failure.message, hint), vim.log.levels.ERROR)
    end
  end
end

local function ended(run, status)
  run.status = status
  run.process = nil
  under_way = vim.tbl_filter(function(each)
    return each ~= run
  end, under_way)
  trace().show(run)
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

--- An event as `llmspell trace follow` tells it; nil for a line that is none.
local function event_of(line)
  local ok, event = pcall(vim.json.decode, line, { luanil = { object = true, array = true } })
  return ok and type(event) == 'table' and event.seq and event or nil
end

local function follow(run)
  run.status = 'running'
  run.follower = program.start({ 'trace', 'follow', run.target, '--json' }, {
    cwd = run.root,
    on_line = function(line)
      local event = event_of(line)
      if event then
        run.tree:add(event)
        trace().changed(run)
        require('llmspell.control').heard(run, event)
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
  run.printed = {}
  follow(run)
end

--- A run has ended that left no trace: it was refused, or there was no place to record it.
local function untraced(run)
  local has_failed = run.code ~= 0
  run.said = vim.trim(table.concat(run.printed, '\n') .. '\n' .. run.complaint)
  ended(run, has_failed and 'error' or 'ok')
  local why = has_failed and program.reason(run.complaint) or 'the run left no trace; `:Spell log` tells why'
  program.tell(why, has_failed and vim.log.levels.ERROR or vim.log.levels.WARN)
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
      untraced(run)
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
    printed = {},
  }
  run.process = program.start(vim.list_extend({ 'run' }, words), {
    cwd = root,
    on_line = function(line)
      -- Its events tell what it prints, as soon as there are any.
      run.printed[#run.printed + 1] = not run.target and line or nil
    end,
    on_exit = function(code, said)
      run.process, run.code, run.complaint = nil, code, said
    end,
  })
  if not run.process then
    return nil
  end
  run.pid = run.process.pid
  newest = run
  by_file[file] = run
  table.insert(under_way, 1, run)
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
  local words = { script.label(path, root) }
  vim.list_extend(words, require('llmspell.settings').get('run'))
  return begin('run ' .. vim.fs.basename(path), path, root, vim.list_extend(words, arguments or {}))
end

--- Finds a stored run; where there is none the person is told.
---@param target string beginning of an id, `last`, or a file of a run
---@param on_meta fun(meta: table)
local function find(target, root, on_meta)
  program.ask({ 'trace', 'show', target, '--json' }, root, function(meta, said)
    if type(meta) == 'table' and meta.id then
      on_meta(meta)
    else
      program.tell(program.reason(said), vim.log.levels.ERROR)
    end
  end)
end

--- Repeats a run from its recording.
---@param target string beginning of an id, `last`, or a file of a run
---@param arguments string[]
function M.replay(target, arguments)
  local root = script.root()
  find(target, root, function(meta)
    local file = meta.spell or target
    begin('replay ' .. vim.fs.basename(file), file, root, vim.list_extend({ '--replay', target }, arguments))
  end)
end

--- Shows a stored or live run.
---@param target string beginning of an id, `last`, or a file of a run
function M.show(target)
  local root = script.root()
  find(target, root, function(meta)
    -- What is last will be another.
    local named = target == 'last' and meta.id or target
    local run = {
      title = 'trace ' .. vim.fs.basename(named),
      file = meta.spell,
      root = root,
      target = named,
      status = 'starting',
      tree = Tree.new(),
      base = base_of(meta),
    }
    trace().open(run, true)
    follow(run)
  end)
end

--- Reads a run without showing it.
---@param on_run fun(run: llmspell.Run)
function M.read(target, root, on_run)
  find(target, root, function(meta)
    local run = { tree = Tree.new(), base = base_of(meta), target = meta.id, file = meta.spell, root = root }
    program.start({ 'trace', 'follow', target == 'last' and meta.id or target, '--json' }, {
      cwd = root,
      on_line = function(line)
        local event = event_of(line)
        if event then
          run.tree:add(event)
        end
      end,
      on_exit = function()
        on_run(run)
      end,
    })
  end)
end

--- The newest run of a buffer's file that was started here.
---@return llmspell.Run?
function M.of_buffer(buffer)
  return by_file[vim.api.nvim_buf_get_name(buffer)]
end

--- The runs that were started here and have not ended, the newest first.
---@return llmspell.Run[]
function M.under_way()
  return vim.list_slice(under_way)
end

--- The newest run that was started here.
---@return llmspell.Run?
function M.newest()
  return newest
end

return M
