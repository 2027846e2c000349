"""YAML as Kubernetes reads it, bounded: no anchors (which let a small text become a huge value), no dates, no tags."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, Final

from llmspell.errors import ToolError

_TIME: Final = "tag:yaml.org,2002:timestamp"


def read(text: str, what: str) -> Any:
    """The value of one document. Blocks: 1 s for 200 kB. Raises ToolError."""
    yaml, loader = _library()
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=loader)):
            raise ToolError(f"{what} uses an anchor again", hint="write the value out")
        return yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        problem = " ".join(str(getattr(error, "problem", None) or "it cannot be read").split())
        raise ToolError(f"{what} is no YAML of one document{where}: {problem:.200}") from None
    except (RecursionError, ValueError):
        raise ToolError(f"{what} is no YAML: it nests too deep, or holds a value that is none") from None


@cache
def _library() -> tuple[Any, Any]:
    try:
        yaml: Any = importlib.import_module("yaml")  # 25 ms
    except ImportError:
        raise ToolError(
            "kubernetes needs a package that is not installed", hint="pip install 'llmspell[integration]'"
        ) from None
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, shape) for tag, shape in rows if tag != _TIME]
        for first, rows in base.yaml_implicit_resolvers.items()
    }
    return yaml, type("Loader", (base,), {"yaml_implicit_resolvers": resolvers})
