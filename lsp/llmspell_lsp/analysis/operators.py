"""What operators give, in both languages."""

from __future__ import annotations

from typing import Final

from llmspell_lsp.analysis.types import BOOLEAN, NIL, NUMBER, TEXT, UNKNOWN, Choice, Constant, Type, Value, choice

_COMPARES: Final = frozenset({"==", "~=", "!=", "===", "!==", "<", ">", "<=", ">=", "not", "!", "in", "instanceof"})
_COMPUTES: Final = frozenset({"-", "*", "/", "%", "//", "**", "^", "#", "&", "|", "~", "<<", ">>", ">>>", "++", "--"})
_FALSE: Final = (NIL, Constant(False))


def operated(operator: str, operands: list[Type]) -> Type:
    """What an operator makes of its operands."""
    if operator in _COMPARES:
        return BOOLEAN
    if operator in _COMPUTES:
        return NUMBER
    if operator == "typeof" or operator == "..":
        return TEXT
    match operator, operands:
        case "+", [left, right]:
            if is_text(left) or is_text(right):
                return TEXT
            return NUMBER if is_number(left) and is_number(right) else UNKNOWN
        case (("or" | "||" | "??"), [left, right]):
            return right if left in _FALSE else choice([truthy(left), right])
        case (("and" | "&&"), [_, right]):
            return right
        case "?:", [_, yes, no]:
            return choice([yes, no])
        case _:
            return UNKNOWN


def truthy(type_: Type) -> Type:
    """Without nil and false: the left side of `a or b`."""
    if isinstance(type_, Choice):
        return choice([each for each in type_.of if each not in _FALSE])
    return type_


def is_text(type_: Type) -> bool:
    match type_:
        case Constant(value=str()) | Value(schema={"type": "string"}):
            return True
        case _:
            return False


def is_number(type_: Type) -> bool:
    match type_:
        case Constant(value=bool()):
            return False
        case Constant(value=int() | float()) | Value(schema={"type": "number" | "integer"}):
            return True
        case _:
            return False
