"""The way in: commands to a run over its unix socket, JSON lines both ways.

A connection whose first line has `do` controls the run; one whose first line has `from_seq` reads its events
(`traces.live`). Each line is one command, at most 4 MB:

    {"id": 1, "do": "pause", "by": "ada"}          → {"id": 1, "ok": {"state": "paused"}}
    {"id": 2, "do": "brake"}                       → {"id": 2, "error": {"type": "invalid_argument", "message": …}}

`id` is any value and comes back; `by` names who commands (the run's user unless given). Answers come in the order of
the commands, but for `chat`, whose answer comes when there is one. A line that is no command is answered with `id`
null. The errors are llmspell's own: `type`, `message`, `hint`, ….

| do            | with                                             | ok                                               |
|---------------|--------------------------------------------------|--------------------------------------------------|
| `status`      |                                                  | `state`, `pause`, `computing`, `breakpoints`,    |
|               |                                                  | `approve`, `step`, `waiting`, `agents`, …        |
| `pause`       |                                                  | `{"state": "paused"}`                            |
| `resume`      |                                                  | `{"state": "running"}`                           |
| `step`        | `to`: `model`, `tool` or `either` (unless given) | `{"state": "running"}`: it stops before the next |
| `breakpoints` | `set`: all of them (`breakpoints.KINDS`)         | `{"breakpoints": […]}`                           |
| `approvals`   | `tools`: patterns of those to be approved        | `{"approve": […]}`                               |
| `approve`     | `decision`: `approve` or `deny`; `number` of a   | `{"number": n}`                                  |
|               | waiting call, else the oldest; `params` or       |                                                  |
|               | `changes`: its arguments, edited; `reason`       |                                                  |
| `answer`      | `text`; `number` of a question, else the oldest  | `{"number": n}`                                  |
| `chat`        | `agent`, `text`                                  | `{"answer": …}`                                  |
| `cancel`      | `reason`                                         | `{"state": "ended"}`                             |

Without being asked, each such connection is sent `{"notice": "paused", …}`, `resumed`, `waiting` (a question or a call
begins to wait, with its `number`), `settled` (it no longer does) and, last, `ended`. Who does not take what they are
sent is let go. A client that vanishes changes nothing: a paused run stays paused, what waits goes on waiting, and the
person at the terminal is told how to go on when the last client has gone (but for one whose command had
`"brief": true`: it came for that command alone).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any, Final

from llmspell.control import chat
from llmspell.control.control import STEPS, Clocks, Control
from llmspell.control.wanted import Controls
from llmspell.engines.transport import Transport
from llmspell.errors import ArgumentError, LlmspellError, UsageError, fault
from llmspell.person import Waiting
from llmspell.run import Run
from llmspell.security.masking import Masker
from llmspell.traces.encode import Encoder

#: Bytes that may lie unsent in a client's buffer.
_BUFFER: Final = 1 << 22
#: Chats of one client that may be under way.
_CHATS: Final = 16


class ControlSocket:
    """Everybody who controls one run."""

    def __init__(self, control: Control, cancel: Callable[[str], None], *, attended: bool = False) -> None:
        """attended: whether somebody will come."""
        self.control = control
        self._cancel = cancel
        self._session = control.run.identity.session
        self._encoder = Encoder(mask=control.run.service(Masker).text)
        self._clients: dict[asyncio.StreamWriter, None] = {}
        self._brief: set[asyncio.StreamWriter] = set()
        self._attended = attended
        control.notice = self._tell_all
        control.acts["chat"] = lambda given: chat.begin(control, given)
        control.desk.attended = lambda: bool(self._clients) or self._attended
        control.desk.alone = self._alone

    async def serve(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until it leaves or the run ends. line: the first it has sent."""
        self._clients[writer] = None
        chats: set[asyncio.Task[None]] = set()
        try:
            while line:
                await self._take(line, writer, chats)
                await writer.drain()
                line = await reader.readline()
        except ValueError:  # of the reader: no end of line for 4 MB
            self._send(writer, {"id": None, "error": _shown(ArgumentError("a command is a line of at most 4 MB"))})
        except OSError:
            pass
        finally:
            self._clients.pop(writer, None)
            for task in chats:
                task.cancel()
            if not self._clients and writer not in self._brief:
                self._deserted()
            self._brief.discard(writer)

    def close(self, status: str) -> None:
        """The run has ended."""
        self.control.close()
        self._tell_all({"notice": "ended", "status": status})
        for writer in [*self._clients]:
            writer.close()

    # -- commands ------------------------------------------------------------------------------------------------

    async def _take(self, line: bytes, writer: asyncio.StreamWriter, chats: set[asyncio.Task[None]]) -> None:
        name: Any = None
        try:
            given = _command(line)
            name = given.get("id")
            if given.get("brief") is True:
                self._brief.add(writer)
            if given["do"] == "chat":
                if len(chats) >= _CHATS:
                    raise UsageError(f"{_CHATS} chats are under way, the most of one client")
                task = asyncio.ensure_future(self._chatted(name, given, writer))
                chats.add(task)
                task.add_done_callback(chats.discard)
                return
            self._send(writer, {"id": name, "ok": await self._done(given)})
        except LlmspellError as error:
            self._send(writer, {"id": name, "error": _shown(error)})
        except Exception as error:
            self._send(writer, {"id": name, "error": _shown(fault(error, "the control of the run"))})

    async def _done(self, given: dict[str, Any]) -> Any:
        control, by = self.control, _text(given, "by", control_user(self.control))
        match given["do"]:
            case "status":
                return {**control.status(), "agents": chat.agents(control.run)}
            case "pause" | "resume" as do:
                return await control.command({"do": do, "by": by})
            case "step":
                to = _text(given, "to", "either")
                if to not in STEPS:
                    raise ArgumentError(f"{to!r} is nothing to step to", hint=f"one of {', '.join(STEPS)}")
                return await control.command({"do": "step", "to": to, "by": by})
            case "breakpoints":
                return await control.command({"do": "breakpoints", "set": given.get("set")})
            case "approvals":
                return await control.command({"do": "approvals", "tools": given.get("tools")})
            case "approve":
                return self._answered("approval", given, {**given, "by": by})
            case "answer":
                return self._answered("question", given, _text(given, "text"))
            case "cancel":
                self._cancel(_text(given, "reason", f"cancelled by {by}" if by else "cancelled"))
                return {"state": "ended"}
            case do:
                raise ArgumentError(f"there is no command {do!r}", hint=f"one of {', '.join(_COMMANDS)}")

    async def _chatted(self, name: Any, given: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        by = _text(given, "by", control_user(self.control))
        try:
            record = {"do": "chat", "agent": _text(given, "agent"), "text": _text(given, "text"), "by": by}
            answer = await (await self.control.command(record))
            self._send(writer, {"id": name, "ok": {"answer": answer}})
        except LlmspellError as error:
            self._send(writer, {"id": name, "error": _shown(error)})

    def _answered(self, kind: str, given: dict[str, Any], value: Any) -> dict[str, Any]:
        """Settles what waits. Raises UsageError where nothing does, and what is wrong with the answer."""
        waiting = self._waiting(kind, given.get("number"))
        meant = waiting.accepts(value)
        if not waiting.given.done():
            waiting.given.set_result(meant)
        return {"number": waiting.number}

    def _waiting(self, kind: str, number: Any) -> Waiting:
        there = [each for each in self.control.desk.waiting.values() if each.kind == kind and not each.given.done()]
        for each in there:
            if number in (None, each.number):
                return each
        what = "call waits for approval" if kind == "approval" else "question waits"
        if number is None or not isinstance(number, int):
            raise UsageError(f"no {what}")
        raise UsageError(f"no {what} under number {number}", hint="perhaps somebody else was quicker")

    # -- clients -------------------------------------------------------------------------------------------------

    def _tell_all(self, told: dict[str, Any]) -> None:
        for writer in [*self._clients]:
            self._send(writer, told)

    def _send(self, writer: asyncio.StreamWriter, value: dict[str, Any]) -> None:
        transport = writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > _BUFFER:
            transport.abort()
            return
        with contextlib.suppress(OSError):
            writer.write(self._encoder.text(value).encode() + b"\n")

    def _deserted(self) -> None:
        """The last client has gone."""
        control = self.control
        if control.pause is not None:
            self._say("the run is paused and nobody controls it any more", "resume")
        for waiting in control.desk.waiting.values():
            if waiting.alone:
                self._alone(waiting)

    def _alone(self, waiting: Waiting) -> None:
        about = waiting.about
        if waiting.kind == "approval":
            self._say(f"the call of {about['tool_name']} waits for approval", "approve")
        else:
            self._say(f"the spell asks {about['question']!r} and waits", "answer")

    def _say(self, what: str, command: str) -> None:
        more = " TEXT" if command == "answer" else ""
        self.control.run.say("err", f"llmspell: {what}: llmspell trace {command} {self._session}{more}\n")


def controlled(run: Run, transport: Transport, cancel: Callable[[str], None], wanted: Controls | None) -> ControlSocket:
    """What controls a run whose worker is `transport`."""
    clocks = Clocks(transport.pause_watchdog, transport.resume_watchdog, lambda: not transport.idle())
    return ControlSocket(Control(run, clocks), cancel, attended=wanted is not None and wanted.attended)


_COMMANDS: Final = (
    *("status", "pause", "resume", "step", "breakpoints", "approvals", "approve", "answer", "chat", "cancel"),
)


def control_user(control: Control) -> str:
    return control.run.identity.user


def _command(line: bytes) -> dict[str, Any]:
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"a command is a JSON object on a line of its own: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("do"), str):
        raise ArgumentError("a command is a JSON object with `do`", hint='{"id": 1, "do": "status"}')
    return found


def _text(given: dict[str, Any], key: str, default: str | None = None) -> str:
    value = given.get(key, default)
    if not isinstance(value, str):
        raise ArgumentError(f"{given['do']}: {key} is a text, not {value!r}")
    return value


def _shown(error: LlmspellError) -> dict[str, Any]:
    return error.to_value()
