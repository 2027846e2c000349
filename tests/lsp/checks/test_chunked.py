"""A check of a chunk is asked again only where the chunk, or what it sees, has changed; the work comes in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from llmspell_lsp import checks
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import found
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.syntax.nodes import Call, Span
from llmspell_lsp.syntax.parts import LONG
from llmspell_lsp.workspace.snapshot import Snapshot

Open = Callable[[str, str], Snapshot]

TEXT = 'local one = Agent.new{ model = "offline" }\nlocal two = 2\nprint(one)\nprint(two)\nprint(3)\n'


class Asked:
    """A check that finds each call, and remembers the first lines of the chunks that it was asked about."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, view: View) -> Iterator[Finding]:
        self.lines.append(view.placed.chunk.lines[0])
        for call in view.nodes(Call):
            start = view.placed.start
            yield found("deprecated", Span(call.span.line + start, 0, call.span.line + start, 1), "a call")


def asked(check: Asked, snapshot: Snapshot) -> tuple[list[str], list[int]]:
    """What it was asked about this time, and the lines of all findings."""
    check.lines.clear()
    given = [each.span.line for each in by_chunk(check)(snapshot) if each is not None]
    return list(check.lines), given


def test_only_what_has_changed_is_looked_at_again(open_text: Open) -> None:
    snapshot, check = open_text(TEXT, "lua"), Asked()
    check.__module__ = "test"
    assert asked(check, snapshot) == (TEXT.splitlines(), [0, 2, 3, 4])
    assert asked(check, snapshot) == ([], [0, 2, 3, 4])
    snapshot.document.edit(4, 6, 4, 7, "4")
    assert asked(check, snapshot) == (["print(4)"], [0, 2, 3, 4])
    snapshot.document.edit(1, 12, 1, 13, "3")  # and who reads it
    assert asked(check, snapshot) == (["local two = 3", "print(two)"], [0, 2, 3, 4])


def test_what_is_kept_moves_with_its_chunk(open_text: Open) -> None:
    snapshot, check = open_text(TEXT, "lua"), Asked()
    asked(check, snapshot)
    snapshot.document.edit(0, 0, 0, 0, "-- a line more\n")
    lines, given = asked(check, snapshot)
    assert given == [1, 3, 4, 5]
    assert "print(3)" not in lines


def test_a_chunk_that_cannot_be_read_is_left_alone(open_text: Open) -> None:
    snapshot, check = open_text(TEXT.replace("print(3)", "print(3"), "lua"), Asked()
    assert asked(check, snapshot)[1] == [0, 2, 3]


@pytest.mark.parametrize("language", ["lua", "javascript"])
def test_the_work_comes_in_pieces(language: str, open_text: Open) -> None:
    line = "print({number})" if language == "lua" else "console.log({number});"
    text = "\n".join(line.format(number=number) for number in range(200))
    pieces = list(checks.pieces(open_text(text, language), lambda name, error: pytest.fail(f"{name}: {error!r}")))
    assert len(pieces) >= 200


@pytest.mark.parametrize("shape", ["small statements", "one function"])
@pytest.mark.parametrize("language", ["lua", "javascript"])
def test_what_is_found_piece_by_piece_is_what_a_fresh_look_finds(language: str, shape: str, open_text: Open) -> None:
    declares = (
        "local a = Agent.new{{ sistem_prompt = {0} }}\nprint(a)"
        if language == "lua"
        else "const a{0} = new Agent({{ sistemPrompt: {0} }});\nconsole.log(a{0});"
    )
    text = "\n".join(declares.format(number) for number in range(5))
    if shape == "one function":
        rest = ["", "print(1)" if language == "lua" else "console.log(1);"] * LONG
        body = "".join(f"  {line}\n" for line in [*text.split("\n"), *rest])
        head, end = ("function all()", "end") if language == "lua" else ("async function all() {", "}")
        text = f"{head}\n{body}{end}"

    def failed(name: str, error: Exception) -> None:
        raise AssertionError(name) from error

    snapshot = open_text(text, language)
    for row in range(13):
        checks.found(snapshot, failed)
        snapshot.document.edit(row, 0, row, 0, "\n" if row % 2 else "-- x\n" if language == "lua" else "// x\n")
    kept = checks.told(snapshot, checks.found(snapshot, failed))
    fresh = open_text(snapshot.document.text, language)
    assert kept == checks.told(fresh, checks.found(fresh, failed))
    assert len(kept) >= 5
