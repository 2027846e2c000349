"""A spell as a file or a text: its language, its label, what of it runs. Runs nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from llmspell.errors import UsageError
from llmspell.frozen import frozen

LANGUAGES: Final = {".lua": "lua", ".js": "javascript", ".mjs": "javascript"}
_MAIN: Final = ("spell.lua", "spell.js")

#: Bytes of the longest spell: more is data that was given the wrong name.
_LONGEST: Final = 8 * 1024 * 1024


@frozen
class Spell:
    """path: absolute; the folder of a text without a file is where relative paths begin. label: the path as the person
    knows it."""

    path: Path
    label: str
    language: str
    source: str

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.source.encode("utf-8", "surrogatepass")).hexdigest()

    @staticmethod
    def read(given: str | Path) -> Spell:
        """The spell at a path; in a folder, its `spell.lua` or `spell.js`. Raises UsageError."""
        path = Path(given)
        if path.is_dir():
            found = [path / name for name in _MAIN if (path / name).is_file()]
            if not found:
                raise UsageError(
                    f"{str(given)!r} holds no spell", hint=f"a spell's folder has a {' or a '.join(_MAIN)}"
                )
            path = found[0]
        language = LANGUAGES.get(path.suffix.lower()) or _plugged_by_suffix(path.suffix.lower())
        if language is None:
            raise UsageError(
                f"{str(given)!r} is not a spell", hint="a spell is a .lua or a .js file, or a folder of one"
            )
        return Spell(path.absolute(), str(path), language, _text(path, str(given)))

    @staticmethod
    def of(source: str, language: str, label: str = "") -> Spell:
        """A spell from a text. Raises UsageError for a language that there is not."""
        suffix = next((suffix for suffix, known in LANGUAGES.items() if known == language), "")
        if not suffix:
            from llmspell.engines import languages  # as below

            plugin = languages.plugged(language)
            suffix = plugin.SUFFIXES[0] if plugin is not None else ""
        if not suffix:
            raise UsageError(f"there is no language {language!r}", hint="lua or javascript")
        name = label or f"spell{suffix}"
        return Spell(Path(name).absolute(), name, language, source)

    def prepared(self, *, debugged: bool = False) -> tuple[str, bool]:
        """The text as it runs, and whether it is a module."""
        if self.language == "lua" and self.source.startswith("#!"):
            return f"--{self.source}", False
        if self.language != "javascript":
            return self.source, False
        from llmspell.engines.javascript import modules

        found = modules.prepare(self.source)
        if debugged:
            from llmspell.engines.javascript.instrumentation import instrument  # for scripts under a debugger

            return instrument(found.source), found.module
        return found.source, found.module


def _plugged_by_suffix(suffix: str) -> str | None:
    from llmspell.engines import languages  # 20 ms, for a language that is not ours

    return languages.plugged_by_suffix(suffix)


def _text(path: Path, given: str) -> str:
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{given!r} is not a file", hint="a spell is a .lua or a .js file, or a folder of one")
        size = path.stat().st_size
        if size > _LONGEST:
            raise UsageError(
                f"{given!r} is {size / 1048576:.1f} MB, too long for a spell",
                hint=f"the most is {_LONGEST // 1048576} MB: let the spell read data from files",
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{given!r} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{given!r} cannot be read: {error.strerror}") from None
