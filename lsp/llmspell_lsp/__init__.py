"""The language server of llmspell: completion, hover, diagnostics and more for spells in Lua and JavaScript."""
