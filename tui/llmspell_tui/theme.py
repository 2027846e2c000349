"""Colours by meaning, for a dark and a light ground and for none at all. Knows no widget and no event.

The hues are Okabe and Ito's, told apart by people with any colour vision. Each is moved towards black or white until it
is legible, at 4.5:1 and more, on every ground it may stand on, the cursor's row included. Colour is never the only
sign: icons and letters stand beside it (`MARKS`, `LETTERS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, Literal

from rich.style import Style

Ground = Literal["plain", "bar", "cursor", "faded"]
Mode = Literal["dark", "light", "plain"]

#: What WCAG 2 asks of text (level AA).
CONTRAST: Final = 4.5

_ORANGE, _SKY, _GREEN, _YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
_BLUE, _VERMILION, _PURPLE, _GREY = "#0072B2", "#D55E00", "#CC79A7", "#8A8F98"

#: Meaning -> hue. "" is the ground's own text colour.
_HUES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "",
        "strong": "",
        "dim": _GREY,
        "rule": _GREY,
        "ok": _GREEN,
        "error": _VERMILION,
        "warn": _ORANGE,
        "running": _SKY,
        "cancelled": _GREY,
        "key": _BLUE,
        "match": _YELLOW,
        "number": _SKY,
        "string": _GREEN,
        "name": _BLUE,
        "added": _GREEN,
        "removed": _VERMILION,
        "spell": "",
        "workflow": _PURPLE,
        "step": _PURPLE,
        "agent": _BLUE,
        "model": _ORANGE,
        "tool": _GREEN,
        "hook": _YELLOW,
        "state": _SKY,
        "other": _GREY,
    }
)
_BOLD: Final = frozenset({"strong", "error", "warn", "key", "match", "spell"})

_GROUNDS: Final[Mapping[str, Mapping[Ground, str]]] = MappingProxyType(
    {
        "dark": {"plain": "#12151B", "bar": "#1E232C", "cursor": "#2B3A55", "faded": "#242A35"},
        "light": {"plain": "#FCFCFA", "bar": "#ECEDEF", "cursor": "#CFE0F7", "faded": "#E4E8EE"},
    }
)
#: On a dark ground the blue would turn grey before it is legible.
_BLUE_ON_DARK: Final = "#7FA8FF"
_TEXT: Final = {"dark": "#E8EAED", "light": "#16181D"}

#: A span's kind -> the meaning its colour has, and the letter that stands beside the colour.
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "spell": "spell",
        "workflow": "workflow",
        "workflow_step": "step",
        "execution": "agent",
        "delegation": "agent",
        "llm_call": "model",
        "tool": "tool",
        "hook": "hook",
    }
)
LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "spell": "S",
        "workflow": "W",
        "workflow_step": "w",
        "execution": "A",
        "delegation": "D",
        "llm_call": "M",
        "tool": "T",
        "hook": "H",
    }
)
#: What a kind is called in a sentence.
WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"execution": "agent", "llm_call": "model call", "tool": "tool call", "workflow_step": "step"}
)
#: A status -> its icon, each one cell wide in every terminal font.
MARKS: Final[Mapping[str, str]] = MappingProxyType(
    {"ok": "✓", "error": "✗", "limit": "✗", "lost": "?", "cancelled": "■", "running": "▸", "paused": "‖", "veto": "■"}
)
STATUS_ROLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ok": "ok",
        "error": "error",
        "limit": "error",
        "lost": "warn",
        "cancelled": "cancelled",
        "running": "running",
        "veto": "error",
    }
)


class Palette:
    """The styles of one mode. `style(role, ground)` is a rich style with an opaque ground; cached."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self._styles: dict[tuple[str, Ground], Style] = {}

    def style(self, role: str, ground: Ground = "plain") -> Style:
        found = self._styles.get((role, ground))
        if found is None:
            found = self._styles[role, ground] = self._made(role, ground)
        return found

    def colour(self, role: str) -> str:
        """The hue of a role as `#RRGGBB`; "" in the plain mode."""
        return "" if self.mode == "plain" else _legible(self.mode, _HUES.get(role, ""))

    def ground(self, ground: Ground) -> str:
        return "" if self.mode == "plain" else _GROUNDS[self.mode][ground]

    def _made(self, role: str, ground: Ground) -> Style:
        bold = role in _BOLD
        if self.mode == "plain":
            return Style(
                bold=bold or ground == "faded" or None,
                dim=(role in ("dim", "rule") and ground == "plain") or None,
                underline=role == "match" or ground == "bar" or None,
                reverse=ground == "cursor" or None,
            )
        if role == "match":
            return Style(color=self.ground("plain"), bgcolor=self.colour("match"), bold=True)
        return Style(color=self.colour(role), bgcolor=self.ground(ground), bold=bold or None)


@cache
def palette(mode: Mode) -> Palette:
    return Palette(mode)


def kind_role(kind: str) -> str:
    """The role of a span's kind."""
    return KINDS.get(kind, "other")


def kind_word(kind: str) -> str:
    return WORDS.get(kind, kind.replace("_", " "))


def roles() -> tuple[str, ...]:
    return tuple(_HUES)


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two `#RRGGBB` colours, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@cache
def _legible(mode: Literal["dark", "light"], hue: str) -> str:
    """The hue, moved towards white (on dark) or black (on light) until it is legible on every ground."""
    if not hue:
        return _TEXT[mode]
    hue = _BLUE_ON_DARK if hue == _BLUE and mode == "dark" else hue
    target = 255 if mode == "dark" else 0
    parts = _parts(hue)
    for step in range(51):
        mixed = "#" + "".join(f"{round(part + (target - part) * step / 50):02X}" for part in parts)
        if all(contrast(mixed, ground) >= CONTRAST for ground in _GROUNDS[mode].values()):
            return mixed
    return _TEXT[mode]


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
