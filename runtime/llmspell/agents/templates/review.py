"""ReviewAgent: says whether something is good enough, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmspell.agents.templates.shapes import Gap, Review
from llmspell.agents.templates.template import TemplateAgent, TemplateOptions, action
from llmspell.api.describe import exposed
from llmspell.api.objects import ScriptClass
from llmspell.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOptions(TemplateOptions):
    criteria: list[str] | None = None
    """What it looks at: `accuracy`, `clarity`, or in your own words."""
    strictness: str = ""
    """When to approve: `only without any issue`, `unless something is wrong`."""


@exposed(
    options=ReviewOptions,
    positional=("system_prompt",),
    example='local reviewer = ReviewAgent.new{ criteria = { "accuracy", "clarity" } }\n'
    "local verdict = reviewer:review(draft)\nif not verdict.approved then print(verdict.feedback) end",
)
class ReviewAgent(TemplateAgent):
    """Reviews work by stated criteria: approves it, or says what to do."""

    type_name = "review_agent"
    template = "review"
    options: ReviewOptions

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> ReviewAgent:
        return cls(run, ReviewOptions(**options), script_class)

    def values(self) -> dict[str, Any]:
        return {"criteria": self.options.criteria or [], "strictness": self.options.strictness}

    @action("local verdict = reviewer:review(draft)")
    async def review(self, draft: Any = None) -> Review:
        """A verdict on a draft: `approved`, `score`, `feedback`, `issues`."""
        return await self.follow("review", draft)

    @action("for _, gap in ipairs(reviewer:identify_gaps(draft)) do print(gap.question) end")
    async def identify_gaps(self, work: Any = None) -> list[Gap]:
        """What is missing from work, and whom to ask."""
        return await self.follow("identify_gaps", work)

    @action()
    async def verify(self, claims: Any = None) -> Review:
        """Whether claims hold, each as an issue where it does not."""
        return await self.follow("verify", claims)

    @action()
    async def clarify(self, question: Any = None) -> str:
        """Answers one question about its verdicts, as exactly as it can."""
        return await self.follow("clarify", question)
