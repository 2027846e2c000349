"""Script engines: they run Lua and JavaScript and know nothing of agents, tools or models.

`protocol` is what host and worker say to each other, `values` how a value crosses, `worker` the loop inside a
worker, `lua` and `javascript` one language each, `zygote` the process that forks workers, `sandbox` what a worker
gives up before it runs a spell.
"""
