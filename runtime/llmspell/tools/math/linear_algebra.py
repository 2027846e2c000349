"""The linear algebra tool: what it is asked and what it gives. `matrices` computes, with numpy."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

#: As `matrices.LARGEST`, which is not imported for a bound.
Row = Annotated[list[float], Bounds(max_items=300)]
Matrix = Annotated[list[Row] | list[float], Bounds(min_items=1, max_items=300)]
Precision = Annotated[int, Bounds(ge=0, le=15)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearAlgebraOptions:
    precision: Precision | None = 10
    """Decimal places that every number is rounded to, which hides the noise of computing. None: not rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearAlgebraParams:
    operation: Literal[
        "add", "subtract", "multiply", "dot", "cross", "transpose", "determinant", "trace", "rank", "norm", "power",
        "inverse", "pseudo_inverse", "solve", "least_squares", "eigen", "svd", "qr",
    ]  # fmt: skip
    """add, subtract, multiply: of `a` and `b` (multiply is the matrix product). dot, cross: products of two vectors.
    transpose, inverse, pseudo_inverse, determinant, trace, rank, norm: of `a`. power: `a` to the whole `exponent`.
    solve: the x for which a x = b. least_squares: the x that comes nearest. eigen: eigenvalues and eigenvectors. svd:
    singular values. qr: an orthogonal and a triangular factor."""

    a: Matrix
    """A matrix as a list of rows, `[[1, 2], [3, 4]]`, or a vector, `[1, 2]`."""

    b: Matrix | None = None
    """The second matrix or vector, where the operation takes two; the right side of solve and least_squares."""

    exponent: Annotated[int, Bounds(ge=-100, le=100)] = 2
    """For power: the exponent; negative for powers of the inverse."""

    precision: Precision | None = None
    """Decimal places to round to; the tool's own unless given."""


class LinearAlgebraResult(TypedDict):
    result: NotRequired[float | list[float] | list[list[float]]]
    """The number, vector or matrix."""
    residuals: NotRequired[list[float]]
    """least_squares: the squared errors that remain; empty where the solution is exact or not the only one."""
    rank: NotRequired[int]
    """least_squares: the rank of `a`."""
    values: NotRequired[list[Any]]
    """eigen: the eigenvalues, complex ones as `{re, im}`. svd: the singular values, the largest first."""
    vectors: NotRequired[list[list[Any]]]
    """eigen: the eigenvectors, as the columns of a matrix, in the order of `values`."""
    u: NotRequired[list[list[float]]]
    """svd: the left factor."""
    vt: NotRequired[list[list[float]]]
    """svd: the right factor, transposed."""
    q: NotRequired[list[list[float]]]
    """qr: the orthogonal factor."""
    r: NotRequired[list[list[float]]]
    """qr: the upper triangular factor."""


@exposed(
    aliases=("LinearAlgebra",),
    options=LinearAlgebraOptions,
    tool=ToolMark(
        name="linear_algebra",
        category="math",
        params=LinearAlgebraParams,
        result=LinearAlgebraResult,
        examples=(
            Example({"operation": "multiply", "a": [[1, 2], [3, 4]], "b": [5, 6]}, {"result": [17, 39]}),
            Example({"operation": "solve", "a": [[2, 1], [1, 3]], "b": [3, 5]}, {"result": [0.8, 1.4]}),
            Example({"operation": "determinant", "a": [[1, 2], [3, 4]]}, {"result": -2}),
        ),
        timeout=30_000,
        max_output=8_000_000,
    ),
)
class LinearAlgebraTool(BuiltinTool[LinearAlgebraOptions]):
    """Computes with matrices and vectors: products, inverses, determinants, systems of equations, eigenvalues.

    Matrices have up to 300 rows and columns, as lists of rows. Use it for every system of linear equations.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.math import matrices

        asked = LinearAlgebraParams(**params)
        precision = self.options.precision if asked.precision is None else asked.precision
        content = await asyncio.to_thread(
            matrices.compute, asked.operation, asked.a, asked.b, asked.exponent, precision
        )
        return ToolOutput(content, {"operation": asked.operation})
