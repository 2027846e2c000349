"""RetryHook: a failed unit is tried again, later each time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from llmspell.api.bounds import Bounds
from llmspell.api.describe import exposed
from llmspell.api.objects import ScriptClass
from llmspell.errors import LlmspellError
from llmspell.hooks.ready import Hook, Served
from llmspell.hooks.table import Context
from llmspell.run import Run

_Delay = Annotated[float, Bounds(ge=0, le=3_600_000)]
_TYPES = ("rate_limit", "overloaded", "network", "timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryHookOptions:
    attempts: Annotated[int, Bounds(ge=1, le=100)] = 3
    """How often a unit is tried again."""
    errors: list[str] | None = None
    """Types of errors to try again after (`error.type`); rate_limit, overloaded, network and timeout unless given. `*`
    is any."""
    units: list[Literal["llm_call", "tool_call", "execute", "init", "workflow", "step"]] | None = None
    """What is tried again; model calls and tool calls unless given."""
    delay: _Delay = 500
    """Milliseconds before the first repetition."""
    factor: Annotated[float, Bounds(ge=1, le=10)] = 2
    """How many times longer each pause is than the one before."""
    max_delay: _Delay = 30_000
    """The longest pause, in milliseconds."""
    jitter: Annotated[float, Bounds(ge=0, le=1)] = 0.2
    """By what share of itself a pause may be longer, by chance: what failed together does not come back together."""


@exposed(options=RetryHookOptions, example='Hooks.use(RetryHook.new{ attempts = 5, errors = { "timeout" } })')
class RetryHook(Hook):
    """Tries what failed again, with growing pauses; a service that says when to come back is listened to.

    An agent's own `retries` (429, 5xx, network) come first; this is asked about what is left. Chance comes from the
    run's seed.
    """

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> RetryHook:
        return cls(run, RetryHookOptions(**options))

    def __init__(self, run: Run, options: RetryHookOptions) -> None:
        self.site = run.site
        self._options = options
        self._errors = frozenset(options.errors or _TYPES)
        self._units = frozenset(options.units or ("llm_call", "tool_call"))
        self._random = random.Random(f"{run.seed} {run.site}")

    def served(self) -> Served:
        return {"on_error": (self._retry, 0)}

    async def _retry(self, context: Context) -> Context:
        error, count = context.get("error"), context.get("retry_count", 0)
        if not isinstance(error, LlmspellError) or context.get("unit") not in self._units:
            return context
        if count >= self._options.attempts or not self._errors & {"*", error.type}:
            return context
        return {**context, "retry": True, "retry_delay": round(self._pause(error, count), 3)}

    def _pause(self, error: LlmspellError, count: int) -> float:
        options = self._options
        if error.retry_after is not None:
            return error.retry_after
        pause = min(options.max_delay, options.delay * options.factor**count)
        return min(options.max_delay, pause * (1 + options.jitter * self._random.random()))
