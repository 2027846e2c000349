"""The calculator: one expression to one number. `notation` reads it, `arithmetic` bounds it; neither runs Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculatorOptions:
    precision: Annotated[int, Bounds(ge=0, le=50)] | None = None
    """Decimal places that every result is rounded to. None: not rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculatorParams:
    expression: Annotated[str, Bounds(min_length=1, max_length=1000)]
    """The expression, for example `15% of 2500`, `sqrt(2) * pi` or `(1 + 0.05)^10`. Write numbers without thousands
    separators, units or currency signs."""

    variables: Annotated[dict[str, float], Bounds(max_properties=50)] = field(default_factory=dict[str, float])
    """Numbers by name that the expression may use, for example `{"rate": 0.05}`."""

    precision: Annotated[int, Bounds(ge=0, le=50)] | None = None
    """Decimal places to round the result to. None: not rounded."""


class CalculatorResult(TypedDict):
    result: float | bool
    """The value: a whole number where it is one, true or false for a comparison."""


@exposed(
    aliases=("Calculator",),
    options=CalculatorOptions,
    tool=ToolMark(
        name="calculator",
        category="math",
        params=CalculatorParams,
        result=CalculatorResult,
        examples=(
            Example({"expression": "2 + 2"}, {"result": 4}),
            Example({"expression": "15% of 2500"}, {"result": 375}, "percentages"),
            Example(
                {
                    "expression": "principal * (1 + rate)^10",
                    "variables": {"principal": 1000, "rate": 0.05},
                    "precision": 2,
                },
                {"result": 1628.89},
                "variables and rounding",
            ),
        ),
        timeout=5_000,
        max_output=10_000,
    ),
)
class CalculatorTool(BuiltinTool[CalculatorOptions]):
    """Calculates a mathematical expression and gives the number. Use it for every calculation, however small.

    Operators: + - * / // (whole division) % (remainder) ^ or ** (power) ! (factorial), comparisons, and, or, not,
    `a if test else b`. Percentages: `15% of 2500`, `80 * 10%`; 10% is 0.1 everywhere. Functions: abs, sign, round,
    floor, ceil, trunc, sqrt, cbrt, exp, ln, log (natural, or log(x, base)), log2, log10, sin, cos, tan, asin, acos,
    atan, atan2 (in radians), sinh, cosh, tanh, degrees, radians, hypot, factorial, comb, perm, gcd, lcm, mod, pow, min,
    max, sum, mean, median, clamp(x, low, high). Constants: pi, e, tau, phi. Whole numbers are exact up to 3000 digits.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.math.arithmetic import evaluate  # simpleeval: 11 ms

        asked = CalculatorParams(**params)
        precision = self.options.precision if asked.precision is None else asked.precision
        result = evaluate(asked.expression, asked.variables, precision)
        return ToolOutput(
            {"result": result},
            {
                "expression": asked.expression,
                "result_type": "boolean" if isinstance(result, bool) else "number",
            },
        )
