"""Tools: what models and scripts can call. One folder a category; `base` is what a tool is, `pipeline` how one is called.

Knows no agents and no engines.
"""
