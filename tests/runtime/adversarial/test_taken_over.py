"""A worker that was taken over says whatever it likes: its run ends, or its call is refused, and nothing else happens.

No name that the registry does not list is looked up, no object of another class is touched, and what it floods its
host with is bounded.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from llmspell.bridge import bridge, crossing
from llmspell.engines import protocol
from llmspell.engines.values import ErrorValue, FunctionRef, Mapped, ObjectRef, PromiseRef, Record
from llmspell.traces import live

Possess = Callable[..., Awaitable[Any]]


def nested(levels: int, value: Any = 1) -> Any:
    for _ in range(levels):
        value = {"a": [value]}
    return value


#: Frames that no engine sends, each with the words its run ends with; "" where it is heard and does nothing.
FRAMES: list[tuple[str, Any, str]] = [
    ("nothing at all", None, "not a message"),
    ("a number", 5, "not a message"),
    ("a text", "ask", "not a message"),
    ("a table", {"op": "ask"}, "not a message"),
    ("an empty list", [], "not a message"),
    ("an operation that is a list", [[1], 2], "not a message"),
    ("an operation that is none", [None], "nobody knows"),
    ("an unknown operation", ["eval", "1"], "nobody knows"),
    ("a host's operation", ["run", {}], "nobody knows"),
    ("an answer to nothing", ["ret", 1, True, 1], "nobody knows"),
    ("an ask too short", ["ask"], "nobody knows"),
    ("an ask with a text for its number", ["ask", "1", "Agent.list", None, [], ""], "nobody knows"),
    ("an ask with NaN for its number", ["ask", float("nan"), "Agent.list", None, [], ""], "nobody knows"),
    ("a receiver that is a list", ["ask", 1, "Agent.id", [1], [], ""], "nobody knows"),
    ("a receiver that is an object", ["call", 1, "Agent.id", ObjectRef(1, "Agent"), [], ""], "nobody knows"),
    ("a name of bytes", ["ask", 1, b"Agent.list", None, [], ""], "nobody knows"),
    ("arguments that are a table", ["ask", 1, "Agent.list", None, {}, ""], "nobody knows"),
    ("a site that is a number", ["ask", 1, "Agent.list", None, [], 5], "nobody knows"),
    ("within a text", ["within", "x"], "nobody knows"),
    ("within an unknown callback", ["within", 1 << 40], ""),
    ("something untold", ["tell", "frob", [1], ""], ""),
    ("print without text", ["tell", "print", [], ""], ""),
    ("print of tables", ["tell", "print", [{"a": 1}, {"b": 2}], ""], ""),
    ("the result of no callback", ["result", 77, True, 1], ""),
    ("the failure of no callback", ["result", 77, False, {"message": "x"}], ""),
    ("a failure that is a text", ["result", 77, False, "x"], "nobody knows"),
    ("a failure that is nothing", ["result", 77, False, None], "nobody knows"),
    ("the cancelling of tables", ["cancel", [[1], {}, None]], ""),
    ("the cancelling of nothing", ["cancel", None], "nobody knows"),
    ("the cancelling of other calls", ["cancel", [9, -1, 1 << 62]], ""),
    ("clock readings of a text", ["clock", "x"], "nobody knows"),
    ("an end with an object", ["done", ObjectRef(99, "Agent")], "no object 99"),
    ("an end that nests too deeply", ["done", nested(240)], "deeper than 200"),
    ("an end with an error that is none", ["done", ErrorValue(5)], "not a message"),  # type: ignore[arg-type]
    ("an end with a record that is none", ["done", Record(5, 5)], "not a message"),  # type: ignore[arg-type]
    ("an end with a function that is none", ["done", FunctionRef("x")], "not a message"),  # type: ignore[arg-type]
    ("an end with a promise that is none", ["done", PromiseRef([1])], "not a message"),  # type: ignore[arg-type]
    ("an end with a map of lists", ["done", Mapped((([1], 2),))], ""),
    ("an end with two values", ["done", 1, 2], "nobody knows"),
    ("a failure with fields of any kind",
     ["fail", {"type": [1], "message": {"a": 1}, "stack": [1, None], "source": 5, "data": "x", "name": 3}], "'a': 1"),
    ("a failure without fields", ["fail", {}], "without a message"),
    ("a failure with keys of numbers", ["fail", {1: 2}], "without a message"),
    ("a failure with causes in causes", ["fail", {"type": "auth", "message": "m", "cause": nested(100)}], "m"),
]  # fmt: skip


@pytest.mark.mission(139)
@pytest.mark.parametrize("busy", [False, True], ids=["at rest", "with calls under way"])
@pytest.mark.parametrize(("frame", "words"), [row[1:] for row in FRAMES], ids=[row[0] for row in FRAMES])
async def test_a_frame_that_no_engine_sends(
    possess: Possess, frame: Any, words: str, busy: bool, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    async def play(worker: Any) -> None:
        if busy:
            await worker.say("call", 500, "Async.sleep", None, [0], "")
            await worker.say("call", 501, "Agent.chat", 99, ["x"], "")
        await worker.raw(protocol.encode(frame))

    outcome = await possess(play)
    assert words in outcome.error and bool(words) == bool(outcome.error)
    assert "internal error" not in outcome.error
    assert "\n" not in outcome.error
    assert not caplog.records
    assert "Traceback" not in capfd.readouterr().err


def ext(code: int, data: bytes) -> bytes:
    return struct.pack(">BIB", 0xC9, len(data), code) + data


BYTES = {
    "an array of four thousand million": b"\xdd\xff\xff\xff\xff",
    "a text of four thousand million": b"\xdb\xff\xff\xff\xff",
    "half a frame, then the end": b"\x94\xa3ask",
    "garbage": bytes(range(128, 256)),
    "an integer of a million digits": b"\x92\xa4done" + ext(3, b"9" * 1_000_000),
    "an integer that is none": b"\x92\xa4done" + ext(3, b"x"),
    "an unknown kind of value": b"\x92\xa4done" + ext(99, b"\xc0"),
    "lists a hundred thousand deep": b"\x92\xa4done" + b"\x91" * 100_000 + b"\xc0",
}


@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES)
async def test_bytes_that_are_no_frame(possess: Possess, data: bytes) -> None:
    async def play(worker: Any) -> None:
        await worker.raw(protocol.LENGTH.pack(len(data)) + data)

    outcome = await possess(play)
    assert "not a message" in outcome.error
    assert len(outcome.error) < 200


async def test_a_frame_without_end_is_refused_before_it_is_read(possess: Possess) -> None:
    async def play(worker: Any) -> None:
        await worker.raw(protocol.LENGTH.pack(0xFFFFFFFF))

    outcome = await possess(play)
    assert outcome.result.status == "limit"
    assert "more than the limit" in outcome.error


#: Members that are not in the registry, whatever Python has.
UNLISTED = """
    Agent.__class__ Agent.__init__ Agent.__init__= Agent.__dict__ Agent._history Agent._history= Agent._resolve Agent.run
    Agent.options Agent.bus Agent.hooks Agent.hooks= Agent.live_state Agent.work Agent.base_execute Agent.tool_named
    Agent.chat:base Agent.execute:base:base Agent.execute: Agent.execute:x Agent.execute:__init__ Agent.id:base
    Agent.new.x Agent.chat.x Agent.=  Agent. Agent . Agent.actions= Agent.usage= Agent.create Agent.run.environ
    CalculatorTool.perform CalculatorTool.options CalculatorTool._mark Tool.run Tool.attach Tool.checker Tool.overridden
    HookHandle._registration HookHandle.enabled= Async._run Cache._file Cache._do Hooks._run eventBus._run Provider._run
    JSON.parse uuid.generate EventEmitter.on ErrorHandler.parse_error Async.all registry os.system builtins.eval Nope.x
    object.__subclasses__ Runtime.run Bridge.connect Permissions.grant
""".split()
NOT_MADE = (
    "HookHandle Stream Subscription Async eventBus Hooks EventEmitter Calculator Nope BuiltinTool Runtime".split()
)


@pytest.mark.mission(139)
async def test_only_members_of_the_registry_are_reached(possess: Possess) -> None:
    async def play(worker: Any) -> None:
        agent = await worker.new("Agent", {"name": "a"})
        tool = await worker.new("CalculatorTool")
        ok, handle = await worker.ask("Hooks.register", None, "on_retry", FunctionRef(1))
        assert ok
        for receiver in (None, agent, tool, handle.number):
            for name in UNLISTED:
                for op in ("ask", "call"):
                    ok, told = await worker.ask(name, receiver, "x", op=op)
                    assert not ok, (name, receiver)
                    assert told["type"] == "invalid_argument", (name, told)
        for name in NOT_MADE:
            ok, told = await worker.ask(f"{name}.new", None, {}, None)
            assert not ok and told["type"] == "invalid_argument", (name, told)
        assert await worker.ask("Agent.name", agent) == (True, "a")

    assert (await possess(play)).error == ""


async def test_a_member_is_called_on_objects_of_its_class_only(possess: Possess) -> None:
    async def play(worker: Any) -> None:
        agent = await worker.new("Agent", {"name": "a"})
        tool = await worker.new("CalculatorTool")
        _, handle = await worker.ask("Hooks.register", None, "on_retry", FunctionRef(1))
        _, heard = await worker.ask("eventBus.on", None, "x", FunctionRef(1))
        objects = {"Agent": agent, "Tool": tool, "HookHandle": handle.number, "Subscription": heard.number}
        wrong = [
            ("Agent.chat", ["hi"], "Tool"), ("Agent.id", [], "Tool"), ("Agent.id=", ["x"], "HookHandle"),
            ("Agent.state", [[]], "Tool"), ("Agent.state=", [["x"], 1], "Subscription"), ("Agent.tools=", [[]], "Tool"),
            ("Agent.execute:base", ["x"], "Tool"), ("Tool.execute", [{}], "Agent"), ("Tool.execute:base", [{}], "Agent"),
            ("Tool.name", [], "Agent"), ("HookHandle.disable", [], "Agent"), ("HookHandle.enabled", [], "Tool"),
            ("Subscription.stop", [], "HookHandle"), ("Stream.next", [], "Agent"), ("Hooks.register", [], "Agent"),
            ("eventBus.emit", ["x"], "Agent"), ("Async.sleep", [1], "Tool"), ("CalculatorTool.new", [{}], "Agent"),
        ]  # fmt: skip
        for name, args, of in wrong:
            ok, told = await worker.call(name, objects[of], *args)
            assert not ok and told["type"] == "invalid_argument", (name, of, told)
            assert "internal" not in told["message"]

    assert (await possess(play)).error == ""


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("Agent.id=", []), ("Agent.id=", ["x", "y"]), ("Agent.state=", []), ("Agent.state=", [["x"]]),
        ("Agent.state=", [{}, 1]), ("Agent.state=", [[[1]], 1]), ("Agent.state=", ["x", 1]), ("Agent.state", [{}]),
        ("Agent.state", [["x"] * 5000]), ("Agent.state", [[{"a": 1}]]), ("Agent.chat", []), ("Agent.chat", [[1, 2]]),
        ("Agent.chat", ["x", "y"]), ("Agent.chat", ["x", {}, 3]), ("Agent.add_tool", ["x"]), ("Agent.add_tool", [{}]),
        ("Agent.add_tool", [FunctionRef(1)]), ("Agent.on", ["x", "y"]), ("Agent.on", [FunctionRef(1), "x"]),
        ("Agent.transition", [5]), ("Agent.emit", [None]), ("Agent.id=", [10**400]), ("Agent.chat", [nested(150)]),
    ],
)  # fmt: skip
async def test_wrong_arguments_are_refused_in_words(possess: Possess, name: str, args: list[Any]) -> None:
    async def play(worker: Any) -> None:
        agent = await worker.new("Agent", {"name": "a"})
        ok, told = await worker.call(name, agent, *args)
        assert not ok
        assert told["type"] == "invalid_argument", told
        assert len(told["message"]) < 300

    assert (await possess(play)).error == ""


@pytest.mark.parametrize(
    "subclass", ["x", 5, [], {"name": 5}, {"name": "A", "overrides": 5}, {"name": "A", "overrides": {"execute": 5}}, {}]
)
async def test_a_class_that_is_none(possess: Possess, subclass: Any) -> None:
    async def play(worker: Any) -> None:
        ok, told = await worker.ask("Agent.new", None, {}, subclass)
        assert not ok and told["type"] == "invalid_argument"

    assert (await possess(play)).error == ""


@pytest.mark.parametrize("number", [0, -1, 99, 1 << 62, 10**300])
async def test_objects_that_were_never_given_out(possess: Possess, number: int) -> None:
    async def play(worker: Any) -> None:
        ok, told = await worker.ask("Agent.id", number)
        assert not ok and "there is no object" in told["message"]
        ok, told = await worker.ask("Agent.new", None, {"tools": [ObjectRef(number, "CalculatorTool")]}, None)
        assert not ok and "there is no object" in told["message"]

    assert (await possess(play)).error == ""


async def test_objects_of_another_run_are_not_there(possess: Possess) -> None:
    """Numbers begin anew with each run, also of two at once in one runtime."""
    numbers: list[int] = []
    both = asyncio.Event()

    async def first(worker: Any) -> None:
        numbers.extend([await worker.new("Agent", {"name": f"mine {number}"}) for number in range(20)])
        both.set()
        assert (await worker.ask("Agent.list"))[1] == [f"mine {number}" for number in range(20)]

    async def second(worker: Any) -> None:
        await both.wait()
        assert (await worker.ask("Agent.list"))[1] == []
        ok, told = await worker.ask("Agent.name", numbers[-1])
        assert not ok and "there is no object" in told["message"]

    outcomes = await asyncio.gather(possess(first), possess(second))
    assert [outcome.error for outcome in outcomes] == ["", ""]


@pytest.mark.parametrize("args", [[], ["x"], [{}], ["x", 5], [1, 2], ["x", "y", "z"]])
async def test_a_module_asked_for_in_any_way(possess: Possess, args: list[Any]) -> None:
    async def play(worker: Any) -> None:
        ok, told = await worker.ask("module.load", None, *args)
        assert not ok and told["type"] == "invalid_argument"

    assert (await possess(play)).error == ""


async def test_call_numbers_used_twice_are_answered_twice(possess: Possess) -> None:
    async def play(worker: Any) -> None:
        for _ in range(3):
            await worker.say("call", 7, "Async.sleep", None, [1], "")
        answers = [await worker.told.get() for _ in range(3)]
        assert [answer[:2] for answer in answers] == [["ret", 7]] * 3

    assert (await possess(play)).error == ""


async def test_calls_without_number_are_limited(possess: Possess) -> None:
    async def play(worker: Any) -> None:
        for number in range(1100):
            await worker.say("call", number, "Async.sleep", None, [3_600_000], "spell.lua:3")

    outcome = await possess(play)
    assert outcome.result.status == "limit"
    assert outcome.error == "1000 calls are under way at once, the limit"
    assert outcome.result.error.source == "spell.lua:3"


async def test_what_is_printed_is_limited(possess: Possess) -> None:
    async def play(worker: Any) -> None:
        for _ in range(300):
            await worker.say("tell", "print", ["out", "x" * 100_000], "spell.lua:2")

    outcome = await possess(play)
    assert outcome.result.status == "limit"
    assert "printed more than 16 MB" in outcome.error
    assert len(outcome.printed) <= 16 * 1024 * 1024


async def test_objects_are_limited_and_no_script_catches_that(possess: Possess, monkeypatch: Any) -> None:
    monkeypatch.setattr(crossing, "_MOST_OBJECTS", 50)

    async def play(worker: Any) -> None:
        for _ in range(60):
            await worker.ask("Agent.new", None, {}, None)

    outcome = await possess(play)
    assert outcome.result.status == "limit"
    assert "the spell has made 50 agents" in outcome.error
    assert len([event for event in outcome.events if event.kind == "agent_created"]) == 51


async def test_a_worker_that_does_not_read_cannot_fill_its_hosts_memory(possess: Possess) -> None:
    """One event of a megabyte for a thousand listeners would be a gigabyte of frames."""
    seen = 0

    async def play(worker: Any) -> None:
        nonlocal seen
        for number in range(1000):
            await worker.ask("eventBus.on", None, "e", FunctionRef(number + 1))
        await worker.ask("eventBus.emit", None, "e", {"s": "x" * 1_000_000})
        seen = worker.buffered

    outcome = await possess(play)
    assert outcome.result.status == "limit"
    assert "wait for the spell's listeners" in outcome.error
    assert seen < 100_000_000


async def test_a_hook_of_a_worker_that_never_answers_is_cut_off(possess: Possess) -> None:
    async def play(worker: Any) -> None:
        agent = await worker.new("Agent", {})
        await worker.ask("Hooks.register", None, "before_execute", FunctionRef(1), {"timeout": 50})
        ok, told = await worker.call("Agent.chat", agent, "hi")
        assert not ok and told["type"] == "timeout"

    assert (await possess(play)).error == ""


@pytest.mark.parametrize(
    "context",
    [None, 5, [], "x", {}, {"message": 5}, {"message": nested(90)}, {"input": ObjectRef(1, "Agent")},
     {"message": FunctionRef(3)}, {1: 2}, {"__class__": "x", "agent_id": [1]}],
)  # fmt: skip
async def test_a_hook_that_answers_anything(possess: Possess, context: Any) -> None:
    async def play(worker: Any) -> None:
        agent = await worker.new("Agent", {})
        await worker.ask("Hooks.register", None, "before_execute", FunctionRef(1))
        chat = asyncio.ensure_future(worker.call("Agent.chat", agent, "hi"))
        frame = await worker.told.get()
        assert frame[0] == "callback"
        await worker.say("result", frame[1], True, context)
        ok, told = await chat
        assert ok or "internal" not in told["message"], told

    assert (await possess(play)).error == ""


async def test_what_a_worker_passes_is_stored_before_more_is_read(possess: Possess, monkeypatch: Any) -> None:
    """The run keeps its latest events for live readers; those of a flood would be gigabytes."""
    monkeypatch.setattr(bridge, "_HELD", 2_000_000)
    kept: list[int] = []
    forget = live.LiveServer.forget

    def counted(server: live.LiveServer) -> None:
        kept.append(sum(len(event.data.get("s", "")) for event in server._held))
        forget(server)

    monkeypatch.setattr(live.LiveServer, "forget", counted)

    async def play(worker: Any) -> None:
        for _ in range(40):
            await worker.ask("eventBus.emit", None, "e", {"s": "x" * 1_000_000})

    outcome = await possess(play)
    assert outcome.error == ""
    assert len([event for event in outcome.events if event.kind == "custom"]) == 40
    assert len(kept) >= 10
    assert max(kept) < 6_000_000


async def test_what_a_worker_passes_in_all_is_limited(possess: Possess, monkeypatch: Any) -> None:
    monkeypatch.setattr(bridge, "_HELD", 1_000_000)
    monkeypatch.setattr(bridge, "_MOST_RECEIVED", 10_000_000)

    async def play(worker: Any) -> None:
        for _ in range(40):
            await worker.ask("eventBus.emit", None, "e", {"s": "x" * 1_000_000})

    outcome = await possess(play)
    assert outcome.result.status == "limit"
    assert "to its host, the limit" in outcome.error
    assert len([event for event in outcome.events if event.kind == "custom"]) < 20
