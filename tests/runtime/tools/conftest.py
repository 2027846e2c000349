"""A project, a scratch folder and `call`: a tool called as the pipeline calls it, its arguments checked first."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell.api.check import Checker
from llmspell.api.describe import class_mark
from llmspell.api.schemas import schema_of
from llmspell.security.permissions import Permissions
from llmspell.tools.base import ToolContext

_CHECKERS: dict[type, Checker] = {}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "output").mkdir(parents=True)
    (tmp_path / "scratch").mkdir()
    return folder


@pytest.fixture
def call(project: Path) -> Callable[..., Awaitable[Any]]:
    """`await call(Tool, params, options={…}, net=[…], environ={…}, clock=…)` gives the content."""

    async def called(
        tool: type,
        params: dict[str, Any],
        *,
        options: dict[str, Any] | None = None,
        environ: dict[str, str] | None = None,
        clock: Callable[[], float] | None = None,
        more: dict[str, Any] | None = None,
        **grants: Any,
    ) -> Any:
        mark = class_mark(tool)
        assert mark is not None and mark.tool is not None and mark.options is not None
        if tool not in _CHECKERS:
            _CHECKERS[tool] = Checker(await asyncio.to_thread(schema_of, mark.tool.params))
        checker = _CHECKERS[tool]
        scratch = project.parent / "scratch"
        permissions = await asyncio.to_thread(
            Permissions.grant,
            project,
            read=(".", scratch, *grants.pop("read", ())),
            write=("output", scratch, *grants.pop("write", ())),
            **grants,
        )
        context = ToolContext(permissions, project, scratch, environ or {"PATH": os.environ["PATH"]})
        if clock is not None:
            context = ToolContext(permissions, project, scratch, context.environ, clock)
        made = tool(mark.options(**(options or {})), **(more or {}))
        output = await made.perform(checker.check_params(params, mark.tool.name), context)
        return output.content

    return called
