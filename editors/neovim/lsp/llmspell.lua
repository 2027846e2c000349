-- The language server as `vim.lsp.config` of Neovim 0.11 and newer reads it; `vim.lsp.config('llmspell', …)` overrides.

return require('llmspell.server').config()
