"""The JavaScript engine: runs one spell in one QuickJS context (`engines.engine.Engine`).

Frames make things ready; `pump` carries them out one after the other, each with all the microtasks that follow from
it, as a browser does with its tasks. What a script sees is made in prelude/; this side knows numbers, text and who
waits for what.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

from llmspell.api.names import camel
from llmspell.engines.binding import Binding
from llmspell.engines.engine import Ended, Host, HostError
from llmspell.engines.javascript import convert, messages, native, prelude
from llmspell.engines.javascript.memory import Memory, means_lack
from llmspell.engines.javascript.positions import Lines, error_map
from llmspell.engines.nearest import Names
from llmspell.engines.protocol import Start

#: C stack the engine may use in all, callbacks inside asks included. About 600 calls deep for each MB.
_STACK: Final = native.stack_size() // 2
#: What is left of it must be this much for a callback to enter.
_STACK_LEAST: Final = 256 * 1024
#: Microtasks in one `pump`: about 50 ms. Then frames get a look-in, or `for (;;) await null` would lock them out.
_JOBS: Final = 50_000


def warm(binding: Binding) -> JavaScriptEngine:
    """An engine with its prelude run and its classes bound, ready for `attach` after the fork."""
    return JavaScriptEngine(binding)


class JavaScriptEngine:
    """One language, one spell. `attach` first, then what `engine.Engine` says."""

    #: What is called of the prelude.
    _entries: tuple[str, ...] = (
        *("bind", "configure", "load", "run", "settle", "invoke", "cancel", "end", "release", "report"),
        *("reject", "stop", "place"),
    )

    def __init__(self, binding: Binding, *, debugged: bool = False) -> None:
        self._host: Host | None = None
        self._tasks: deque[Callable[[], None]] = deque()
        self._inbox = ""
        self._calls: set[int] = set()
        self._callbacks: set[int] = set()
        self._origin = 0
        self._origin_of: dict[int, int] = {}
        self._outcome: str | None = None
        self._over = False
        self._starved = False
        self._way_out: BaseException | None = None
        self._depth = 0
        self._base = 0

        self._context = native.new_context()
        self._memory = Memory(self._context)
        self._context.set_max_stack_size(_STACK)
        for name, function in self._offered().items():
            self._context.add_callable(f"$host_{name}", function)
        names = ",".join(f"{name}:$host_{name}" for name in self._offered())
        hidden = ";".join(f"delete globalThis.$host_{name}" for name in self._offered())
        self._context.eval(f"globalThis.$host={{{names}}};{hidden}")
        text = prelude.source(debugged=debugged)
        self._context.eval(text)
        self._lines = Lines(text.count("\n") + 1)
        self._enter = {name: self._entry(name) for name in self._entries}
        self._rejections = native.RejectionTracker(self._context, self._enter["reject"])
        self._trap = native.Trap(self._context, self._enter["stop"], self._enter["place"], self._lack)
        self._context.eval("delete globalThis.$entries; delete globalThis.$entry")
        self._bind(binding)
        self._names = Names(binding, camel)
        self._names.add_globals(json.loads(self._context.eval(messages.GLOBALS)))

    def _next_job(self) -> Callable[[], bool]:
        """What runs one microtask; false where there was none."""
        return self._context.execute_pending_job

    def _entry(self, name: str) -> native.Function:
        self._context.eval(f"globalThis.$entry = $entries.{name}; 0")
        return cast(native.Function, self._context.get("$entry"))

    def _bind(self, binding: Binding) -> None:
        classes: list[dict[str, Any]] = []
        for bound in binding["classes"]:
            options = {name: name for name in bound["options"]} | {camel(name): name for name in bound["options"]}
            classes.append(
                {
                    **bound,
                    "optionNames": options,
                    "methods": [{**member, "js": camel(member["name"])} for member in bound["methods"]],
                    "properties": [{**member, "js": camel(member["name"])} for member in bound["properties"]],
                }
            )
        self._send("bind", {"classes": classes, "errors": list(binding["errors"])})

    def attach(self, host: Host) -> JavaScriptEngine:
        self._host = host
        return self

    # -- engine.Engine -------------------------------------------------------------------------------------------

    def start(self, start: Start) -> None:
        self._memory.limit(start["memory_mb"], self._trap)
        try:
            fields = {name: start[name] for name in ("params", "config", "env", "globals")}
            self._send_text("configure", convert.encode(fields, around=1))
            text = self._text(start["label"], start["source"])
            if self._send("load", {**text, "module": start["module"]}):
                self._tasks.append(self._enter["run"])
        except native.ScriptException as error:
            self._broken(error)

    def settle(self, call: int, ok: bool, value: Any) -> None:
        if call in self._calls:
            self._calls.discard(call)
            origin = self._origin_of.pop(call, 0)
            try:
                text = convert.encode(value)
            except ValueError as error:
                ok, text = False, convert.encode(messages.refused(error))
            self._tasks.append(lambda: self._within(origin) or self._send_text("settle", text, call, ok))

    def invoke(self, callback: int, function: int, args: list[Any], echo: bool) -> None:
        try:
            text = convert.encode(args, around=1)
        except ValueError as error:
            self._worker.result(callback, False, messages.refused(error))
            return
        self._callbacks.add(callback)
        self._tasks.append(
            lambda: self._within(callback) or self._send_text("invoke", text, callback, function, int(echo))
        )

    def cancel(self, callback: int) -> None:
        self._callbacks.discard(callback)
        self._tasks.append(lambda: self._enter["cancel"](callback))

    def release(self, functions: list[tuple[int, int]]) -> None:
        for number, count in functions:
            self._tasks.append(lambda number=number, count=count: self._enter["release"](number, count))

    def interrupt(self, *, forced: bool) -> None:
        if self._host is None or self._over:
            return
        self._trap.set()
        # One that does not look is inside a function of its own. To ask it in the middle of that is for an engine
        # that will not be used again.
        if forced and (stack := self._trap.place()):
            self._at(stack)

    def pump(self) -> bool:
        """True when its budget ended before the work did: the caller looks for frames and comes back."""
        if not self._make_room():
            return False
        budget = _JOBS
        run_job = self._next_job()
        try:
            if self._starved and self._tasks:  # the jobs that used up the last budget may never end
                self._tasks.popleft()()
            while not self._over and self._way_out is None:
                while budget and run_job():
                    budget -= 1
                if not budget:
                    break
                if not self._tasks:
                    break
                self._tasks.popleft()()
        except native.ScriptException as error:
            self._broken(error)
        if self._way_out is not None:
            raise self._way_out
        if self._depth == 0 and budget:
            self._conclude()
        self._starved = not budget and not self._over
        return self._starved

    def _within(self, callback: int) -> None:
        """The task that begins, with all the microtasks that follow from it, belongs to this callback."""
        if callback != self._origin:
            self._origin = callback
            self._worker.within(callback)

    # -- running -------------------------------------------------------------------------------------------------

    def _make_room(self) -> bool:
        """Sets how deep scripts may go from here; False when a callback would enter with too little stack left.

        Each entry moves what the engine takes for the stack's top, so inside an ask the rest is measured anew.
        """
        if self._depth == 0:
            self._base = self._base or native.stack_pointer()
            self._context.set_max_stack_size(_STACK)
            return True
        if self._depth <= _DEPTH and self._set_room():
            return True
        self._tasks.clear()
        for callback in sorted(self._callbacks):
            self._callbacks.discard(callback)
            self._worker.result(
                callback, False, messages.limit("depth", f"callbacks inside calls inside callbacks, {self._depth} deep")
            )
        return False

    def _set_room(self) -> bool:
        room = _STACK - (self._base - native.stack_pointer())
        if room >= _STACK_LEAST:
            self._context.set_max_stack_size(room)
        return room >= _STACK_LEAST

    def _conclude(self) -> None:
        """Ends the spell when nothing is left that could go on."""
        if self._rejections.pending:
            self._rejections.pending = False
            self._enter["report"]()
        if self._over or self._calls or self._callbacks:
            return
        if self._outcome is not None:
            self._depth += 1  # callbacks that still come before the host has heard of the end cannot end it again
            try:
                self._worker.done(convert.decode(self._outcome))
            finally:
                self._depth -= 1
                self._over = True
            return
        self._over = True
        self._worker.fail(messages.deadlock())

    def _broken(self, error: Exception) -> None:
        """The engine itself gave up: out of memory, most of all."""
        text = str(error).partition("\n")[0]
        if means_lack(text):
            self._exhausted()
        else:
            self._end(error_map({"type": "script", "name": "Error", "message": text}))

    def _exhausted(self) -> None:
        self._end(self._memory.message())

    def _lack(self, error: object = None) -> bool:
        """Whether the script goes on for all that."""
        self._memory.lack(self._trap, error)
        return False

    def _end(self, error: dict[str, Any]) -> None:
        if not self._over:
            self._over = True
            self._worker.fail(error)

    def _send(self, entry: str, value: Any) -> Any:
        return self._send_text(entry, convert.encode(value))

    def _send_text(self, entry: str, text: str, *numbers: int) -> Any:
        # The script's side fetches the text: an argument that does not fit its memory would be an invalid value there.
        self._inbox = text
        return self._enter[entry](*numbers)

    def _text(self, label: str, source: str) -> dict[str, Any]:
        source = "//" + source if source.startswith("#!") else source.removeprefix("\ufeff")
        text = self._lines.add(label, source)
        return {"label": label, "source": source, "first": text.first, "last": text.last}

    @property
    def _worker(self) -> Host:
        if self._host is None:
            raise RuntimeError("the engine is used before attach")
        return self._host

    # -- what the prelude may ask of this side; never raises ----------------------------------------------------

    def _offered(self) -> dict[str, Callable[..., object]]:
        worker = self._guarded
        return {
            "take": self._take,
            "at": worker(self._at),
            "exhausted": worker(self._exhausted),
            "lack": worker(self._lack),
            "call": worker(self._call, acts=True),
            "ask": worker(self._ask, acts=True),
            "tell": worker(self._tell, acts=True),
            "cancel": worker(self._cancel_calls),
            "result": worker(self._result),
            "explain": worker(lambda *told: messages.explained(self._lines, self._names, *told)),
            "refusal": worker(messages.refusal),
            "finish": self._finish,
            "fail": worker(self._fail),
            "reject": worker(self._reject),
            "clock": worker(lambda: self._worker.clock()),
            "random": worker(lambda: self._worker.random()),
            "randomHex": worker(lambda *count: self._worker.random_bytes(*count).hex()),
        }

    def _guarded(self, function: Callable[..., object], *, acts: bool = False) -> Callable[..., object]:
        def guarded(*args: Any) -> object:
            if self._way_out is not None or self._over or (acts and self._is_spent(args[-1])):
                return _ENDED
            try:
                return function(*args)
            except HostError as error:
                return "!" + convert.encode(error.fields)
            except (Ended, OSError, MemoryError) as error:
                self._way_out = error
                return _ENDED
            except ValueError as error:
                return "!" + convert.encode(messages.refused(error))
            except Exception as error:  # whatever it is must not reach the engine as an exception
                fields = {"type": "script", "name": "Error", "message": f"{type(error).__name__}: {error}"}
                return "!" + convert.encode(error_map(fields))

        return guarded

    def _is_spent(self, line: int) -> bool:
        """Whether the script is over its memory and acts before a look has found that. It ends here."""
        if self._trap.finds_full() and not self._lack():
            self._end(self._memory.message(self._lines.site(line)))
        return self._over

    def _take(self) -> str:
        text, self._inbox = self._inbox, ""
        return text

    def _call(self, name: str, receiver: int | None, args: str, line: int) -> int:
        number = self._worker.call(name, _whole(receiver), convert.decode(args), self._lines.site(line))
        self._calls.add(number)
        if self._origin:
            self._origin_of[number] = self._origin
        return number

    def _ask(self, name: str, receiver: int | None, args: str, line: int) -> object:
        origin = self._origin
        tasks, self._tasks = self._tasks, deque()  # what is ready already waits until the script itself waits
        self._depth += 1
        try:
            value = self._worker.ask(name, _whole(receiver), convert.decode(args), self._lines.site(line))
        finally:
            self._depth -= 1
            tasks.extend(self._tasks)
            self._tasks = tasks
            self._within(origin)
        if name == "module.load":
            value = self._text(value["label"], value["source"])
        if value is None or value is True or value is False:
            return value
        return convert.encode(value)

    def _tell(self, name: str, args: str, line: int) -> None:
        self._worker.tell(name, convert.decode(args), self._lines.site(line))

    def _at(self, frames: str, function: str = "", error: object = None) -> None:
        """The spell is over a limit: this is where, and nothing of it goes on. error: what the engine throws now."""
        if self._over:
            return
        self._trap.make_uncatchable(error)
        source, stack = self._lines.place(frames, function)
        if self._memory.lacking:
            self._end(self._memory.message(source, stack))
        else:
            self._over = True
            self._worker.at(source, stack)

    def _cancel_calls(self, numbers: str) -> None:
        calls = convert.decode(numbers)
        self._calls.difference_update(calls)
        self._worker.cancel(calls)
        for call in calls:
            origin = self._origin_of.pop(call, 0)
            self._tasks.append(lambda call=call, origin=origin: self._within(origin) or self._enter["end"](call))

    def _result(self, callback: int, ok: bool, text: str) -> None:
        value = convert.decode(text)
        if callback in self._callbacks:
            self._callbacks.discard(callback)
            self._worker.result(callback, ok, value if ok else self._memory.seen(error_map(value)))

    def _finish(self, text: str) -> None:
        self._outcome = text

    def _fail(self, text: str) -> None:
        self._end(self._memory.seen(error_map(convert.decode(text))))

    def _reject(self, text: str) -> None:
        error = self._memory.seen(error_map(convert.decode(text)))
        if error["type"] == "script":
            error["type"] = "unhandled_rejection"
        self._end({**error, "hint": error["hint"] or "a promise was rejected and nothing awaited or caught it"})


#: Asks inside callbacks inside asks. Each takes about ten Python frames of the thousand there are.
_DEPTH: Final = 48
_ENDED: Final = "!" + convert.encode({"type": "cancelled", "name": "Error", "message": "the run has ended"})


def _whole(receiver: float | None) -> int | None:
    """An object's number, which the engine may hand over as a float."""
    return None if receiver is None else int(receiver)
