"""Formatting by whatever program is there: found, run, and its answer made into edits."""

from __future__ import annotations

import os
import random
import select
import sys
from pathlib import Path

import pytest
from tests.lsp.features.formatting.formatters import install

from llmspell_lsp.documents.document import Document
from llmspell_lsp.features import formatting
from llmspell_lsp.features.formatting import Refused, edits, run
from llmspell_lsp.syntax.nodes import Span
from llmspell_lsp.workspace.programs import Formatter, above, formatter


def program(folder: Path, name: str, body: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport sys\ntext = sys.stdin.read()\n{body}\n")
    path.chmod(0o755)
    return path


def ends(process: int) -> bool:
    """Within half a minute: a signal takes its time."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 30)[0])
    finally:
        os.close(descriptor)


def applied(document: Document, formatted: str) -> str:
    for each in reversed(edits(document.lines, formatted, document.line_end)):
        document.edit(*each.span, each.text)
    return document.text


def test_the_nearest_node_modules_wins_over_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    file = str(tmp_path / "project/deep/spell.js")
    assert formatter("javascript", above(file)) is None
    on_path = program(tmp_path / "bin", "prettier", "print(text)")
    assert formatter("javascript", above(file)) == Formatter("prettier", str(on_path))
    own = program(tmp_path / "project/node_modules/.bin", "prettier", "print(text)")
    assert formatter("javascript", above(file)) == Formatter("prettier", str(own))
    assert formatter("lua", above(file)) is None
    assert formatter("toml", above(file)) is None


def formatted(folder: Path, name: str, text: str, within: Span | None = None, file: str = "a.x") -> str:
    using = Formatter(name, str(install(folder / "bin", name)))
    return run(using, text.split("\n"), str(folder / file), within)


@pytest.mark.parametrize("name", ["stylua", "prettier"])
def test_a_program_formats_a_text_or_whole_lines_of_it(tmp_path: Path, name: str) -> None:
    text = "x = 'é😀' \ny = 'é😀' \nz = 1 \n"
    assert formatted(tmp_path, name, text) == "x = 'é😀'\ny = 'é😀'\nz = 1\n"
    assert formatted(tmp_path, name, text, Span(1, 3, 1, 4)) == "x = 'é😀' \ny = 'é😀'\nz = 1 \n"
    assert formatted(tmp_path, name, text, Span(1, 0, 2, 0)) == "x = 'é😀' \ny = 'é😀'\nz = 1 \n"
    assert formatted(tmp_path, name, text, Span(1, 0, 2, 1)) == "x = 'é😀' \ny = 'é😀'\nz = 1\n"


@pytest.mark.parametrize("name", ["stylua", "prettier"])
def test_a_file_that_the_project_leaves_alone_stays_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / f".{name}ignore").write_text("made/\n")
    assert formatted(tmp_path, name, "x \n", file="made/a.x") == "x \n"
    assert formatted(tmp_path, name, "x \n", file="a.x") == "x\n"


def test_a_syntax_error_is_one_line_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        formatted(tmp_path, "stylua", "local x = = 1")
    assert str(caught.value).endswith("error parsing: unexpected token `=` (1:9 to 1:10), expected an expression")
    with pytest.raises(Refused) as caught:
        formatted(tmp_path, "prettier", "const x = = 1")
    assert str(caught.value) == f"prettier: {tmp_path}/a.x: SyntaxError: Unexpected token (1:11)"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("sys.stderr.write('line 1: no\\nmore'); sys.exit(2)", "prettier: line 1: no"),
        ("sys.exit(3)", "prettier: ended with 3"),
        ("pass", "prettier gave nothing"),
        ("sys.stdout.buffer.write(b'\\xff\\xfe')", "prettier gave what is no text"),
    ],
)
def test_what_a_program_would_not_format_is_said(tmp_path: Path, body: str, said: str) -> None:
    path = program(tmp_path, "prettier", body)
    with pytest.raises(Refused) as caught:
        run(Formatter("prettier", str(path)), ["let x"], str(tmp_path / "a.js"))
    assert str(caught.value) == said


def test_a_program_that_hangs_is_ended_with_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatting, "LIMIT", 2.0)
    started = tmp_path / "child"
    body = f"import subprocess; open({str(started)!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid))"
    path = program(tmp_path, "prettier", f"{body}\nimport signal; signal.pause()")
    with pytest.raises(Refused, match="took longer than"):
        run(Formatter("prettier", str(path)), ["let x"], str(tmp_path / "a.js"))
    assert ends(int(started.read_text()))


def test_a_program_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be run"):
        run(Formatter("prettier", str(tmp_path / "gone")), ["let x"], str(tmp_path / "a.js"))


def test_only_what_changes_is_edited() -> None:
    document = Document("file:///a.lua", "lua", 1, "a\nb  \nc\nd  \ne\n")
    found = edits(document.lines, "a\nb\nc\nd\ne\n", "\n")
    assert [(tuple(each.span), each.text) for each in found] == [((1, 0, 2, 0), "b\n"), ((3, 0, 4, 0), "d\n")]
    assert edits(document.lines, document.text, "\n") == []


def test_edits_lead_to_the_formatted_text() -> None:
    dice = random.Random(1)
    for _ in range(400):
        old = "\n".join(dice.choices(["a", "b", "", "  c", "d"], k=dice.randrange(7)))
        new = "\n".join(dice.choices(["a", "b", "", "c", "d"], k=dice.randrange(7)))
        assert applied(Document("file:///a.lua", "lua", 1, old), new) == new


def test_lines_keep_their_ends() -> None:
    document = Document("file:///a.lua", "lua", 1, "a  \r\nb\r\nc  \r\n")
    assert applied(document, "a\nb\nc\n") == "a\r\nb\r\nc\r\n"


def test_a_large_change_is_one_edit() -> None:
    document = Document("file:///a.lua", "lua", 1, "\n".join(f"x{n}  " for n in range(5_000)))
    formatted = "\n".join(f"x{n}" for n in range(5_000))
    assert len(edits(document.lines, formatted, "\n")) == 1
    assert applied(document, formatted) == formatted
