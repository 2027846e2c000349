"""Matrices and vectors as numpy computes them, in and out as plain lists. Every failure is a ToolError."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from llmspell.errors import ToolError
from llmspell.tools.extras import missing

#: Rows, and columns: eigenvalues and singular values of a matrix of this size take 0.3 s.
LARGEST: Final = 300
#: Whole numbers up to here are the same number in Lua, JavaScript and JSON.
_EXACT: Final = 2**53

Given = Sequence[Sequence[float]] | Sequence[float]

_ONE: Final = frozenset(
    {"transpose", "determinant", "inverse", "eigen", "svd", "qr", "rank", "norm", "trace", "power", "pseudo_inverse"}
)
_SQUARE: Final = frozenset({"determinant", "inverse", "eigen", "trace", "power"})


def compute(operation: str, a: Given, b: Given | None, exponent: int, precision: int | None) -> dict[str, Any]:
    """What the operation gives of `a` and, where it takes two, `b`."""
    try:
        import numpy  # 150 to 500 ms
    except ImportError:
        raise missing("numpy", "math") from None
    left = _array(numpy, a, "a")
    if operation in _ONE:
        right = None
    elif b is None:
        raise ToolError(f"`{operation}` needs `b`", hint="give the second matrix or vector")
    else:
        right = _array(numpy, b, "b")
    if operation in _SQUARE and (left.ndim != 2 or left.shape[0] != left.shape[1]):
        raise ToolError(
            f"`{operation}` needs a square matrix, `a` is {_size(left)}", hint="give as many rows as columns"
        )
    try:
        with numpy.errstate(all="ignore"):
            found = _done(numpy, operation, left, right, exponent)
    except numpy.linalg.LinAlgError as error:
        raise _no_answer(operation, str(error)) from None
    except ValueError:
        sizes = _size(left) if right is None else f"{_size(left)} and {_size(right)}"
        raise ToolError(f"`{operation}` does not fit {sizes}", hint="check the rows and columns") from None
    return {name: _plain(value, precision) for name, value in found.items()}


def _no_answer(operation: str, reason: str) -> ToolError:
    if "ingular" in reason:
        return ToolError(
            f"`{operation}`: the matrix is singular, it has no inverse",
            hint="its rows depend on each other; least_squares and pseudo_inverse work for such ones",
        )
    return ToolError(f"`{operation}` cannot be computed: {reason}", hint="check the matrix")


def _array(numpy: Any, given: Given, name: str) -> Any:
    rows: Sequence[Any] = given
    nested = [isinstance(row, list | tuple) for row in rows]
    if not rows or (any(nested) and not all(nested)):
        raise ToolError(f"`{name}` is neither a vector nor a matrix", hint="give [1, 2] or [[1, 2], [3, 4]]")
    if all(nested) and (len({len(row) for row in rows}) != 1 or not rows[0]):
        raise ToolError(f"the rows of `{name}` have different lengths, or none", hint="fill them up with zeros")
    if len(rows) > LARGEST or (all(nested) and len(rows[0]) > LARGEST):
        raise ToolError(f"`{name}` is larger than {LARGEST} by {LARGEST}", hint="compute it in parts")
    try:
        array = numpy.array(rows, dtype=float)
    except (OverflowError, ValueError, TypeError):
        raise ToolError(f"`{name}` holds what is no number", hint="give finite numbers") from None
    if not numpy.isfinite(array).all():
        raise ToolError(f"`{name}` holds a number that is not finite", hint="leave out infinities and NaN")
    return array


def _size(array: Any) -> str:
    return f"a vector of {array.shape[0]}" if array.ndim == 1 else f"{array.shape[0]} by {array.shape[1]}"


def _done(numpy: Any, operation: str, a: Any, b: Any, exponent: int) -> dict[str, Any]:
    linear = numpy.linalg
    matrix = numpy.atleast_2d(a)
    match operation:
        case "add" | "subtract":
            if a.shape != b.shape:
                raise ValueError
            return {"result": a + b if operation == "add" else a - b}
        case "multiply":
            return {"result": a @ b}
        case "dot":
            return {"result": numpy.dot(a.ravel(), b.ravel())}
        case "cross":
            if a.shape != (3,) or b.shape != (3,):
                raise ValueError
            return {"result": numpy.cross(a, b)}
        case "transpose":
            return {"result": matrix.T}
        case "determinant":
            return {"result": linear.det(a)}
        case "trace":
            return {"result": numpy.trace(a)}
        case "rank":
            return {"result": float(linear.matrix_rank(a))}
        case "norm":
            return {"result": linear.norm(a)}
        case "power":
            return {"result": linear.matrix_power(a, exponent)}
        case "inverse":
            _refuse_singular(numpy, a)
            return {"result": linear.inv(a)}
        case "pseudo_inverse":
            return {"result": linear.pinv(matrix)}
        case "solve":
            if a.ndim != 2 or a.shape[0] != a.shape[1]:
                raise ValueError
            _refuse_singular(numpy, a)
            return {"result": linear.solve(a, b)}
        case "least_squares":
            solution, residuals, rank, _ = linear.lstsq(matrix, b, rcond=None)
            return {"result": solution, "residuals": numpy.atleast_1d(residuals), "rank": int(rank)}
        case "eigen":
            values, vectors = linear.eigh(a) if numpy.array_equal(a, a.T) else linear.eig(a)
            return {"values": values, "vectors": vectors}
        case "svd":
            u, values, vt = linear.svd(matrix, full_matrices=False)
            return {"u": u, "values": values, "vt": vt}
        case _:
            q, r = linear.qr(matrix)
            return {"q": q, "r": r}


def _refuse_singular(numpy: Any, a: Any) -> None:
    """A matrix that is singular but for rounding has an inverse of noise."""
    if numpy.linalg.cond(a) > 1 / numpy.finfo(float).eps:
        raise numpy.linalg.LinAlgError("singular")


def _plain(value: Any, precision: int | None) -> Any:
    if isinstance(value, int):
        return value
    found = value.tolist() if hasattr(value, "tolist") else value
    return _numbers(found, precision)


def _numbers(value: Any, precision: int | None) -> Any:
    match value:
        case list():
            return [_numbers(item, precision) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case complex():
            if value.imag == 0:
                return _number(value.real, precision)
            return {"re": _number(value.real, precision), "im": _number(value.imag, precision)}
        case _:
            return _number(float(value), precision)


def _number(value: float, precision: int | None) -> float:
    if not math.isfinite(value):
        raise ToolError("the result is too large for a number", hint="scale the matrices")
    rounded = value if precision is None else round(value, precision)
    return int(rounded) if rounded.is_integer() and abs(rounded) <= _EXACT else rounded
