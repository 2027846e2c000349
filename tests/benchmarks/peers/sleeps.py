"""The ideal of COUNT answers of so many milliseconds at once: as many sleeps of asyncio.

python sleeps.py COUNT MILLISECONDS
"""

from __future__ import annotations

import asyncio
import sys


async def main(count: int, seconds: float) -> None:
    print("begin", flush=True)
    await asyncio.gather(*(asyncio.sleep(seconds) for _ in range(count)))
    print("end", flush=True)


asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) / 1000))
