"""AnalysisAgent and DataAnalyst: from data to what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from llmspell.agents.templates.shapes import Analysis, Chart, Cleaned, Dataset, Synthesis
from llmspell.agents.templates.template import TemplateAgent, TemplateOptions, action
from llmspell.api.describe import exposed
from llmspell.api.objects import ScriptClass
from llmspell.run import Run

ChartKind = Literal["bar", "line", "scatter", "pie", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisOptions(TemplateOptions):
    methods: list[str] | None = None
    """How to analyse: `statistics`, `comparison`, `SWOT`, or in your own words."""


@exposed(
    options=AnalysisOptions,
    positional=("system_prompt",),
    example='local analyst = AnalysisAgent.new{ methods = { "comparison" } }\nlocal found = analyst:analyze(data)',
)
class AnalysisAgent(TemplateAgent):
    """Analyses what it is given: insights, the evidence for each, and how sure it is.

    Give it tools for what has to be computed or fetched.
    """

    type_name = "analysis_agent"
    template = "analysis"
    options: AnalysisOptions

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> AnalysisAgent:
        return cls(run, AnalysisOptions(**options), script_class)

    def values(self) -> dict[str, Any]:
        return {"methods": self.options.methods or []}

    @action("local found = analyst:analyze(data)")
    async def analyze(self, data: Any = None) -> Analysis:
        """What follows from the data."""
        return await self.follow("analyze", data)

    @action()
    async def analyze_market_trends(self, query: Any = None) -> Analysis:
        """Where a market is going."""
        return await self.follow("analyze_market_trends", query)

    @action('local data = analyst:fetch_data("sales_2025")')
    async def fetch_data(self, name: Any = None) -> Dataset:
        """Gets data with its tools; `available` is false where none of them can. Nothing is made up."""
        return await self.follow("fetch_data", name)

    @action("analyst:store_insights(found)", asks=False)
    async def store_insights(self, insights: Any = None) -> int:
        """Keeps insights in `state.insights`; gives how many are there now. Asks no model."""
        kept = [*(self.live_state.read(["insights"]) or []), insights]
        await self.live_state.change(["insights"], kept)
        return len(kept)

    @action()
    async def synthesize_analysis(self, analyses: Any = None) -> Synthesis:
        """Brings the analyses of several experts together."""
        return await self.follow("synthesize_analysis", analyses)

    @action()
    async def synthesize_findings(self, findings: Any = None) -> Synthesis:
        """Brings the findings of several sources together."""
        return await self.follow("synthesize_findings", findings)

    @action('print(analyst:clarify("Which quarter is meant?"))')
    async def clarify(self, question: Any = None) -> str:
        """Answers one question about its field, as exactly as it can."""
        return await self.follow("clarify", question)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAnalystOptions(AnalysisOptions):
    charts: list[ChartKind] | None = None
    """The kinds of chart it may choose from; all of them unless given."""


@exposed(
    options=DataAnalystOptions,
    positional=("system_prompt",),
    example='local analyst = DataAnalyst.new{ charts = { "bar" } }\nlocal chart = analyst:visualize(sales)',
)
class DataAnalyst(AnalysisAgent):
    """An AnalysisAgent for tables and numbers: cleans records, describes them, and says how to show them."""

    type_name = "data_analyst"
    template = "data_analyst"

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> DataAnalyst:
        return cls(run, DataAnalystOptions(**options), script_class)

    def values(self) -> dict[str, Any]:
        charts = self.options.charts if isinstance(self.options, DataAnalystOptions) else None
        return {**super().values(), "charts": charts or []}

    @action("local clean = analyst:clean_data(records)")
    async def clean_data(self, records: Any = None) -> Cleaned:
        """The records without what is broken, doubled or written in two ways, and what was changed."""
        return await self.follow("clean_data", records)

    @action()
    async def describe(self, data: Any = None) -> str:
        """What the data is: its fields, its ranges, what is missing."""
        return await self.follow("describe", data)

    @action("local chart = analyst:visualize(sales)")
    async def visualize(self, data: Any = None) -> Chart:
        """The chart that shows best what the data says, as data to draw from."""
        return await self.follow("visualize", data)
