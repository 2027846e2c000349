"""A headless Neovim that a test speaks to over its own RPC. Knows no llmspell."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgpack

#: Milliseconds after which something that a test waits for does not come any more.
PATIENCE: Final = 20_000


class Failed(AssertionError):
    """What Neovim says went wrong."""


class Neovim:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, unicode_errors="replace")
        self._asked = 0

    def call(self, method: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None
        self._asked += 1
        self._process.stdin.write(msgpack.packb([0, self._asked, method, list(arguments)]))
        self._process.stdin.flush()
        while True:
            message = self._heard()
            if message[0] == 1 and message[1] == self._asked:
                if message[2]:
                    raise Failed(f"{method} {arguments}: {message[2][-1]}")
                return message[3]

    def _heard(self) -> list[Any]:
        assert self._process.stdout is not None
        while True:
            for message in self._unpacker:
                return message
            data = self._process.stdout.read1(1 << 16)  # type: ignore[attr-defined]  # BufferedReader
            if not data:
                raise Failed("Neovim has ended")
            self._unpacker.feed(data)

    def lua(self, code: str, *arguments: Any) -> Any:
        return self.call("nvim_exec_lua", code, list(arguments))

    def command(self, command: str) -> str:
        """What it printed."""
        return self.call("nvim_exec2", command, {"output": True})["output"]

    def until(self, condition: str, *arguments: Any) -> Any:
        """Waits, while Neovim goes on with its events, until a Lua expression is true; gives its value."""
        code = f"""
            local given = {{ ... }}
            local value
            local came = vim.wait({PATIENCE}, function()
                value = (function(...) return {condition} end)(unpack(given))
                return value and true or false
            end, 20)
            return {{ came, value == nil and vim.NIL or value }}"""
        came, value = self.lua(code, *arguments)
        if not came:
            raise Failed(f"never came: {condition}\n{self.state()}")
        return value

    def keys(self, keys: str) -> None:
        self.call("nvim_input", keys)

    def lines(self, buffer: int = 0) -> list[str]:
        return self.call("nvim_buf_get_lines", buffer, 0, -1, False)

    def state(self) -> str:
        """What a person would see: the messages and the buffer."""
        return self.call("nvim_exec", "messages", True) + "\n" + "\n".join(self.lines())

    def end(self) -> int:
        """In order, as `:qa!` does; the exit code."""
        with suppress(Failed, BrokenPipeError):
            self.call("nvim_command", "qa!")
        return self._process.wait(timeout=20)


@contextmanager
def started(program: Path, arguments: list[str], cwd: Path, environ: Mapping[str, str]) -> Iterator[Neovim]:
    command = [str(program), "--embed", "--headless", *arguments]
    process = subprocess.Popen(
        command, cwd=cwd, env=dict(environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    neovim = Neovim(process)
    try:
        yield neovim
        assert neovim.end() == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
