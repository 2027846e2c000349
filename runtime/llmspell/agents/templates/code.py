"""CodeAgent: writes code, reads it, and mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmspell.agents.templates.shapes import Code, CodeReview
from llmspell.agents.templates.template import TemplateAgent, TemplateOptions, action
from llmspell.api.describe import exposed
from llmspell.api.objects import ScriptClass
from llmspell.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOptions(TemplateOptions):
    languages: list[str] | None = None
    """The languages it writes, the preferred one first."""
    style: str = ""
    """How the code should read: `professional`, `minimal`, the name of a style guide."""


@exposed(
    options=CodeOptions,
    positional=("system_prompt",),
    example='local coder = CodeAgent.new{ languages = { "rust" }, style = "professional" }\n'
    'print(coder:generate("a function that reverses a list").code)',
)
class CodeAgent(TemplateAgent):
    """Writes, reviews, mends and explains code."""

    type_name = "code_agent"
    template = "code"
    options: CodeOptions

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> CodeAgent:
        return cls(run, CodeOptions(**options), script_class)

    def values(self) -> dict[str, Any]:
        return {"languages": self.options.languages or [], "style": self.options.style}

    @action('local made = coder:generate("a function that reverses a list")')
    async def generate(self, task: Any = None) -> Code:
        """Writes code for a task."""
        return await self.follow("generate", task)

    @action("local verdict = coder:review(made.code)")
    async def review(self, code: Any = None) -> CodeReview:
        """Reviews code: what is wrong, where, and what to do."""
        return await self.follow("review", code)

    @action("local mended = coder:revise{ code = made.code, feedback = verdict.feedback }")
    async def revise(self, request: Any = None) -> Code:
        """Changes code by what was said of it: `{ code, feedback }`."""
        return await self.follow("revise", request)

    @action()
    async def refactor(self, code: Any = None) -> Code:
        """The same behaviour in better code."""
        return await self.follow("refactor", code)

    @action()
    async def write_tests(self, code: Any = None) -> Code:
        """Tests for code."""
        return await self.follow("write_tests", code)

    @action()
    async def explain(self, code: Any = None) -> str:
        """What code does and why."""
        return await self.follow("explain", code)
