-- `:checkhealth llmspell`.

local M = {}

local LEVELS = { ok = 'ok', note = 'info', warning = 'warn', error = 'error' }

function M.check()
  local health = vim.health
  health.start('llmspell.nvim')
  if vim.fn.has('nvim-0.10') == 0 then
    health.error('Neovim 0.10 or newer is needed')
    return
  end
  local settings = require('llmspell.settings')
  local mistakes = settings.mistakes()
  for _, mistake in ipairs(mistakes) do
    health.warn(mistake)
  end
  if #mistakes == 0 then
    health.ok('settings: ' .. (vim.g.llmspell and 'vim.g.llmspell' or 'the defaults; nothing has to be set'))
  end
  local program = require('llmspell.program')
  local clients = vim.lsp.get_clients({ name = 'llmspell' })
  local root = clients[1] and clients[1].root_dir or vim.fn.getcwd()
  local command = program.command(root)
  local missing = program.missing(command)
  if missing then
    health.error(missing, { 'pip install llmspell', 'vim.g.llmspell = { cmd = "/path/to/llmspell" }' })
    return
  end
  local version = vim.system(vim.list_extend(vim.list_slice(command), { '--version' }), { text = true }):wait(10000)
  if version.code ~= 0 then
    health.error(('%s does not start: %s'):format(command[1], vim.trim(version.stderr or '')))
    return
  end
  health.ok(('%s (%s)'):format(vim.trim(version.stdout), vim.fn.exepath(command[1])))
  if #clients == 0 then
    health.info('no language server is running: it starts with the first spell that is opened')
  end
  for _, client in ipairs(clients) do
    local buffers = vim.lsp.get_buffers_by_client_id and vim.lsp.get_buffers_by_client_id(client.id)
      or vim.tbl_keys(client.attached_buffers)
    health.ok(('language server %d in %s, %d buffers'):format(client.id, client.root_dir or '?', #buffers))
  end
  if require('llmspell.server').can_debug() then
    health.ok('nvim-dap is there: `:Spell debug`')
  else
    health.info('no nvim-dap: `:Spell debug` needs it (:help llmspell-debug)')
  end
  health.start('llmspell doctor')
  local done = vim.system(vim.list_extend(command, { 'doctor', '--json' }), { text = true, cwd = root }):wait(20000)
  local ok, facts = pcall(vim.json.decode, done.stdout or '')
  if not ok then
    health.error('`llmspell doctor` failed: ' .. vim.trim(done.stderr or ''))
    return
  end
  for _, fact in ipairs(facts) do
    local advice = fact.hint ~= '' and ('; ' .. fact.hint) or ''
    health[LEVELS[fact.status] or 'warn'](('%s: %s%s'):format(fact.name, fact.detail, advice))
  end
end

return M
