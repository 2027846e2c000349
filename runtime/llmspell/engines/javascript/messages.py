"""What a script is told where QuickJS itself says too little: limits and ends, and names that are not there.

Of a member that is missing it says only "not a function". It knows the place, though, and the text there says the
rest. Only errors pay for it: members are looked up as ever.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from llmspell.engines.javascript.positions import Lines, error_map
from llmspell.engines.nearest import Names

#: An expression for the names of the globals with their members, as JSON; not `undefined`, `NaN` and the like, which
#: nobody means.
GLOBALS: Final = (
    "JSON.stringify(Object.fromEntries(Object.getOwnPropertyNames(globalThis)"
    ".filter((name) => Object(globalThis[name]) === globalThis[name])"
    ".map((name) => [name, Object.getOwnPropertyNames(globalThis[name])])))"
)

#: What QuickJS says of an import or export that `modules` could not rewrite; then comes which of them.
UNREWRITTEN: Final = "unsupported keyword: "
_NOT_DEFINED: Final = " is not defined"
#: A name that is called, and a dot before it with a chain of names before that.
_CALLED: Final = re.compile(r"([A-Za-z_$][\w$]*)\s*(?=[(`]|\?\.\()")
_HOLDER: Final = re.compile(
    r"((?<![\w$)\]}])[A-Za-z_$][\w$]*(?:\s*\??\.\s*[A-Za-z_$][\w$]*)*)?\s*\??\.\s*\Z",
)
#: Lines that a chain may be written over.
_HOLDER_LINES: Final = 4
_SPACE: Final = re.compile(r"\s+")


def limit(name: str, message: str, hint: str = "") -> dict[str, Any]:
    """The error map of a limit."""
    return error_map({"type": "limit", "name": "LimitError", "message": message, "hint": hint, "data": {"limit": name}})


def refused(error: ValueError) -> dict[str, Any]:
    """The error map of a value that cannot cross."""
    return error_map({"type": "invalid_argument", "name": "Error", "message": str(error)})


def memory(megabytes: int) -> dict[str, Any]:
    return limit(
        "memory",
        f"the spell needs more than its {megabytes} MB of memory",
        "keep less in arrays, objects and strings, or raise the memory limit",
    )


def deadlock() -> dict[str, Any]:
    message = "the script waits for something that can never come: no call, timer or callback is pending"
    hint = "a promise that nothing resolves, or one that is resolved only by a listener"
    return error_map({"type": "deadlock", "name": "Error", "message": message, "hint": hint})


def refusal(message: str, beyond: bool) -> str:
    """Message and hint, as JSON, for a text that the engine refuses: its own words may be of what stands around the
    text, or of a statement that could not be rewritten. beyond: whether it noticed after the text's end."""
    hint = "`llmspell validate` marks the place"
    if message.startswith(UNREWRITTEN):
        return json.dumps([unreadable(message), hint])
    if beyond:
        return json.dumps(["the text ends too early, or closes a bracket too many", hint])
    return json.dumps([message, ""])


def unreadable(message: str) -> str:
    """What there is to say of a statement where the engine said UNREWRITTEN."""
    keyword = message.removeprefix(UNREWRITTEN)
    return f"this {keyword} cannot be read: it is misspelt or not at the top level, or a bracket or quote is not closed"


def explained(lines: Lines, names: Names, message: str, line: int, column: int) -> str:
    """The message, better. line, column: the place that the engine gave it."""
    if message.endswith(_NOT_DEFINED):
        near = names.near_global(message.removesuffix(_NOT_DEFINED))
    else:
        holder, name = _called(lines.until(line), column)
        if not name:
            return message
        message = f"{holder + '.' if holder else ''}{name} is not a function"
        near = names.near_global(name) if holder is None else names.near_member(holder, name)
    return f"{message}: did you mean {near}?" if near else message


def _called(lines: list[str], column: int) -> tuple[str | None, str]:
    """What is called at a column of the last line: what stands before its dot, and the name. None where there is no
    dot, "" for a holder or a name that is none itself."""
    found = _CALLED.match(lines[-1], column - 1) if lines else None
    if found is None:
        return None, ""
    before = _HOLDER.search("\n".join([*lines[-_HOLDER_LINES:-1], lines[-1][: column - 1]]))
    return (None if before is None else _SPACE.sub("", before.group(1) or ""), found.group(1))
