"""A workflow from what a script or a Python program wrote: each table becomes a `Step`, each function a hole.

What is wrong is told with the step's path: an unknown key, a wrong type, a step without work, braces that hold no
reference. Runs nothing and knows no run.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, partial
from typing import Any, Final

from llmspell.agents.base import BaseAgent
from llmspell.api.callback import Callback
from llmspell.api.check import Checker
from llmspell.api.describe import class_mark
from llmspell.api.explain import spelled
from llmspell.api.names import snake
from llmspell.api.references import RESERVED, STEP, references
from llmspell.api.registry import registry
from llmspell.errors import ArgumentError
from llmspell.tools.tool import Tool
from llmspell.workflows.definition import Hole, HoleKind, Holes, Part, Step, StepType
from llmspell.workflows.references import missing
from llmspell.workflows.step_fields import COMMON, OWN, STAGE, builtin_tool, type_of

#: Steps inside steps: each level is ten calls deep.
_DEEPEST: Final = 30
_OUTPUT: Final = re.compile(r"[A-Za-z_][\w-]*")
_TEMPLATES: Final = ("input", "params", "over", "items", "fallback_output", "action", "role", "condition")
#: Those of them that may be functions instead.
_COMPUTED: Final = ("input", "over", "items", "condition")
_NUMBERED: Final = re.compile(r"\[(\d+)\]|(\w+)")


class Reader:
    """Reads one workflow. where: what is being made, for messages; `holes` fills up meanwhile."""

    def __init__(self, where: str, language: str = "lua", tools: tuple[str, ...] = ()) -> None:
        """tools: names of tools that the workflow has beside those built in."""
        self._where = f"{spelled(where, language)}: " if where else ""
        self._own_tools = tools
        self._language = language
        self.holes: Holes = {}

    def root(self, type_: StepType, name: str, given: dict[str, Any]) -> Step:
        """The workflow itself. given: its options, without those of every agent."""
        root = self._step({key: value for key, value in given.items() if value is not None}, type_, "", name, 1)
        return replace(root, parts=_going_on(root.parts, all_inside=True)) if root.on_error == "continue" else root

    def error(self, path: str, problem: str, hint: str = "") -> ArgumentError:
        return ArgumentError(f"{self._where}{self.at(path)}{problem}", hint=hint)

    def at(self, path: str) -> str:
        """A path before what is wrong there, as the script's language counts and spells."""
        if not path:
            return ""
        first = 1 if self._language == "javascript" else 0

        def told(part: re.Match[str]) -> str:
            return f"[{int(part[1]) - first}]" if part[1] else spelled(part[2], self._language)

        return f"{_NUMBERED.sub(told, path)}: "

    # -- steps ---------------------------------------------------------------------------------------------------

    def steps(self, value: Any, path: str) -> tuple[Step, ...]:
        """A list of steps."""
        if value == {}:  # Lua knows one empty table
            value = []
        if not isinstance(value, list):
            raise self.error(path, "must be a list of steps")
        return tuple(self.step(each, f"{path}[{place}]", place) for place, each in enumerate(value, 1))

    def branch(self, value: Any, path: str) -> tuple[Step, ...]:
        """A step, a list of steps, or a function."""
        if isinstance(value, list) or value == {}:
            return self.steps(value, path)
        return (self.step(value, path, 1),)

    def step(self, value: Any, path: str, index: int, *, stage: bool = False) -> Step:
        if path.count(".") > _DEEPEST:
            raise self.error(path, f"is a step inside {_DEEPEST} others", "make workflows of the inner ones")
        match value:
            case BaseAgent():
                value = {"workflow" if _is_workflow(value) else "agent": value}
            case Tool():
                value = {"tool": value}
            case dict():
                value = {key: item for key, item in value.items() if item is not None}
            case _ if callable(value):
                value = {"run": value}
            case _:
                raise self.error(path, f"must be a step: a table or a function, not {value!r:.60}")
        given = _step_checker().take(value, f"{self._where}{self.at(path)[:-2]}", self._language)
        type_ = self._type(given, path)
        known = COMMON | OWN[type_] | (STAGE if stage else frozenset())
        if extra := sorted(given.keys() - known):
            raise self.error(
                path,
                f"a step of type {type_} has no {spelled(extra[0], self._language)!r}",
                f"it may have: {', '.join(spelled(name, self._language) for name in sorted(known))}",
            )
        return self._step(given, type_, path, str(given.get("name", "")), index)

    def _type(self, given: dict[str, Any], path: str) -> StepType:
        try:
            return type_of(given)
        except ArgumentError as error:
            raise self.error(path, error.message, error.hint) from None

    def _step(self, given: dict[str, Any], type_: StepType, path: str, name: str, index: int) -> Step:
        for key in _TEMPLATES:
            if key in given and not (key in _COMPUTED and callable(given[key])):
                self._template(given[key], _under(path, key))
        on_error = given.get("on_error") or ("fallback" if "fallback_output" in given else "")
        if on_error == "fallback" and "fallback_output" not in given and path:
            raise self.error(path, "falls back, but has no fallback_output", "give the value to go on with")
        work = self._work(given, type_, path)
        step = Step(
            path=path,
            type=type_,
            title=name or self._title(given, type_, work, path, index),
            index=index,
            name=name if path and _OUTPUT.fullmatch(name) and name not in RESERVED and not STEP.fullmatch(name) else "",
            output=self._output(given, path),
            work=work,
            action=given.get("action") or given.get("role", ""),
            input=self._filled(given, "input", path),
            has_input="input" in given,
            params=given.get("params"),
            has_params="params" in given,
            input_transform=self._function(given, "input_transform", path),
            on_output=self._function(given, "on_output", path),
            condition=self._filled(given, "condition", path),
            aggregator=self._function(given, "aggregator", path),
            items=self._filled(given, "over" if "over" in given else "items", path),
            has_items="over" in given or "items" in given,
            on_error=on_error,
            fallback=given.get("fallback_output"),
            retries=given.get("retries", 0),
            timeout=given.get("timeout"),
            concurrency=given.get("concurrency"),
            max_iterations=given.get("max_iterations"),
            chunk=given.get("chunk"),
            buffer=given.get("buffer"),
            stream=given.get("stream", False),
        )
        parts = self._parts(given, type_, path)
        if on_error == "continue" and type_ in ("parallel", "map_reduce"):
            parts = _going_on(parts, all_inside=False)
        return replace(step, parts=parts)

    # -- what is inside ------------------------------------------------------------------------------------------

    def _parts(self, given: dict[str, Any], type_: StepType, path: str) -> tuple[Part, ...]:
        under = partial(_under, path)
        match type_:
            case "sequential":
                return (Part("steps", self.steps(self._needed(given, "steps", path), under("steps"))),)
            case "parallel":
                steps = self.steps(given.get("steps", []), under("steps"))
                agents = self._agents(given.get("agents", []), under("agents"))
                if "steps" not in given and "agents" not in given:
                    raise self.error(path, "is a parallel without steps", "give it steps or agents")
                return tuple(Part(f"{step.path.removeprefix(path).lstrip('.')}", (step,)) for step in (*steps, *agents))
            case "conditional":
                return self._branches(given, path)
            case "loop":
                if not {"condition", "over", "max_iterations"} & given.keys():
                    raise self.error(path, "is a loop without an end", "give it a condition, over or max_iterations")
                return (Part("body", self.branch(self._needed(given, "body", path), under("body"))),)
            case "map_reduce":
                found = [Part("map", self.branch(self._needed(given, "map", path), under("map")))]
                if "reduce" in given:
                    found.append(Part("reduce", self.branch(given["reduce"], under("reduce"))))
                return tuple(found)
            case "pipeline":
                return self._stages(self._needed(given, "stages", path), under("stages"))
            case _:
                return ()

    def _agents(self, value: list[Any], path: str) -> tuple[Step, ...]:
        """The agents of a fan-out; each is a step, in its role."""
        return tuple(
            self.step({"agent": each} if isinstance(each, str) else each, f"{path}[{place}]", place)
            for place, each in enumerate(value or [], 1)
        )

    def _branches(self, given: dict[str, Any], path: str) -> tuple[Part, ...]:
        under = partial(_under, path)
        parts: list[Part] = []
        two = {"true_branch", "false_branch"} & given.keys()
        if two and "condition" not in given:
            raise self.error(path, "has a branch but no condition", "give a condition: a function or a reference")
        if not two and "branches" not in given:
            raise self.error(path, "is a conditional without branches", "give true_branch, or branches")
        parts.extend(
            Part(key, self.branch(given[key], under(key))) for key in ("true_branch", "false_branch") if key in given
        )
        branches = given.get("branches", [])
        if not isinstance(branches, list):
            raise self.error(under("branches"), "must be a list of { condition, steps }")
        for place, each in enumerate(branches, 1):
            here = f"{under('branches')}[{place}]"
            given_here = {snake(str(key)): item for key, item in each.items()} if isinstance(each, dict) else {}
            if extra := given_here.keys() - {"condition", "steps", "name"}:
                raise self.error(here, f"has an unknown {min(extra)!r}", "a branch has condition and steps")
            if "condition" not in given_here or "steps" not in given_here:
                raise self.error(here, "must have condition and steps")
            condition = given_here["condition"]
            if not isinstance(condition, str | bool) and not callable(condition):
                raise self.error(f"{here}.condition", "must be a function or a reference")
            if isinstance(condition, str):
                self._template(condition, f"{here}.condition")
            steps = self.branch(given_here["steps"], f"{here}.steps")
            parts.append(Part(f"branches[{place}]", steps, self._filled(given_here, "condition", here)))
        if "default" in given:
            parts.append(Part("default", self.branch(given["default"], under("default"))))
        return tuple(parts)

    def _stages(self, value: Any, path: str) -> tuple[Part, ...]:
        if not isinstance(value, list) or not value:
            raise self.error(path, "must be a list of stages, at least one")
        parts: list[Part] = []
        for place, each in enumerate(value, 1):
            here = f"{path}[{place}]"
            only = (
                isinstance(each, dict) and bool(each) and {snake(str(key)) for key in each} <= {"transformer", "name"}
            )
            if only:  # a stage that transforms and does nothing else
                each = {"run" if snake(str(key)) == "transformer" else key: item for key, item in each.items()}
            step = self.step(each, here, place, stage=True)
            given = {snake(str(key)): item for key, item in each.items()} if isinstance(each, dict) else {}
            if step.stream and step.type != "agent":
                raise self.error(here, "streams, but only an agent's answer comes in pieces")
            transformer = None if only else self._function(given, "transformer", here)
            parts.append(Part(f"stages[{place}]", (step,), transformer=transformer))
        return tuple(parts)

    # -- fields --------------------------------------------------------------------------------------------------

    def _needed(self, given: dict[str, Any], key: str, path: str) -> Any:
        if key not in given:
            raise self.error(path, f"missing {spelled(key, self._language)!r}")
        return given[key]

    def _output(self, given: dict[str, Any], path: str) -> str:
        name = given.get("output", "")
        if name and (not _OUTPUT.fullmatch(name) or name in RESERVED or STEP.fullmatch(name)):
            reserved = ", ".join(sorted(RESERVED))
            hint = f"letters, digits and _; not {reserved} or step_1, which references know already"
            raise self.error(_under(path, "output"), f"{name!r} cannot be an output's name", hint)
        return name

    def _template(self, value: Any, path: str) -> None:
        """Checks that a value holds references and plain data alone."""
        try:
            list(references(value))
        except ArgumentError as error:
            raise self.error(path, error.message, error.hint) from None
        if (odd := _not_plain(value)) is not None:
            hint = "a template holds texts, numbers, lists and tables; give a function to pass anything else"
            raise self.error(path, f"holds {odd}", hint)

    def _filled(self, given: dict[str, Any], key: str, path: str) -> Any:
        """The field's value; a function is a hole."""
        value = given.get(key)
        return self._function(given, key, path) if callable(value) else value

    def _function(self, given: dict[str, Any], key: str, path: str) -> Hole | None:
        function = given.get(key)
        return None if function is None else self._hole(_under(path, key), "function", "", function)

    def _hole(self, path: str, kind: HoleKind, name: str, value: Any) -> Hole:
        self.holes[path] = value
        return Hole(path, kind, name)

    def _work(self, given: dict[str, Any], type_: StepType, path: str) -> Hole | str | None:
        match type_:
            case "agent":
                return self._agent(self._needed(given, "agent", path), _under(path, "agent"))
            case "tool":
                return self._tool(self._needed(given, "tool", path), _under(path, "tool"))
            case "function":
                return self._hole(_under(path, "run"), "function", "", self._needed(given, "run", path))
            case "workflow":
                found, here = self._needed(given, "workflow", path), _under(path, "workflow")
                if isinstance(found, str):
                    return found.removeprefix("local://")
                if not _is_workflow(found):
                    raise self.error(here, "must be a workflow", "an agent is given as agent")
                return self._hole(here, "workflow", found.name, found)
            case _:
                return None

    def _agent(self, agent: str | BaseAgent, path: str) -> Hole | str:
        if not isinstance(agent, str):
            return self._hole(path, "agent", agent.name, agent)
        scheme, separator, rest = agent.partition("://")
        if not separator:
            return agent
        if scheme == "local" and rest:
            return rest
        if scheme == "a2a":
            raise self.error(
                path,
                f"{agent!r} cannot be reached: the A2A protocol is not configured",
                "use an agent of this spell, local://name",
            )
        raise self.error(path, f"{agent!r} is no agent's address", "write its name, or local://name")

    def _tool(self, tool: str | Tool, path: str) -> Hole | str:
        if not isinstance(tool, str):
            return self._hole(path, "tool", tool.name, tool)
        found = tool if tool in self._own_tools else builtin_tool(tool)
        if found is None:
            known = [*self._own_tools, *registry().tools]
            raise missing(f"{self._where}{self.at(path)}there is no tool {tool!r}", snake(tool), known, "the tools")
        return found

    def _title(self, given: dict[str, Any], type_: StepType, work: Hole | str | None, path: str, index: int) -> str:
        if output := given.get("output"):
            return str(output)
        name = work.name if isinstance(work, Hole) else work or ""
        action = given.get("action") or given.get("role") or ""
        if name and action and len(action) <= 40:
            return f"{name} {action}"
        place = path.rpartition(".")[2]
        return name or (place if type_ == "function" and not place.endswith("]") else f"{type_} {index}")


def _going_on(parts: tuple[Part, ...], *, all_inside: bool) -> tuple[Part, ...]:
    """The parts with steps that go on when they fail, unless they say otherwise. all_inside: those inside them too."""

    def one(step: Step) -> Step:
        inner = _going_on(step.parts, all_inside=True) if all_inside else step.parts
        return replace(step, on_error=step.on_error or "continue", parts=inner)

    return tuple(replace(part, steps=tuple(map(one, part.steps))) for part in parts)


def _under(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _is_workflow(value: Any) -> bool:
    from llmspell.workflows.workflow import Workflow  # which reads with this module

    return isinstance(value, Workflow)


def _not_plain(value: Any) -> str | None:
    """What in a template is no plain data."""
    match value:
        case dict():
            return next((odd for item in value.values() if (odd := _not_plain(item)) is not None), None)
        case list():
            return next((odd for item in value if (odd := _not_plain(item)) is not None), None)
        case Callback():
            return "a function"
        case _:
            mark = next((found for base in type(value).__mro__ if (found := class_mark(base))), None)
            return f"an object of class {mark.name}" if mark else "a function" if callable(value) else None


@cache
def _step_checker() -> Checker:
    """Of a step's table: the registry's own description."""
    options = registry().options("Workflow")
    assert options is not None
    items = options.schema["properties"]["steps"]["items"]
    table = next(found for found in items["anyOf"] if "properties" in found)
    return Checker(table)
