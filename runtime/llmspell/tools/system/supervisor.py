"""The process around one command: starts it, waits, and leaves nothing of it running.

Run as a script (`python -I -S supervisor.py WATCH FOLDER PROGRAM WORD…`), it imports nothing of llmspell and starts in
some 20 ms. As a child subreaper it becomes the parent of whatever the command abandons, in whatever session or group,
so that it can find and kill it. It ends everything when the command ends, or when WATCH closes: the host closed it,
or died. Exit status: the command's, 128 + signal where one ended it, or SIGUSR1 where it could not be started.
"""

import ctypes
import errno
import os
import select
import signal
import sys

_SET_CHILD_SUBREAPER = 36


def main(arguments: list[str]) -> None:
    watch, folder, program, *words = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, wake)
    os.fchdir(int(folder))
    os.close(int(folder))
    os.set_inheritable(int(watch), False)
    failed_read, failed_write = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        start(program, words, failed_write)
    os.close(failed_write)
    problem = os.read(failed_read, 16)
    if problem:
        os.waitpid(child, 0)
        os.write(2, os.strerror(int(problem)).encode())
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGUSR1)
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    status = wait(child, int(watch), wake_read)
    kill_all()
    if status is None:
        os._exit(128 + signal.SIGKILL)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def wake(number: int, frame: object) -> None:
    """A handler must exist for the wake-up descriptor to be written to."""


def start(program: str, words: list[str], failed: int) -> None:
    """In the child: becomes the command."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.execve(program, words, os.environ)
    except OSError as error:
        os.write(failed, str(error.errno or errno.EIO).encode())
    finally:
        os._exit(127)


def wait(child: int, watch: int, woken: int) -> int | None:
    """The child's status, or None when the host let go first. Reaps the abandoned meanwhile."""
    while True:
        status = reap(child)
        if status is not None:
            return status
        ready, _, _ = select.select([watch, woken], [], [])
        if watch in ready:
            return None
        os.read(woken, 512)


def reap(child: int) -> int | None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == 0:
            return None
        if pid == child:
            return status


def kill_all() -> None:
    """Stops every descendant first, so that none can start another while they are killed."""
    while has_children():
        found = descendants()
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                try:  # noqa: SIM105  contextlib would be one more import
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass


def has_children() -> bool:
    """Reaps what has ended; whether any child is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def descendants() -> list[int]:
    """Every process below this one. /proc/PID/stat is everywhere, /proc/PID/task/TID/children is not."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  pathlib takes 10 ms to import
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                after_name = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        children.setdefault(int(after_name[1]), []).append(int(name))
    found: list[int] = []
    todo = [os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
