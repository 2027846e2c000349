"""Keys as tools of this category are given them: by the name of a variable of the host, or by a file. Never shown.

A person who names a variable LLMSPELL_SECRET_… says by that: spells may have it used. Encryption and signatures then
work with it without `--allow-env`, for to allow that would be more: the spell could read it. What they give does not
tell the key, as long as it is one that nobody guesses. Any other variable must be one that the run may read, so that
the keys of providers and services, which stand beside it in the environment, cannot be used to sign or to open.
Patterns such as `--allow-env "*"` do not reach these variables; a whole name does.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import Final

from llmspell.errors import SchemaError, ToolError
from llmspell.security import files
from llmspell.security.permissions import SECRETS
from llmspell.tools.base import ToolContext

#: Bytes of the largest key file.
_LARGEST: Final = 100_000


def variable(context: ToolContext, name: str) -> str:
    """The value of a variable. Raises PermissionDenied, and ToolError where it is not set."""
    if not name.startswith(SECRETS):
        context.permissions.check_env(name)
    value = context.environ.get(name)
    if not value:
        raise ToolError(
            f"the variable {name!r} is not set", hint=f"set it before the spell starts; {SECRETS}… needs no permission"
        )
    return value


def read(context: ToolContext, name: str | None, path: str | None) -> str:
    """The key that the variable or the file holds. Blocks. Raises SchemaError unless one of both is given."""
    if (name is None) == (path is None):
        raise SchemaError("a key is given by `key_env` or `key_path`, one of them", hint="name where the key is")
    if name is not None:
        return variable(context, name)
    with files.place(path or "", context.permissions, "read") as found:
        data = files.read_bytes(found, _LARGEST)
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise ToolError(f"{path!r} holds no key as text", hint="a PEM file, or a key as hex or Base64") from None


def write(context: ToolContext, path: str, text: str) -> None:
    """A new file that only its owner can read. Blocks. Raises ToolError where there is one already."""
    with files.place(path, context.permissions, "write") as found:
        if found.info is not None:
            raise ToolError(f"{path!r} exists already", hint="keys are never written over: choose another name")
        with os.fdopen(files.open_or_make(found), "ab") as file:
            file.write(text.encode())


def raw(text: str, what: str) -> bytes:
    """Bytes written as hex or Base64. Raises ToolError, which does not show the text."""
    stripped = text.strip()
    try:
        return bytes.fromhex(stripped)
    except ValueError:
        pass
    try:
        return base64.b64decode(stripped, validate=True)
    except (ValueError, binascii.Error):
        raise ToolError(
            f"{what} is neither hex nor Base64", hint="for example the output of `openssl rand -hex 32`"
        ) from None
