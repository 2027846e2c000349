"""The engines' own verdicts: their words, at the right place, and no text that hangs or crashes the server."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmspell_lsp.checks.compile import Compiler, Refusal
from llmspell_lsp.checks.refusal import finding
from llmspell_lsp.documents.document import Document
from llmspell_lsp.workspace.snapshot import Snapshot


class Asked:
    """A compiler, its answers awaited."""

    def __init__(self, budget: float = 20.0) -> None:
        self.reports: list[str] = []
        self.compiler = Compiler(self.reports.append, budget)
        self._answers: queue.Queue[Refusal | None] = queue.Queue()

    def of(self, language: str, text: str) -> Refusal | None:
        self.compiler.compile("key", language, text, self._answers.put)
        return self._answers.get(timeout=60)


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    asked = Asked()
    yield asked
    asked.compiler.close()


def found_in(asked: Asked, language: Any, text: str) -> tuple[str, str]:
    """The marked part of the text and the message."""
    document = Document("file:///x", language, 1, text)
    refusal = asked.of(language, text)
    assert refusal is not None
    found = finding(Snapshot(document), refusal)
    assert found.code == "syntax"
    assert found.severity == "error"
    marked = document.between(*found.span)
    assert marked or not text.strip()
    return marked, found.message


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("x = = 1", "=", "unexpected symbol near '='"),
        ("foo(1, 2\nprint(1)", "2", "')' expected (to close '(' at line 1) near 'print'"),
        ("local t = {a = 1, b = {c = 2}\nprint(t)", "}", "'}' expected (to close '{' at line 1) near 'print'"),
        ("if x = 1 then end", "=", "'then' expected near '='"),
        ("x = 'it's'\n", "'", "unfinished string near ''\n"),
        ("x = 0x", "0x", "malformed number near '0x'"),
        ("  goto nowhere", "goto nowhere", "no visible label 'nowhere'"),
        ("  break", "break", "break outside loop"),
        ("local a <const> = 1\na = 2", "a = 2", "attempt to assign to const variable 'a'"),
        ("function f()\n  return 1\n", "1", "'end' expected (to close 'function' at line 1) near <eof>"),
        ("end", "end", "<eof> expected near 'end'"),
        ("local s = [[\n\n", "[", "unfinished long string (starting at line 1) near <eof>"),
    ],
)
def test_lua_says_what_is_wrong_and_it_is_marked(asked: Asked, text: str, marked: str, message: str) -> None:
    found = found_in(asked, "lua", text)
    assert found[1].startswith(message.split("\n")[0])
    if "long string" not in message:
        assert found[0] == marked


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("const x = ;", ";", "unexpected token in expression: ';'"),
        ("foo({", "{", "'{' is never closed"),
        ("if (x) {\n  y(1\n", "(", "'(' is never closed"),
        ("if (x) {\n  y()\n", "{", "'{' is never closed"),
        ("foo()\n}\nbar()", "}", "'}' closes nothing"),
        ("let a\nexport const b = (\n", "(", "'(' is never closed"),
        ("let first = 1;\nlet first = 2", "first", "invalid redefinition of lexical identifier"),
        ("foo(1, 2\nbar()", "bar", "Unexpected identifier 'bar'"),
        ("import a from './b.js'\nlet a = ;", ";", "unexpected token in expression: ';'"),
        ("`abc", "`", "unexpected end of string"),
    ],
)
def test_javascript_says_what_is_wrong_and_it_is_marked(asked: Asked, text: str, marked: str, message: str) -> None:
    assert found_in(asked, "javascript", text) == (marked, message)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("lua", ""),
        ("lua", "#!/usr/bin/env llmspell run\nreturn 1"),
        ("lua", "\ufeffreturn 1"),
        ("lua", "while true do end"),
        ("javascript", ""),
        ("javascript", "#!/usr/bin/env llmspell run\nreturn 1"),
        ("javascript", "\ufeffreturn 1"),
        ("javascript", "const a = await f(); return a"),
        ("javascript", "import a, { b } from './c.js'\nexport const d = await a(b)\nexport default d"),
        ("javascript", "for (;;) {}"),
        ("javascript", "throw new SyntaxError('mine')"),
        ("javascript", "})}}); for (;;) {} (function($module){{return(async function(){"),
    ],
)
def test_what_the_runtime_accepts_is_accepted_and_not_run(asked: Asked, language: str, text: str) -> None:
    assert asked.of(language, text) is None


def hostile() -> Iterator[tuple[str, str]]:
    for opener in ("(", "[", "{a:", "`${", "!", "async()=>", "new ", "x=>", "class{[", "a?.[", "f(", "do{", "a:"):
        yield "javascript", "x=" + opener * 200_000
    yield "javascript", "x=/" + "(?:" * 100_000 + ")" * 100_000 + "/"
    yield "javascript", "import a from 'b'\n" + "f(" * 20_000
    for opener in ("(", "{", "f(", "-", "not ", "function() ", "if x then ", "a.b.c[", "..", "[=["):
        yield "lua", "x=" + opener * 200_000
    for language in ("lua", "javascript"):
        yield language, "\0" * 1000
        yield language, "\ud800\udfff x"
        yield language, "x = 1 " * 900_000  # 5 MB
        yield language, "\n" * 1_000_000


def test_hostile_texts_get_a_verdict_and_the_compiler_lives(asked: Asked) -> None:
    for language, text in hostile():
        refusal = asked.of(language, text)
        if refusal is not None:
            lines = text.split("\n")
            assert 0 <= refusal.line <= len(lines) + 1
    assert asked.reports == []


def test_a_text_that_takes_too_long_gets_no_verdict_and_the_next_gets_its_own() -> None:
    # Names cost QuickJS their square.
    slow = "\n".join(f"const name{number} = {number};" for number in range(40_000))
    asked = Asked(budget=0.2)
    try:
        assert asked.of("javascript", slow) is None
        assert asked.reports == ["key: compiling the text took too long; nothing is said of its syntax"]
        for _ in range(20):  # a new process takes its time to start, too
            if (refusal := asked.of("lua", "x = = 1")) is not None:
                break
        assert refusal == Refusal(0, -1, "unexpected symbol near '='")
    finally:
        asked.compiler.close()


def test_a_compiler_that_is_killed_is_replaced() -> None:
    asked = Asked()
    try:
        assert asked.of("lua", "x = = 1") is not None
        for child in children(os.getpid()):
            os.kill(child, signal.SIGKILL)
        assert asked.of("lua", "x = = 1") is None or asked.reports == []
        assert asked.of("lua", "x = = 1") is not None
    finally:
        asked.compiler.close()


def children(pid: int) -> list[int]:
    """Those whose program is the compiler."""
    found = [
        int(each) for task in Path(f"/proc/{pid}/task").iterdir() for each in (task / "children").read_text().split()
    ]
    return [each for each in found if b"compiling" in Path(f"/proc/{each}/cmdline").read_bytes()]


def test_of_one_document_only_the_newest_text_is_compiled() -> None:
    asked = Asked()
    answers: queue.Queue[tuple[int, Refusal | None]] = queue.Queue()
    try:
        for number in range(200):
            text = f"x = {number} {'=' if number == 199 else ''}"
            asked.compiler.compile("key", "lua", text, lambda refusal, number=number: answers.put((number, refusal)))
        got: list[int] = []
        while not got or got[-1] != 199:
            got.append(answers.get(timeout=60)[0])
        assert got == sorted(got)
        assert len(got) < 200
    finally:
        asked.compiler.close()


def test_the_compiler_ends_with_the_server_that_is_killed() -> None:
    program = (
        "import threading\nfrom llmspell_lsp.checks.compile import Compiler\n"
        "compiler = Compiler(print)\ncompiler.start()\n"
        "done = threading.Event()\ncompiler.compile('k', 'lua', 'x', lambda refusal: done.set())\n"
        "done.wait()\nprint('ready', flush=True)\nthreading.Event().wait()\n"
    )
    server = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    (child,) = children(server.pid)
    watched = os.pidfd_open(child)
    server.kill()
    server.communicate()
    import select

    assert select.select([watched], [], [], 30)[0]
    os.close(watched)
