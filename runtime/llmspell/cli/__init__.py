"""The command line: one thin module a command, imported when that command is used and not before."""
