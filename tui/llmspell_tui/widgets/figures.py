"""Figures as a person reads them: times, counts, money, clocks. Every one fits its column."""

from __future__ import annotations

from datetime import datetime

#: Cells that each kind of figure takes at most.
TIME, COUNT, MONEY = 7, 6, 8


def time_text(milliseconds: float | None) -> str:
    """0.4 ms, 12 ms, 3.20 s, 2m 05s, 1h 02m, 12d; "" for none."""
    if milliseconds is None:
        return ""
    if milliseconds < 9.95:
        return f"{max(milliseconds, 0):.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 59_995:
        return f"{milliseconds / 1000:.2f} s"
    if milliseconds < 3_599_500:
        minutes, seconds = divmod(round(milliseconds / 1000), 60)
        return f"{minutes}m {seconds:02}s"
    hours, minutes = divmod(round(milliseconds / 60_000), 60)
    if hours < 100:
        return f"{hours}h {minutes:02}m"
    return f"{hours // 24:,}d"


def count_text(number: int) -> str:
    """At most six cells: 12, 9,404, 99,999, 1.23M; "" for none."""
    if not number:
        return ""
    if abs(number) < 100_000:
        return f"{number:,}"
    for size, sign in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        if abs(number) < size * 999.5:
            shown = number / size
            return f"{shown:.0f}{sign}" if abs(shown) >= 99.95 else f"{shown:.1f}{sign}"
    return f"{number:.0e}"


def money_text(dollars: float | None) -> str:
    """At most eight cells: $0.0012, $12.34; "" for none or nothing."""
    if not dollars:
        return ""
    if abs(dollars) < 0.00005:
        return "<$.0001"
    if abs(dollars) < 1:
        return f"${dollars:.4f}"
    if abs(dollars) < 999.995:
        return f"${dollars:.2f}"
    return f"${dollars:,.0f}" if abs(dollars) < 999_999.5 else f"${dollars / 1e6:.1f}M"


def clock_text(milliseconds: float) -> str:
    """The time of day, local: 17:46:06.842."""
    at = datetime.fromtimestamp(milliseconds / 1000).astimezone()
    return at.strftime("%H:%M:%S.") + f"{at.microsecond // 1000:03}"


def day_text(milliseconds: float, now: float) -> str:
    """The time of day for today, else the day: 17:46:06, 21 Nov."""
    at = datetime.fromtimestamp(milliseconds / 1000).astimezone()
    today = datetime.fromtimestamp(now / 1000).astimezone()
    if at.date() == today.date():
        return at.strftime("%H:%M:%S")
    return at.strftime("%d %b") if at.year == today.year else at.strftime("%d %b %Y")


def plural(number: int, noun: str) -> str:
    """1 error, 2 errors, 12,345 events."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
