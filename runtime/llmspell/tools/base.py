"""What a tool is given and what it gives, as values. The tool itself is `tool.Tool`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from llmspell.frozen import frozen
from llmspell.security.permissions import Permissions


@frozen
class ToolOutput:
    """What a tool gives: `content` in its documented shape, `metadata` about how, `artifacts` (paths, media)."""

    content: Any
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    artifacts: tuple[dict[str, Any], ...] = ()


@frozen
class ToolContext:
    """What a tool may use of the run that calls it.

    permissions: what the run may do; a tool narrows them by its own options, never widens. project: the folder that
    relative paths start from. scratch: the run's own temporary folder, gone at its end. environ: the host's
    environment, for secrets by name; it never reaches a script. clock: seconds since 1970; a replay gives the
    recorded ones. idempotency_key: names this very call, also where a resumed run makes it again.
    """

    permissions: Permissions
    project: Path
    scratch: Path
    environ: Mapping[str, str]
    clock: Callable[[], float] = time.time
    idempotency_key: str = ""
