"""Starts the zygote. A host's first act: it imports almost nothing, so that the zygote warms up while the host does.

Knows no asyncio; `process.Zygote` takes over what is launched here.
"""

from __future__ import annotations

import _socket
import _thread
import os
import sys

TYPE_CHECKING = False  # `typing` costs 8 ms, which the zygote would start later
if TYPE_CHECKING:
    from collections.abc import Sequence

#: The zygote's end of the control socket.
CONTROL = 3

#: A worker's exit status when memory ran out, and when it failed at something that is no fault of the spell.
EXIT_MEMORY = 97
EXIT_INTERNAL = 98

# SIGHUP, SIGINT, SIGTERM: a terminal or a supervisor sends them to the whole group. The host decides what they mean;
# were the workers to die of them first, an orderly end would look like a crash. As numbers: `signal` costs 1.5 ms.
_THE_HOSTS_SIGNALS = (1, 2, 15)

# -S: site-packages are in the path that is handed over; processing their .pth files again costs 3.5 ms.
# gc.disable: imports make much and throw nothing away; 3 ms less, and pages that the workers go on sharing.
_PROGRAM = (
    "import gc, sys; gc.disable(); sys.path[:] = sys.argv[4:]; "
    "from llmspell.engines.zygote import main; main(*sys.argv[1:4])"
)


class Launched:
    """A zygote that is starting. `control` is the descriptor of this side's end of its socket (sequenced packets)."""

    __slots__ = ("control", "pid")

    def __init__(self, pid: int, control: int) -> None:
        self.pid = pid
        self.control = control


def launch(languages: Sequence[str] = (), *, binding: str = "", stderr: bool = False) -> Launched:
    """Starts a zygote and returns at once.

    Its environment holds the time zone and nothing else, it inherits no descriptor but its control socket. It ends
    when that socket closes and, started from the main thread, when this process dies in whatever way.

    languages: those to make ready at once; another is made ready when a spell first needs it.
    binding: the file that says what scripts can see, in place of the registry's own.
    stderr: lets the zygote write there; for whoever works on an engine.
    Raises OSError when the process cannot be started.
    """
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    try:
        # The kernel ties a child to the thread that forked it, and only the main thread lives as long as the process.
        tied_to = os.getpid() if _thread.get_native_id() == os.getpid() else 0
        path = [entry for entry in sys.path if entry.startswith("/")]
        arguments = [sys.executable, "-I", "-S", "-c", _PROGRAM, str(tied_to), ",".join(languages), binding, *path]
        null = "/dev/null"
        actions: list[tuple[int, int, int] | tuple[int, int, str, int, int]] = [
            (os.POSIX_SPAWN_DUP2, theirs.fileno(), CONTROL),
            (os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
        ]
        if not stderr:
            actions.append((os.POSIX_SPAWN_OPEN, 2, null, os.O_WRONLY, 0))
        pid = os.posix_spawn(
            sys.executable,
            arguments,
            {"TZ": os.environ.get("TZ") or ":/etc/localtime"},
            file_actions=actions,
            setsigmask=_THE_HOSTS_SIGNALS,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Launched(pid, ours.detach())
