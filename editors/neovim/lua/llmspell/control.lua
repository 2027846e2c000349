-- Runs that are under way, as a person has them: paused, let go on, a call approved, ended. Says it to the run through
-- `llmspell trace`, and tells when one waits for somebody. Starts no run and opens no window.

local program = require('llmspell.program')
local script = require('llmspell.script')

local M = {}

--- What can be said to a run, as `llmspell trace` has it.
M.WORDS = { 'approve', 'cancel', 'pause', 'resume', 'step' }

--- Milliseconds after which a run that waits does wait for somebody: a replay waits where the recorded run did, and goes
--- on by itself.
local MOMENT = 200

--- Whether a run is under way, as far as it is known here.
---@param run llmspell.Run
local function live(run)
  return run.process ~= nil or run.status == 'running'
end

--- The run that is meant where none is named: the one that is looked at, else one that is under way: of the buffer's
--- spell, in a tree beside it, or the newest that was started here.
---@return llmspell.Run?
local function meant()
  local trace = require('llmspell.trace')
  local under_way = require('llmspell.runs').under_way()
  local buffer = vim.api.nvim_get_current_buf()
  if trace.run(buffer) then
    return trace.run(buffer)
  end
  local shown = vim.tbl_map(function(window)
    return trace.run(vim.api.nvim_win_get_buf(window)) or false
  end, vim.api.nvim_tabpage_list_wins(0))
  return vim.iter(under_way):find(function(run)
    return run.file == vim.api.nvim_buf_get_name(buffer)
  end) or vim.iter(shown):find(function(run)
    return run and live(run)
  end) or under_way[1]
end

---@param root string
---@param words string[] after `llmspell trace`
---@param on_answer fun(line: string)?
local function say(root, words, on_answer)
  program.start(vim.list_extend({ 'trace' }, words), {
    cwd = root,
    on_line = on_answer,
    on_exit = function(code, said)
      if code ~= 0 then
        program.tell(program.reason(said), vim.log.levels.WARN)
      end
    end,
  })
end

--- Says a word to a run; its events tell what comes of it.
---@param word string one of `WORDS`
---@param run llmspell.Run
---@param options string[]? of `llmspell trace WORD`
function M.give(word, run, options)
  if not live(run) then
    return program.tell('this run has ended')
  end
  local is_heard = run.target and run.status == 'running'
  if not is_heard and word ~= 'cancel' then
    return program.tell('this run has not begun yet')
  elseif not is_heard then
    run.process:kill('sigterm')
    return
  end
  say(run.root, vim.list_extend({ word, run.target }, options or {}))
end

--- `:Spell WORD [RUN] [OPTIONS]`.
---@param word string one of `WORDS`
---@param named string? a run; else the one that is meant
---@param options string[]
function M.command(word, named, options)
  if named then
    say(script.root(), vim.list_extend({ word, named }, options), function(line)
      program.tell(('run %s: %s'):format(named, line))
    end)
    return
  end
  local run = meant()
  if not run then
    return program.tell(('no run is under way here; `:Spell %s RUN` names another'):format(word))
  end
  M.give(word, run, options)
end

--- Pauses a run, or lets a paused one go on.
---@param run llmspell.Run
function M.toggle(run)
  M.give(run.tree.paused and 'resume' or 'pause', run)
end

--- A run that was started here has told of an event: a person is told that it waits for them.
---@param run llmspell.Run
---@param event table
function M.heard(run, event)
  local told
  if event.kind == 'paused' and vim.startswith(event.data.reason or '', 'breakpoint') then
    told = ('paused: %s (:Spell resume, :Spell step)'):format(event.data.reason)
  elseif event.kind == 'approval_asked' then
    told = ('%s waits for approval (:Spell approve, :Spell approve --deny)'):format(event.name)
  end
  if not told or not run.started_here then
    return
  end
  vim.defer_fn(function()
    if run.tree.paused == event or run.tree.asks[event.span] == event then
      program.tell(('%s: %s'):format(event.site ~= '' and event.site or vim.fs.basename(run.file), told))
    end
  end, MOMENT)
end

return M
