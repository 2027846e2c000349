"""Where a spell meets the library: a worker's frames become calls of host objects, and their answers frames again.

`bridge` handles frames, `dispatch` finds and calls the member that a frame names, `crossing` turns values, `functions`
are a script's functions as the host sees them, `modules` reads what a spell imports. Knows no member by name.
"""
