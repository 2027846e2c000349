"""WriterAgent: from material to text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmspell.agents.templates.template import TemplateAgent, TemplateOptions, action
from llmspell.api.describe import exposed
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError
from llmspell.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterOptions(TemplateOptions):
    style: str = ""
    """How it should read: `technical`, `academic`, `friendly`."""
    audience: str = ""
    """Who reads it."""
    length: str = ""
    """How long it should be: `about 300 words`, `one page`."""


@exposed(
    options=WriterOptions,
    positional=("system_prompt",),
    example='local writer = WriterAgent.new{ style = "technical" }\nprint(writer:write{ topic = "hash tables" })',
)
class WriterAgent(TemplateAgent):
    """Writes and revises texts from the material it is given."""

    type_name = "writer_agent"
    template = "writer"
    options: WriterOptions

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> WriterAgent:
        return cls(run, WriterOptions(**options), script_class)

    def values(self) -> dict[str, Any]:
        options = self.options
        return {"style": options.style, "audience": options.audience, "length": options.length}

    @action('local text = writer:write{ topic = "hash tables", research = found }')
    async def write(self, task: Any = None) -> str:
        """Writes a text: on a topic, or from the material given with it."""
        return await self.follow("write", task)

    @action()
    async def write_report(self, material: Any = None) -> str:
        """Writes a report from research and analysis."""
        return await self.follow("write_report", material)

    @action()
    async def draft(self, material: Any = None) -> str:
        """Writes a first version."""
        return await self.follow("draft", material)

    @action()
    async def edit(self, text: Any = None) -> str:
        """Makes a text better without changing what it says."""
        return await self.follow("edit", text)

    @action("local better = writer:revise{ draft = text, feedback = review.feedback }")
    async def revise(self, request: Any = None) -> str:
        """Changes a text by what was said of it: `{ draft, feedback }`."""
        return await self.follow("revise", request)

    @action('local intro = writer:write_section("introduction")')
    async def write_section(self, section: Any = None) -> str:
        """Writes one section; those saved before are shown to the model."""
        return await self.follow("write_section", section, {"sections": self.live_state.read(["sections"]) or ""})

    @action('writer:save_section("introduction", intro)', asks=False)
    async def save_section(self, section: Any, content: Any = None) -> dict[str, Any]:
        """Keeps a section in `state.sections`; gives all of them by name. Asks no model."""
        if not isinstance(section, str):
            raise ArgumentError(
                "a section is kept by its name",
                hint="give the section's name, then its text; as a step, an input with `section` and `content`",
            )
        sections = {**(self.live_state.read(["sections"]) or {}), section: content}
        await self.live_state.change(["sections"], sections)
        return sections

    @action()
    async def summarize(self, text: Any = None) -> str:
        """Sums a text up in a few sentences."""
        return await self.follow("summarize", text)
