"""Tools that reach the machine: files, commands, environment."""
