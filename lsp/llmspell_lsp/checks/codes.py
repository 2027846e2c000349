"""A finding of a code, as severe as `llmspell.settings.lint` says, and the words that messages and fixes share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmspell.api.names import near
from llmspell.settings.lint import SEVERITIES, Severity
from llmspell_lsp.checks.finding import Edit, Finding, Fix
from llmspell_lsp.syntax.nodes import Span


def found(code: str, span: Span, message: str, *fixes: Fix, severity: Severity | None = None, **more: Any) -> Finding:
    """A finding of a code, as severe as the code is unless told otherwise."""
    return Finding(span, code, message, severity or SEVERITIES[code], fixes=fixes, **more)


def meant(text: str, known: Iterable[str]) -> str:
    """The known name that a text may have been meant for, "" where none is near."""
    return next(iter(near(text, known)), "")


def ask(text: str) -> str:
    """The end of a message that offers a name."""
    return f"; did you mean {text!r}?" if text else ""


def instead(span: Span, text: str) -> Fix:
    """The text that was meant in the place of what stands there."""
    return Fix(f"Change to {text!r}", (Edit(span, text),))
