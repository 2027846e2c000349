"""Which lines of a Lua text have code, read from what `string.dump` makes of it. Runs nothing.

The format is that of Lua 5.4: a header, then functions inside of functions, each with its instructions' lines as
differences of a byte, the larger ones listed apart.
"""

from __future__ import annotations

from typing import Final

#: Signature, version, format, the conversion check, three sizes, a sample integer and a sample float.
_HEADER: Final = 4 + 1 + 1 + 6 + 3 + 8 + 8
_ELSEWHERE: Final = 0x80
_INSTRUCTION: Final = 4
#: `VARARGPREP`, the first instruction of a function with `...`: no line event comes for it.
_PREPARATION: Final = 81
#: Bytes of a constant after its type; a string is read apart.
_CONSTANTS: Final = {0x00: 0, 0x01: 0, 0x11: 0, 0x03: 8, 0x13: 8}


class _Reader:
    def __init__(self, dump: bytes) -> None:
        self.dump = dump
        self.at = _HEADER + 1  # how many upvalues the main chunk has
        self.lines: set[int] = set()

    def number(self) -> int:
        value = 0
        while True:
            byte = self.dump[self.at]
            self.at += 1
            value = value << 7 | byte & 0x7F
            if byte & 0x80:
                return value

    def bytes(self, count: int) -> bytes:
        self.at += count
        return self.dump[self.at - count : self.at]

    def text(self) -> None:
        if size := self.number():
            self.bytes(size - 1)

    def function(self) -> None:
        self.text()  # the source's name
        line = self.number()
        self.number()  # its last line
        self.bytes(3)
        code = self.bytes(self.number() * _INSTRUCTION)
        for _ in range(self.number()):
            kind = self.bytes(1)[0]
            if kind in _CONSTANTS:
                self.bytes(_CONSTANTS[kind])
            else:
                self.text()
        self.bytes(self.number() * 3)  # upvalues
        for _ in range(self.number()):
            self.function()
        steps = self.bytes(self.number())
        whole = {self.number(): self.number() for _ in range(self.number())}
        first = 1 if code and code[0] & 0x7F == _PREPARATION else 0
        for at, step in enumerate(steps):
            line = whole[at] if step == _ELSEWHERE else line + (step ^ 0x80) - 0x80
            if at >= first:
                self.lines.add(line)
        for _ in range(self.number()):  # locals
            self.text()
            self.number()
            self.number()
        for _ in range(self.number()):
            self.text()


def code_lines(dump: bytes) -> list[int]:
    """The lines at which a line hook can stop, in order."""
    reader = _Reader(dump)
    reader.function()
    return sorted(reader.lines - {0})
