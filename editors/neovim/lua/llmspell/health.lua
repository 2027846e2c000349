-- `:checkhealth llmspell`: what works, and of what does not, what to do about it. Changes nothing.

local M = {}

local LEVELS = { ok = 'ok', note = 'info', warning = 'warn', error = 'error' }
--- Milliseconds that a program may take to answer.
local PATIENCE = 20000
--- Servers of Lua and JavaScript -> the file by which they know llmspell's API.
local OTHERS = {
  lua_ls = '.luarc.json',
  ['lua-language-server'] = '.luarc.json',
  emmylua_ls = '.luarc.json',
  ts_ls = 'jsconfig.json',
  tsserver = 'jsconfig.json',
  vtsls = 'jsconfig.json',
  tsgo = 'jsconfig.json',
}

local function settings()
  local mistakes = require('llmspell.settings').mistakes()
  for _, mistake in ipairs(mistakes) do
    vim.health.warn(mistake, { 'correct it; until then the default counts. :help llmspell-settings' })
  end
  if #mistakes == 0 then
    vim.health.ok('settings: ' .. (vim.g.llmspell and 'vim.g.llmspell' or 'the defaults; nothing has to be set'))
  end
end

--- The end of a program: its code, what it said; as a failed one where it cannot be started or does not end.
local function finished(command, cwd)
  local started, process = pcall(vim.system, command, { text = true, cwd = cwd })
  if not started then
    return { code = -1, stdout = '', stderr = require('llmspell.program').refused(process) }
  end
  local done = process:wait(PATIENCE)
  if done.code == 124 and done.signal ~= 0 then
    done.stderr = ('it gave no answer for %d s'):format(PATIENCE / 1000)
  end
  return done
end

---@return boolean whether it can be used
local function version(command)
  local missing = require('llmspell.program').missing(command)
  if missing then
    vim.health.error(missing, {
      'install it: pip install llmspell',
      'start Neovim from the Python environment that has it, so that $VIRTUAL_ENV or $PATH names it',
      'or name it: vim.g.llmspell = { cmd = "/path/to/llmspell" }',
    })
    return false
  end
  local done = finished(vim.list_extend(vim.list_slice(command), { '--version' }))
  if done.code ~= 0 then
    local said = vim.trim(done.stderr or '')
    vim.health.error(('%s does not start: %s'):format(command[1], said ~= '' and said or 'exit ' .. done.code), {
      ('see what `%s --version` says in a terminal'):format(table.concat(command, ' ')),
      'install it anew: pip install --force-reinstall llmspell',
    })
    return false
  end
  local name = ('%s (%s)'):format(vim.trim(done.stdout), vim.fn.exepath(command[1]))
  if finished(vim.list_extend(vim.list_slice(command), { 'lsp', '--help' })).code ~= 0 then
    vim.health.error(name .. ' has no language server: it is older than this plugin, or another program of that name', {
      'install the newest: pip install --upgrade llmspell',
      'or name it: vim.g.llmspell = { cmd = "/path/to/llmspell" }',
    })
    return false
  end
  vim.health.ok(name)
  return true
end

local function servers(clients)
  if #clients == 0 then
    vim.health.info('no language server is running: it starts with the first spell that is opened. :help llmspell-server')
  end
  for _, client in ipairs(clients) do
    local buffers = vim.tbl_keys(client.attached_buffers)
    vim.health.ok(('language server %d in %s, buffers: %d'):format(client.id, client.root_dir or '?', #buffers))
    for _, buffer in ipairs(buffers) do
      for _, other in ipairs(vim.lsp.get_clients({ bufnr = buffer })) do
        local file = OTHERS[other.name]
        if file and not vim.uv.fs_stat(vim.fs.joinpath(client.root_dir or '.', file)) then
          vim.health.warn(('%s is attached to spells too, and knows nothing of their API'):format(other.name), {
            ('run `llmspell init --stubs` in %s: it writes %s and what that names'):format(client.root_dir or '.', file),
            ':help llmspell-stubs',
          })
        end
      end
    end
  end
end

local function debugger()
  if require('llmspell.server').can_debug() then
    vim.health.ok('nvim-dap is there: `:Spell debug`')
  else
    vim.health.info('no nvim-dap: `:Spell debug` needs that plugin. :help llmspell-debug')
  end
end

local function doctor(command, root)
  vim.health.start('llmspell doctor')
  local done = finished(vim.list_extend(command, { 'doctor', '--json' }), root)
  local ok, facts = pcall(vim.json.decode, done.stdout or '')
  if not ok then
    vim.health.error('`llmspell doctor` failed: ' .. vim.trim(done.stderr or ''), { 'see what it says in a terminal' })
    return
  end
  for _, fact in ipairs(facts) do
    local level = LEVELS[fact.status] or 'warn'
    local told = ('%s: %s'):format(fact.name, fact.detail)
    if fact.hint == '' then
      vim.health[level](told)
    elseif level == 'ok' or level == 'info' then
      vim.health[level](told .. '; ' .. fact.hint)
    else
      vim.health[level](told, { fact.hint })
    end
  end
end

function M.check()
  if vim.fn.has('nvim-0.10') == 0 then
    -- `vim.health` is not there, or has other names.
    vim.fn['health#report_start']('llmspell.nvim')
    vim.fn['health#report_error']('Neovim 0.10 or newer is needed', { ':help llmspell-older tells what works before' })
    return
  end
  vim.health.start('llmspell.nvim')
  settings()
  local clients = vim.lsp.get_clients({ name = 'llmspell' })
  local root = clients[1] and clients[1].root_dir or require('llmspell.script').root()
  local command = require('llmspell.program').command(root)
  local works = version(command)
  servers(clients)
  debugger()
  if works then
    doctor(command, root)
  end
end

return M
