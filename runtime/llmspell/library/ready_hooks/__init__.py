"""The built-in hooks: logging, metrics, tracing, rate limits, caching, retries, budgets, guards.

Each is a class that scripts make and hand to `Hooks.use` or to `hooks = {…}`; each handler is a handler like a
script's: asked in turn, seen in the trace, able to change, veto and answer. Times are those of the run's log.
"""
