"""What stands around a script of the document: the names it leaves to its reader, and what is checked after it.

A file of `surroundings/` is named by the script's line. Its text comes before the script, up to the first directive; a
directive is a comment that begins with a colon:

    --: instead of 291-291: reason      the lines below stand in the place of these lines of the document
    --: after                           the lines below follow the script: checks
    --: prints TEXT                     the spell's output holds TEXT
    --: sends TEXT                      a request that reached the model's service holds TEXT
    --: flags --allow-write logs        what the person who runs it allows
    --: waits for REASON                the script is not run yet

Every line of the document keeps its number in the composed spell, so that an error names the document's own line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from extract import Script

_DIRECTIVE = re.compile(
    r"(?:--|//): (?:instead of (\d+)-(\d+): (.+)|(after)|prints (.+)|sends (.+)|flags (.+)|waits for (.+))$"
)


@dataclass(slots=True)
class Cut:
    first: int
    last: int
    reason: str
    lines: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Surroundings:
    before: list[str] = field(default_factory=list[str])
    cuts: list[Cut] = field(default_factory=list[Cut])
    after: list[str] = field(default_factory=list[str])
    prints: list[str] = field(default_factory=list[str])
    sends: list[str] = field(default_factory=list[str])
    flags: list[str] = field(default_factory=list[str])
    waits_for: str = ""


def parse(text: str) -> Surroundings:
    found = Surroundings()
    into = found.before
    for line in text.splitlines():
        directive = _DIRECTIVE.match(line)
        if directive is None:
            if line.startswith(("--:", "//:")):
                raise ValueError(f"not a directive: {line!r}")
            into.append(line)
            continue
        first, last, reason, after, prints, sends, flags, waits_for = directive.groups()
        if first:
            found.cuts.append(Cut(int(first), int(last), reason))
            into = found.cuts[-1].lines
        elif after:
            into = found.after
        elif prints:
            found.prints.append(prints)
        elif sends:
            found.sends.append(sends)
        elif flags:
            found.flags.extend(flags.split())
        else:
            found.waits_for = waits_for
    return found


def compose(script: Script, around: Surroundings) -> str:
    """The spell: the script's line N stands on line N. Raises ValueError when something does not fit in its place."""
    start = script.line
    if len(around.before) > start:
        raise ValueError(f"{len(around.before)} lines do not fit before line {start + 1}")
    lines = [*around.before, *[""] * (start - len(around.before)), *script.lines]
    for cut in around.cuts:
        room = cut.last - cut.first + 1
        if not start < cut.first <= cut.last <= start + len(script.lines):
            raise ValueError(f"lines {cut.first}-{cut.last} are outside the script at {start}")
        if len(cut.lines) > room:
            raise ValueError(f"{len(cut.lines)} lines do not fit in the place of {cut.first}-{cut.last}")
        lines[cut.first - 1 : cut.last] = [*cut.lines, *[""] * (room - len(cut.lines))]
    return "\n".join((*lines, *around.after, ""))
