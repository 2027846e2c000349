"""Reads settings: files, then `LLMSPELL_*` variables, then flags; what comes later wins.

A list given by a flag is added to what stands below it (`--allow-read data` does not close the project); everything
else replaces. Relative paths are below the project, or below the current folder for variables and flags.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from llmspell.errors import SettingsError
from llmspell.frozen import frozen
from llmspell.settings.check import absolute, checked, from_text, nearest, unknown, wrong
from llmspell.settings.position import line_of
from llmspell.settings.values import SECTIONS, About, ProviderSettings, Settings, about

FILE_NAME: Final = "llmspell.toml"

#: How the variables of a section begin, where not with its own name: LLMSPELL_DEFAULT_MODEL, LLMSPELL_ALLOW_NET.
_VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {"defaults": "DEFAULT", "limits": "LIMIT", "permissions": "ALLOW"}
)


#: The sections whose keys are no fields of a class.
_OPEN: Final = ("providers", "config", "lint")

#: Whose paths are below the settings file's own folder, and which add up.
_HOOK_FILES: Final = "hooks.files"

#: May be written as a table too: `[tui.keys]` with `follow = "ctrl+l"`, or a list of keys.
_KEYS: Final = "tui.keys"


def load(start: Path, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Settings:
    """The settings of a spell (or folder) at `start`. `flags` are keyed as settings are: `{"limits.cpu_seconds": 5}`;
    a flag that is None was not given.

    Raises SettingsError, naming the file and line, the variable or the flag.
    """
    found = find_project_file(start)
    project = found.parent if found else _folder(start)
    reading = _Reading(project)
    for path, users in ((user_file(environ), True), (found, False)):
        if path is not None:
            reading.read_file(path, users=users)
    reading.read_variables(environ)
    reading.read_flags(flags or {})
    default_data = project / ".llmspell" if found else _home(environ, "XDG_STATE_HOME", ".local/state") / "llmspell"
    return reading.settings(default_data)


def find_project_file(start: Path) -> Path | None:
    """The nearest llmspell.toml at or above `start`.

    Raises SettingsError when it belongs to neither the user, root nor the owner of the spell's folder: a file that a
    stranger put into a shared folder such as /tmp must not grant permissions.
    """
    folder = _folder(start)
    for above in (folder, *folder.parents):
        path = above / FILE_NAME
        if not path.is_file():
            continue
        owner = path.stat().st_uid
        if owner not in {0, os.getuid(), folder.stat().st_uid}:
            raise SettingsError(
                f"{path} belongs to another user (uid {owner}) and is not trusted",
                hint=f"take it over with chown, or put a {FILE_NAME} of your own beside the spell",
            )
        return path
    return None


def user_file(environ: Mapping[str, str]) -> Path | None:
    """`config.toml` in the user's configuration folder, if there is one."""
    path = user_file_path(environ)
    return path if path.is_file() else None


def user_file_path(environ: Mapping[str, str]) -> Path:
    return _home(environ, "XDG_CONFIG_HOME", ".config") / "llmspell" / "config.toml"


def variable_of(section: str, key: str) -> str:
    return f"LLMSPELL_{_VARIABLES.get(section, section.upper())}_{key.upper()}"


def known_keys(shape: type[Any]) -> dict[str, About]:
    return {entry.name: about(entry) for entry in fields(shape)}


@frozen
class _File:
    path: Path
    text: str
    is_users: bool

    def place(self, *path: str) -> str:
        line = line_of(self.text, path)
        return f"{self.path}:{line}" if line else str(self.path)


class _Reading:
    """Values as they arrive, each checked and with the place it came from; a later one replaces an earlier one."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        self._providers: dict[str, dict[str, Any]] = {}
        self._config: dict[str, Any] = {}
        self._lint: dict[str, str] = {}
        self._origins: dict[str, str] = {}
        self._files: list[Path] = []
        for section, shape in SECTIONS.items():
            for key, what in known_keys(shape).items():
                if what.kind == "paths":
                    self._values[section][key] = tuple(absolute(path, project) for path in what.default)

    def read_file(self, path: Path, *, users: bool) -> None:
        """users: whether it is the person's own, and not the project's."""
        import tomllib  # 5 ms, and most spells have no settings file

        try:
            text = path.read_text(encoding="utf-8")
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise _not_toml(path, error) from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} cannot be read: {error}", hint="it must be a file of UTF-8 text") from None
        self._files.append(path)
        file = _File(path, text, users)
        for section, table in document.items():
            if section not in SECTIONS and section not in _OPEN:
                raise unknown(section, table, (*SECTIONS, *_OPEN), file.place(section))
            self._read_section(file, section, _table(file, table, section))

    def _read_section(self, file: _File, section: str, table: dict[str, Any]) -> None:
        match section:
            case "config":
                _merge(self._config, table)
                for leaf in _leaves(table):
                    self._origins[".".join(("config", *leaf))] = file.place("config", *leaf)
            case "lint":
                from llmspell.settings.lint import LEVELS, SEVERITIES  # a table that a run has no use for

                for code, level in table.items():
                    name, place = f"lint.{code}", file.place("lint", code)
                    if code not in SEVERITIES:
                        raise unknown(name, level, SEVERITIES, place)
                    what = About("", "text", "", choices=LEVELS)
                    self._lint[code] = checked(name, what, level, place, self._project)
                    self._origins[name] = place
            case "providers":
                for name, entry in table.items():
                    values = self._providers.setdefault(name, {})
                    self._read_keys(file, ("providers", name), _table(file, entry, section, name), values)
            case _:
                self._read_keys(file, (section,), table, self._values[section])

    def _read_keys(self, file: _File, section: tuple[str, ...], table: dict[str, Any], into: dict[str, Any]) -> None:
        known = known_keys(SECTIONS.get(section[0], ProviderSettings))
        for key, value in table.items():
            name, place = ".".join((*section, key)), file.place(*section, key)
            if key not in known:
                raise unknown(name, value, known, place)
            if name == _HOOK_FILES:
                self._read_hook_files(file, known[key], value, place, into)
                continue
            if name == _KEYS and isinstance(value, dict):
                value = self._bound(file, value)
            into[key] = checked(name, known[key], value, place, self._project)
            self._origins[name] = place

    def _bound(self, file: _File, table: dict[str, Any]) -> list[str]:
        """`follow = ["F", "ctrl+l"]` as `follow=F` and `follow=ctrl+l`."""
        entries: list[str] = []
        for action, keys in table.items():
            name, place = f"{_KEYS}.{action}", file.place("tui", "keys", action)
            several = keys if isinstance(keys, list) else [keys]
            if not several or not all(isinstance(key, str) and key for key in several):
                raise SettingsError(f"{name} must be a key, or a list of keys", hint='as "ctrl+l"', source=place)
            entries += [f"{action}={key}" for key in several]
            self._origins[name] = place
        return entries

    def _read_hook_files(self, file: _File, what: About, value: Any, place: str, into: dict[str, Any]) -> None:
        """Hook files add up, so that a project does not switch off what its user wants of every spell."""
        named = checked(_HOOK_FILES, what, value, place, file.path.parent)
        code = next((path for path in named if path.endswith(".py")), None)
        if code is not None and not file.is_users:
            raise SettingsError(
                f"{_HOOK_FILES}: {code} is Python, which runs outside the sandbox",
                hint="a project may name Lua and JavaScript; name it with --hooks, or in your own config.toml",
                source=place,
            )
        before = into.get("files", ())
        into["files"] = tuple(dict.fromkeys((*before, *named)))
        self._origins[_HOOK_FILES] = f"{self._origins[_HOOK_FILES]} and {place}" if before else place

    def read_variables(self, environ: Mapping[str, str]) -> None:
        given = {name: text for name, text in environ.items() if name.startswith("LLMSPELL_") and text}
        if not given:
            return
        known = {
            variable_of(section, key): (section, key) for section in SECTIONS for key in known_keys(SECTIONS[section])
        }
        for variable, text in given.items():
            if variable in known:
                section, key = known[variable]
                what = known_keys(SECTIONS[section])[key]
                self._put(section, key, from_text(what.kind, text), variable)
            elif near := nearest(variable, known, cutoff=0.85):
                # Only a near miss: other programs may have variables of that prefix.
                raise SettingsError(f"{variable}={text!r}: there is no such setting", hint=f"did you mean {near}?")

    def read_flags(self, flags: Mapping[str, Any]) -> None:
        for name, value in flags.items():
            if value is None:
                continue
            section, _, key = name.partition(".")
            what = known_keys(SECTIONS[section]).get(key) if section in SECTIONS else None
            if what is None:
                raise unknown(name, value, known_keys(SECTIONS[section]) if section in SECTIONS else SECTIONS, "")
            before = self._values[section].get(key, ()) if what.kind in {"texts", "paths"} else ()
            place = what.flag or name
            if before and name in self._origins:
                place = f"{self._origins[name]} and {place}"
            self._put(section, key, value, place, before)

    def _put(self, section: str, key: str, value: Any, place: str, before: tuple[str, ...] = ()) -> None:
        name = f"{section}.{key}"
        new = checked(name, known_keys(SECTIONS[section])[key], value, place, Path.cwd())
        self._values[section][key] = tuple(dict.fromkeys((*before, *new))) if before else new
        self._origins[name] = place

    def settings(self, default_data: Path) -> Settings:
        data = self._values["data"].get("dir")
        made = {section: shape(**self._values[section]) for section, shape in SECTIONS.items() if section != "data"}
        return Settings(
            project=self._project,
            data_dir=Path(data) if data else default_data,
            providers=MappingProxyType({name: ProviderSettings(**values) for name, values in self._providers.items()}),
            config=MappingProxyType(self._config),
            lint=MappingProxyType(self._lint),
            files=tuple(self._files),
            origins=MappingProxyType(self._origins),
            **made,
        )


def _folder(start: Path) -> Path:
    full = start.expanduser().resolve()
    return full if full.is_dir() else full.parent


def _home(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    """The folder a base-directory variable names; relative values are to be ignored, says the XDG specification."""
    named = Path(environ.get(variable, ""))
    return named if named.is_absolute() else Path(environ.get("HOME") or Path.home()) / below_home


def _table(file: _File, value: Any, *path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        name = ".".join(path)
        raise wrong(name, value, f"a section, written [{name}]", file.place(*path))
    return value


def _merge(into: dict[str, Any], table: dict[str, Any]) -> None:
    """A spell's own settings, deep: the project's file may set one key of a table that the user's file began."""
    for key, value in table.items():
        if isinstance(value, dict):
            held = into.get(key)
            inner: dict[str, Any] = held if isinstance(held, dict) else {}
            _merge(inner, value)
            into[key] = inner
        else:
            into[key] = _plain(value)


def _plain(value: Any) -> Any:
    """TOML's dates and times as ISO text: a spell sees only values that both languages have."""
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return value if isinstance(value, str | int | float | bool) else value.isoformat()


def _leaves(table: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from ((key, *rest) for rest in _leaves(value))
        else:
            yield (key,)


def _not_toml(path: Path, error: Exception) -> SettingsError:
    import re

    message = str(error)
    line = re.search(r" \(at line (\d+), column \d+\)$", message)
    place = f"{path}:{line[1]}" if line else f"{path}"
    said = message[: line.start()] if line else message.removesuffix(" (at end of document)")
    return SettingsError(
        f"this is not TOML: {said}", hint='strings need quotes: model = "openai/gpt-4o-mini"', source=place
    )
