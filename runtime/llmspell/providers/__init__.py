"""Models and the services that answer for them.

`base` is what the rest of llmspell knows: requests, completions and the Provider protocol. Knows no agents.
"""
