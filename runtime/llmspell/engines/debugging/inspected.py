"""The seam between the debugger and a language: what an engine shows of a script that stands still, and does to it.

The engine calls `Debugger.reached`, `failed` and `poll`; the debugger calls an `Inspected`, most of it from inside of
those calls. Knows no frame and no language.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired, Protocol, TypedDict

from llmspell.engines.engine import Engine

#: How a script goes on: freely; to the next line wherever that is; to the next line of this call or of its callers;
#: to the next line of its callers. A step ends with the task it was begun in, unless that returns to code that awaits.
Step = Literal["go", "in", "over", "out"]

#: Characters of a value that are shown, unless the whole is asked for.
SHOWN = 400
#: And then.
WHOLE = 1_000_000
#: Frames of a stack that are shown, as both languages have it.
FRAMES = 5_000


class Refused(Exception):
    """What was asked cannot be done; the text is a sentence for the person. Everything but this is a fault of ours."""


class Place(TypedDict):
    """One frame of a stack."""

    number: int
    """What it is asked for by, until `forget`."""
    name: str
    """Of the function, as the script calls it; "main chunk", "(anonymous)"."""
    label: str
    line: int
    """From 1."""
    column: NotRequired[int]
    """From 1, where the engine knows it."""
    awaits: NotRequired[bool]
    """Not called by the frame below but waiting for it, or for what called it: the first frame of each such caller."""


class Scope(TypedDict):
    """A group of variables. name: Locals, Upvalues (Lua), Closure (JavaScript), Globals."""

    name: str
    reference: int
    expensive: bool


class Shown(TypedDict):
    """A value for a person."""

    value: str
    type: str
    reference: int
    """Of its parts; 0: it has none."""
    named: NotRequired[int]
    indexed: NotRequired[int]
    """How many parts it has, where that is cheap to know."""


class Variable(Shown):
    """A value and its name."""

    name: str
    expression: NotRequired[str]
    """What evaluates to it in the frame it was found in."""
    writable: NotRequired[bool]
    """False: `assign` refuses it."""
    kind: NotRequired[str]
    """`method`, `property`, `data`, `virtual`: as the Debug Adapter Protocol has them."""
    lazy: NotRequired[bool]
    """It is computed once its only part is asked for."""


class Thrown(TypedDict):
    """An error that the script stands at."""

    type: str
    """Its class: `Error`, `TypeError`, `ToolError`; for what is no error, the type of the value."""
    message: str
    caught: bool
    stack: list[str]


class Completion(TypedDict):
    label: str
    kind: str
    """`variable`, `function`, `property`, `method`, `class`, `module`, `keyword`."""


class Inspected(Protocol):
    """A script under the debugger. `lines`, `errors` and `step` may be called at any time between two of its lines;
    the others from inside `Debugger.reached`, `failed` and `poll`, or while nothing of the script runs. Frames count
    from 0, the innermost. References are the engine's own numbers from 1 on; both mean nothing after `forget`. Whatever
    cannot be done raises `Refused`.
    """

    def lines(self, label: str, lines: Sequence[int]) -> None:
        """The lines of a file at which `reached` is called; those set before are forgotten. The file may not be loaded
        yet, nor ever."""
        ...

    def errors(self, caught: bool, uncaught: bool) -> None:
        """Which errors `failed` is called for: those that the script catches, and those that leave it."""
        ...

    def step(self, how: Step) -> None:
        """How the script goes on from the place it stands at; called just before `reached` returns. From elsewhere it
        is only "go", which ends a step, and "in": `reached` at the next line that runs (a pause)."""
        ...

    def frames(self) -> list[Place]:
        """The stack, innermost first, only frames of scripts; after it those that await what runs. `FRAMES` at most."""
        ...

    def callers(self, call: int) -> list[Place]:
        """The stack of who waits for the host's answer to a call, and those that await it; empty where nobody does.
        Below 0: to a question, of those under way -1 is the outermost."""
        ...

    def catches(self, call: int) -> bool:
        """Whether one of those `callers` would catch what the host throws as the answer."""
        ...

    def scopes(self, frame: int) -> list[Scope]: ...

    def variables(self, reference: int, start: int, count: int) -> list[Variable]:
        """count: 0 is all, but no more than a few thousand."""
        ...

    def evaluate(self, text: str, frame: int | None, most: int) -> Shown:
        """The value of an expression, or what statements do, in a frame; None: with the globals alone. most: characters
        of the value. Stops at no breakpoint and no error, calls nothing that waits, and once `Debugger.late` says so,
        it is over: `Refused`."""
        ...

    def holds(self, condition: str, frame: int) -> bool:
        """Whether a condition is true as the language sees it; limits as of `evaluate`. Raises `Refused`."""
        ...

    def text(self, expression: str, frame: int) -> str:
        """A value as `console.log` shows it, for a log message: a text as it is, a table with what is in it."""
        ...

    def assign(self, reference: int, name: str, text: str, frame: int | None) -> Shown:
        """Gives a variable of a scope, or a part of a value, the value of an expression (evaluated in `frame`)."""
        ...

    def store(self, target: str, text: str, frame: int | None) -> Shown:
        """The same where the target is an expression: `agent.config.name`, `list[2]`."""
        ...

    def completions(self, text: str, frame: int | None) -> list[Completion]:
        """What may follow a text that ends at the cursor: names in the frame, members after a dot."""
        ...

    def forget(self) -> None:
        """The script goes on: frames and references are dropped."""
        ...


class Teller(Protocol):
    """What an engine calls: `debugger.Debugger`."""

    @property
    def evaluating(self) -> bool:
        """Whether the debugger evaluates something: the script's own line test and errors then tell nothing, and a call
        that waits is to be refused."""
        ...

    def late(self) -> bool:
        """Whether what is being evaluated has taken its time. To be asked from a count hook or interrupt handler."""
        ...

    def reached(self, label: str, line: int, why: Literal["line", "step", "entry", "statement"]) -> None:
        """The script is about to run a line; returns when it may. why: a line of `Inspected.lines`; a step or a pause
        ends here (it may be such a line as well); the first line of a spell that is to stop there; `debugger;`.

        Raises whatever the worker raises when the host is gone (`engine.Ended`, OSError): the engine ends."""
        ...

    def failed(self, label: str, line: int, thrown: Thrown) -> None:
        """An error of the wanted kind was thrown and its stack still stands; otherwise as `reached`. One that leaves a
        function which the host has called may be caught outside of that, which the host finds out."""
        ...

    def unseen(self, label: str, why: str) -> None:
        """A file runs without the tests of a debugger: no breakpoint in it stops, and no error."""
        ...

    def poll(self) -> None:
        """Takes commands that have come while the script computes. To be called about each millisecond of computing
        (every few thousand instructions, or lines), never more often than each 100 lines."""
        ...


class Debuggable(Engine, Protocol):
    """An engine that was made to be debugged (`languages.warm_debugged`)."""

    def debugged(self, debugger: Teller) -> Inspected:
        """Once, before `start`. From here on it tells the debugger."""
        ...
