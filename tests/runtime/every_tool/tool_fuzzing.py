"""Arguments drawn from a tool's schema, tried on it: a clear error or a result of the declared shape, nothing else."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from tool_shapes import arguments, checker_of, wrong_with
from tool_world import World, aimed, outfit

from llmspell.api.check import as_json
from llmspell.api.registry import registry
from llmspell.errors import LlmspellError

#: Seconds that no drawn call may take, but those that are asked to wait.
_LONG: Final = 20.0
#: Seconds that a call which was asked to wait is given before it is cut off.
_SHORT: Final = 0.05


@dataclass
class Trial:
    """One tool under trial. closed: nothing is permitted. seconds: of calls, after which the rest is let be."""

    name: str
    call: Callable[..., Awaitable[Any]]
    world: World
    closed: bool
    seconds: float
    outcomes: Counter[str] = field(default_factory=Counter[str])
    spent: float = 0

    def run(self, examples: int, *, random: bool = False) -> None:
        tool = registry().tools[self.name]
        known = [aimed(self.name, each["params"], self.world.url) for each in tool["examples"]]
        with asyncio.Runner() as runner:

            @settings(
                max_examples=examples,
                deadline=None,
                derandomize=not random,
                database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
            )
            @given(params=arguments(tool["parameters"], known))
            def tried(params: dict[str, Any]) -> None:
                begun = time.monotonic()
                self.outcomes[runner.run(self._outcome(params))] += 1
                self.spent += time.monotonic() - begun

            tried()

    async def _outcome(self, params: dict[str, Any]) -> str:
        worn = outfit(self.name, registry().tools[self.name]["permissions"], self.world)
        open_to = {} if worn is None or self.closed else {"grants": worn.grants, "environ": worn.environ}
        options = {} if worn is None else {"options": worn.options}
        waits = "wait" in str(params.get("operation"))
        try:
            checker_of(self.name).check_params(params, self.name)
            if self.spent > self.seconds:
                return "let be"
            async with asyncio.timeout(_SHORT if waits else _LONG):
                content = await self.call(self.name, params, closed=self.closed, **options, **open_to)
        except TimeoutError:
            assert waits, f"{self.name} was not done after {_LONG} s: {params}"
            return "waited"
        except LlmspellError as error:
            _clear(error)
            return error.type
        assert wrong_with(self.name, content) == [], f"{params} gave {content}"
        json.dumps(as_json(content))
        return "accepted"


def _clear(error: LlmspellError) -> None:
    said = f"{error.message}\n{error.hint}"
    assert len(error.message.split()) > 1, said
    assert "Traceback" not in said and "internal" not in error.message and "object at 0x" not in said, said
    assert len(said) < 5000, said
