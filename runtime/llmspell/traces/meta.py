"""What is known of a run beside its events: who it was, how it began, how it ended. Plain values only."""

from __future__ import annotations

import os
from dataclasses import field, fields, replace
from pathlib import Path
from typing import Any, Final

from llmspell.frozen import frozen
from llmspell.version import VERSION

#: Of the tables in a run's file. A file of a later schema is refused, an earlier one is read.
SCHEMA: Final = 2

RUNNING: Final = "running"
#: What a run is called whose host died before the run had ended.
LOST: Final = "lost"


def process_start(pid: int) -> int:
    """The kernel's start time of a process in clock ticks, 0 where there is no such process: tells a reused pid."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])  # field 22; the name in field 2 may hold spaces


@frozen
class RunMeta:
    """A run's own page. Times are milliseconds since 1970.

    spell: absolute path. label: the path as the person knows it. source: the spell's text; modules: texts of what it
    loaded, by path. settings: how the run was called, as far as a replay needs it. seed: see the worker's `Start`.
    parent: the run that this one replays or goes on from, or ""; resumed: whether it goes on from it. prefixed: whether
    it is a run of its own that is only answered from its parent's recording as long as it asks the same. forked: a run
    of its own from the parent's event of this number on; 0 for none.
    socket: where the run can be followed live.
    status: `running` until it has ended, then `ok`, `error`, `limit`, `cancelled` or `lost`. exit: the exit code.
    started, ended: of the clock, also where a replay's events have the times of what it repeats. duration:
    milliseconds between the events that began and ended the run.
    events, lost: numbers of events stored, and of those that could not be.
    """

    id: str
    spell: str
    label: str
    language: str
    source: str = ""
    modules: dict[str, str] = field(default_factory=dict[str, str])
    params: Any = None
    env: dict[str, str] = field(default_factory=dict[str, str])
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    parent: str = ""
    resumed: bool = False
    prefixed: bool = False
    forked: int = 0
    started: float = 0.0
    socket: str = ""
    sha256: str = ""
    pid: int = field(default_factory=os.getpid)
    process_start: int = field(default_factory=lambda: process_start(os.getpid()))
    host: str = field(default_factory=lambda: os.uname().nodename)
    version: str = VERSION
    schema: int = SCHEMA
    status: str = RUNNING
    exit: int | None = None
    ended: float | None = None
    duration: float | None = None
    events: int = 0
    lost: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    audit_head: str = ""
    """The last hash of the audit chain, once the run has ended: a chain cut short at its end is noticed too."""

    @property
    def replayed(self) -> bool:
        """Whether the run did nothing but repeat its parent."""
        return bool(self.parent) and not (self.resumed or self.prefixed or self.forked)

    def without_texts(self) -> RunMeta:
        """What the index holds: no source, parameters or environment."""
        left_out = {"source": "", "modules": {}, "params": None, "env": {}, "seed": 0, "settings": {}}
        return replace(self, **left_out, sha256="", audit_head="")

    def alive(self) -> bool:
        """Whether the process that ran it still lives; a run on another host is taken at its word."""
        if self.host != os.uname().nodename:
            return True
        begun = process_start(self.pid)
        return begun != 0 and begun == self.process_start

    @property
    def current_status(self) -> str:
        """`status`, but `lost` for a run whose host is gone."""
        return LOST if self.status == RUNNING and not self.alive() else self.status


def checked(meta: RunMeta) -> RunMeta:
    """The page as it was read from a file, which somebody else may have written. Raises ValueError."""
    for about in fields(meta):
        value, wanted = getattr(meta, about.name), _KINDS.get(str(about.type).partition("[")[0])
        if wanted is not None and (not isinstance(value, wanted) or isinstance(value, bool)):
            raise ValueError(f"{about.name} cannot be {repr(value)[:60]}")
    if not all(type(value) is str for value in (*meta.env.values(), *meta.modules.values())):
        raise ValueError("env and modules are texts")
    if not 0 <= meta.seed < 1 << 128 or not meta.language.isidentifier() or len(meta.language) > _LONGEST_NAME:
        raise ValueError("its seed or its language is none")
    if meta.duration is None and meta.ended is not None:  # an earlier llmspell has written it
        return replace(meta, duration=meta.ended - meta.started)
    return meta


#: Characters of a language's name.
_LONGEST_NAME: Final = 40
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "int | None": (int, type(None)),
    "float | None": (int, float, type(None)),
    "dict": (dict,),
}
