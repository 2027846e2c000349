-- The language server: which files are its own, how it is started, and its code lenses. Starts no spell.

local program = require('llmspell.program')
local settings = require('llmspell.settings')

local M = {}

M.NAME = 'llmspell'

local FILETYPES = { 'lua', 'javascript', 'toml', 'json', 'jsonc' }
local SCRIPTS = { lua = true, js = true, mjs = true, cjs = true }

--- Whether a file's name is that of a script that could be a spell.
function M.is_script(path)
  return SCRIPTS[path:match('%.(%w+)$') or ''] == true
end

--- A script is taken for a spell by what lies around it: settings, replies, or its own name. Other Lua and JavaScript
--- files are left alone.
function M.is_ours(path)
  local name = vim.fs.basename(path)
  if name == 'llmspell.toml' or name == 'replies.json' then
    return true
  end
  if not M.is_script(name) then
    return false
  end
  local attach = settings.get('attach')
  if attach == true or (type(attach) == 'function' and attach(path)) then
    return true
  end
  if name:match('^spell%.%w+$') or name:match('%.spell%.%w+$') then
    return true
  end
  local folder = vim.fs.dirname(path)
  return vim.fs.find('llmspell.toml', { path = folder, upward = true })[1] ~= nil
    or vim.uv.fs_stat(vim.fs.joinpath(folder, 'replies.json')) ~= nil
end

--- The folder that a spell's settings, relative paths and runs count from. It exists, though the file's own may not yet.
---@param path string
function M.root(path)
  local folder = vim.fs.dirname(path)
  while not vim.uv.fs_stat(folder) and folder ~= vim.fs.dirname(folder) do
    folder = vim.fs.dirname(folder)
  end
  local found = vim.fs.find({ 'llmspell.toml' }, { path = folder, upward = true })[1]
    or vim.fs.find({ '.git' }, { path = folder, upward = true })[1]
  return found and vim.fs.dirname(found) or folder
end

--- The commands of lenses; each is given the path of a file. Nothing calls them but the person.
local COMMANDS = {
  ['llmspell.run'] = function(command)
    require('llmspell.runs').start(command.arguments[1])
  end,
  ['llmspell.debug'] = function(command)
    require('llmspell.debug').start(command.arguments[1])
  end,
  ['llmspell.openTrace'] = function(command)
    require('llmspell.runs').show(command.arguments[1])
  end,
}

--- Whether nvim-dap is there, or would be loaded when it is asked for.
function M.can_debug()
  if package.loaded.dap or #vim.api.nvim_get_runtime_file('lua/dap.lua', false) > 0 then
    return true
  end
  local lazy = package.loaded['lazy.core.config']
  return lazy ~= nil and (lazy.plugins or {})['nvim-dap'] ~= nil
end

--- The lenses that are wanted: Debug only where there is something to debug with.
local function lens_commands()
  return vim.tbl_filter(function(name)
    return name ~= 'llmspell.debug' or M.can_debug()
  end, vim.tbl_keys(COMMANDS))
end

--- Whether there is a program to start; the person is told once that there is none.
local function available(root)
  local missing = program.missing(program.command(root))
  if missing and not M.told then
    M.told = true
    program.tell(missing, vim.log.levels.WARN)
  end
  return missing == nil
end

--- Asks for a buffer's diagnostics and shows them as Neovim does, which from 0.12 on keeps those of each identifier.
local function pull(client, buffer)
  local params = {
    textDocument = vim.lsp.util.make_text_document_params(buffer),
    identifier = vim.tbl_get(client.server_capabilities, 'diagnosticProvider', 'identifier'),
  }
  if vim.fn.has('nvim-0.11') == 1 then
    client:request('textDocument/diagnostic', params, nil, buffer)
  else
    client.request('textDocument/diagnostic', params, nil, buffer)
  end
end

--- What a run has changed is asked for again. Before 0.11 Neovim knows no such request; 0.12 then asks for the whole
--- workspace and leaves the open buffers as they were.
local HANDLERS = {
  ['workspace/diagnostic/refresh'] = function(_, _, context)
    local client = vim.lsp.get_client_by_id(context.client_id)
    for buffer in pairs(client and client.attached_buffers or {}) do
      pull(client, buffer)
    end
    return vim.NIL
  end,
}
if not vim.lsp.codelens.enable then
  HANDLERS['workspace/codeLens/refresh'] = function(_, _, context)
    local client = vim.lsp.get_client_by_id(context.client_id)
    for buffer in pairs(client and client.attached_buffers or {}) do
      if settings.get('lenses') then
        vim.lsp.codelens.refresh({ bufnr = buffer })
      end
    end
    return vim.NIL
  end
end

local function capabilities()
  local able = vim.lsp.protocol.make_client_capabilities()
  able.workspace.diagnostics = { refreshSupport = true }
  able.workspace.codeLens = { refreshSupport = true }
  return able
end

function M.config()
  return {
    capabilities = capabilities(),
    handlers = HANDLERS,
    name = M.NAME,
    cmd = function(dispatchers, config)
      local root = config and config.root_dir or vim.fn.getcwd()
      return vim.lsp.rpc.start(vim.list_extend(program.command(root), { 'lsp' }), dispatchers, { cwd = root })
    end,
    filetypes = FILETYPES,
    root_dir = function(buffer, on_dir)
      local path = vim.api.nvim_buf_get_name(buffer)
      if (M.is_ours(path) or vim.b[buffer].llmspell) and available(M.root(path)) then
        on_dir(M.root(path))
      end
    end,
    init_options = { commands = lens_commands() },
    commands = COMMANDS,
    on_exit = function(code)
      if code ~= 0 then
        -- After Neovim's own words, which name its log.
        vim.schedule(function()
          program.tell('the language server has ended; :checkhealth llmspell tells what is wrong', vim.log.levels.WARN)
        end)
      end
    end,
  }
end

--- Shows lenses when the server is there, and anew after edits: what is not asked for again is drawn at old lines.
local function show_lenses(buffer)
  if not settings.get('lenses') then
    return
  end
  local function refresh()
    local can = #vim.lsp.get_clients({ bufnr = buffer, name = M.NAME, method = 'textDocument/codeLens' }) > 0
    if can and vim.api.nvim_buf_is_loaded(buffer) then
      if vim.lsp.codelens.enable then
        vim.lsp.codelens.enable(true, { bufnr = buffer })
      else
        vim.lsp.codelens.refresh({ bufnr = buffer })
      end
    end
  end
  local group = vim.api.nvim_create_augroup('llmspell.lenses.' .. buffer, {})
  -- From 0.12 on Neovim refreshes them itself.
  local events = vim.lsp.codelens.enable and { 'LspAttach' } or { 'LspAttach', 'BufEnter', 'InsertLeave', 'TextChanged' }
  vim.api.nvim_create_autocmd(events, { group = group, buffer = buffer, callback = refresh })
end

--- A buffer's type has become known.
function M.opened(buffer)
  local path = vim.api.nvim_buf_get_name(buffer)
  if vim.bo[buffer].buftype ~= '' or not M.is_ours(path) then
    return
  end
  show_lenses(buffer)
  if package.loaded.dap then
    require('llmspell.debug').register()
  end
  if not vim.lsp.enable then
    M.attach(buffer)
  end
end

function M.attach(buffer)
  vim.b[buffer].llmspell = true
  local root = M.root(vim.api.nvim_buf_get_name(buffer))
  if not available(root) then
    return
  end
  show_lenses(buffer)
  local config = M.config()
  if vim.lsp.enable then
    config = vim.deepcopy(vim.lsp.config[M.NAME])
  end
  config.root_dir = root
  local cmd = config.cmd
  if type(cmd) == 'function' then
    -- 0.10 gives the function no configuration.
    config.cmd = function(dispatchers)
      return cmd(dispatchers, config)
    end
  end
  vim.lsp.start(config, { bufnr = buffer })
end

return M
