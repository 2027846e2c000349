"""The process behind one page of the browser: it ends with the server, whatever that died of. Knows no browser."""

from __future__ import annotations

import os
import select
import signal
import threading


def end_with_the_server() -> None:
    """Have this process leave as soon as nobody holds the other end of its input any more."""

    def watched() -> None:
        waiting = select.poll()
        waiting.register(0, 0)  # no event but the end of it
        waiting.poll()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watched, name="the server's end", daemon=True).start()
