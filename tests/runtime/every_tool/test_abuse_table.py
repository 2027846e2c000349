"""The table of known ways to abuse a tool: a row for each tool, a column for each way, and no empty cell.

A cell is an attack that runs here, a test elsewhere that is named, or the reason why there is nothing to attack.
`test_no_cell_is_empty` prints the table.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tool_abuse import GENERAL, Attack, Cell
from tool_abuse_links import LINKED
from tool_abuse_net import NET
from tool_shapes import NAMES
from tool_world import SERVICES, World

from llmspell.api.registry import registry

TOOLS = registry().tools
ATTACKS: dict[str, Attack] = {**GENERAL, **NET}


def reason(way: str, name: str) -> str:
    """Why a way of abuse does not concern a tool; "" where it does."""
    if way in ATTACKS:
        return ATTACKS[way][0](TOOLS[name])
    found = LINKED[way]
    if name in found.tests or (found.shared and (not found.only or found.only & set(TOOLS[name]["permissions"]))):
        return ""
    return f"takes no {found.what}"


def cells() -> list[Any]:
    return [
        pytest.param(way, name, id=f"{way.replace(' ', '_')}-{name}")
        for way in ATTACKS
        for name in NAMES
        if not reason(way, name) and not ("net" in TOOLS[name]["permissions"] and name not in SERVICES)
    ]


@pytest.mark.parametrize(("way", "name"), cells())
async def test_abuse(way: str, name: str, call: Any, world: World, project: Path) -> None:
    await ATTACKS[way][1](Cell(name, call, world, project))


@cache
def _tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.mission(97, 98, 99, 101, 102, 103, 104, 106)
def test_no_cell_is_empty() -> None:
    empty: list[str] = []
    for name in NAMES:
        told: list[str] = []
        for way in [*ATTACKS, *LINKED]:
            why = reason(way, name)
            if why:
                told.append(f"  - {way}: {why}")
            elif way in ATTACKS:
                served = "net" not in TOOLS[name]["permissions"] or name in SERVICES
                told.append(f"  + {way}" if served else f"  ? {way}")
            else:
                place = LINKED[way].tests.get(name) or LINKED[way].shared
                path, _, test = place.partition("::")
                there = test in _tests(Path(__file__).parents[1] / path)
                told.append(f"  {'+' if there else '?'} {way}: {place}")
        empty += [f"{name}: {line[4:]}" for line in told if line.startswith("  ?")]
        print("\n".join((name, *told)))
    print("empty:", empty)
    assert empty == []


def test_every_file_of_a_tool_is_opened_by_the_one_guarded_way() -> None:
    """Links, races and special files are met in `security/files`; a tool that opened a file itself would pass it by."""
    import llmspell.tools

    own = {
        "file_tree.py": "openat below a folder that was opened so",
        "process_table.py": "the kernel's table of the run's own processes",
        "supervisor.py": "the same, in the command's own process",
        "local_model.py": "a model's files below a folder that was opened so",
        "vector_calls.py": "an index below a folder that was opened so",
        "vector_index.py": "the same",
    }
    found: list[str] = []
    for path in Path(llmspell.tools.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and path.name not in own and _opens(node.func):
                found.append(f"{path.name}:{node.lineno}")
    assert found == []


def _opens(function: ast.expr) -> bool:
    match function:
        case ast.Name("open"):
            return True
        case ast.Attribute(ast.Name("os" | "io"), "open"):
            return True
        case ast.Attribute(ast.Name("files")):
            return False
        case ast.Attribute(_, "read_text" | "read_bytes" | "write_text" | "write_bytes"):
            return True
        case _:
            return False


def test_an_empty_cell_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LINKED["runaway pattern"].tests, "regex", "tools/test_hostile_data.py::test_that_is_not_there")  # pyright: ignore[reportArgumentType]
    with pytest.raises(AssertionError, match="runaway pattern"):
        test_no_cell_is_empty()
