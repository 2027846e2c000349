"""A command line as words, the way people quote them, refusing all that only a shell would understand. Runs nothing."""

from __future__ import annotations

import shlex
from typing import Final

from llmspell.errors import ToolError

#: Outside quotes a shell gives these a meaning.
_SPECIAL: Final = {
    ";": "several commands",
    "|": "a pipe",
    "&": "several commands",
    "<": "a redirection",
    ">": "a redirection",
    "(": "a subshell",
    ")": "a subshell",
    "$": "a variable or command substitution",
    "`": "command substitution",
    "\n": "several commands",
    "\r": "several commands",
    "*": "a wildcard",
    "?": "a wildcard",
    "[": "a wildcard",
    "{": "a brace expansion",
    "~": "a home folder",
}
#: A shell reads these inside double quotes too.
_IN_DOUBLE: Final = frozenset("$`")


def words_of(command: str, args: list[str] | None, shell: bool) -> list[str]:
    """The words of the command. Raises ToolError for what it cannot be without a shell."""
    if any("\0" in text for text in (command, *(args or ()))):
        raise ToolError("a command cannot hold NUL", hint="leave it out")
    if shell:
        if args is not None:
            raise ToolError("a line for the shell takes no `args`", hint="write them into the command, quoted")
        return ["sh", "-c", command]
    if args is not None:
        if not command.strip() or "\n" in command:
            raise ToolError(f"{command!r} names no program", hint="give the program's name, arguments in `args`")
        return [command, *args]
    _check(command)
    try:
        words = shlex.split(command)
    except ValueError:
        raise ToolError(f"{command!r} has an open quote", hint="close it, or give the arguments in `args`") from None
    if not words or not words[0]:
        raise ToolError("the command is empty", hint="name a program")
    return words


def _check(command: str) -> None:
    quote = ""
    escaped = False
    for position, character in enumerate(command):
        if escaped:
            escaped = False
            if character != "\n":
                continue
        if character == "\\" and quote != "'":
            escaped = True
        elif quote:
            if character == quote:
                quote = ""
            elif quote == '"' and character in _IN_DOUBLE:
                raise _refused(command, character, position)
        elif character in "'\"":
            quote = character
        elif character in _SPECIAL and (character != "~" or position == 0 or command[position - 1].isspace()):
            raise _refused(command, character, position)


def _refused(command: str, character: str, position: int) -> ToolError:
    what = _SPECIAL[character]
    return ToolError(
        f"{character!r} at position {position + 1} of {command[:200]!r} would be {what}, but no shell reads it",
        hint="quote it if it is meant as text, or give the arguments one by one in `args`",
    )
