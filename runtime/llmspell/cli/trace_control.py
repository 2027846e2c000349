"""`llmspell trace status|pause|resume|step|break|approve|answer|chat|cancel RUN`: control of a live run, from anywhere.

One command, over the run's own socket (`llmspell.control.socket`), and its answer. Knows no runtime.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from llmspell.errors import UsageError, revived

#: The commands, with what each does.
COMMANDS: Final[dict[str, str]] = {
    "status": "whether a live run is paused, where, and what waits for somebody",
    "pause": "pause a live run: it begins nothing more",
    "resume": "let a paused run go on",
    "step": "let a paused run go on to its next call of a model or tool",
    "break": "set a live run's breakpoints, or without any take them away",
    "approve": "approve a tool call that waits, edit its arguments, or deny it",
    "answer": "answer what a spell asks",
    "chat": "speak to an agent of a live run",
    "cancel": "end a live run",
}


def configure(part: Callable[[str, str], ArgumentParser], run: str) -> None:
    """part: adds a command; run: what its RUN may be."""
    for name, summary in COMMANDS.items():
        one = part(name, summary)
        one.add_argument("run", metavar="RUN", help=run)
        one.add_argument("--json", action="store_true", help="for programs: the run's answer as it is")
        match name:
            case "step":
                one.add_argument("--to", choices=("model", "tool", "either"), default="either", help="(either)")
            case "break":
                one.add_argument("set", nargs="*", metavar="WHAT", help="such as tool:shell_*, cost:0.05, error, end")
                one.add_argument("--approve", action="append", metavar="TOOLS", help="tools whose calls are to wait")
            case "approve":
                one.add_argument("--deny", action="store_true", help="the call is not to be")
                one.add_argument("--reason", default="", metavar="TEXT", help="why, for the model")
                one.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="another argument")
                one.add_argument("--number", type=int, metavar="N", help="which call; else the oldest")
            case "answer":
                one.add_argument("text", metavar="TEXT")
                one.add_argument("--number", type=int, metavar="N", help="which question; else the oldest")
            case "chat":
                one.add_argument("agent", metavar="AGENT")
                one.add_argument("text", metavar="TEXT")
            case "cancel":
                one.add_argument("--reason", metavar="TEXT", help="why, for the trace")
            case _:
                pass


def run(args: Namespace, file: Path) -> int:
    """Gives the command to the run in `file`, and prints what comes back."""
    socket = _socket(file)
    answer: dict[str, Any] = {}
    for command in _commands(args):
        answer |= ask(socket, command)
    if args.json:
        print(json.dumps(answer, ensure_ascii=False))
        return 0
    if args.what == "chat":
        print(answer["answer"] if isinstance(answer["answer"], str) else json.dumps(answer["answer"]))
    elif args.what == "status":
        _show(answer)
    else:
        print(", ".join(f"{key}: {_told(value)}" for key, value in answer.items()))
    return 0


def ask(socket_path: str, command: dict[str, Any]) -> dict[str, Any]:
    """A run's answer to one command. Raises the error that it answers with, UsageError where it is gone."""
    import socket

    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(socket_path)
            connection.sendall(json.dumps({"id": 1, "brief": True, **command}).encode() + b"\n")
            with connection.makefile("rb") as lines:
                for line in lines:
                    told = json.loads(line)
                    if told.get("id") == 1:
                        break
                else:
                    raise UsageError("the run has ended")
        except OSError as error:
            raise UsageError(f"the run cannot be reached: {error.strerror or error}", hint=_ENDED) from None
    if "error" in told:
        raise revived(told["error"])
    found: dict[str, Any] = told["ok"]
    return found


_ENDED: Final = "only a run under way can be controlled; `llmspell trace list` shows which are"


def _socket(file: Path) -> str:
    from llmspell.traces.meta import RUNNING
    from llmspell.traces.reader import RunFile

    with RunFile(file) as stored:
        meta = stored.meta()
    if meta.current_status != RUNNING:
        raise UsageError(f"run {meta.id} has ended ({meta.current_status})", hint=_ENDED)
    if not meta.socket:
        raise UsageError(f"run {meta.id} has no socket", hint="no folder for it could be made where it was started")
    return meta.socket


def _commands(args: Namespace) -> list[dict[str, Any]]:
    match args.what:
        case "step":
            return [{"do": "step", "to": args.to}]
        case "break":
            commands: list[dict[str, Any]] = [{"do": "breakpoints", "set": args.set}]
            if args.approve:
                tools = [part.strip() for text in args.approve for part in text.split(",")]
                commands.append({"do": "approvals", "tools": tools})
            return commands
        case "approve":
            changes = dict(map(_assigned, args.set))
            if args.deny and changes:
                raise UsageError("--deny and --set do not go together", hint="deny the call, or approve it changed")
            given = {"number": args.number, "reason": args.reason, **({"changes": changes} if changes else {})}
            return [{"do": "approve", "decision": "deny" if args.deny else "approve", **given}]
        case "answer":
            return [{"do": "answer", "text": args.text, "number": args.number}]
        case "chat":
            return [{"do": "chat", "agent": args.agent, "text": args.text}]
        case "cancel" if args.reason is not None:
            return [{"do": "cancel", "reason": args.reason}]
        case plain:
            return [{"do": plain}]


def _assigned(given: str) -> tuple[str, Any]:
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise UsageError(f"--set {given!r} is not NAME=JSON", hint="--set path=notes.txt")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value  # anything that is no JSON is text


def _show(status: dict[str, Any]) -> None:
    from llmspell.traces.summary import plain

    pause = status["pause"]
    say = sys.stdout.write
    say(status["state"] + (" (a replay)\n" if status["replaying"] else "\n"))
    if pause is not None:
        say(plain(f"  {pause['reason']}{_by(pause)}{_at(pause)}") + "\n")
        if about := pause.get("about"):
            if request := about.pop("request", None):
                about["message"] = request["messages"][-1]["content"]
            say(plain(f"  about to: {pause['stop']} {json.dumps(about, ensure_ascii=False)}")[:2000] + "\n")
    for waiting in status["waiting"]:
        shown = {key: value for key, value in waiting.items() if key not in {"number", "kind"}}
        say(plain(f"  {waiting['kind']} {waiting['number']}: {json.dumps(shown, ensure_ascii=False)}")[:2000] + "\n")
    for title in ("breakpoints", "approve", "agents"):
        if status[title]:
            say(plain(f"  {title}: {', '.join(status[title])}") + "\n")
    say(f"  {status['seq']} events, {status['calls']} model calls, {status['tokens']} tokens, ${status['cost']:.4f}\n")


def _by(pause: dict[str, Any]) -> str:
    return f" by {pause['by']}" if pause["by"] else ""


def _at(pause: dict[str, Any]) -> str:
    return f" at {pause['site']}" if pause["site"] else ""


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
