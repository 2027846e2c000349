"""What a client's `launch` request asks for, read and checked. Starts nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from llmspell.errors import UsageError
from llmspell.serve.dap.options import spread

#: Fields of a launch request, and what each may be.
FIELDS: Final[Mapping[str, tuple[type, ...]]] = {
    "program": (str,),
    "params": (dict, list, str, int, float, bool),
    "args": (list,),
    "options": (list,),
    "cwd": (str,),
    "env": (dict,),
    "model": (str,),
    "hooks": (list, str),
    "settings": (dict,),
    "answers": (str,),
    "state": (str,),
    "record": (str,),
    "stopOnEntry": (bool,),
    "noDebug": (bool,),
}
#: What clients add of their own.
_CLIENTS: Final = frozenset({"type", "request", "name", "restart", "presentation", "console", "internalConsoleOptions"})


@dataclass(frozen=True, slots=True)
class Launch:
    """program: the spell, absolute. params: its parameters. flags: settings by `section.name`. record: where the
    recording is also to be written."""

    program: Path
    cwd: Path
    params: Any = None
    env: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    flags: dict[str, Any] = field(default_factory=dict[str, Any])
    answers: Path | None = None
    state: str = "keep"
    record: Path | None = None
    stops_on_entry: bool = False
    debugs: bool = True

    @staticmethod
    def of(given: Mapping[str, Any]) -> Launch:
        """Raises UsageError."""
        known: dict[str, Any] = {}
        for name, value in given.items():
            if name.startswith("__") or name in _CLIENTS or value is None:
                continue
            kinds = FIELDS.get(name)
            if kinds is None:
                continue  # clients pass on whatever a person's configuration holds; an editor checks it by its schema
            if not isinstance(value, kinds):
                raise UsageError(f"launch: {name} cannot be {value!r}")
            known[name] = value
        known = spread(known)
        if not known.get("program"):
            raise UsageError("launch: which spell?", hint='"program": the path of a .lua or .js file')
        cwd = Path(known.get("cwd") or os.getcwd())  # noqa: PTH109
        if not cwd.is_dir():
            raise UsageError(f"launch: there is no folder {str(cwd)!r}", hint='"cwd" is the folder the spell runs in')
        if known.get("state", "keep") not in ("keep", "reset"):
            raise UsageError(f"launch: state cannot be {known['state']!r}", hint="keep or reset")
        return Launch(
            program=(cwd / known["program"]).absolute(),
            cwd=cwd.absolute(),
            params=_params(known),
            env={str(name): None if value is None else str(value) for name, value in known.get("env", {}).items()},
            flags=_flags(known, cwd),
            answers=cwd / known["answers"] if known.get("answers") else None,
            state=known.get("state", "keep"),
            record=cwd / known["record"] if known.get("record") else None,
            stops_on_entry=bool(known.get("stopOnEntry")),
            debugs=not known.get("noDebug"),
        )

    def environ(self) -> dict[str, str]:
        """This process's environment with what the request changes of it; None takes a variable away."""
        merged = {**os.environ, **self.env}
        return {name: value for name, value in merged.items() if value is not None}


def _params(known: Mapping[str, Any]) -> Any:
    """`params` as it is, and over it `args`, each NAME=VALUE as on the command line."""
    args = known.get("args", [])
    if not args:
        return known.get("params")
    params = known.get("params", {})
    if not isinstance(params, dict):
        raise UsageError("launch: args need params to be an object")
    merged: dict[str, Any] = dict(params)
    for arg in args:
        name, equals, value = str(arg).partition("=")
        if not name or not equals:
            raise UsageError(f"launch: {arg!r} in args is not NAME=VALUE", hint='"args": ["topic=tea"]')
        try:
            merged[name] = json.loads(value)
        except ValueError:
            merged[name] = value
    return merged


def _flags(known: Mapping[str, Any], cwd: Path) -> dict[str, Any]:
    flags: dict[str, Any] = dict(known.get("settings", {}))
    if known.get("model"):
        flags["defaults.model"] = known["model"]
    if hooks := known.get("hooks"):
        files: list[Any] = [hooks] if isinstance(hooks, str) else hooks
        flags["hooks.files"] = [os.path.realpath(cwd / str(each)) for each in files]
    return flags
