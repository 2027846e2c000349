"""What a call may leave behind: processes and threads at work."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def working() -> set[str]:
    """Child processes, and threads other than the loop's own pool, which waits for more."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread may end meanwhile
            found |= {f"process {pid}" for pid in (task / "children").read_text().split()}
    return found | {f"thread {each.name}" for each in threading.enumerate() if not each.name.startswith("asyncio_")}


async def settled(look: Callable[[], set[str]], seconds: float = 10.0, still: float = 0.3) -> set[str]:
    """What is still there when nothing more has changed for `still` seconds, or nothing is left."""
    end, last, since = time.monotonic() + seconds, look(), time.monotonic()
    while last and time.monotonic() < end and time.monotonic() - since < still:
        await asyncio.sleep(0.02)
        if (now := look()) != last:
            last, since = now, time.monotonic()
    return last
