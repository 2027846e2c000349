"""Debugging inside a worker: what stops a script, and what can be asked of it and done to it while it stands.

`inspected` is what a language does, `debugger` what is the same in all of them, `breakpoints` what a line may have.
Imported by workers that are debugged, before their sandbox closes; any other never comes here.
"""
