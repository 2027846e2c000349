"""Known ways to abuse a tool, each tried on every tool that has what it abuses; and why it does not concern the others.

`GENERAL` are attacks made from a tool's own schema, examples and permissions. An attack fails the test when anything
leaks, hangs, is lost, or ends in anything but a clear error or a declared result. Knows no tool by name.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tool_shapes import checker_of, wrong_with
from tool_world import SECRET, World, aimed, outfit

from llmspell.api.registry import registry
from llmspell.errors import LlmspellError

#: Seconds that an attack may take: what hangs is ended by the tool itself, not by the person.
PATIENCE: Final = 20.0
#: Seconds of work after which a cell only looks at what is refused: drawing a hundred charts proves no more than ten.
ENOUGH: Final = 0.25
#: What lies outside of the project, and must not be seen.
PRIVATE: Final = "the private words"

_PATH: Final = re.compile(r"(?:^|_)path$|^destination$|^attachments$|^template$|^kubeconfig$|_dir$")


@dataclass
class Cell:
    """One tool under one attack."""

    name: str
    call: Callable[..., Awaitable[Any]]
    world: World
    project: Path
    outcomes: list[str] = field(default_factory=list[str])
    spent: float = 0
    sampled: bool = False
    """Whether only the first calls do their work: what is tried many times costs many times."""

    @property
    def tool(self) -> dict[str, Any]:
        return registry().tools[self.name]

    @property
    def outside(self) -> Path:
        return self.project.parent / "outside"

    @property
    def examples(self) -> list[dict[str, Any]]:
        return [aimed(self.name, each["params"], self.world.url) for each in self.tool["examples"]]

    async def tries(self, params: dict[str, Any], *, url: str = "", **more: Any) -> str:
        """The kind of the error that the call ends with, or `accepted`. url: where its service is."""
        worn = outfit(self.name, self.tool["permissions"], self.world, url)
        given: dict[str, Any] = {} if worn is None else {"grants": worn.grants, "environ": worn.environ}
        given |= {"options": {**({} if worn is None else worn.options), **more.pop("options", {})}, **more}
        begun = time.monotonic()
        try:
            checker_of(self.name).check_params(params, self.name)
            if self.sampled and self.spent > ENOUGH:
                return "let be"
            async with asyncio.timeout(PATIENCE):
                content = await self.call(self.name, params, **given)
        except LlmspellError as error:
            self._clear(error)
            found = error.type
        else:
            assert wrong_with(self.name, content) == []
            self._hides(repr(content))
            found = "accepted"
        self.spent += time.monotonic() - begun
        self.outcomes.append(found)
        return found

    def _clear(self, error: LlmspellError) -> None:
        said = f"{error.message} {error.hint} {error.data}"
        assert len(error.message.split()) > 1
        assert "Traceback" not in said and "internal error" not in said
        assert len(error.message) < 5000
        self._hides(said)

    def _hides(self, said: str) -> None:
        assert PRIVATE not in said
        assert SECRET not in said

    def placed(self, path: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Arguments and options with a path wherever the tool takes one, for every operation."""
        properties: dict[str, Any] = self.tool["parameters"]["properties"]
        union = {key: value for example in self.examples for key, value in example.items()}
        required = {key: union[key] for key in self.tool["parameters"].get("required", ()) if key in union}
        fill = {
            "content": "x",
            "sql": "SELECT 1",
            "query": "a",
            "heading": "x",
            "patch": "x",
            "destination": "output/y",
        }
        few = required | {key: value for key, value in fill.items() if key in properties and key not in union}
        few |= {key: union[key] for key in ("passphrase", "key") if key in union}
        operations = [{"operation": each} for each in properties.get("operation", {}).get("enum", ())] or [{}]
        for name in path_fields(properties):
            value: Any = [path] if "array" in str(properties[name]) else path
            yield {**self.examples[0], name: value}, {}
            for operation in operations:
                yield {**few, **operation, name: value}, {}
        options: dict[str, Any] = registry().classes[self.tool["class"]]["options"]["properties"]
        for name in path_fields(options):
            for example in self.examples:
                yield example, {name: path, **({"method": "local"} if "method" in options else {})}


def path_fields(properties: dict[str, Any]) -> list[str]:
    """Fields that name files and folders of one's own."""
    return [name for name, schema in properties.items() if _PATH.search(name) and "string" in str(schema)]


# -- files ---------------------------------------------------------------------------------------------------------


def takes_paths(tool: dict[str, Any]) -> str:
    options = registry().classes[tool["class"]]["options"]["properties"]
    named = [*path_fields(tool["parameters"]["properties"]), *path_fields(options)]
    if not {"read", "write"} & set(tool["permissions"]):
        return "opens no files"
    return "" if named else "takes no paths"


async def _refused_everywhere(cell: Cell, paths: list[str]) -> None:
    cell.outside.mkdir(exist_ok=True)
    (cell.outside / "secret.txt").write_text(PRIVATE)
    for path in paths:
        for params, options in cell.placed(path):
            await cell.tries(params, options=options)
    assert (cell.outside / "secret.txt").read_text() == PRIVATE
    assert [each.name for each in cell.outside.iterdir()] == ["secret.txt"]
    assert "permission" in cell.outcomes, cell.outcomes


async def path_outside(cell: Cell) -> None:
    secret = str(cell.outside / "secret.txt")
    await _refused_everywhere(cell, ["../outside/secret.txt", "output/../../outside/secret.txt", secret, "/etc/passwd"])


async def link_outside(cell: Cell) -> None:
    (cell.project / "output" / "link").symlink_to(cell.outside / "secret.txt")
    (cell.project / "output" / "folder").symlink_to(cell.outside)
    base = "" if "base_dir" in registry().classes[cell.tool["class"]]["options"]["properties"] else "output/"
    await _refused_everywhere(cell, [f"{base}link", f"{base}folder/secret.txt", "output/folder"])


async def closed_file(cell: Cell) -> None:
    (cell.project / ".env").write_text(PRIVATE)
    (cell.project / ".git").mkdir()
    (cell.project / ".git" / "config").write_text(PRIVATE)
    await _refused_everywhere(cell, [".env", ".git/config", "output/.env", "/proc/self/environ"])
    assert (cell.project / ".env").read_text() == PRIVATE


async def special_file(cell: Cell) -> None:
    import os

    os.mkfifo(cell.project / "output" / "pipe")
    for path in ("output/pipe", "pipe", "output"):
        for params, options in cell.placed(path):
            if params.get("operation") not in ("list", "delete", "move", "mkdir"):
                await cell.tries(params, options=options)
    assert cell.outcomes


async def nul_in_path(cell: Cell) -> None:
    before = sorted(cell.project.rglob("*"))
    for params, options in cell.placed("output/a\0b"):
        await cell.tries(params, options=options)
    assert set(cell.outcomes) & {"validation", "tool", "permission"}
    assert {*before} ^ {*cell.project.rglob("*")} <= {cell.project / "output" / "y"}


# -- arguments -----------------------------------------------------------------------------------------------------


def always(tool: dict[str, Any]) -> str:
    return ""


def _fields(cell: Cell, *kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in cell.tool["parameters"]["properties"].items():
        parts = [schema, *schema.get("anyOf", ())]
        if any(part.get("type") in kinds or not part.keys() & {"type", "anyOf", "enum"} for part in parts):
            yield name, schema


def has(*kinds: str, what: str) -> Callable[[dict[str, Any]], str]:
    def reason(tool: dict[str, Any]) -> str:
        texts = (str(schema) for schema in tool["parameters"]["properties"].values())
        found = any(f"'type': '{kind}'" in text for text in texts for kind in kinds)
        return "" if found else f"takes no {what}"

    return reason


async def _each_field(cell: Cell, kinds: tuple[str, ...], values: list[Any]) -> None:
    cell.sampled = True
    for example in cell.examples[:1]:
        for name, _ in _fields(cell, *kinds):
            for value in values:
                await cell.tries({**_quick(example), name: value})
    assert cell.outcomes


def _quick(example: dict[str, Any]) -> dict[str, Any]:
    """Without waiting: an attack has other fields than those."""
    return {**example, "timeout": 300} if "timeout" in example else example


async def nul_bytes(cell: Cell) -> None:
    await _each_field(cell, ("string",), ["a\0b", "\0"])


async def lone_surrogates(cell: Cell) -> None:
    await _each_field(cell, ("string",), ["\ud800", "a\udfffb"])


async def huge_text(cell: Cell) -> None:
    await _each_field(cell, ("string",), ["x" * 1_000_000])


async def deep_nesting(cell: Cell) -> None:
    rows: Any = 1
    table: Any = 1
    for _ in range(300):
        rows, table = [rows], {"a": table}
    await _each_field(cell, ("array", "object", "string"), [rows, table, "[" * 20_000, "(" * 2000, "<a>" * 5000])


async def numbers_out_of_bounds(cell: Cell) -> None:
    cell.sampled = True
    odd = [-1, 0, -(2**70), 2**70, 2**53 + 1, 1e308, -0.0, float("nan"), float("inf")]
    for name, schema in _fields(cell, "integer", "number"):
        parts = [schema, *schema.get("anyOf", ())]
        bounds = [part[key] for part in parts for key in ("minimum", "maximum") if key in part]
        for value in [*odd, *(bound + step for bound in bounds for step in (-1, 1))]:
            if name in ("duration", "timeout", "wait") and 1000 < value < 2**40:
                continue  # waiting that long is what was asked for
            await cell.tries({**cell.examples[0], name: value})
        for part in parts:
            for key, step in (("minimum", -1), ("maximum", 1)):
                if key in part and len(parts) < 3 and abs(part[key]) < 2**53:
                    assert await cell.tries({**cell.examples[0], name: part[key] + step}) == "validation"


async def unknown_argument(cell: Cell) -> None:
    for name in ("unknown", "__proto__", "constructor", "self", "__class__"):
        assert await cell.tries({**cell.examples[0], name: 1}) == "validation"


async def wrong_types(cell: Cell) -> None:
    cell.sampled = True
    for name in cell.tool["parameters"]["properties"]:
        for value in ([[]], {"a": {"b": 1}}, True, 1.5, "word", None, b"bytes", object()):
            await cell.tries({**_quick(cell.examples[0]), name: value})
    assert "validation" in cell.outcomes


async def line_ends(cell: Cell) -> None:
    """Header, mail and log injection: a line end that a text brings makes no line of a request or of a message."""
    cell.sampled = True
    for name, _ in _fields(cell, "string"):
        for value in ("a\r\nX-Evil: 1\r\n\r\n", "a\nX-Evil: 1", "a@example.org\nBcc: eve@example.org"):
            await cell.tries({**_quick(cell.examples[0]), name: value})
    assert [asked for asked in cell.world.asked if "x-evil" in asked.headers] == []
    heads = [mail.replace(b"\r\n", b"\n").partition(b"\n\n")[0].lower() for mail in cell.world.mails]
    assert [head for head in heads if b"\nx-evil:" in head or b"\nbcc:" in head] == []


async def cut_off(cell: Cell) -> None:
    """Cancelled at several moments: no process and no thread goes on for it."""
    from tool_traces import settled, working

    await cell.tries(cell.examples[0])  # what is kept from call to call is there from now on
    before = await settled(working)
    for example in cell.examples:
        for turns in (0, 1, 3, 10):
            task = asyncio.create_task(cell.tries(example))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait_for(asyncio.shield(asyncio.gather(task)), PATIENCE)
    after = await settled(lambda: working() - before, still=5.0)  # a thread may be reading a large file
    assert after == set()


#: Attack by name: what it needs of a tool (or why there is nothing to attack), and the attack itself.
Attack = tuple[Callable[[dict[str, Any]], str], Callable[[Cell], Awaitable[None]]]
GENERAL: Final[dict[str, Attack]] = {
    "path outside": (takes_paths, path_outside),
    "link outside": (takes_paths, link_outside),
    "closed file": (takes_paths, closed_file),
    "special file": (takes_paths, special_file),
    "NUL in path": (takes_paths, nul_in_path),
    "NUL bytes": (has("string", what="texts"), nul_bytes),
    "lone surrogates": (has("string", what="texts"), lone_surrogates),
    "huge text": (has("string", what="texts"), huge_text),
    "deep nesting": (always, deep_nesting),
    "numbers out of bounds": (has("integer", "number", what="numbers"), numbers_out_of_bounds),
    "unknown argument": (always, unknown_argument),
    "wrong types": (always, wrong_types),
    "line ends": (has("string", what="texts"), line_ends),
    "cut off": (always, cut_off),
}
