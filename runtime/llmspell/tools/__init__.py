"""Tools: what models and scripts can call. One folder a category; `tool` is what a tool is, `pipeline` how one is
called, `builtin` and `script` the two kinds there are.

Knows no agents and no engines.
"""
