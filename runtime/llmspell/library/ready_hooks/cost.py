"""CostHook: a budget of money, tokens, calls and time over everything that a run does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import exposed, method
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError, LimitError
from llmspell.hooks.ready import Hook, Served
from llmspell.hooks.table import Context
from llmspell.library.human import Human
from llmspell.run import Run

_Most = Annotated[float, Bounds(gt=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostHookOptions:
    cost: _Most | None = None
    """US dollars."""
    tokens: _Most | None = None
    """Tokens, read and written."""
    calls: _Most | None = None
    """Requests to models, repeated ones included."""
    time: _Most | None = None
    """Milliseconds since the run began."""
    on_exceed: Literal["stop", "ask"] = "stop"
    """Whether the run ends there (exit code 3), or the person is asked to grant the same again."""
    warn_at: Annotated[float, Bounds(gt=0, le=1)] = 0.8
    """The share of the budget at which the trace has a warning."""


class Spent(TypedDict):
    cost: float
    tokens: float
    calls: float
    time: float


@exposed(options=CostHookOptions, example="Hooks.use(CostHook.new{ cost = 0.50, calls = 40 })")
class CostHook(Hook):
    """A budget over the whole run: all agents, tools and workflows together. It is looked at before each call to a
    model; a call that would begin past it is not made.

    A limit cannot be caught. What a model's price list does not know costs nothing here: limit calls or tokens too.
    """

    waits = True

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> CostHook:
        return cls(run, CostHookOptions(**options))

    def __init__(self, run: Run, options: CostHookOptions) -> None:
        """Raises ArgumentError for a budget of nothing."""
        self.site = run.site
        self._run = run
        self._options = options
        given = {name: getattr(options, name) for name in ("cost", "tokens", "calls", "time")}
        self._each = {name: most for name, most in given.items() if most is not None}
        if not self._each:
            raise ArgumentError("the budget limits nothing", hint="give cost, tokens, calls or time")
        self._granted = dict(self._each)
        self._warned: set[str] = set()

    def served(self) -> Served:
        return {"before_llm_call": (self._before, 500)}

    @method(result=Spent)
    def spent(self) -> Spent:
        """What the run has used so far: `cost`, `tokens`, `calls`, `time`."""
        return self._spent(self._run.log.last_time)

    async def _before(self, context: Context) -> Context:
        for name, spent in self._passed():
            await self._exceeded(name, spent)
        return context

    def _passed(self) -> Iterator[tuple[str, float]]:
        """The budgets that are used up, with what was spent; a warning for those that nearly are."""
        spent: dict[str, Any] = {**self._spent(self._run.span.started)}
        for name, most in self._granted.items():
            if spent[name] >= most:
                yield name, spent[name]
            elif spent[name] >= most * self._options.warn_at and name not in self._warned:
                self._warned.add(name)
                self._run.warn(f"{shown(name, spent[name])} of the budget of {shown(name, most)} are used")

    async def _exceeded(self, name: str, spent: float) -> None:
        most = self._granted[name]
        data = {"budget": name, "spent": spent, "limit": most}
        self._run.emit("budget_exceeded", name, data)
        text = f"the run has used {shown(name, spent)}, its budget is {shown(name, most)}"
        if self._options.on_exceed == "ask" and await self._approved(f"{text}. Go on with as much again?"):
            self._granted[name] = max(most, spent) + self._each[name]
            self._warned.discard(name)
            return
        hint = f"raise `{name}` of the CostHook, or ask for less"
        self._run.stop(LimitError(text, limit=name, source=self.site, hint=hint))

    async def _approved(self, question: str) -> bool:
        return await Human(self._run).approve({"question": question})

    def _spent(self, now: float) -> Spent:
        run = self._run
        return {"cost": run.cost, "tokens": run.tokens, "calls": run.calls, "time": round(now - run.began, 3)}


def shown(name: str, amount: float) -> str:
    """An amount of a budget, for a person."""
    match name:
        case "cost":
            return f"${amount:.4f}"
        case "time":
            return f"{amount / 1000:.1f} s"
        case _:
            return f"{amount:,.0f} {name}"
