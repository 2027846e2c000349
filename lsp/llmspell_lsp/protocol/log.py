"""Where the server says what went wrong: a file, or standard error, which editors keep.

`logging` is not used: it costs 4 ms before the first answer. Once pygls is loaded its warnings come here, too.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from typing import Final, TextIO

#: Characters that standard error gets: an editor that does not read it must not make the server wait.
_MOST: Final = 32_768


class Log:
    """Lines with a time. Any thread may write; a log that cannot be written is no reason to stop."""

    def __init__(self, path: str | None = None) -> None:
        self._lock = threading.Lock()
        self._verbose = path is not None
        self._file: TextIO = sys.stderr
        self._left = _MOST
        if path is not None:
            try:
                self._file = open(path, "a", encoding="utf-8", errors="backslashreplace")  # noqa: PTH123, SIM115
            except OSError as error:
                self.warning(f"the log {path!r} cannot be written: {error.strerror}")

    def info(self, text: str) -> None:
        """What is of interest only to who asked for a log."""
        if self._verbose:
            self._write("info", text)

    def warning(self, text: str) -> None:
        self._write("warning", text)

    def failure(self, text: str, error: BaseException) -> None:
        """A defect: the text and where it happened; the whole traceback only in a file."""
        if self._verbose:
            text = f"{text}\n{''.join(traceback.format_exception(error))}"
        else:
            frames = traceback.extract_tb(error.__traceback__)[-1:]
            where = "".join(f" ({os.path.basename(frame.filename)}:{frame.lineno})" for frame in frames)  # noqa: PTH119
            text = f"{text}{where}"
        self._write("error", text)

    def _write(self, level: str, text: str) -> None:
        line = f"{time.strftime('%H:%M:%S')} {level}: {text}\n"
        with self._lock:
            if self._file is sys.stderr:
                if self._left <= 0:
                    return
                self._left -= len(line)
                if self._left <= 0:
                    line = "llmspell lsp: no more of this here; --log FILE keeps all\n"
            try:
                self._file.write(line)
                self._file.flush()
            except (OSError, ValueError):
                return
