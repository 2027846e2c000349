"""ResearchAgent: searches, reads, and says what is known and how well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from llmspell.agents.templates.shapes import Notes, Research, SearchResults, Synthesis
from llmspell.agents.templates.template import TemplateAgent, TemplateOptions, action
from llmspell.api.bounds import Bounds
from llmspell.api.describe import exposed
from llmspell.api.objects import ScriptClass
from llmspell.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchOptions(TemplateOptions):
    sources: list[str] | None = None
    """Where to look: `academic`, `news`, `documentation`, `web`, or in your own words. What reaches them is a tool."""
    max_results: Annotated[int, Bounds(ge=1, le=100)] = 5
    """How many results a search gives at most."""


@exposed(
    options=ResearchOptions,
    positional=("system_prompt",),
    example='local researcher = ResearchAgent.new{ sources = { "academic", "news" } }\n'
    'local found = researcher:research{ topic = "AI safety" }',
)
class ResearchAgent(TemplateAgent):
    """Searches and brings together what is known, with sources and how sure it is of them.

    It looks things up with the tools it is given; without any it works from what its model knows, and says so.
    """

    type_name = "research_agent"
    template = "research"
    options: ResearchOptions

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> ResearchAgent:
        return cls(run, ResearchOptions(**options), script_class)

    def values(self) -> dict[str, Any]:
        return {"sources": self.options.sources or [], "max_results": self.options.max_results}

    @action('local results = researcher:search("lightweight Lua engines")')
    async def search(self, query: Any = None) -> SearchResults:
        """Looks for what answers a query."""
        return await self.follow("search", query)

    @action()
    async def search_literature(self, query: Any = None) -> SearchResults:
        """Looks in scientific and technical literature."""
        return await self.follow("search_literature", query)

    @action()
    async def scrape_recent_news(self, query: Any = None) -> SearchResults:
        """Looks in recent news."""
        return await self.follow("scrape_recent_news", query)

    @action("local notes = researcher:process(results)")
    async def process(self, material: Any = None) -> Notes:
        """Takes out of material, such as search results, what is worth keeping."""
        return await self.follow("process", material)

    @action('local found = researcher:research{ topic = "AI safety" }')
    async def research(self, topic: Any = None) -> Research:
        """Researches a topic: findings with their sources, and what stays open."""
        return await self.follow("research", topic)

    @action()
    async def synthesize_findings(self, findings: Any = None) -> Synthesis:
        """Brings the findings of several sources together."""
        return await self.follow("synthesize_findings", findings)

    @action()
    async def summarize(self, material: Any = None) -> str:
        """Sums material up in a few sentences."""
        return await self.follow("summarize", material)

    @action('print(researcher:clarify("What is meant by alignment?"))')
    async def clarify(self, question: Any = None) -> str:
        """Answers one question about its field, as exactly as it can."""
        return await self.follow("clarify", question)
