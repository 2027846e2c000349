"""The flags of settings (`--memory-mb`, `--allow-read`, …), made from the settings' own description."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

from llmspell.settings import SECTIONS, about
from llmspell.settings.values import Kind


def add_setting_flags(parser: ArgumentParser) -> None:
    """Every setting that has a flag; a list's flag may be given several times and takes commas (`--allow-net=a,b`)."""
    group = parser.add_argument_group("settings of this run, over llmspell.toml")
    for section, shape in SECTIONS.items():
        for entry in fields(shape):
            what = about(entry)
            if what.flag:
                many = what.kind in {"texts", "paths"}
                group.add_argument(
                    what.flag,
                    dest=f"{section}.{entry.name}",
                    action="extend" if many else "store",
                    type=_READERS[what.kind],
                    metavar=_METAVARS[what.kind],
                    help=what.summary,
                )


def given_flags(args: Namespace) -> dict[str, Any]:
    """The flags as `settings.load` takes them; the ones not given are left out."""
    return {name: value for name, value in vars(args).items() if "." in name and value is not None}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number") from None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number") from None


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


_READERS: Final[dict[Kind, Callable[[str], Any]]] = {
    "text": str,
    "path": str,
    "number": _number,
    "whole": _whole,
    "texts": _parts,
    "paths": _parts,
}
_METAVARS: Final[dict[Kind, str]] = {
    "text": "NAME",
    "path": "PATH",
    "number": "N",
    "whole": "N",
    "texts": "NAME,…",
    "paths": "PATH,…",
}
