"""Hooks: handlers that see, change, veto and retry what the runtime is about to do. Knows no agents and no engines."""
