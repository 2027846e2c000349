"""The table of goals, a module a subject. Importing this package enters every row."""

from cases import calls, crowds, engine, events, memory, runaways, startup

__all__ = ["calls", "crowds", "engine", "events", "memory", "runaways", "startup"]
