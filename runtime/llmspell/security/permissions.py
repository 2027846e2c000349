"""What a run may do: files to read and write, hosts, commands, environment variables.

The person grants (flags, `[permissions]`); whoever runs below may only narrow: a permission holds when every layer
grants it. Some files are closed whatever is granted. This module decides over true paths, host names, addresses,
words and names; it opens nothing, resolves nothing and runs nothing (`files`, `network` and the tools do).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Any, Final, Literal

from llmspell.errors import ArgumentError, PermissionDenied
from llmspell.frozen import frozen
from llmspell.security.commands import command_matches
from llmspell.security.hosts import HostPattern
from llmspell.settings.values import Settings

Access = Literal["read", "write"]

#: Closed by name wherever they lie, compared without case: a file system may not tell `.ENV` from `.env`.
_CLOSED_NAMES: Final = frozenset({".llmspell", ".git", "llmspell.toml"})

#: Variables that a person sets for tools to work with: encryption and signatures use them without being allowed to read
#: them, and no pattern such as `*` shows one to a spell or gives it to a command.
SECRETS: Final = "LLMSPELL_SECRET_"

#: Trees whose files are views into processes and the kernel: /proc/self/environ holds the host's secrets.
_CLOSED_TREES: Final = (Path("/proc"), Path("/sys"))


@frozen
class Layer:
    """What one party grants. None: it has no say. source: "" for the person, else the tool whose options these are."""

    read: tuple[Path, ...] | None = None
    write: tuple[Path, ...] | None = None
    net: tuple[HostPattern, ...] | None = None
    exec: tuple[str, ...] | None = None
    env: tuple[str, ...] | None = None
    source: str = ""


@frozen
class Permissions:
    """Layers of grants, the person's first. project: where relative paths begin. closed: folders that stay shut.
    used: the permissions that were asked for and held, for the audit trail; shared with what is narrowed from these."""

    layers: tuple[Layer, ...]
    project: Path
    closed: tuple[Path, ...] = ()
    used: set[str] = field(default_factory=set[str])

    @classmethod
    def grant(
        cls,
        project: Path,
        *,
        read: Iterable[str | Path] = (),
        write: Iterable[str | Path] = (),
        net: Iterable[str] = (),
        exec: Iterable[str] = (),
        env: Iterable[str] = (),
        closed: Iterable[Path] = (),
    ) -> Permissions:
        """The person's grants; relative paths are below `project`. Raises ArgumentError for a bad pattern."""
        layer = Layer(
            read=roots(read, project),
            write=roots(write, project),
            net=_hosts(net),
            exec=tuple(exec),
            env=tuple(env),
        )
        return cls((layer,), _real(project), tuple(_real(folder) for folder in closed))

    @classmethod
    def from_settings(cls, settings: Settings, scratch: Path) -> Permissions:
        """What settings and flags grant, and the run's own temporary folder, which must lie outside `data_dir`."""
        asked = settings.permissions
        return cls.grant(
            settings.project,
            read=(*asked.read, scratch),
            write=(*asked.write, scratch),
            net=asked.net,
            exec=asked.exec,
            env=settings.allowed_env,
            closed=(settings.data_dir,),
        )

    def narrow(
        self,
        source: str,
        *,
        read: Iterable[str | Path] | None = None,
        write: Iterable[str | Path] | None = None,
        net: Iterable[str] | None = None,
        exec: Iterable[str] | None = None,
        env: Iterable[str] | None = None,
    ) -> Permissions:
        """These permissions as far as the given lists allow them too; None leaves a permission as it is."""
        layer = Layer(
            read=None if read is None else roots(read, self.project),
            write=None if write is None else roots(write, self.project),
            net=None if net is None else _hosts(net),
            exec=None if exec is None else tuple(exec),
            env=None if env is None else tuple(env),
            source=source,
        )
        return replace(self, layers=(*self.layers, layer))

    def noting(self) -> Permissions:
        """The same, with `used` still empty."""
        return replace(self, used=set())

    def allows_path(self, path: PurePath, access: Access) -> bool:
        """Whether a true path (absolute, no links, no `..`) may be read or written."""
        return not self.is_closed(path) and all(
            granted is None or _below(path, granted) for granted in (getattr(layer, access) for layer in self.layers)
        )

    def check_path(self, path: PurePath, access: Access, shown: str) -> None:
        """Raises PermissionDenied unless `path` may be used so. shown: the path as it was asked for."""
        if self.is_closed(path):
            raise PermissionDenied(
                f"{shown!r} is closed to spells, whatever is allowed",
                hint=".llmspell/, .git/, .env*, llmspell.toml, /proc and /sys cannot be opened by any setting",
            )
        for layer in self.layers:
            granted: tuple[Path, ...] | None = getattr(layer, access)
            if granted is not None and not _below(path, granted):
                where = f"{shown!r}" if shown == str(path) else f"{shown!r} ({path})"
                raise _denied(layer, access, f"may not {access} {where}", str(path), "allowed_paths", granted)
        self.used.add(access)

    def is_closed(self, path: PurePath) -> bool:
        names = (part.casefold() for part in path.parts)
        return (
            any(name in _CLOSED_NAMES or name.startswith(".env") for name in names)
            or _below(path, _CLOSED_TREES)
            or _below(path, self.closed)
        )

    def check_host(self, host: str, port: int) -> None:
        """Raises PermissionDenied unless every layer names this host. host: lower case, ASCII, or an IP address."""
        for layer in self.layers:
            if layer.net is not None and not any(pattern.matches(host, port) for pattern in layer.net):
                shown = f"{host}:{port}"
                raise _denied(layer, "net", f"may not reach {shown!r}", shown, "allowed_domains", layer.net)
        self.used.add("net")

    def names_address(self, address: Any, host: str, port: int) -> bool:
        """Whether the person named this very address (or its network, or localhost): needed where it is private."""
        return any(pattern.names(address, host, port) for pattern in self.layers[0].net or ())

    def check_command(self, words: Sequence[str]) -> None:
        """Raises PermissionDenied unless every layer has a pattern for this command."""
        for layer in self.layers:
            if layer.exec is not None and not any(command_matches(pattern, words) for pattern in layer.exec):
                shown = " ".join(words)
                raise _denied(layer, "exec", f"may not run {shown!r}", words[0], "allowed_commands", layer.exec)
        self.used.add("exec")

    def allows_env(self, name: str) -> bool:
        found = all(_named(name, layer.env) for layer in self.layers)
        if found:
            self.used.add("env")
        return found

    def check_env(self, name: str) -> None:
        """Raises PermissionDenied unless every layer names this variable."""
        for layer in self.layers:
            if not _named(name, layer.env):
                granted = layer.env or ()
                raise _denied(layer, "env", f"may not read the variable {name!r}", name, "allowed_variables", granted)
        self.used.add("env")


def roots(paths: Iterable[str | Path], project: Path) -> tuple[Path, ...]:
    """Where the given paths truly lie. Below the project no link is followed: a link in a cloned project could move
    `./output` to anywhere. A path elsewhere is the person's own, and links on the way to it are resolved."""
    base, real = Path(os.path.abspath(project)), _real(project)  # noqa: PTH100  lexical: follows nothing
    found: list[Path] = []
    for path in paths:
        full = Path(os.path.abspath(base / path))  # noqa: PTH100
        for start in (base, real):
            if full.is_relative_to(start):
                found.append(real / full.relative_to(start))
                break
        else:
            found.append(_real(full))
    return tuple(found)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _below(path: PurePath, granted: Iterable[Path]) -> bool:
    return any(path.is_relative_to(root) for root in granted)


def _named(name: str, patterns: tuple[str, ...] | None) -> bool:
    """A pattern reaches no variable that is kept for tools: only its whole name does."""
    if patterns is None or name in patterns:
        return True
    return not name.startswith(SECRETS) and any(fnmatchcase(name, pattern) for pattern in patterns)


def _hosts(patterns: Iterable[str]) -> tuple[HostPattern, ...]:
    try:
        return tuple(HostPattern.parse(pattern) for pattern in patterns)
    except ValueError as error:
        raise ArgumentError(
            str(error), hint="write a host, host:port, *.example.org, an address or a network such as 10.0.0.0/8"
        ) from None


def _denied(
    layer: Layer, permission: str, what: str, needed: str, option: str, granted: Iterable[Any]
) -> PermissionDenied:
    listed = ", ".join(str(item) for item in granted)
    if layer.source:
        return PermissionDenied(
            f"{layer.source} {what}: its options leave it out",
            hint=f"`{option}` of {layer.source} names {listed or 'nothing'}",
            data={"permission": permission, "needed": needed},
        )
    return PermissionDenied(
        f"the spell {what}",
        hint=f'allow it with --allow-{permission} "{needed}" or [permissions] {permission} = ["{needed}"]'
        + (f"; allowed now: {listed}" if listed else ""),
        data={"permission": permission, "needed": needed},
    )
