"""TemplateAgent: an agent whose job is known: its system prompt is a file, and so is each of its actions.

An action is a method: `agent:review(draft)`, `agent:review_async(draft, callback)`, `agent:act("review", draft)` and a
workflow's step `{ agent = a, action = "review" }` are the same. What it gives is the shape that the registry states for
the method: text, or data that the model's answer is checked against. Knows no template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, ClassVar, Final, TypeVar

from llmspell.agents.agent import Agent
from llmspell.agents.options import AgentOptions
from llmspell.agents.templates.prompt_files import Prompt, prompts_of
from llmspell.agents.texts import text_of
from llmspell.api.describe import class_mark, member_mark, method
from llmspell.api.names import snake
from llmspell.api.objects import ScriptClass
from llmspell.api.registry import registry
from llmspell.run import Run

#: What may go wrong in every action.
_ERRORS: Final = ("timeout", "rate_limit", "validation")
_ACTION: Final = "__llmspell_action__"
#: The key that a list is answered under: providers want an object at the top.
_WRAPPED: Final = "items"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateOptions(AgentOptions):
    system_prompt: str = ""
    """Your own instructions, added to those of the template. The first argument, if it is text."""


def action(example: str = "", *, asks: bool = True) -> Callable[[F], F]:
    """Marks a method as an action. asks: whether it is a prompt for the model, or the template's own work."""

    def mark(function: F) -> F:
        setattr(function, _ACTION, asks)
        return method(errors=_ERRORS if asks else (), example=example)(function)

    return mark


class TemplateAgent(Agent):
    """The base of the templates; scripts see only those."""

    #: The folder of its prompts.
    template: ClassVar[str]

    def __init__(self, run: Run, options: AgentOptions, script_class: ScriptClass | None) -> None:
        super().__init__(run, options, script_class)
        self._rendered = self._system
        self._refresh()

    def change_options(self, changes: dict[str, Any]) -> None:
        super().change_options(changes)
        self._rendered = self._system
        self._refresh()

    def knows(self, action: str) -> bool:
        return snake(action) in actions(type(self))

    def _refresh(self) -> None:
        """The system prompt anew, from what is known now, unless the script has set one."""
        if self._system == self._rendered:
            self._rendered = self._system = self.prompt("system").filled(self._values())

    def values(self) -> dict[str, Any]:
        """What its prompts may name, beside the input and `instructions`."""
        return {}

    def _values(self) -> dict[str, Any]:
        return {**self.values(), "instructions": self.options.system_prompt}

    def prompt(self, name: str) -> Prompt:
        """The file of a prompt: the project's own, else the packaged one."""
        return prompts_of(self.run).get(lineage(type(self)), name)

    async def act(self, name: str, input: Any = None) -> Any:
        """An action of the template by its name, in either language's spelling; else as every agent does."""
        if not self.knows(name):
            return await super().act(name, input)
        found = snake(name)
        given: dict[str, Any] = input if isinstance(input, dict) else {}
        parameters = [each["name"] for each in _member(type(self), found)["params"]]
        if len(parameters) > 1 and parameters[0] in given:
            return await getattr(self, found)(*(given.get(each) for each in parameters))
        return await getattr(self, found)(input)

    async def follow(
        self,
        name: str,
        input: Any,
        more: Mapping[str, Any] | None = None,
        shape: dict[str, Any] | None = None,
        *,
        tools: bool = True,
    ) -> Any:
        """What an action's method does: its prompt goes to the model, the answer is given in the action's shape.

        more: values that only this prompt may name; shape: a narrower one than the registry's; tools: whether the model
        may call them. An instruction of the same name in the option `actions` stands in the prompt's place.
        """
        given_actions = self.options.actions
        own = given_actions.get(name) if isinstance(given_actions, dict) else None
        prompt = self.prompt(name) if own is None else None
        options = {} if prompt is None else prompt.options
        if shape := shape or shape_of(type(self), name):
            options = {**options, "schema": shape}

        def words(given: Any) -> str:
            if prompt is None:
                return "\n\n".join(part for part in (own, text_of(given)) if part)
            # read when it begins: a handler of `before_init` may have changed the options
            return prompt.filled({**self._values(), **(more or {})}, given)

        data = itemgetter(_WRAPPED) if shape is not None and _is_wrapped(type(self), name) else None
        return (await self.answer(input, words, options, name, tools=tools, data=data)).value


@cache
def lineage(cls: type) -> tuple[str, ...]:
    """The folders of a template's prompts, its own first."""
    found = (vars(base).get("template") for base in cls.__mro__)
    return tuple(name for name in found if isinstance(name, str))


@cache
def actions(cls: type) -> dict[str, bool]:
    """Each action's name, and whether it asks the model: those of the nearest class first."""
    found: dict[str, bool] = {}
    for base in cls.__mro__:
        for value in vars(base).values():
            asks, mark = getattr(value, _ACTION, None), member_mark(value)
            if isinstance(asks, bool) and mark is not None:
                found.setdefault(mark.name, asks)
    return found


def _member(cls: type, name: str) -> dict[str, Any]:
    mark = next(found for base in cls.__mro__ if (found := class_mark(base)))
    member = registry().method(mark.name, name)
    assert member is not None  # an action is a method, and every method is in the registry
    return member.described


@cache
def shape_of(cls: type, name: str) -> dict[str, Any] | None:
    """The JSON Schema that the answer must fit; None for text. Closed, so that providers may hold the model to it."""
    result = _member(cls, name)["result"]
    if result.get("type") == "string":
        return None
    closed = _closed(result)
    if _is_wrapped(cls, name):
        closed = _closed({"type": "object", "properties": {_WRAPPED: closed}, "required": [_WRAPPED]})
    return {"title": name, **closed}


def _is_wrapped(cls: type, name: str) -> bool:
    return _member(cls, name)["result"].get("type") != "object"


def _closed(schema: Any) -> Any:
    """A schema of the registry without its marks, in which no table has more than its stated fields."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _closed(value) for key, value in schema.items() if not key.startswith("x-")}
    return {**found, "additionalProperties": False} if "properties" in found else found
