"""Every tool of the catalog, the world that its examples need, and three ways to call it."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmspell.api.registry import registry
from llmspell.security.network import system_resolver
from llmspell.security.permissions import Permissions
from llmspell.tools.base import ToolContext
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.pipeline import own_work

sys.path.insert(0, str(Path(__file__).parent))

from tool_shapes import checker_of
from tool_world import World, furnish

Call = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def the_world() -> Iterator[World]:
    found = World()
    found.start()
    yield found
    found.stop()


@pytest.fixture
def world(the_world: World) -> World:
    """It answers as usual and remembers nothing."""
    the_world.clear()
    return the_world


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    furnish(folder)
    (tmp_path / "scratch").mkdir()
    return folder


def _resolver(answers: list[list[str]]) -> Callable[[str, int], Awaitable[list[str]]]:
    """Gives these addresses one after the other, the last ones for ever."""
    waiting = [*answers]

    async def resolve(host: str, port: int) -> list[str]:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return resolve


class Ending:
    """The end of a run, which what a tool keeps open waits for."""

    def __init__(self) -> None:
        self.acts: list[Callable[[], Awaitable[None]]] = []

    def at_end(self, act: Callable[[], Awaitable[None]]) -> None:
        self.acts.append(act)


@pytest.fixture
def call(project: Path) -> Call:
    """`await call(name, params, options=…, grants=…, environ=…)`: arguments checked, then the tool's own work. Without
    grants only the project is open, and `closed=True` shuts that too. resolved: addresses of every name, in turn."""

    async def called(
        name: str,
        params: dict[str, Any],
        *,
        options: Any = None,
        grants: Any = None,
        environ: Any = None,
        closed: bool = False,
        resolved: list[list[str]] | None = None,
    ) -> Any:
        checked = checker_of(name).check_params(params, name)
        scratch = project.parent / "scratch"
        own: dict[str, Any] = {} if closed else {"read": (".", scratch), "write": ("output", scratch)}
        permissions = await asyncio.to_thread(Permissions.grant, project, **{**own, **(grants or {})})
        context = ToolContext(permissions, project, scratch, environ or {})
        tool, ending = made(name, options), Ending()
        if resolved is not None:
            assert hasattr(tool, "resolver")
            tool.resolver = _resolver(resolved)  # pyright: ignore[reportAttributeAccessIssue]
        tool.run = ending  # pyright: ignore[reportAttributeAccessIssue]  as much of a run as tools use
        try:
            return (await own_work(tool, checked, context)).content
        finally:
            for act in ending.acts:
                await act()

    return called


def made(name: str, options: Any = None) -> BuiltinTool[Any]:
    described = registry().classes[registry().tools[name]["class"]]
    cls = getattr(importlib.import_module(described["module"]), described["name"])
    checked = registry().options(described["name"])
    assert checked is not None
    from llmspell.api.describe import class_mark

    mark = class_mark(cls)
    assert mark is not None and mark.options is not None
    tool = cls(mark.options(**checked.take(dict(options or {}), name)))
    assert getattr(tool, "resolver", system_resolver) is system_resolver
    return tool
