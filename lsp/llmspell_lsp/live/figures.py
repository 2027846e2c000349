"""Figures in few letters: `1.2 s`, `340 tokens`, `$0.0004`."""

from __future__ import annotations


def duration(milliseconds: float) -> str:
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


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
