"""Somebody who types into the language server at random: a real session, driven without a wire.

What is compared: what the session says of a text that it has followed key by key, with what a new session says of it.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from llmspell_lsp.checks.compile import Refusal
from llmspell_lsp.checks.compiling import compile_javascript, compile_lua
from llmspell_lsp.protocol import requests
from llmspell_lsp.protocol.dispatch import Dispatch
from llmspell_lsp.protocol.garbage import Garbage
from llmspell_lsp.protocol.log import Log
from llmspell_lsp.protocol.session import Session
from llmspell_lsp.protocol.stream import Stream

Place = tuple[int, int]

CAPABILITIES: Final[dict[str, Any]] = {
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True, "resolveSupport": {"properties": ["documentation"]}}},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "foldingRange": {"lineFoldingOnly": True},
        "rename": {"prepareSupport": True},
        "publishDiagnostics": {"relatedInformation": True},
    },
}

#: What is asked at a place, and what of the whole document.
PLACED: Final = (
    "textDocument/completion",
    "textDocument/hover",
    "textDocument/signatureHelp",
    "textDocument/definition",
    "textDocument/typeDefinition",
    "textDocument/references",
    "textDocument/documentHighlight",
    "textDocument/prepareRename",
    "textDocument/rename",
    "textDocument/linkedEditingRange",
    "textDocument/prepareCallHierarchy",
    "textDocument/selectionRange",
    "textDocument/codeAction",
    "textDocument/inlayHint",
    "textDocument/semanticTokens/range",
)
WHOLE: Final = (
    "textDocument/documentSymbol",
    "textDocument/foldingRange",
    "textDocument/semanticTokens/full",
    "textDocument/codeLens",
    "textDocument/documentLink",
)
#: What must not depend on how the text came to be, even where no engine accepts it.
ALWAYS_EQUAL: Final = (
    "textDocument/documentSymbol",
    "textDocument/foldingRange",
    "textDocument/semanticTokens/full",
    "textDocument/selectionRange",
)
EQUAL: Final = (*WHOLE, *PLACED)

#: Seconds of the processor that any answer may take, garbage collection included.
SLOWEST: Final = 1.5

FRAGMENTS: Final = (
    *"\"'`(){}[]<>.,:;=-+*/\\#$@ \n\t0aZ_",
    *("--", "--[[", "]]", "[==[", "//", "/*", "*/", "${", "{{", "}}", "{{x", "=>", "...", "::", "\r\n", "\r", "\0"),
    *("end", "function f(", "local x = ", "const x = ", "async ", "await ", "return ", "if x then\n", "class A {"),
    *(
        "Agent.new({",
        "new Agent({ name: ",
        "agent:",
        "agent.",
        "Workflow.sequential({ steps = {",
        "{ agent = a, input = ",
    ),
    *("Hooks.register(", 'Hooks.register("', "State.set('k', ", 'eventBus.on("', 'require("', 'import {a} from "'),
    *("\u00e9", "\U0001f600", "\u4e2d\u6587", "\ud800", "\u200b", "\ufeff", "\u2028"),
    *("SELECT * FROM t;", "def f(x):\n    pass\n"),
    *("local t = {\n  a = 1,\n  b = {\n", "<div>\n</div>", '{"a": [1, 2', "a\n\n\nb", "    " * 8),
)


class Failed(AssertionError):
    """A handler raised, or two answers differ."""


class _Watchful(Log):
    def __init__(self) -> None:
        super().__init__()
        self.failures: list[str] = []

    def failure(self, text: str, error: BaseException) -> None:
        super().failure(text, error)
        self.failures.append(text)


class Editor:
    """A client and its session, in one thread. Times of answers in seconds, by method."""

    def __init__(self, times: dict[str, list[float]], commands: tuple[str, ...] = ()) -> None:
        """commands: those that the client carries out."""
        self._sent: list[dict[str, Any]] = []
        self._times = times
        self._log = _Watchful()

        def write(data: bytes) -> None:
            self._sent.append(json.loads(data.partition(b"\r\n\r\n")[2]))

        stream = Stream(lambda _size: b"", write, lambda: None)
        self.session = Session(stream, self._log, requests.methods(), requests.commands())
        self._dispatch = Dispatch(self.session)
        self._garbage = Garbage(lambda: len(self.session.documents))
        self._asked = 0
        options = {"initializationOptions": {"commands": [*commands]}}
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": CAPABILITIES, **options})
        self.version = 0

    def rest(self) -> None:
        """A moment in which nobody types: what waits is done then, and garbage searched, as the server does."""
        self.settle()
        if self._garbage.has_work:
            for _ in self._garbage.work():
                pass

    def settle(self) -> None:
        """Does what waits."""
        while (waiting := self.session.inbox.take(0.0)) is not None:
            assert callable(waiting)
            waiting()
        self.session.project.finish()
        if self._log.failures:
            raise Failed("; ".join(self._log.failures))

    def leave(self) -> None:
        """Ends what the session has started."""
        self.session.compiler.close()

    def tell(self, method: str, params: dict[str, Any]) -> None:
        self._take({"method": method, "params": params}, method)

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        """The answer. A refusal that says that nothing can be done there is none: its code alone."""
        self._asked += 1
        self._take({"id": self._asked, "method": method, "params": params}, method)
        answer = next(each for each in self._sent if each.get("id") == self._asked and "method" not in each)
        self._sent.clear()
        if "error" in answer:
            if answer["error"]["code"] == -32603:
                raise Failed(answer["error"]["message"])
            return {"error": answer["error"]["code"]}
        return answer["result"]

    def _take(self, message: dict[str, Any], method: str) -> None:
        begin, used = time.perf_counter(), time.thread_time()
        self._dispatch.take({"jsonrpc": "2.0", **message})
        self._times.setdefault(method, []).append(time.perf_counter() - begin)
        used = time.thread_time() - used
        if used > SLOWEST:
            raise Failed(f"{method} took {used:.1f} s of the processor")
        if self._log.failures:
            raise Failed("; ".join(self._log.failures))

    def open(self, uri: str, language: str, text: str) -> None:
        self.version += 1
        document = {"uri": uri, "languageId": language, "version": self.version, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def close(self, uri: str) -> None:
        self.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
        self._sent.clear()

    def edit(self, uri: str, start: Place, end: Place, text: str) -> None:
        """start, end: columns in code points."""
        self.version += 1
        lines = self.lines(uri)
        change = {"range": {"start": _units(lines, start), "end": _units(lines, end)}, "text": text}
        params = {"textDocument": {"uri": uri, "version": self.version}, "contentChanges": [change]}
        self.tell("textDocument/didChange", params)
        self._sent.clear()

    def lines(self, uri: str) -> list[str]:
        return self.session.document(uri).lines

    def at(self, method: str, uri: str, place: Place) -> Any:
        """Asks about a place, in whatever form the method wants it."""
        here = _units(self.lines(uri), place)
        line = {"start": {"line": here["line"], "character": 0}, "end": {"line": here["line"] + 1, "character": 0}}
        params: dict[str, Any] = {"textDocument": {"uri": uri}, "position": here}
        match method:
            case "textDocument/selectionRange":
                params["positions"] = [here]
            case "textDocument/inlayHint" | "textDocument/semanticTokens/range":
                params["range"] = line
            case "textDocument/codeAction":
                params |= {"range": {"start": here, "end": here}, "context": {"diagnostics": []}}
            case "textDocument/rename":
                params["newName"] = "renamed"
            case "textDocument/references":
                params["context"] = {"includeDeclaration": True}
            case _:
                pass
        return self.ask(method, params)

    def whole(self, method: str, uri: str) -> Any:
        return self.ask(method, {"textDocument": {"uri": uri}})

    def diagnostics(self, uri: str) -> tuple[Refusal | None, list[dict[str, Any]]]:
        """The engine's verdict, and all that the checks find."""
        document = self.session.document(uri)
        compile_ = compile_lua if document.language == "lua" else compile_javascript
        verdict = compile_("\n".join(document.lines))
        refusal = None if verdict is None else Refusal(*verdict)
        begin = time.perf_counter()
        items = self.session.checking.items(self.session.snapshot_of(document), refusal)
        self._times.setdefault("diagnostics", []).append(time.perf_counter() - begin)
        if self._log.failures:
            raise Failed("; ".join(self._log.failures))
        return refusal, items


class Hands:
    """Types into one document, and compares now and then."""

    def __init__(self, editor: Editor, uri: str, language: str, text: str, dice: random.Random) -> None:
        self.editor, self.uri, self.language, self.dice = editor, uri, language, dice
        self._undo: list[tuple[Place, Place, str]] = []
        self._tokens: tuple[str, list[int]] | None = None
        editor.open(uri, language, text)

    def insert(self, place: Place, text: str) -> Place:
        """Where the cursor then stands."""
        return self._replace(place, place, text)

    def _replace(self, start: Place, end: Place, text: str) -> Place:
        document = self.editor.session.document(self.uri)
        gone = document.between(*start, *end)
        before = document.text
        self.editor.edit(self.uri, start, end, text)
        stop = _after(start, text, document.lines)
        if document.text.startswith(before[:1]) and "\r" not in text + gone:
            self._undo.append((start, stop, gone))
        else:
            self._undo.clear()  # line ends that join or part make places ambiguous
        return stop

    def random_edit(self) -> Place:
        dice = self.dice
        lines = self.editor.lines(self.uri)
        place = self.random_place()
        match dice.randrange(10):
            case 0 | 1 | 2 | 3 | 4:
                return self.insert(place, dice.choice(FRAGMENTS))
            case 5:
                other = self.random_place()
                start, end = sorted((place, other))
                end = min(end, (start[0] + dice.randrange(6), 10_000))
                return self._replace(start, (end[0], min(end[1], len(lines[min(end[0], len(lines) - 1)]))), "")
            case 6:
                end = (place[0], min(place[1] + dice.randrange(1, 4), len(lines[place[0]])))
                return self._replace(place, end, "")
            case 7:
                first = dice.randrange(len(lines))
                return self.insert(place, "\n".join(lines[first : first + dice.randrange(1, 12)]))
            case 8:
                return self._replace((place[0], 0), (place[0], len(lines[place[0]])), dice.choice(FRAGMENTS))
            case _:
                for _ in range(dice.randrange(1, 5)):
                    if self._undo:
                        start, stop, gone = self._undo.pop()
                        self.editor.edit(self.uri, start, stop, gone)
                        place = start
                return self.editor.session.document(self.uri).clip(*place)

    def random_place(self) -> Place:
        lines = self.editor.lines(self.uri)
        line = self.dice.randrange(len(lines))
        return line, self.dice.randint(0, len(lines[line]))

    def look(self, place: Place) -> None:
        """Asks one or two things, as an editor does after a key."""
        try:
            self._look(place)
        except Failed as failed:
            raise Failed(f"{failed} at {place}\n{self.text!r}") from failed

    def _look(self, place: Place) -> None:
        editor, dice = self.editor, self.dice
        editor.at(dice.choice(PLACED) if dice.random() < 0.7 else "textDocument/completion", self.uri, place)
        if dice.random() < 0.25:
            editor.whole(dice.choice(WHOLE), self.uri)
        if dice.random() < 0.1:
            self._follow_tokens()

    def _follow_tokens(self) -> None:
        """The tokens that a client holds after each delta are those of the whole document."""
        editor, uri = self.editor, self.uri
        if self._tokens is None:
            answer: dict[str, Any] = editor.whole("textDocument/semanticTokens/full", uri)
        else:
            id_, data = self._tokens
            params = {"textDocument": {"uri": uri}, "previousResultId": id_}
            answer = editor.ask("textDocument/semanticTokens/full/delta", params)
            for edit in answer.get("edits", ()):
                data = [*data[: edit["start"]], *edit["data"], *data[edit["start"] + edit["deleteCount"] :]]
            if "edits" in answer:
                answer = {"resultId": answer["resultId"], "data": data}
                whole = editor.whole("textDocument/semanticTokens/full", uri)
                if whole["data"] != data:
                    raise Failed(f"deltas lead to other tokens than there are\n{self.text!r}")
        self._tokens = (answer["resultId"], answer["data"])

    @property
    def text(self) -> str:
        return self.editor.session.document(self.uri).text

    def compare(self) -> None:
        """Raises Failed where a session that opens the text as it stands says something else of it."""
        self.editor.rest()
        refusal, found = self.editor.diagnostics(self.uri)
        fresh = Editor({})
        try:
            fresh.open(self.uri, self.language, self.text)
            fresh.settle()  # garbage is the process's, and this session is soon part of it
            if refusal is None:
                self._same("diagnostics", found, fresh.diagnostics(self.uri)[1])
            self._compare(fresh, ALWAYS_EQUAL if refusal is not None else EQUAL)
        finally:
            fresh.leave()

    def _compare(self, fresh: Editor, methods: tuple[str, ...]) -> None:
        places = [self.random_place() for _ in range(3)]
        for method in methods:
            if method in WHOLE:
                self._same(method, self.editor.whole(method, self.uri), fresh.whole(method, self.uri))
                continue
            for place in places:
                mine, theirs = self.editor.at(method, self.uri, place), fresh.at(method, self.uri, place)
                self._same(f"{method} at {place}", mine, theirs)

    def _same(self, what: str, mine: Any, fresh: Any) -> None:
        mine, fresh = _bare(mine), _bare(fresh)
        if mine != fresh:
            raise Failed(f"{what}: {_difference(mine, fresh)}\n{self.text!r}")


def _bare(answer: Any) -> Any:
    """Without what counts answers."""
    return {**answer, "resultId": ""} if isinstance(answer, dict) else answer


def _difference(mine: Any, fresh: Any) -> str:
    if isinstance(mine, list) and isinstance(fresh, list):
        only = [each for each in mine if each not in fresh][:3], [each for each in fresh if each not in mine][:3]
        return f"followed only {only[0]!r}, fresh only {only[1]!r}"
    return f"followed {str(mine)[:600]}, fresh {str(fresh)[:600]}"


def _units(lines: list[str], place: Place) -> dict[str, int]:
    before = lines[place[0]][: place[1]]
    return {"line": place[0], "character": len(before) + sum(each > "\uffff" for each in before)}


def _after(start: Place, text: str, lines: list[str]) -> Place:
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line, column = start[0] + len(rows) - 1, len(rows[-1]) + (start[1] if len(rows) == 1 else 0)
    line = min(line, len(lines) - 1)
    return line, min(column, len(lines[line]))


def examples(folder: Path) -> Iterator[tuple[str, str]]:
    """Language and text of every script below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".lua", ".js") and path.is_file():
            yield ("lua" if path.suffix == ".lua" else "javascript"), path.read_text(encoding="utf-8")


def table(times: dict[str, list[float]]) -> str:
    """p50 and p99 of each method, in milliseconds."""
    rows = [f"{'':40}{'times':>9}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}"]
    for method, taken in sorted(times.items()):
        ordered = sorted(taken)
        figures = (ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)], ordered[-1])
        rows.append(f"{method:40}{len(ordered):>9}" + "".join(f"{each * 1000:>9.2f}" for each in figures))
    return "\n".join(rows)
