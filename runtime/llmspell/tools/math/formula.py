"""A formula as a tree of plain lists, which another process can be given: no text of it is ever run as code.

    ["number", "2.5"]   ["symbol", "x"]   ["constant", "pi"]   ["call", "sin", tree]   ["**", tree, tree]

Knows no algebra.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from llmspell.errors import ToolError
from llmspell.settings.check import nearest
from llmspell.tools.math.notation import to_python

Tree = list[Any]

#: Names of functions, each with how many arguments it takes.
FUNCTIONS: Final[dict[str, tuple[int, int]]] = {
    **dict.fromkeys(
        ("sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh",
         "atanh", "exp", "ln", "log2", "log10", "sqrt", "cbrt", "abs", "sign", "floor", "ceil", "factorial", "gamma",
         "erf", "re", "im", "conjugate"),
        (1, 1),
    ),
    "log": (1, 2),
    "atan2": (2, 2),
    "comb": (2, 2),
    "min": (1, 20),
    "max": (1, 20),
}  # fmt: skip
CONSTANTS: Final = frozenset({"pi", "e", "E", "I", "phi", "tau", "oo", "infinity"})

_OPERATORS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
_SYMBOL: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")
_EQUALS: Final = re.compile(r"(?<![<>=!])==?(?!=)")
_MAX_NODES: Final = 500
_MAX_SYMBOLS: Final = 20
_MAX_DIGITS: Final = 1000


def parse(text: str) -> Tree:
    """An expression's tree. Raises ToolError at what is none."""
    try:
        written = ast.parse(to_python(text), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        raise ToolError(
            f"{_short(text)} is no complete expression", hint="check parentheses and operators, as in 2*x^2 - sin(x)"
        ) from None
    if sum(1 for _ in ast.walk(written)) > _MAX_NODES:
        raise ToolError(f"{_short(text)} is too long", hint="compute it in parts")
    tree = _tree(written, text)
    if len(symbols(tree)) > _MAX_SYMBOLS:
        raise ToolError(f"{_short(text)} has more than {_MAX_SYMBOLS} variables", hint="compute it in parts")
    return tree


def equation(text: str) -> Tree:
    """What is zero where the equation holds; text without `=` is that itself."""
    sides = _EQUALS.split(text)
    if len(sides) > 2:
        raise ToolError(f"{_short(text)} has more than one `=`", hint="give each equation by itself")
    trees = [parse(side) for side in sides]
    return trees[0] if len(trees) == 1 else ["-", *trees]


def symbol(name: str) -> str:
    """The name of a variable. Raises ToolError for one that means something else."""
    if not _SYMBOL.fullmatch(name) or name in FUNCTIONS or name in CONSTANTS:
        raise ToolError(f"{name!r} cannot be a variable", hint="use letters and digits, and no function's name")
    return name


def symbols(tree: Tree) -> list[str]:
    """The variables in a tree, sorted."""
    return sorted(set(_symbols(tree)))


def _symbols(tree: Tree) -> Iterator[str]:
    if tree[0] == "symbol":
        yield tree[1]
    for part in tree[1:]:
        if isinstance(part, list):
            yield from _symbols(part)  # pyright: ignore[reportUnknownArgumentType]


def _tree(node: ast.expr, text: str) -> Tree:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return ["number", _written(value, text)]
        case ast.Name(id=name):
            return ["constant", name] if name in CONSTANTS else ["symbol", symbol(name)]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return ["-", _tree(operand, text)]
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _tree(operand, text)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            return [_OPERATORS[type(operator)], _tree(left, text), _tree(right, text)]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return ["call", _function(name, len(arguments)), *(_tree(argument, text) for argument in arguments)]
        case _:
            raise ToolError(
                f"{_short(text)} holds what is no formula", hint="use numbers, variables, + - * / ^ and functions"
            )


def _function(name: str, count: int) -> str:
    if name not in FUNCTIONS:
        close = nearest(name, FUNCTIONS)
        hint = f"did you mean {close!r}?" if close else f"for a product write {name}*(…)"
        raise ToolError(f"there is no function {name!r}", hint=hint)
    least, most = FUNCTIONS[name]
    if not least <= count <= most:
        raise ToolError(f"{name} does not take {count} arguments", hint=f"give {least if count < least else most}")
    return name


def _written(value: float, text: str) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ToolError(f"{_short(text)} holds a number that is too large", hint="write powers as 10^400")
        return repr(value)
    if value.bit_length() > _MAX_DIGITS * 3.3:
        raise ToolError(f"{_short(text)} holds a number of more than {_MAX_DIGITS} digits", hint="write it as a power")
    return str(value)


def _short(text: str) -> str:
    return repr(text if len(text) <= 120 else text[:117] + "...")
