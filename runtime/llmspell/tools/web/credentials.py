"""Whose secret goes where: an option's goes to the address it stands beside, the environment's only to its own.

A spell that names another address does not get the environment's secret sent there; it must bring its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmspell.errors import ToolError
from llmspell.frozen import frozen


@frozen
class Place:
    """The address of a service. trusted: whether the environment's secrets may go there."""

    base: str
    trusted: bool


def place_of(tool: str, given: str | None, environ: Mapping[str, str], variable: str, own: str | None = None) -> Place:
    """The option's address, else the variable's, else the service's own. Raises ToolError where there is none."""
    named = environ.get(variable, "").strip() or own
    base = (given or named or "").rstrip("/")
    if not base:
        raise ToolError(f"{tool} needs the address of its service", hint=f"give `base_url`, or set {variable}")
    return Place(base, base in {(named or "").rstrip("/"), (own or "").rstrip("/")})


def secret(
    tool: str, option: str, given: str | None, place: Place, environ: Mapping[str, str], variables: Sequence[str]
) -> str:
    """The option's value, else the first variable that is set, where the place may have it. Raises ToolError."""
    found = optional_secret(given, place, environ, variables)
    if found:
        return _one_line(tool, option, found)
    if not place.trusted and any(environ.get(name) for name in variables):
        raise ToolError(
            f"{tool} needs `{option}`: what {variables[0]} holds goes to the service's own address only",
            hint=f"give `{option}` beside `base_url`",
        )
    raise ToolError(f"{tool} needs `{option}`", hint=f"give the option `{option}`, or set {' or '.join(variables)}")


def optional_secret(
    given: str | None, place: Place, environ: Mapping[str, str], variables: Sequence[str]
) -> str | None:
    """As `secret`, or None."""
    if given:
        return given
    if not place.trusted:
        return None
    return next((environ[name] for name in variables if environ.get(name)), None)


def _one_line(tool: str, option: str, value: str) -> str:
    """The value is not shown: it is a secret."""
    text = value.strip()
    if not text.isprintable() or not text.isascii():
        raise ToolError(
            f"{tool}: `{option}` holds a line end or a character beyond ASCII", hint="check where it is from"
        )
    return text
