"""`llmspell validate PATH…`: compiles spells in their sandbox and runs nothing. Exit 1 when one has an error."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from llmspell.engines.process import Zygote
    from llmspell.spell import Spell


class Problem(TypedDict):
    file: str
    line: int
    code: str
    message: str


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a spell, or a folder: every spell in it")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how the problems are printed")


def run(args: Namespace) -> int:
    import asyncio

    problems = asyncio.run(_problems([path for given in args.paths for path in _spells(Path(given))]))
    if args.format == "json":
        print(json.dumps(problems, indent=2))
    else:
        for problem in problems:
            print(f"{problem['file']}:{problem['line']}: {problem['message']}")
    return 1 if problems else 0


def _spells(given: Path) -> list[Path]:
    """The spells below a folder, hidden and installed ones left out; any other path is taken at its word."""
    if not given.is_dir():
        return [given]
    found = (path for ending in ("*.lua", "*.js", "*.mjs") for path in given.rglob(ending))
    return sorted(path for path in found if not any(_skipped(part) for part in path.relative_to(given).parts))


def _skipped(name: str) -> bool:
    return name.startswith(".") or name == "node_modules"


async def _problems(paths: list[Path]) -> list[Problem]:
    from llmspell.engines.process import Zygote
    from llmspell.spell import Spell

    zygote = Zygote.spawn()
    try:
        found = [await _check(Spell.read(path), zygote) for path in paths]
    finally:
        zygote.close()
    return [problem for problem in found if problem is not None]


async def _check(spell: Spell, zygote: Zygote) -> Problem | None:
    from llmspell.engines import protocol
    from llmspell.engines.transport import Limits

    errors: list[dict[str, Any]] = []

    def on_frame(frame: protocol.Frame) -> None:
        if frame[0] == "fail":
            errors.append(frame[1])

    source, module = spell.prepared()
    worker = zygote.worker(spell.language, on_frame, Limits(cpu=10.0))
    start: protocol.Start = {
        "language": spell.language,
        "label": spell.label,
        "source": source,
        "module": module,
        "params": {},
        "config": {},
        "env": {},
        "globals": {},
        "seed": 0,
        "clock": None,
        "memory_mb": 256,
    }
    worker.send(protocol.encode(["check", start]))
    ended = await worker.exit
    if ended.error is not None:
        return Problem(file=spell.label, line=1, code=ended.error.type, message=ended.error.message)
    if not errors:
        return None
    where, _, line = str(errors[0].get("source") or f"{spell.label}:1").rpartition(":")
    return Problem(
        file=where or spell.label,
        line=int(line) if line.isdecimal() else 1,
        code=str(errors[0].get("type", "error")),
        message=str(errors[0].get("message", "")),
    )
