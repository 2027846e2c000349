-- What is there without any setup: `:Spell`, and the language server for spells. Loads the rest when it is used.

if vim.g.loaded_llmspell then
  return
end
vim.g.loaded_llmspell = true

if vim.fn.has('nvim-0.10') == 0 then
  vim.api.nvim_create_user_command('Spell', function()
    vim.api.nvim_err_writeln('llmspell.nvim needs Neovim 0.10 or newer; `:help llmspell-older` for what works before')
  end, { nargs = '*', bang = true })
  return
end

vim.api.nvim_create_user_command('Spell', function(given)
  require('llmspell.command').run(given)
end, {
  nargs = '*',
  bang = true,
  desc = 'Run, debug, follow, replay and check spells',
  complete = function(lead, line, at)
    return require('llmspell.command').complete(lead, line, at)
  end,
})

local FILETYPES = { 'lua', 'javascript', 'toml', 'json', 'jsonc' }

vim.api.nvim_create_autocmd('FileType', {
  group = vim.api.nvim_create_augroup('llmspell', {}),
  pattern = FILETYPES,
  desc = 'Code lenses of spells, and before 0.11 their language server',
  callback = function(event)
    require('llmspell.server').opened(event.buf)
  end,
})

-- Who loads plugins late has spells open before.
for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
  if vim.tbl_contains(FILETYPES, vim.bo[buffer].filetype) then
    require('llmspell.server').opened(buffer)
  end
end

if vim.lsp.enable then
  vim.lsp.enable('llmspell')
end
