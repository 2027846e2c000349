"""The random tool: numbers, choices and identifiers, from the run's seed or from the system's own source."""

from __future__ import annotations

import base64
import random
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, Self, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.api.objects import ScriptClass
from llmspell.errors import SchemaError, ToolError
from llmspell.run import Run
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

#: Whole numbers up to here are the same number in Lua, JavaScript and JSON.
_EXACT: Final = 2**53
_ALPHABETS: Final = {
    "alphanumeric": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "letters": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "digits": "0123456789",
    "hex": "0123456789abcdef",
    "readable": "abcdefghijkmnpqrstuvwxyz23456789",
    "printable": "".join(map(chr, range(33, 127))),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomOptions:
    secure: bool = False
    """Whether every call takes the system's own source, which nobody can predict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomParams:
    operation: Literal[
        "integer", "number", "normal", "boolean", "choice", "sample", "shuffle", "string", "bytes", "uuid"
    ]
    """integer: a whole number from `min` to `max`, both included. number: one with decimals from `min` up to `max`.
    normal: one of a normal distribution by `mean` and `deviation`. boolean: true or false. choice: one of `items`.
    sample: `count` different ones of them. shuffle: all of them in another order. string: `length` characters of
    `alphabet`. bytes: `length` bytes. uuid: an identifier (version 4)."""

    min: Annotated[float, Bounds(ge=-_EXACT, le=_EXACT)] = 0
    """For integer and number: the smallest."""

    max: Annotated[float, Bounds(ge=-_EXACT, le=_EXACT)] | None = None
    """For integer (100 unless given) and number (1 unless given): the largest."""

    mean: Annotated[float, Bounds(ge=-1e300, le=1e300)] = 0
    """For normal: the mean."""

    deviation: Annotated[float, Bounds(ge=0, le=1e300)] = 1
    """For normal: the standard deviation."""

    items: Annotated[list[Any], Bounds(min_items=1, max_items=100_000)] | None = None
    """For choice, sample and shuffle: what to choose from."""

    weights: Annotated[list[Annotated[float, Bounds(ge=0, le=1e15)]], Bounds(min_items=1, max_items=100_000)] | None = (
        None
    )
    """For choice: how likely each item is, compared with the others."""

    count: Annotated[int, Bounds(ge=1, le=10_000)] | None = None
    """How many to give, as a list; without it one by itself."""

    length: Annotated[int, Bounds(ge=1, le=4096)] = 16
    """For string: characters. For bytes: bytes."""

    alphabet: Literal["alphanumeric", "letters", "digits", "hex", "readable", "printable"] = "alphanumeric"
    """For string: what it is made of; readable leaves out what looks alike."""

    encoding: Literal["hex", "base64"] = "hex"
    """For bytes: how they are written."""

    secure: bool | None = None
    """Whether nobody can predict it, as passwords, keys and codes need. Otherwise it comes from the run's seed, so that
    the same run gives the same again."""


class RandomResult(TypedDict):
    result: NotRequired[Any]
    """What was drawn; shuffle and sample give a list."""
    results: NotRequired[list[Any]]
    """The same with `count`: a list of them."""


class Seeded:
    """The random numbers of one run, made from its seed."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(f"{seed} random")


@exposed(
    aliases=("Random",),
    options=RandomOptions,
    tool=ToolMark(
        name="random",
        category="crypto",
        params=RandomParams,
        result=RandomResult,
        examples=(
            Example({"operation": "integer", "min": 1, "max": 6}, note="a die"),
            Example({"operation": "sample", "items": ["red", "green", "blue"], "count": 2}, note="two of three"),
            Example({"operation": "string", "length": 24, "secure": True}, note="a password"),
        ),
        timeout=5_000,
        max_output=50_000_000,
    ),
)
class RandomTool(BuiltinTool[RandomOptions]):
    """Draws random numbers, choices, shuffles, strings, bytes and UUIDs.

    Use it whenever something is to be random: do not make up random values. With `secure` nobody can predict the
    result, which passwords and keys need; the run's record still holds it.
    """

    recorded = False  # a replay draws the same again; what came from the system is recorded by itself
    _run: Run | None = None
    _seeded: Seeded | None = None

    def attach(self, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> Self:
        self._run = run
        self._seeded = run.service(Seeded, lambda run: Seeded(run.seed))
        return super().attach(run, options, script_class)

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = RandomParams(**params)
        secure = self.options.secure or bool(asked.secure)
        if not secure:
            source = (self._seeded or Seeded(0)).source
            return ToolOutput(_drawn(asked, source), {"operation": asked.operation, "secure": False})

        def draw() -> dict[str, Any]:
            return _drawn(asked, secrets.SystemRandom())

        content = draw() if self._run is None else self._run.effects.read("random", self.name, params, draw)
        return ToolOutput(content, {"operation": asked.operation, "secure": True})


def _drawn(asked: RandomParams, source: random.Random) -> dict[str, Any]:
    items = asked.items or []
    if asked.operation in {"choice", "sample", "shuffle"} and not items:
        raise SchemaError(f"`{asked.operation}` needs `items`", hint="give what to choose from")
    if asked.operation == "shuffle":
        return {"result": source.sample(items, len(items))}
    if asked.operation == "sample":
        count = asked.count or 1
        if count > len(items):
            raise ToolError(f"a sample of {count} is larger than the {len(items)} items", hint="choose fewer")
        return {"result": source.sample(items, count)}
    one = _one(asked, source)
    if asked.count is None:
        return {"result": one()}
    size = asked.length if asked.operation in {"string", "bytes"} else 1
    if asked.count * size > 10_000_000:
        raise ToolError(f"{asked.count} of {size} are too many", hint="ask for less at a time")
    return {"results": [one() for _ in range(asked.count)]}


def _one(asked: RandomParams, source: random.Random) -> Callable[[], Any]:
    """Draws one."""
    match asked.operation:
        case "integer":
            high = 100 if asked.max is None else asked.max
            if asked.min != int(asked.min) or high != int(high):
                raise ToolError("`integer` needs whole numbers as `min` and `max`", hint="number gives decimals")
            _check_order(asked.min, high)
            return lambda: source.randint(int(asked.min), int(high))
        case "number":
            high = 1 if asked.max is None else asked.max
            _check_order(asked.min, high)
            return lambda: asked.min + (high - asked.min) * source.random()
        case "normal":
            return lambda: source.gauss(asked.mean, asked.deviation)
        case "boolean":
            return lambda: source.random() < 0.5
        case "string":
            letters = _ALPHABETS[asked.alphabet]
            return lambda: "".join(source.choices(letters, k=asked.length))
        case "bytes":
            return lambda: _encoded(source.getrandbits(asked.length * 8).to_bytes(asked.length, "big"), asked.encoding)
        case "uuid":
            return lambda: str(uuid.UUID(int=source.getrandbits(128), version=4))
        case _:
            return _chooser(asked, source)


def _chooser(asked: RandomParams, source: random.Random) -> Callable[[], Any]:
    items, weights = asked.items or [], asked.weights
    if weights is None:
        return lambda: source.choice(items)
    if len(weights) != len(items) or not sum(weights) > 0:
        raise ToolError(
            f"{len(items)} items need as many `weights`, not all zero", hint="give one weight for each item"
        )
    return lambda: source.choices(items, weights)[0]


def _encoded(data: bytes, encoding: str) -> str:
    return data.hex() if encoding == "hex" else base64.b64encode(data).decode()


def _check_order(low: float, high: float) -> None:
    if low > high:
        raise ToolError(f"`min` {low:g} is larger than `max` {high:g}", hint="exchange them")
