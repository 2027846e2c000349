"""ChatAgent: a conversation that may be long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmspell.agents.model_call import Asked, ask_model
from llmspell.agents.model_hooks import shown_usage
from llmspell.agents.templates.memory import Memory, MemoryKind, MemoryOptions, conversation
from llmspell.agents.templates.template import TemplateAgent, TemplateOptions, action
from llmspell.api.describe import exposed, prop
from llmspell.api.objects import ScriptClass
from llmspell.hooks.table import Context
from llmspell.providers.base import Message, Request
from llmspell.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAgentOptions(TemplateOptions):
    memory: MemoryKind | MemoryOptions | None = None
    """What the model is shown of a long conversation: `full` (unless given), `window` or `summary`, or a table with
    `kind`, `turns` and `tokens`. The history itself keeps everything."""


@exposed(
    options=ChatAgentOptions,
    positional=("system_prompt",),
    example='local friend = ChatAgent.new{ memory = { kind = "summary", turns = 8 } }\n'
    'print(friend:chat("Good morning"))',
)
class ChatAgent(TemplateAgent):
    """An agent to talk with, whose memory has a size: it shows its model the newest turns of a conversation, and with
    `memory = "summary"` the model's own summary of all before them."""

    type_name = "chat_agent"
    template = "chat"
    options: ChatAgentOptions

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> ChatAgent:
        return cls(run, ChatAgentOptions(**options), script_class)

    def __init__(self, run: Run, options: ChatAgentOptions, script_class: ScriptClass | None) -> None:
        self._memory = Memory.of(options.memory)
        super().__init__(run, options, script_class)

    def change_options(self, changes: dict[str, Any]) -> None:
        super().change_options(changes)
        self._memory = Memory.of(self.options.memory)

    @property
    @prop()
    def summary(self) -> str:
        """The summary of the turns that the model is no longer shown; empty while there is none."""
        return self._memory.summary

    @action()
    async def summarize(self, text: Any = None) -> str:
        """Sums up a text, or the conversation so far where none is given."""
        if text is None:
            text = conversation(super()._past())
        return await self.follow("summarize", text)

    def clear_history(self) -> None:
        super().clear_history()
        self._memory.forget()

    def _past(self) -> list[tuple[Message, ...]]:
        return self._memory.shown(super()._past())

    def _system_with(self, context: dict[str, Any]) -> str:
        system = super()._system_with(context)
        if not self._memory.summary:
            return system
        return f"{system}\n\nThe conversation so far, summed up:\n{self._memory.summary}".strip()

    async def _before_turn(self, context: Context) -> None:
        memory, past = self._memory, super()._past()
        if (due := memory.due(past)) == memory.folded:
            return
        folding = past[memory.folded : due]
        words = self.prompt("remember").filled(
            {**self._values(), "summary": memory.summary, "conversation": conversation(folding)}
        )
        provider, model = self._resolve()
        request = Request(
            model=model, messages=(Message("user", words),), agent=self._name, timeout=self.options.timeout
        )
        _, completion = await ask_model(self._asker(context), provider, Asked(request, 1, words, 0))
        self._count(shown_usage(completion))
        memory.folded, memory.summary = due, completion.content
        self.tell("memory_summarized", self._name, {"turns": due, "summary": memory.summary})
