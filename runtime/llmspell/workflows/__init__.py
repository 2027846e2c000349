"""Workflows: steps in order, at once, by condition, in a loop, over items, in a stream; deterministic and visible.

`definition` is a workflow as a plain value, `reading` and `checks` make one from what a script or a Python program
wrote, `execution` runs it, `steps` does one step, `flows` and `pipeline` what the kinds of steps do with those inside
them, `context` is what functions and references see, `workflow` is the class `Workflow`, `builder` the same for Python.
Knows no engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmspell.workflows.builder import (
        AdaptiveLoopHandler,
        BuiltWorkflow,
        Condition,
        DynamicWorkflowBuilder,
        LoopCondition,
        LoopHandler,
        OutputAggregator,
    )
    from llmspell.workflows.context import WorkflowContext

__all__ = [
    "AdaptiveLoopHandler",
    "BuiltWorkflow",
    "Condition",
    "DynamicWorkflowBuilder",
    "LoopCondition",
    "LoopHandler",
    "OutputAggregator",
    "WorkflowContext",
]


def __getattr__(name: str) -> Any:
    """Loaded by those who build workflows in Python, and by nobody else."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from llmspell.workflows import builder

    return getattr(builder, name)
