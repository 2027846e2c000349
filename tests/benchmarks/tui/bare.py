"""The least that Textual can show: one line. Tells when that stood there and leaves after SECONDS: `bare.py REPORT SECONDS`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import Static


class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("spell.lua")

    def on_ready(self) -> None:
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        painted = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
        self.told = {"painted": painted, "cpu": time.process_time()}
        self.set_timer(float(sys.argv[2]), self._leave)

    def _leave(self) -> None:
        self.told["idle cpu"] = time.process_time() - self.told["cpu"]
        Path(sys.argv[1]).write_text(json.dumps(self.told))
        self.exit()


if __name__ == "__main__":
    Bare().run()
