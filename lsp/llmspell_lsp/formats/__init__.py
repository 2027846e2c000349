"""The files beside spells: `llmspell.toml` and `replies.json`.

Read tolerantly, half typed as they may be; what they may hold is said by the runtime's own tables. Knows neither
protocol nor checks; `values` are what it gives.
"""
