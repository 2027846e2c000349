"""Prompts as files: found in the project's folder or in the package, read as part of the run's recording, filled in.

A prompt is Markdown with an optional front matter (`description`, `temperature`, `max_tokens`). `{{input}}` is the
input as text, `{{input.draft}}` a field of it, any other placeholder a value of the agent. A line whose placeholders
are all empty is left out. What is filled in is never searched for placeholders again. Knows no agent.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Any, Final

from llmspell.agents.texts import AgentOutput, text_of
from llmspell.api.names import near
from llmspell.errors import ArgumentError
from llmspell.frozen import frozen
from llmspell.run import Run
from llmspell.security import touched
from llmspell.security.files import open_file, place
from llmspell.security.permissions import Permissions

PACKAGED: Final = Path(__file__).parent / "prompts"

#: Bytes of a prompt: more is data that belongs into the input.
_LARGEST: Final = 256 * 1024
_PLACEHOLDER: Final = re.compile(r"\{\{(.*?)\}\}")
_INPUT: Final = "input"
_BLANK_LINES: Final = re.compile(r"\n{3,}")


@frozen
class Prompt:
    """One prompt. path: where it lies, for messages; first: the file's line that `text` begins on; options: what a
    chat takes, from the front matter."""

    path: str
    text: str
    description: str = ""
    first: int = 1
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    def filled(self, values: Mapping[str, Any], given: Any = None) -> str:
        """The text with its placeholders filled in. values: by name; given: the input.

        Raises ArgumentError for a placeholder that nothing is known of.
        """
        lines: list[str] = []
        for number, line in enumerate(self.text.split("\n"), self.first):
            names = [found.strip() for found in _PLACEHOLDER.findall(line)]
            if names:
                texts = {name: _as_text(self._value(name, values, given, number)) for name in names}
                if not any(texts.values()):
                    continue
                line = _PLACEHOLDER.sub(lambda found, texts=texts: texts[found[1].strip()], line)
            lines.append(line)
        return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()

    def _value(self, name: str, values: Mapping[str, Any], given: Any, line: int) -> Any:
        first, *rest = name.split(".")
        if name in values:
            return values[name]
        if first != _INPUT:
            raise self._unknown(name, line, (_INPUT, *values))
        found: Any = given.value if isinstance(given, AgentOutput) else given
        for part in rest:
            if not isinstance(found, Mapping) or part not in found:
                has = ", ".join(map(str, found)) if isinstance(found, Mapping) else "no fields: it is no table"
                raise ArgumentError(f"{self.path}:{line}: the input has no {part!r} for {{{{{name}}}}}; it has {has}")
            found = found[part]
        return found

    def _unknown(self, name: str, line: int, known: Sequence[str]) -> ArgumentError:
        close = near(name, known)
        listed = ", ".join(f"{{{{{each}}}}}" for each in known)
        hint = f"did you mean {{{{{close[0]}}}}}?" if close else f"there are {listed} and the input's own fields"
        return ArgumentError(f"{self.path}:{line}: nothing is called {{{{{name}}}}} here", hint=hint)


def _as_text(value: Any) -> str:
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return text_of(value)


class Prompts:
    """One run's, each read once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._folder = own_folder(run.settings.agents.prompts, run.identity.project)
        self._found: dict[tuple[str, str], Prompt] = {}

    def get(self, lineage: Sequence[str], name: str) -> Prompt:
        """The prompt of a template, else of what it is made from. Raises ArgumentError for a file that is none."""
        key = (lineage[0], name)
        if key not in self._found:
            where = f"{lineage[0]}/{name}"
            look_up = partial(look, self._folder, lineage, name, self._run.permissions)
            found = self._run.effects.read("prompt", where, None, look_up)
            self._found[key] = parse(found["path"], found["text"])
            if not found["path"].startswith("llmspell/"):
                touched.loaded(self._run.identity.run_id, self._folder.parent / found["path"])
        return self._found[key]


def prompts_of(run: Run) -> Prompts:
    return run.service(Prompts, Prompts)


def own_folder(setting: str | None, project: Path) -> Path:
    """Where a project keeps prompts of its own: `[agents] prompts`, else `prompts` in it."""
    return Path(setting) if setting else project / "prompts"


def look(own: Path, lineage: Sequence[str], name: str, permissions: Permissions | None = None) -> dict[str, str]:
    """`{path, text}` of a prompt: for each kind, the project's own comes before the packaged one.

    permissions: of the run that reads: the project's own prompts are files like any other, and a link in their place
    must not lead elsewhere. Raises ArgumentError, PermissionDenied.
    """
    for kind in lineage:
        path = own / kind / f"{name}.md"
        if path.is_file():
            return {"path": f"{own.name}/{kind}/{name}.md", "text": _read(path, permissions)}
        path = PACKAGED / kind / f"{name}.md"
        if path.is_file():
            return {"path": f"llmspell/{kind}/{name}.md", "text": _read(path, None)}
    hint = f"write {own.name}/{lineage[0]}/{name}.md"
    raise ArgumentError(f"there is no prompt {name!r} for {lineage[0]!r}", hint=hint)


def _read(path: Path, permissions: Permissions | None) -> str:
    try:
        if permissions is None:
            with path.open("rb") as file:
                data = file.read(_LARGEST + 1)
        else:
            with place(str(path), permissions, "read") as found, os.fdopen(open_file(found), "rb") as file:
                data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise ArgumentError(f"{path} is longer than {_LARGEST // 1024} KB", hint="a prompt is a page of text")
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{path} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from None
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}", hint="check its permissions") from None


def parse(path: str, text: str) -> Prompt:
    """Raises ArgumentError for a front matter that is none."""
    if not text.startswith("---\n"):
        return Prompt(path, text)
    head, mark, body = text[4:].partition("\n---\n")
    if not mark:
        raise ArgumentError(f"{path}:1: the front matter has no end", hint="close it with a line of three dashes")
    description, options = "", dict[str, Any]()
    for number, line in enumerate(head.split("\n"), 2):
        key, _, value = (part.strip() for part in line.partition(":"))
        if key == "description":
            description = value
        elif key in _NUMBERS:
            options[key] = _number(key, value, f"{path}:{number}")
        elif line.strip():
            known = ("description", *_NUMBERS)
            close = near(key, known)
            hint = f"did you mean {close[0]!r}?" if close else f"it holds {', '.join(known)}"
            raise ArgumentError(f"{path}:{number}: the front matter has the unknown key {key!r}", hint=hint)
    return Prompt(path, body, description, head.count("\n") + 4, options)


_NUMBERS: Final[dict[str, type[float]]] = {"temperature": float, "max_tokens": int}


def _number(key: str, value: str, where: str) -> float:
    try:
        return _NUMBERS[key](value)
    except ValueError:
        raise ArgumentError(f"{where}: {key} must be a number, not {value!r}") from None
