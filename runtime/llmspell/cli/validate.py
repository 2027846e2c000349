"""`llmspell validate PATH…`: what an editor would underline; runs nothing. Exit 1 when there is an error."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmspell.errors import LlmspellError, UsageError

if TYPE_CHECKING:
    from llmspell.cli.findings import Problem
    from llmspell.spell import Spell
    from llmspell_lsp.checks.validation import Source
    from llmspell_lsp.documents.document import Language

#: Files that are no spells, by name.
_OTHERS: Final[dict[str, Language]] = {"llmspell.toml": "toml", "replies.json": "json"}

#: From what matters most to what matters least.
_SEVERITIES: Final = ("error", "warning", "information", "hint")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="a spell, llmspell.toml, replies.json, or a folder: all in it"
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", "sarif", "github"),
        default="text",
        help="how the findings are printed: for people, programs, code scanning, GitHub's pull requests",
    )
    parser.add_argument(
        "--level", choices=_SEVERITIES, default="warning", help="down to which severity findings are shown (warning)"
    )
    parser.add_argument("--strict", action="store_true", help="exit 1 for warnings, too")
    parser.add_argument("--codes", action="store_true", help="list the codes that findings have; `help CODE` explains")


def run(args: Namespace) -> int:
    if args.codes:
        return _show_codes()
    if not args.paths:
        raise UsageError("validate: which spells?", hint="name a spell or a folder, such as `llmspell validate .`")
    shown = _SEVERITIES[: _SEVERITIES.index(args.level) + 1]
    problems: list[Problem] = []
    for problem in _problems([each for given in args.paths for each in _files(Path(given))]):
        if problem.severity in shown:
            problems.append(problem)
            if args.format in ("text", "github"):
                _print(problem, args.format)
    if args.format == "json":
        from llmspell.cli.findings import as_json

        print(json.dumps([as_json(problem) for problem in problems], indent=2))
    elif args.format == "sarif":
        from llmspell.cli.findings import as_sarif
        from llmspell_lsp.checks.catalogue import pages

        print(as_sarif(problems, {code: page.title for code, page in pages().items()}))
    fatal = {"error", "warning"} if args.strict else {"error"}
    return 1 if any(problem.severity in fatal for problem in problems) else 0


def _print(problem: Problem, format: str) -> None:
    from llmspell.cli.findings import as_github, as_text

    print(as_github(problem) if format == "github" else as_text(problem), flush=True)


def _show_codes() -> int:
    from llmspell.cli.page import show_rows
    from llmspell.settings.lint import SEVERITIES
    from llmspell_lsp.checks.catalogue import pages

    show_rows([(code, SEVERITIES[code], page.title) for code, page in pages().items()])
    return 0


def _files(given: Path) -> list[tuple[Path, bool]]:
    """The files of ours below a folder, hidden and installed ones left out; any other path is taken at its word. True
    for a file that was named itself."""
    if not given.is_dir():
        return [(given, True)]
    found = (path for name in ("*.lua", "*.js", "*.mjs", *_OTHERS) for path in given.rglob(name))
    shown = (path for path in found if not any(_skipped(part) for part in path.relative_to(given).parts))
    return [(path, False) for path in sorted(shown) if not path.is_dir()]


def _skipped(name: str) -> bool:
    return name.startswith(".") or name == "node_modules"


def _problems(paths: list[tuple[Path, bool]]) -> Iterator[Problem]:
    """Raises UsageError for a named path that is no file of ours, before anything is checked; one of a folder that
    cannot be read is a finding."""
    from llmspell.cli.findings import Problem
    from llmspell.spell import Spell

    ours: list[tuple[str, Source]] = []
    others: list[Spell] = []
    unread: list[Problem] = []
    for path, named in paths:
        language = _OTHERS.get(path.name)
        try:
            if language is not None:
                ours.append((str(path), _source(path, language)))
                continue
            spell = Spell.read(path)
        except LlmspellError as error:
            if named:
                raise
            unread.append(Problem(str(path), 1, 1, 1, 1, "syntax", "error", error.message, ""))
            continue
        if spell.language == "lua" or spell.language == "javascript":
            ours.append((spell.label, _of_spell(spell, spell.language)))
        else:
            others.append(spell)
    yield from unread
    if ours:
        yield from _checked(ours)
    for spell in others:
        from llmspell.cli import plugged

        problem = plugged.check(spell)
        if problem is not None:
            yield problem


def _of_spell(spell: Spell, language: Language) -> Source:
    from llmspell_lsp.checks.validation import Source

    return Source(spell.path, language, spell.source)


def _source(path: Path, language: Language) -> Source:
    from llmspell_lsp.checks.validation import Source

    try:
        return Source(path.absolute(), language, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error}") from None


def _checked(files: list[tuple[str, Source]]) -> Iterator[Problem]:
    from llmspell.cli.findings import Problem
    from llmspell_lsp.checks.validation import Checker  # tree-sitter and the registry, 70 ms

    checker = Checker(lambda text: print(f"llmspell: {text}", file=sys.stderr))
    try:
        for (label, _), checked in zip(files, checker.check(source for _, source in files), strict=True):
            for each in checked.findings:
                line, column, end_line, end_column = each.span
                text = checked.lines[line] if line < len(checked.lines) else ""
                place = (line + 1, column + 1, end_line + 1, end_column + 1)
                yield Problem(label, *place, each.code, each.severity, each.message, text)
    finally:
        checker.close()
