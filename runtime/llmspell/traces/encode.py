"""Event data as JSON text, strict (no NaN) and always valid UTF-8, whatever a script put into it.

Made in the thread that writes; `json` is imported there (5 ms), not on the way to a spell's first line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from llmspell.events.event import Event
from llmspell.traces.describe import describe, without_content

Mask = Callable[[str], str]

#: Names that are remembered.
_LABELS: Final = 1000


class Encoder:
    """content: False keeps texts out, only lengths and hashes stay. mask: hides secrets in a text."""

    def __init__(self, *, content: bool = True, mask: Mask | None = None) -> None:
        import json

        # A kept JSONEncoder is 0.6 µs an event quicker than json.dumps with options.
        self._describe = partial(describe, mask=mask)
        self._encode = json.JSONEncoder(
            ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=self._describe
        ).encode
        self._encode_ascii = json.JSONEncoder(separators=(",", ":"), default=self._describe).encode
        self._content = content
        self._mask = mask
        self._labels: dict[str, str] = {}

    def data(self, data: Any, *, clean: bool = False) -> str:
        """JSON text of an event's data. clean: it is known to hold no secret."""
        return self.text(data if self._content else without_content(self._describe(data)), clean=clean)

    def text(self, value: Any, *, clean: bool = False) -> str:
        """JSON text of any value, secrets masked."""
        try:
            text = self._encode(value)
            if not text.isascii():
                text.encode()
        except (TypeError, ValueError, RecursionError):  # odd keys, NaN, lone surrogates, cycles
            text = self._encode_ascii(self._describe(value))
        return text if self._mask is None or clean else self._mask(text)

    def label(self, text: str) -> str:
        """A name, with secrets masked. Names come again and again: to look through each is 2 us."""
        if self._mask is None:
            return text
        shown = self._labels.get(text)
        if shown is None:
            shown = self._mask(text)
            if len(self._labels) < _LABELS:
                self._labels[text] = shown
        return shown

    def line(self, event: Event) -> str:
        """An event as one JSON line, as live readers and `--format jsonl` get it."""
        head = self._encode_ascii(
            {
                "seq": event.seq,
                "time": round(event.time, 3),
                "kind": event.kind,
                "phase": event.phase,
                "span": event.span,
                "parent": event.parent,
                "name": self.label(event.name),
                "site": self.label(event.site),
            }
        )
        return f'{head[:-1]},"data":{self.data(event.data)}}}\n'


def decode_line(line: str | bytes) -> Event:
    """The event of a `line`. Raises ValueError for anything else."""
    import json

    value = json.loads(line)
    try:
        return Event(
            int(value["seq"]),
            float(value["time"]),
            str(value["kind"]),
            value["phase"],
            int(value["span"]),
            int(value["parent"]),
            str(value["name"]),
            str(value["site"]),
            value["data"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an event: {error!r}") from None


def cleaned(text: str) -> str:
    """The text without lone surrogates, which no file and no socket takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
