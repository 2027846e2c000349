"""What is told of a file beside spells, as plain values. Spans are in lines of the file, columns in code points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmspell_lsp.syntax.nodes import Span


@dataclass(slots=True, frozen=True)
class Offer:
    """Something that can be written. insert: with `$0` where one goes on, "" for the label. doc: Markdown."""

    label: str
    kind: Literal["section", "key", "value"]
    detail: str = ""
    doc: str = ""
    insert: str = ""


@dataclass(slots=True, frozen=True)
class Offers:
    """span: what they take the place of."""

    span: Span
    offers: tuple[Offer, ...]


@dataclass(slots=True, frozen=True)
class Problem:
    """instead: what was probably meant there, "" for nothing."""

    span: Span
    message: str
    instead: str = ""


@dataclass(slots=True, frozen=True)
class Told:
    span: Span
    markdown: str


@dataclass(slots=True, frozen=True)
class Part:
    """For an outline. own: the place of its name."""

    name: str
    detail: str
    kind: Literal["section", "key", "entry"]
    span: Span
    own: Span
    inside: tuple[Part, ...] = ()
