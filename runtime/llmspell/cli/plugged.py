"""What is wrong with a spell in a language that a plugin adds: its engine compiles it in its sandbox, runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmspell.cli.findings import Problem

if TYPE_CHECKING:
    from llmspell.engines.process import Zygote
    from llmspell.spell import Spell


def check(spell: Spell) -> Problem | None:
    """What the spell's engine says of it in its sandbox."""
    import asyncio

    return asyncio.run(_checked(spell))


async def _checked(spell: Spell) -> Problem | None:
    from llmspell.engines.process import Zygote

    zygote = Zygote.spawn()
    try:
        return await _check(spell, zygote)
    finally:
        zygote.close()


async def _check(spell: Spell, zygote: Zygote) -> Problem | None:
    from llmspell.engines.compiling import refusal

    source, module = spell.prepared()
    error = await refusal(zygote, spell.language, spell.label, source, module=module)
    if error is None:
        return None
    where, _, line = (error.source or f"{spell.label}:1").rpartition(":")
    number = int(line) if line.isdecimal() else 1
    return _problem(spell, where or spell.label, number, error.message)


def _problem(spell: Spell, file: str, line: int, message: str) -> Problem:
    lines = spell.source.splitlines()
    text = lines[line - 1] if file == spell.label and 0 < line <= len(lines) else ""
    return Problem(file, line, 1, line, len(text) + 1, "syntax", "error", message, text)
