"""`make bench-lsp`: the language server beside typescript-language-server, a key at a time, in this very run.

    python tests/benchmarks/lsp/run.py [--lines 100 1000 10000] [--rounds N] [--json] [--ours-only] [--one-function]

What a server does not announce is not measured. A missed goal is a finding, not a failure; a server that cannot be
measured is one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import rival
from spells import MARKS, MISTAKE, TYPED, in_one_function, spell
from typist import Typist

Figures = dict[str, list[float]]

#: What is shown: name -> (unit, goal at 1,000 lines, at 10,000).
ROWS: Final[dict[str, tuple[str, str, str]]] = {
    "initialize": ("ms", "", ""),
    "first diagnostics": ("ms", "500", "1500"),
    "completion": ("ms", "3 / 8", "5 / 15"),
    "CPU of a key": ("ms", "", ""),
    "hover": ("ms", "3", "6"),
    "signature": ("ms", "3", "6"),
    "definition": ("ms", "3", "6"),
    "error shown": ("ms", "60", "150"),
    "error gone": ("ms", "60", "150"),
    "symbols": ("ms", "8", "60"),
    "folding": ("ms", "8", "60"),
    "tokens": ("ms", "8", "60"),
    "memory": ("MB", "70", "120"),
}

#: Seconds of silence before memory is looked at: servers put work off until then.
_REST: Final = 2.0

#: What is asked at a place while a call is typed: name -> (method, capability).
_PLACED: Final = {
    "completion": ("textDocument/completion", "completionProvider"),
    "hover": ("textDocument/hover", "hoverProvider"),
    "signature": ("textDocument/signatureHelp", "signatureHelpProvider"),
    "definition": ("textDocument/definition", "definitionProvider"),
}
_WHOLE: Final = {
    "symbols": ("textDocument/documentSymbol", "documentSymbolProvider"),
    "folding": ("textDocument/foldingRange", "foldingRangeProvider"),
    "tokens": ("textDocument/semanticTokens/full", "semanticTokensProvider"),
}


def measure(
    command: Sequence[str], options: dict[str, Any], language: str, lines: int, *, stub: bool, one_function: bool
) -> Figures:
    """One server over one spell, from its start to its end."""
    figures: Figures = {}

    def note(name: str, work: Callable[[], Any]) -> None:
        begin = time.perf_counter()
        work()
        figures.setdefault(name, []).append((time.perf_counter() - begin) * 1000)

    with tempfile.TemporaryDirectory(prefix="llmspell-bench-") as place:
        folder = Path(place)
        if stub:
            rival.prepare(folder)
        text = spell(language, lines)
        if one_function:
            text = in_one_function(language, text)
        path = folder / ("spell.lua" if language == "lua" else "spell.js")
        path.write_text(text)
        # The first diagnostics are right when they show the one mistake there is.
        row = text.count("\n") - (3 if one_function else 2)
        broken = text.split("\n")
        broken[row] = MISTAKE[language]
        typist = Typist(command, folder, options)
        try:
            typist.open(path, language, "\n".join(broken))
            shown = typist.diagnostics(bool)
            figures["initialize"] = [typist.initialized * 1000]
            figures["first diagnostics"] = [(shown - typist.started) * 1000]
            typist.replace(row, 0, len(MISTAKE[language]), "")
            typist.diagnostics(lambda errors: not errors)
            figures["CPU of a key"] = _type(typist, language, row, note)
            _ask_whole(typist, row, note)
            _mistake(typist, language, row, note)
            time.sleep(_REST)
            figures["memory"] = [typist.memory_mb()]
        finally:
            typist.end()
    return figures


def _type(typist: Typist, language: str, row: int, note: Callable[[str, Callable[[], Any]], None]) -> list[float]:
    """A call typed a key at a time, each key followed by what an editor asks. Gives the CPU time of a key and its
    requests, which tells more than the clock while the machine has other work; of each turn."""
    word = MARKS[language][:-1]
    cpu: list[float] = []
    for _ in range(3):
        column = 0
        before = typist.cpu_ms()
        for key in TYPED[language]:
            typist.insert(row, column, key)
            column += 1
            for name, (method, capability) in _PLACED.items():
                if not typist.provides.get(capability):
                    continue
                if name == "completion" or (name == "signature" and "(" in TYPED[language][:column]):
                    note(name, lambda column=column, method=method: typist.at(method, row, column))
        cpu.append((typist.cpu_ms() - before) / len(TYPED[language]))
        for name in ("hover", "definition"):
            method, capability = _PLACED[name]
            for turn in range(8):
                typist.insert(row, column, " ")
                column += 1
                if typist.provides.get(capability):
                    at = TYPED[language].index(word) + turn % len(word)
                    note(name, lambda at=at, method=method: typist.at(method, row, at))
        typist.replace(row, 0, column, "")
    return cpu


def _ask_whole(typist: Typist, row: int, note: Callable[[str, Callable[[], Any]], None]) -> None:
    for name, (method, capability) in _WHOLE.items():
        for turn in range(8):
            typist.insert(row, turn, " ")
            if typist.provides.get(capability):
                note(name, lambda method=method: typist.whole(method))
        typist.replace(row, 0, 8, "")


def _mistake(typist: Typist, language: str, row: int, note: Callable[[str, Callable[[], Any]], None]) -> None:
    mistake = MISTAKE[language]
    for _ in range(5):
        typist.insert(row, 0, mistake[:-1])
        note("error shown", lambda: (typist.insert(row, len(mistake) - 1, mistake[-1]), typist.diagnostics(bool)))
        note(
            "error gone",
            lambda: (typist.replace(row, 0, len(mistake), ""), typist.diagnostics(lambda errors: not errors)),
        )


def shown(values: list[float] | None) -> str:
    """p50 / p95; one value alone."""
    if not values:
        return "-"
    if len(values) == 1:
        return f"{values[0]:.0f}"
    return f"{statistics.median(values):.1f} / {sorted(values)[int(len(values) * 0.95)]:.1f}"


def merged(rounds: list[Figures]) -> Figures:
    names = {name for figures in rounds for name in figures}
    single = {name for name in names if all(len(figures.get(name, [0])) == 1 for figures in rounds)}
    found: Figures = {}
    for name in names:
        values = [value for figures in rounds for value in figures.get(name, [])]
        found[name] = [statistics.median(values)] if name in single else values
    return found


def main() -> int:
    options = _options()
    ours = [sys.executable, "-m", "llmspell", "lsp"]
    servers: dict[str, tuple[Sequence[str], dict[str, Any], str]] = {
        "llmspell, Lua": (ours, {}, "lua"),
        "llmspell, JavaScript": (ours, {}, "javascript"),
    }
    failures: list[str] = []
    if not options.ours_only:
        try:
            command, initial = rival.installed()
            servers["typescript-language-server"] = (command, initial, "javascript")
        except RuntimeError as error:
            failures.append(f"typescript-language-server: {error}")
    results: dict[str, Any] = {}
    for lines in options.lines:
        table: dict[str, Figures] = {}
        rounds: dict[str, list[Figures]] = {name: [] for name in servers}
        for _ in range(options.rounds):
            for name, (command, initial, language) in servers.items():
                try:
                    stub = name.startswith("typescript")
                    one_function = options.one_function
                    rounds[name].append(
                        measure(command, initial, language, lines, stub=stub, one_function=one_function)
                    )
                except (RuntimeError, OSError) as error:
                    failures.append(f"{name} at {lines} lines: {error}")
        table = {name: merged(found) for name, found in rounds.items() if found}
        results[str(lines)] = table
        if not options.json:
            _show(lines, table)
    if options.json:
        print(json.dumps({"results": results, "failures": failures}))
    for failure in failures if not options.json else ():
        print(f"could not be measured: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _show(lines: int, table: dict[str, Figures]) -> None:
    goal = 2 if lines >= 10_000 else 1
    names = list(table)
    print(f"\n{lines:,} lines: p50 / p95")
    print(f"{'':20}{'goal':>12}", *(f"{name:>28}" for name in names), f"{'ratio, JavaScript':>18}")
    for row, settings in ROWS.items():
        cells = [shown(table[name].get(row)) for name in names]
        print(
            f"{row + ', ' + settings[0]:20}{settings[goal]:>12}", *(f"{cell:>28}" for cell in cells), _ratio(row, table)
        )


def _ratio(row: str, table: dict[str, Figures]) -> str:
    ours = table.get("llmspell, JavaScript", {}).get(row)
    theirs = table.get("typescript-language-server", {}).get(row)
    if not ours or not theirs:
        return f"{'-':>18}"
    return f"{statistics.median(ours) / statistics.median(theirs):>18.2f}"


def _options() -> Any:
    parser = argparse.ArgumentParser(description="measures the language server beside typescript-language-server")
    parser.add_argument("--lines", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ours-only", action="store_true", help="without installing or measuring the other")
    parser.add_argument("--one-function", action="store_true", help="spells that are one function")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
