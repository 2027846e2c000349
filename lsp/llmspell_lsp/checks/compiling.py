"""The compiler process: texts in, compiled as the runtime would, out what is wrong with them. Runs nothing.

It is a process of its own because a hostile text may take an engine's compiler minutes or crash it; the language server
then loses this process and nothing else. `compile.Compiler` is its other side.

In    [language, text]                           length-prefixed JSON
Out   null, or [line, column, message, stray]    line and column count from 0; column -1: not known; stray: an import
                                                 or export that the runtime could not rewrite
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import socket
import struct
import sys
from typing import Any, Final, NoReturn

CHANNEL: Final = 3
PREFIX: Final = struct.Struct("<I")

_MEMORY: Final = 1024 * 1024 * 1024
#: Seconds after which the process ends by itself, should the server be gone and unable to end it.
_LONGEST: Final = 20
#: C stack that QuickJS may use of the 8 MB there are: nesting beyond it is a syntax error, not a crash.
_STACK: Final = 2 * 1024 * 1024

_LUA_ERROR: Final = re.compile(r"s:(\d+): (.*)", re.DOTALL)
_JS_ERROR: Final = re.compile(r"(?:Syntax|Internal|Range)Error: (.*?)(?:\n    at <input>:(\d+):(\d+))?\s*\Z", re.DOTALL)

Verdict = tuple[int, int, str, bool] | None


def main() -> NoReturn:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection = socket.socket(fileno=CHANNEL)
    try:
        while True:
            size = PREFIX.unpack(_exactly(connection, PREFIX.size))[0]
            language, text = json.loads(_exactly(connection, size))
            signal.alarm(_LONGEST)
            verdict = compile_lua(text) if language == "lua" else compile_javascript(text)
            signal.alarm(0)
            body = json.dumps(verdict).encode()
            connection.sendall(PREFIX.pack(len(body)) + body)
    except (EOFError, OSError):
        os._exit(0)


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class _Lua:
    load: Any = None


def compile_lua(text: str) -> Verdict:
    """What Lua 5.4 says of a text, None when it accepts it."""
    if _Lua.load is None:
        from lupa import lua54  # 6 ms, and nothing a JavaScript file needs

        make: Any = lua54.LuaRuntime  # its type stubs are of an older version
        state: Any = make(encoding=None, register_eval=False, register_builtins=False)
        _Lua.load = state.eval('function(text) local _, problem = load(text, "=s", "t", {}); return problem end')
    text = text.removeprefix("\ufeff")
    if text.startswith("#!"):
        text = f"--{text}"
    problem: bytes | None = _Lua.load(text.encode("utf-8", "surrogatepass"))
    if problem is None:
        return None
    found = _LUA_ERROR.fullmatch(problem.decode("utf-8", "replace"))
    line, message = (0, "the text cannot be compiled") if found is None else (int(found[1]) - 1, found[2])
    return line, -1, message, False


def compile_javascript(text: str) -> Verdict:
    """What QuickJS says of a text, None when it accepts it: as the body of an async function, import and export
    rewritten, as the runtime has it."""
    import _quickjs  # type: ignore[import-not-found]  # 0.3 ms

    from llmspell.engines.javascript import messages, modules  # 15 ms, at the first JavaScript file

    # NUL ends a text too early on its way; as any other control character it is an error in code and none in strings.
    # A lone surrogate is no UTF-8, in strings neither; a mark that is as wide stands for it.
    text = text.removeprefix("\ufeff").replace("\0", "\1").encode("utf-8", "replace").decode()
    prepared = modules.prepare(text)
    source = prepared.source
    if source.startswith("#!"):
        source = f"//{source}"
    strict = "with($module){return(async function(){'use strict';" if prepared.module else "{return(async function(){"
    context: Any = _quickjs.Context()
    context.set_memory_limit(_MEMORY // 4)
    context.set_max_stack_size(_STACK)
    try:
        # The whole is compiled first; then `throw` ends it before anything of the text could run, even of one that
        # closes the wrapper's brackets itself.
        context.eval(f"throw 0;(function($module){{{strict}\n{source}\n}})}}}})")
    except _quickjs.JSException as error:
        found = _JS_ERROR.match(str(error))
        if found is None:
            return None
        line, column = int(found[2]) - 2 if found[2] else 0, int(found[3]) - 1 if found[3] else -1
        if found[1].startswith(messages.UNREWRITTEN):
            return line, column, messages.unreadable(found[1]), True
        return line, column, found[1], False
    return None


if __name__ == "__main__":
    sys.exit(main())
