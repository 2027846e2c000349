"""The interface on a terminal, telling when it did what: `python shown.py RUN.db REPORT.json [SECONDS]`.

SECONDS: how long it stays after all has been read, idle. Its report says when what was drawn, in seconds since the
process began, and when the picture after each key was complete (`time.monotonic`).
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from llmspell_tui.app import sweeping

sweeping.hold()  # as the command does before it imports the window

from llmspell_tui.app.window import Window  # noqa: E402


def since_start() -> float:
    """Seconds since the kernel started this process."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def memory_mb() -> float:
    found = {line.split(":")[0]: line for line in Path("/proc/self/status").read_text().splitlines()}
    return float(found["VmRSS"].split()[1]) / 1024


class Shown(Window):
    report: Path
    stay = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, Any] = {"keys": [], "started": since_start()}
        self._folded = 0
        self._last = False
        self._idle_from = 0.0

    def on_ready(self) -> None:
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self.told["painted"] = since_start()

    def on_through(self) -> None:
        """A key has acted."""
        self.call_after_refresh(lambda: self.told["keys"].append(time.monotonic()))

    def touch(self) -> None:
        if self.desk.model is not None:
            self._folded = self.desk.model.events
        super().touch()

    def _draw(self) -> None:
        super()._draw()
        self.call_after_refresh(self._drawn, self._folded)

    def _drawn(self, folded: int) -> None:
        """The picture is on its way to the terminal."""
        model = self.desk.model
        if model is None or not folded:
            return
        if "first rows" not in self.told:
            self.told |= {"first rows": since_start(), "first cpu": time.process_time()}
        if "begin" not in self.told and folded > 1:
            # A run that talks has said one event when it is opened.
            self.told |= {
                "begin": time.monotonic(),
                "begin cpu": time.process_time(),
            }
        reading = model.progress is not None and model.progress.what == "spans"
        if len(model.spans) > 1 and "all spans" not in self.told and not reading and folded >= len(model.spans):
            self.told |= {"all spans": since_start(), "spans": len(model.spans), "spans cpu": time.process_time()}
        if model.complete and not self._last:
            self._last = True
            self.told["all"] = since_start()
            self.told["span"] = time.monotonic() - self.told["begin"]
            self.told |= {"events": model.events, "missing": model.missing, "height": model.spans.height}
            self.told["rss"] = memory_mb()
            self._idle_from = time.process_time()
            self.set_timer(max(self.stay, 0.05), self._leave)

    def _leave(self) -> None:
        self.told["idle cpu"] = time.process_time() - self._idle_from
        self.told["cpu"] = time.process_time()
        self.report.write_text(json.dumps(self.told))
        self.exit()


def main() -> None:
    app = Shown()
    app.first, app.report = Path(sys.argv[1]), Path(sys.argv[2])
    app.stay = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    app.run()
    if app.fault is not None:
        raise app.fault
    sys.exit(app.return_code)


if __name__ == "__main__":
    main()
