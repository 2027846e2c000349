"""Figures in few letters: `1.23 s` as in a trace, `340 tokens`, `$0.0004`."""

from __future__ import annotations

from llmspell.traces.layout import duration_text as duration

__all__ = ["cost", "duration", "share", "short", "tokens"]


def tokens(count: int) -> str:
    if count >= 999_500:
        return f"{count / 1e6:.1f}M tokens"
    return f"{count / 1000:.1f}k tokens" if count >= 10_000 else f"{count} token{'' if count == 1 else 's'}"


def cost(dollars: float | None) -> str:
    """ "" where nothing is known."""
    if dollars is None:
        return ""
    if dollars == 0:
        return "$0"
    if dollars < 0.00005:
        return "< $0.0001"
    return f"${dollars:.4f}" if dollars < 1 else f"${dollars:.2f}"


def share(part: float) -> str:
    return "< 1 %" if 0 < part < 0.01 else f"{part * 100:.0f} %"


def short(text: str, longest: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
