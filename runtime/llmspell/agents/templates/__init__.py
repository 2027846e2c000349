"""The agents that are ready made: their options, their actions, the prompts that these are, and what they give.

`prompt_files` finds and fills prompts, `template` is the base with the way of an action, `shapes` are the forms of what
actions give; the rest is one module a kind. Knows no engine.
"""
