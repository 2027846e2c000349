"""The symbolic mathematics tool: what it is asked and what it gives. `formula` reads, `solver` has it computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, NotRequired, Self, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.api.objects import ScriptClass
from llmspell.errors import SchemaError
from llmspell.run import Run
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.math.solver import Solver

Formula = Annotated[str, Bounds(min_length=1, max_length=1000)]
Name = Annotated[str, Bounds(min_length=1, max_length=31)]

_AT_A_VARIABLE: Final = frozenset({"differentiate", "integrate", "limit", "series"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolicMathOptions:
    seconds: Annotated[float, Bounds(ge=1, le=60)] = 10
    """Seconds of computing that one call may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolicMathParams:
    operation: Literal[
        "simplify", "expand", "factor", "differentiate", "integrate", "limit", "series", "solve", "substitute",
        "evaluate",
    ]  # fmt: skip
    """simplify, expand, factor: the expression in that form. differentiate: its derivative by `variable`. integrate:
    its integral, from `lower` to `upper` where they are given. limit: where it goes as `variable` goes to `point`.
    series: its power series around `point`. solve: the values of the variables for which all `equations` hold.
    substitute: the expression with `values` put in. evaluate: its number."""

    expression: Formula | None = None
    """The expression, such as `2x^2 - sin(x)/3`; solve takes it as its only equation. `e`, `pi`, `I` (the imaginary
    unit) and `oo` (infinity) are constants; a product with a parenthesis after a variable needs `*`."""

    equations: Annotated[list[Formula], Bounds(min_items=1, max_items=20)] | None = None
    """For solve: equations such as `x + y = 3`; without `=` they are to be zero."""

    variable: Name | None = None
    """The variable; not needed where the expression has only one."""

    variables: Annotated[list[Name], Bounds(min_items=1, max_items=20)] | None = None
    """For solve: the variables to solve for; all of them unless given."""

    values: Annotated[dict[str, float | Formula], Bounds(max_properties=20)] = field(
        default_factory=dict[str, float | str]
    )
    """For substitute and evaluate: numbers or expressions by variable, `{"x": 2, "y": "a + 1"}`."""

    order: Annotated[int, Bounds(ge=1, le=20)] | None = None
    """For differentiate: how often (1 unless given). For series: terms below this power (6 unless given)."""

    lower: Formula | None = None
    """For integrate: the lower end, a number or an expression such as `-oo`."""

    upper: Formula | None = None
    """For integrate: the upper end."""

    point: Formula = "0"
    """For limit and series: where; `oo` is infinity."""

    direction: Literal["both", "left", "right"] = "both"
    """For limit: from which side."""

    digits: Annotated[int, Bounds(ge=1, le=1000)] = 15
    """For evaluate: the digits of the result."""


class Solved(TypedDict):
    result: str
    """The value, exactly."""
    latex: str
    """The same in LaTeX."""
    value: NotRequired[float]
    """The same as a number, where it is a real one."""


class SymbolicMathResult(TypedDict):
    result: NotRequired[str]
    """The expression or number, such as `x**2 + sin(x)`; not given by solve."""
    latex: NotRequired[str]
    """The same in LaTeX."""
    value: NotRequired[float]
    """The same as a number, where it is a real one."""
    solutions: NotRequired[list[dict[str, Solved]]]
    """solve: each solution by variable; empty where there is none."""
    count: NotRequired[int]
    """solve: how many solutions."""


@exposed(
    aliases=("SymbolicMath",),
    options=SymbolicMathOptions,
    tool=ToolMark(
        name="symbolic_math",
        category="math",
        params=SymbolicMathParams,
        result=SymbolicMathResult,
        examples=(
            Example(
                {"operation": "differentiate", "expression": "x^3 + 2x"},
                {"result": "3*x**2 + 2", "latex": "3 x^{2} + 2"},
            ),
            Example(
                {"operation": "solve", "equations": ["x + y = 3", "x - y = 1"]},
                {
                    "solutions": [
                        {"x": {"result": "2", "latex": "2", "value": 2}, "y": {"result": "1", "latex": "1", "value": 1}}
                    ],
                    "count": 1,
                },
            ),
            Example(
                {"operation": "integrate", "expression": "sin(x)", "lower": "0", "upper": "pi"},
                {"result": "2", "latex": "2", "value": 2},
            ),
        ),
        timeout=120_000,
        max_output=200_000,
    ),
)
class SymbolicMathTool(BuiltinTool[SymbolicMathOptions]):
    """Does algebra and calculus exactly: simplifies, differentiates, integrates, finds limits and solves equations.

    Use it for mathematics with variables; for plain arithmetic use calculator. Results are exact (`sqrt(2)/2`) and,
    where they are real numbers, given as a number too. log is the natural logarithm.
    """

    _solver: Solver | None = None

    def attach(self, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> Self:
        self._solver = run.service(Solver, _of_run)
        return super().attach(run, options, script_class)

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = SymbolicMathParams(**params)
        request = _request(asked)
        solver = self._solver or Solver()
        try:
            answer = await solver.ask(request, self.options.seconds)
        finally:
            if solver is not self._solver:
                await solver.close()
        return ToolOutput(answer, {"operation": asked.operation})


def _of_run(run: Run) -> Solver:
    solver = Solver()
    run.at_end(solver.close)
    return solver


def _request(asked: SymbolicMathParams) -> dict[str, Any]:
    """What is asked of the other process, read and checked here."""
    from llmspell.tools.math import formula

    if asked.operation == "solve":
        return _equations(asked)
    if asked.expression is None:
        raise SchemaError(f"`{asked.operation}` needs `expression`", hint="for example x^2 + 2x")
    expression = formula.parse(asked.expression)
    request: dict[str, Any] = {"operation": asked.operation, "expression": expression}
    if asked.operation in _AT_A_VARIABLE:
        found = formula.symbols(expression)
        if asked.variable is None and len(found) > 1:
            raise SchemaError(
                f"`{asked.operation}` needs `variable`", hint=f"the expression has {', '.join(found)}: name one"
            )
        request["variable"] = formula.symbol(asked.variable or (found[0] if found else "x"))
    match asked.operation:
        case "differentiate":
            request["order"] = asked.order or 1
        case "series":
            request |= {"order": asked.order or 6, "point": formula.parse(asked.point)}
        case "limit":
            request |= {"point": formula.parse(asked.point), "direction": asked.direction}
        case "integrate":
            if (asked.lower is None) != (asked.upper is None):
                raise SchemaError("`integrate` needs `lower` and `upper`, or neither", hint="oo is infinity")
            request["lower"] = None if asked.lower is None else formula.parse(asked.lower)
            request["upper"] = None if asked.upper is None else formula.parse(asked.upper)
        case "substitute" | "evaluate":
            values = {formula.symbol(name): formula.parse(str(value)) for name, value in asked.values.items()}
            request |= {"values": values, "digits": asked.digits}
        case _:
            pass
    return request


def _equations(asked: SymbolicMathParams) -> dict[str, Any]:
    from llmspell.tools.math import formula

    given = asked.equations or ([asked.expression] if asked.expression is not None else [])
    if not given:
        raise SchemaError("`solve` needs `equations`", hint='for example ["x^2 = 4"]')
    trees = [formula.equation(text) for text in given]
    named = asked.variables or ([asked.variable] if asked.variable is not None else [])
    found = sorted({name for tree in trees for name in formula.symbols(tree)})
    if not named and not found:
        raise SchemaError("the equations have no variable", hint="for example x^2 = 4")
    return {"operation": "solve", "equations": trees, "variables": [formula.symbol(name) for name in named or found]}
