"""Evaluates an expression with simpleeval, every operation bounded before it is done: nothing here can take long.

Numbers only: no text, lists, attributes, comprehensions or assignments are even nodes of this language.
"""

from __future__ import annotations

import ast
import math
import operator
import statistics
from collections.abc import Callable, Mapping
from typing import Any, Final

import simpleeval

from llmspell.errors import ToolError
from llmspell.settings.check import nearest
from llmspell.tools.math.notation import to_python

Number = int | float

#: Bits of the largest whole number, some 3000 decimal digits.
MAX_BITS: Final = 10_000
#: 1000! has 8530 bits.
MAX_FACTORIAL: Final = 1000
#: Whole numbers up to here are the same number in Lua, JavaScript and JSON, written without `.0`.
_EXACT: Final = 2**53


class TooLarge(Exception):
    """A result past MAX_BITS."""


def evaluate(expression: str, variables: Mapping[str, Number], precision: int | None = None) -> Number | bool:
    """The expression's value. Raises ToolError, which says what is wrong with it."""
    if wrong := [name for name in variables if not name.isidentifier() or name in FUNCTIONS]:
        raise ToolError(f"{wrong[0]!r} cannot name a variable", hint="use a word that is no function's name")
    written = to_python(expression)
    try:
        result = _Evaluator({**CONSTANTS, **variables}).eval(written)
        return _presented(result, precision)
    except TooLarge:
        raise ToolError(f"{expression!r} is too large", hint="whole numbers have at most 3000 digits") from None
    except OverflowError:
        raise ToolError(f"{expression!r} is too large for a number with decimals") from None
    except ZeroDivisionError:
        raise ToolError(f"{expression!r} divides by zero") from None
    except (RecursionError, MemoryError):
        raise ToolError(f"{expression[:80]!r} is nested too deeply", hint="calculate it in parts") from None
    except SyntaxError:
        raise ToolError(
            f"{expression!r} is not a complete expression", hint="check parentheses and operators"
        ) from None
    except simpleeval.NameNotDefined as error:
        raise _unknown("name", error.name, [*CONSTANTS, *variables, *FUNCTIONS]) from None
    except simpleeval.FunctionNotDefined as error:
        raise _unknown("function", error.func_name, list(FUNCTIONS)) from None
    except simpleeval.InvalidExpression as error:
        hint = "write numbers without thousands separators, and functions as name(number, number)"
        raise ToolError(f"{expression!r} cannot be calculated: {error}", hint=hint) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise ToolError(
            f"{expression!r} cannot be calculated: {error}", hint="check the functions' arguments"
        ) from None


def _unknown(what: str, name: str, known: list[str]) -> ToolError:
    close = nearest(name, known)
    hint = f"did you mean {close!r}?" if close else "the tool's description lists what there is"
    return ToolError(f"there is no {what} {name!r}", hint=hint)


def _presented(result: Any, precision: int | None) -> Number | bool:
    if isinstance(result, bool):
        return result
    if not isinstance(result, int | float):
        raise TypeError("the result is not a real number")
    if isinstance(result, float) and not math.isfinite(result):
        raise OverflowError
    if precision is not None:
        result = round(result, precision)
    if isinstance(result, float) and result.is_integer() and abs(result) <= _EXACT:
        return int(result)
    return _bounded(result)


def _bounded(value: Any) -> Any:
    if isinstance(value, complex):
        raise ValueError("the result is not a real number")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise TooLarge
    return value


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and exponent > 1:
        # the result has about (bits of base - 1) * exponent bits
        if (abs(base).bit_length() - 1) * exponent > MAX_BITS:
            raise TooLarge
        return _bounded(base**exponent)
    return _bounded(base**exponent)


def _plus(left: Any, right: Any) -> Any:
    return _bounded(left + right)


def _minus(left: Any, right: Any) -> Any:
    return _bounded(left - right)


def _times(left: Any, right: Any) -> Any:
    return _bounded(left * right)


def _factorial(value: Any) -> int:
    return math.factorial(_small(value))


def _small(value: Any) -> int:
    whole = int(value)
    if whole != value or whole < 0:
        raise ValueError("it needs a whole number from 0")
    if whole > MAX_FACTORIAL:
        raise TooLarge
    return whole


def _round(value: Any, places: Any = 0) -> Any:
    if not -400 <= places <= 400:  # Python would calculate 10 ** places
        raise ValueError("decimal places go from -400 to 400")
    return round(value, int(places)) if places else round(value)


def _log(value: Any, base: Any = math.e) -> float:
    return math.log(value) if base == math.e else math.log(value) / math.log(base)


def _sign(value: Any) -> int:
    return (value > 0) - (value < 0)


def _comb(total: Any, chosen: Any) -> int:
    return math.comb(_small(total), _small(chosen))


def _perm(total: Any, chosen: Any) -> int:
    return math.perm(_small(total), _small(chosen))


def _clamp(value: Any, low: Any, high: Any) -> Any:
    return max(low, min(value, high))


def _all_numbers(function: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    def of(*values: Any) -> Any:
        if not values:
            raise ValueError("it needs at least one number")
        return _bounded(function(list(values)))

    return of


def _whole(function: Callable[..., int]) -> Callable[..., int]:
    def of(*values: Any) -> int:
        if any(int(value) != value for value in values):
            raise ValueError("it needs whole numbers")
        return _bounded(function(*map(int, values)))

    return of


CONSTANTS: Final[dict[str, Number]] = {"pi": math.pi, "e": math.e, "tau": math.tau, "phi": (1 + 5**0.5) / 2}

FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "abs": abs,
    "sign": _sign,
    "round": _round,
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
    "sqrt": math.sqrt,
    "cbrt": math.cbrt,
    "exp": math.exp,
    "ln": math.log,
    "log": _log,
    "log2": math.log2,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "atan2": math.atan2,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "degrees": math.degrees,
    "radians": math.radians,
    "hypot": math.hypot,
    "factorial": _factorial,
    "comb": _comb,
    "perm": _perm,
    "gcd": _whole(math.gcd),
    "lcm": _whole(math.lcm),
    "mod": operator.mod,
    "pow": _power,
    "min": _all_numbers(min),
    "max": _all_numbers(max),
    "sum": _all_numbers(sum),
    "mean": _all_numbers(statistics.fmean),
    "avg": _all_numbers(statistics.fmean),
    "median": _all_numbers(statistics.median),
    "clamp": _clamp,
}

_OPERATORS: Final[dict[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: _plus,
    ast.Sub: _minus,
    ast.Mult: _times,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

_NODES: Final = (
    ast.Expr,
    ast.UnaryOp,
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Name,
    ast.Constant,
)


class _Evaluator(simpleeval.SimpleEval):
    """simpleeval with numbers as its only values."""

    def __init__(self, names: dict[str, Number]) -> None:
        super().__init__(operators=_OPERATORS, functions=FUNCTIONS, names=names)
        self.nodes = {kind: handler for kind, handler in self.nodes.items() if kind in _NODES}
        self.nodes[ast.Constant] = self._number
        self.nodes[ast.Call] = self._call

    def _number(self, node: ast.Constant) -> Number:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise simpleeval.FeatureNotAvailable(f"{node.value!r} is not a number")
        return _bounded(node.value)

    def _call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise simpleeval.FeatureNotAvailable("a function is called as name(number, number)")
        if node.func.id not in FUNCTIONS:
            raise simpleeval.FunctionNotDefined(node.func.id, self.expr)
        try:
            return _bounded(FUNCTIONS[node.func.id](*(self._eval(argument) for argument in node.args)))
        except TypeError:
            raise TypeError(f"{node.func.id} does not take these arguments") from None
