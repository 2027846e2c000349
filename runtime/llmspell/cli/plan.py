"""`llmspell run --plan FILE`: what the spell's first workflow would do, without asking a model or calling a tool.

The spell runs up to that workflow. What it does before is done, but for what costs or lasts: a model's or a tool's
call, a change of the global state, a question to a person end the plan there, with a line that says so. The run is not
stored.
"""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NoReturn

from llmspell.errors import UsageError

if TYPE_CHECKING:
    from llmspell.cli.output import Output
    from llmspell.hooks.table import Context
    from llmspell.person import Question
    from llmspell.run import Run
    from llmspell.runtime import Runtime

#: Before all handlers of the spell.
_FIRST: Final = 1 << 30
#: Characters of one prompt that are shown.
_SHOWN: Final = 2000
_NOT_WITH: Final = ("replay", "resume", "record", "watch", "events", "trace")


def check(args: Namespace) -> None:
    """Raises UsageError for what has no sense beside `--plan`."""
    given = [name for name in _NOT_WITH if getattr(args, name, None)]
    if given:
        raise UsageError(f"--{given[0]} means nothing to a plan", hint="a plan runs no step, and nothing is stored")
    if args.file is None:
        raise UsageError("which spell?", hint="llmspell run --plan FILE")


async def show_plan(args: Namespace, params: Any, runtime: Runtime, output: Output) -> int:
    """Runs the spell up to its first workflow and prints the plan. Gives the exit code."""
    from llmspell.cli.flags import given_flags
    from llmspell.cli.output import jsonable
    from llmspell.cli.run import interruptible
    from llmspell.cli.terminal import exit_code, harmless, show_error
    from llmspell.runtime import Asking, Spell

    spell = Spell.read(args.file)
    planner = Planner()
    asking = Asking(
        params=params,
        flags=given_flags(args),
        trusted=args.trusted,
        store=False,
        say=lambda stream, text: output.say("err", text),
        person=planner,
        prepare=planner.attend,
    )
    started = runtime.start(spell, asking)
    with interruptible(started.cancel):
        result = await started.result()
    if result.error is not None:
        show_error(result.error, debug=args.debug)
        return exit_code(result.error)
    if args.json:
        told: dict[str, Any] = planner.plan or {"ended": planner.ended}
        output.show(json.dumps(jsonable({"spell": spell.label, **told}), ensure_ascii=False, indent=2) + "\n")
        return 0
    if planner.plan is None:
        output.show(harmless(f"{spell.label}: {planner.ended}") + "\n")
    else:
        output.show("".join(f"{harmless(line)}\n" for line in lines(spell.label, planner.plan)))
    return 0


class Planner:
    """Waits in a run for its first workflow, and for what a plan does not do. ended: why there is no plan."""

    def __init__(self) -> None:
        self.plan: dict[str, Any] | None = None
        self.ended = "the spell has ended and run no workflow: there is nothing to plan"
        self._run: Run | None = None

    def attend(self, run: Run) -> None:
        self._run = run
        points = {
            "before_workflow": self._planned,
            "before_llm_call": self._asks_model,
            "before_tool_call": self._calls_tool,
            "before_state_change": self._changes_state,
        }
        for point, handler in points.items():
            run.hooks.register(point, handler, priority=_FIRST)

    async def answer(self, question: Question) -> str:
        """As the `Person` of the run."""
        await self._end(f"the plan ends here: the spell asks a person {question.text!r} before its first workflow")

    async def _planned(self, context: Context) -> Context:
        from llmspell.workflows.execution import innermost
        from llmspell.workflows.plan import plan_of

        self.plan = plan_of(innermost(), context["input"])
        await self._end("")

    async def _asks_model(self, context: Context) -> Context:
        agent, model = context.get("agent_name") or "an agent", f"{context['provider']}/{context['model']}"
        await self._end(f"the plan ends here: {agent} asks the model {model} before the spell's first workflow")

    async def _calls_tool(self, context: Context) -> Context:
        await self._end(f"the plan ends here: the tool {context['tool_name']} is called before the first workflow")

    async def _changes_state(self, context: Context) -> Context:
        if context.get("scope") not in ("agent", "workflow"):
            what = f"its lasting state {context.get('key')!r}"
            await self._end(f"the plan ends here: the spell changes {what} before its first workflow")
        return context

    async def _end(self, why: str) -> NoReturn:
        """Ends the run; who asked is never answered, and goes with it."""
        assert self._run is not None
        site = self._run.site
        self.ended = f"{why} ({site})" if site else why
        self._run.finish(None)
        await asyncio.get_running_loop().create_future()
        raise AssertionError


# -- as text ----------------------------------------------------------------------------------------------------------


def lines(label: str, plan: dict[str, Any]) -> Iterator[str]:
    """The plan as a tree."""
    yield f"plan of {label}: no model was asked, no tool called"
    yield ""
    yield from _workflow(plan["workflow"], "")
    if plan["agents"]:
        yield ""
        yield "agents"
    for name, agent in plan["agents"].items():
        model = agent.get("model") or agent.get("trouble") or "no model"
        tools = f" · tools {', '.join(agent['tools'])}" if agent["tools"] else ""
        yield f"  {name}  {agent['type']} · {model}{tools}"
        yield from _field("system", agent.get("system_prompt") or None, "      ")
    if plan["tools"]:
        yield ""
        yield f"tools  {', '.join(plan['tools'])}"


def _workflow(told: dict[str, Any], indent: str) -> Iterator[str]:
    source = f"  {told['source']}" if told["source"] else ""
    yield f"{indent}workflow {told['name']} ({told['type']}){source}"
    yield from _details(told, f"{indent}  ")
    yield from _parts(told, f"{indent}  ")


def _parts(told: dict[str, Any], indent: str) -> Iterator[str]:
    number = 0
    for part in told.get("parts", []):
        named = told["type"] not in ("sequential", "parallel", "pipeline")
        inner = f"{indent}  " if named else indent
        if named:
            condition = f" if {_text(part['condition'])}" if "condition" in part else ""
            yield f"{indent}{part['part']}{condition}"
            number = 0
        for step in part["steps"]:
            number += 1
            yield from _step(step, number, inner)
        yield from _field("transformer", part.get("transformer"), f"{inner}    ")


def _step(step: dict[str, Any], number: int, indent: str) -> Iterator[str]:
    match step:
        case {"agent": str(agent)}:
            what = f"agent {agent}"
        case {"tool": str(tool)}:
            what = f"tool {tool}"
        case {"function": function}:
            what = _text(function)
        case _:
            what = step["type"]
    yield f"{indent}{number} {step['name']}: {what}"
    yield from _details(step, f"{indent}    ")
    if "workflow" in step:
        yield from _workflow(step["workflow"], f"{indent}    ")
    else:
        yield from _parts(step, f"{indent}    ")


_DETAILS: Final = (
    *("condition", "over", "items", "input", "action", "params", "template", "prompt", "output", "aggregator"),
    "on_output",
    *(
        "on_error",
        "fallback_output",
        "retries",
        "timeout",
        "concurrency",
        "max_iterations",
        "chunk",
        "buffer",
        "stream",
    ),
)


def _details(told: dict[str, Any], indent: str) -> Iterator[str]:
    for name in _DETAILS:
        yield from _field(name, told.get(name), indent)


def _field(name: str, value: Any, indent: str) -> Iterator[str]:
    if value is None:
        return
    text = _text(value)
    first, *rest = (text if len(text) <= _SHOWN else text[:_SHOWN] + " …").split("\n")
    yield f"{indent}{name}  {first}"
    for line in rest:
        yield f"{indent}{' ' * len(name)}  {line}".rstrip()


def _text(value: Any) -> str:
    match value:
        case {"function": str(site)} if len(value) == 1:
            return f"function {site}"
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False, default=str)
