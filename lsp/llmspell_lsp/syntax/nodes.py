"""The one small tree that Lua and JavaScript are lowered to, so that every feature is written once.

It keeps what a feature can ask about (names, members, calls, tables, texts, functions, blocks) and drops the rest:
operators are an `Operation` with operands, every statement with heads and bodies is a `Branch`. A half-typed text still
gives a tree; what could not be read is `Unknown` or left out, and the file's `problems` say where.

Positions are lines and columns in code points (not UTF-16, not bytes). Lines are relative to the chunk's first line, so
that a chunk keeps its tree when text above it changes. Knows no grammar, no registry and no protocol.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple


class Span(NamedTuple):
    """From (line, column) up to (end_line, end_column), the end excluded."""

    line: int
    column: int
    end_line: int
    end_column: int

    def holds(self, line: int, column: int) -> bool:
        """Whether a cursor there touches it: both ends count, so that `ab▮` is on the name `ab`."""
        return (self.line, self.column) <= (line, column) <= (self.end_line, self.end_column)


@dataclass(slots=True, eq=False)
class Node:
    span: Span


# Expressions


@dataclass(slots=True, eq=False)
class Unknown(Node):
    """What could not be read, or what no feature asks about. Its parts are kept: names in them are still uses."""

    parts: list[Expression] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Name(Node):
    text: str


@dataclass(slots=True, eq=False)
class Member(Node):
    """`object.name`, `object:name`, `object?.name`; also `object["name"]` with a constant text."""

    object: Expression
    name: str
    name_span: Span
    method: bool = False
    """Written with Lua's colon."""


@dataclass(slots=True, eq=False)
class Index(Node):
    """`object[key]` whose key is not a constant text."""

    object: Expression
    key: Expression


@dataclass(slots=True, eq=False)
class Call(Node):
    callee: Expression
    arguments: list[Expression]
    arguments_span: Span
    """The parentheses included; of `f{…}` and `f"…"` the argument's own."""
    commas: list[Span] = field(default_factory=list)
    """Where the arguments are parted: which of them a cursor is in, also in a half-typed call."""
    constructs: bool = False
    """Written with `new`."""


@dataclass(slots=True, eq=False)
class Entry(Node):
    """One entry of a table: `key = value`, `["key"] = value`, `key: value`, `value`, or JavaScript's short `key`."""

    key: str | None
    key_span: Span | None
    value: Expression
    computed: Expression | None = None
    """The expression of a key that is not a constant."""
    spread: bool = False
    """`...value`."""


@dataclass(slots=True, eq=False)
class Table(Node):
    """A Lua table, a JavaScript object (`shape="object"`) or array (`shape="array"`)."""

    entries: list[Entry]
    shape: Literal["table", "object", "array"]


@dataclass(slots=True, eq=False)
class Text(Node):
    """A text literal. `content` is between the quotes; `value` is None where expressions are inserted."""

    content: Span
    value: str | None
    raw: str
    """What stands between the quotes in the file: a column in it is a column of the file (on its first line)."""
    inserts: list[Expression] = field(default_factory=list)
    style: Literal["lua", "long", "javascript", "template"] = "lua"
    """Which escapes it knows; `texts` maps its value's indexes to columns and back. "long" knows none."""


@dataclass(slots=True, eq=False)
class Literal_(Node):
    """A number, a boolean, nil (null, undefined) or a regular expression."""

    kind: Literal["number", "boolean", "nil", "regex"]
    value: int | float | bool | None = None


@dataclass(slots=True, eq=False)
class Await(Node):
    value: Expression


@dataclass(slots=True, eq=False)
class Operation(Node):
    """Operands under an operator, such as `..`, `==`, `and`, `?:`, `typeof`."""

    operator: str
    operands: list[Expression]


@dataclass(slots=True, eq=False)
class Parameter(Node):
    name: str
    """"" for a pattern."""
    pattern: Pattern | None = None
    default: Expression | None = None
    rest: bool = False


@dataclass(slots=True, eq=False)
class Function(Node):
    """A function, arrow function or method. Its body is a scope; its parameters belong to it."""

    parameters: list[Parameter]
    body: Block
    name: str = ""
    name_span: Span | None = None
    is_async: bool = False
    is_generator: bool = False
    receiver: bool = False
    """Has an implicit first argument: Lua's `function a:b()` (`self`), a method of a class (`this`)."""
    arrow: bool = False
    """JavaScript's `=>`: it has no `this` of its own."""
    arrow_value: Expression | None = None
    """What `x => value` gives; the body is then empty."""
    doc: str = ""
    """The comment above, its marks (`---`, `/** */`) taken off: LuaCATS or JSDoc."""


@dataclass(slots=True, eq=False)
class ClassMember(Node):
    name: str
    name_span: Span
    value: Expression | None
    static: bool = False
    accessor: Literal["", "get", "set"] = ""


@dataclass(slots=True, eq=False)
class Class(Node):
    """JavaScript's `class`. Lua's `Base:extend{…}` is a call; `analysis` knows what it makes."""

    name: str
    name_span: Span | None
    base: Expression | None
    members: list[ClassMember]
    doc: str = ""


Expression = (
    Unknown | Name | Member | Index | Call | Table | Text | Literal_ | Await | Operation | Function | Class
)  # fmt: skip


# Statements


@dataclass(slots=True, eq=False)
class Pattern(Node):
    """A destructuring pattern: the names it binds, each with the path of keys to its value."""

    targets: list[Target]


@dataclass(slots=True, eq=False)
class Target(Node):
    """A name that a declaration binds. path: `const { a: { b } } = x` binds b at ("a", "b"); an int is a position."""

    name: str
    path: tuple[str | int, ...] = ()
    default: Expression | None = None
    rest: bool = False
    attribute: str = ""
    """Lua's `<const>`, `<close>`."""


DeclarationKind = Literal["local", "const", "let", "var", "function", "class", "import", "catch", "loop"]


@dataclass(slots=True, eq=False)
class Declare(Node):
    """`local a, b = 1, 2`, `const { a } = x`, `function f() …` (value: the Function), `class A …`.

    Lua's global `function f()` and `function a.b.c()` are an `Assign`. kind "loop" are the names of `for`: `values` are
    then what is gone through (Lua: the iterator's expressions, or start, stop, step), `each` says how.
    JavaScript has one Declare for each `a = b` of a declaration: its targets all take from that value, by their paths.
    """

    kind: DeclarationKind
    targets: list[Target]
    values: list[Expression]
    doc: str = ""
    each: Literal["", "numbers", "in", "of", "await of"] = ""


@dataclass(slots=True, eq=False)
class Assign(Node):
    """`a, b.c = 1, 2`. operator: "" or such as "+=". A JavaScript pattern on the left is a Table of what it sets."""

    targets: list[Expression]
    values: list[Expression]
    operator: str = ""
    doc: str = ""


@dataclass(slots=True, eq=False)
class Evaluate(Node):
    """An expression as a statement."""

    value: Expression


@dataclass(slots=True, eq=False)
class Return(Node):
    """`return`, `yield` as a statement apart; `throw` has operator "throw"."""

    values: list[Expression]
    operator: Literal["return", "throw"] = "return"


@dataclass(slots=True, eq=False)
class Import(Node):
    """`import a, { b as c } from "./m.js"`: the targets carry the path ("default",), ("b",) or () for `* as a`."""

    module: Text
    targets: list[Target]


@dataclass(slots=True, eq=False)
class Export(Node):
    """`export …`: a declaration, or names `{ a as b }` as (local, exported), or the default's expression."""

    declaration: Declare | None = None
    names: list[tuple[Name, str]] = field(default_factory=list)
    default: Expression | None = None
    module: Text | None = None


@dataclass(slots=True, eq=False)
class Branch(Node):
    """if, while, repeat, for, do, try, switch, with, labelled blocks: heads are evaluated, bodies are scopes of their
    own. What a loop declares is a `Declare` of kind "loop" as the first statement of its body; a `catch (e)` likewise.
    What sees names of the body stands in it: `until …` as its last statement, the parts of `for (;;)` as its first.
    `if` has a head for each `elseif` (`else if`); an `else` is one body more. `switch` has one body for all its cases.
    """

    kind: str
    heads: list[Expression]
    bodies: list[Block]


@dataclass(slots=True, eq=False)
class Block(Node):
    """A scope: its statements in order."""

    statements: list[Statement]


Statement = Declare | Assign | Evaluate | Return | Import | Export | Branch | Block

EMPTY: Final = Span(0, 0, 0, 0)


@dataclass(slots=True)
class Problem:
    """A place that the grammar could not read: what is missing, or what was not expected."""

    span: Span
    missing: str
    """The token that is missing, "" where something else is wrong."""


@dataclass(slots=True)
class Comment:
    """A comment as it stands in the file. `text` is without its marks (`--`, `//`, `/*`)."""

    span: Span
    text: str


@dataclass(slots=True)
class Tree:
    """What a chunk holds. If the grammar could not read all of it, `problems` say where, and the tree is a guess."""

    block: Block
    problems: list[Problem] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
