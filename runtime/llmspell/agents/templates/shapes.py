"""What actions give: the forms that models fill in and that scripts read. Each field's text is read by the model too.

Names are single words where they can be, so that they are the same in both languages.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Severity = Literal["low", "medium", "high"]

#: `true` comes first: the offline model, which takes the first choice, then ends a loop of writing and reviewing.
Verdict = Literal[True, False]


class Source(TypedDict):
    title: str
    source: str
    """Where it stands: an address, a publication, a person."""
    summary: str
    """What it says on the question, in two or three sentences."""


class SearchResults(TypedDict):
    query: str
    results: list[Source]
    """The most useful first."""
    summary: str
    """What they say together."""


class Notes(TypedDict):
    summary: str
    points: list[str]
    """What is worth keeping, one statement each."""
    questions: list[str]
    """What remains open."""


class Finding(TypedDict):
    claim: str
    source: str
    """What supports it."""
    confidence: float
    """0 to 1."""


class Research(TypedDict):
    topic: str
    summary: str
    findings: list[Finding]
    questions: list[str]
    """What could not be settled."""


class ResearchPlan(TypedDict):
    topic: str
    questions: list[str]
    """What the research has to answer."""
    literature_query: str
    """What to look for in the literature."""
    market_query: str
    """What to look for in markets and industry."""
    news_query: str
    """What to look for in recent news."""


class Analysis(TypedDict):
    summary: str
    insights: list[str]
    """What follows from the data, the most important first."""
    evidence: list[str]
    """What in the data supports each insight, in the same order."""
    confidence: float
    """0 to 1."""


class Dataset(TypedDict):
    name: str
    available: bool
    """Whether the data could be had. It is never made up."""
    description: str
    """What it holds; where it could not be had, why."""
    records: list[dict[str, Any]]


class Synthesis(TypedDict):
    summary: str
    points: list[str]
    """What the sources say together."""
    disagreements: list[str]
    """Where they contradict each other, and what speaks for either side."""
    confidence: float
    """0 to 1."""


class Cleaned(TypedDict):
    records: list[dict[str, Any]]
    changes: list[str]
    """What was changed, and why."""


class ChartPoint(TypedDict):
    label: str
    value: float


class ChartSeries(TypedDict):
    name: str
    points: list[ChartPoint]


class Chart(TypedDict):
    kind: Literal["bar", "line", "scatter", "pie", "table"]
    title: str
    x: str
    """What the horizontal axis shows."""
    y: str
    """What the vertical axis shows."""
    series: list[ChartSeries]


class Code(TypedDict):
    language: str
    code: str
    """The code alone, complete."""
    explanation: str


class CodeIssue(TypedDict):
    line: int
    """Where, from 1; 0 for the whole."""
    severity: Severity
    problem: str
    suggestion: str


class CodeReview(TypedDict):
    approved: Verdict
    """Whether it can stay as it is."""
    feedback: str
    """What to do, for whoever changes it."""
    issues: list[CodeIssue]


class Issue(TypedDict):
    criterion: str
    severity: Severity
    problem: str
    suggestion: str


class Review(TypedDict):
    approved: Verdict
    """Whether it can stay as it is."""
    score: float
    """0 to 1."""
    feedback: str
    """What to do, for whoever revises it."""
    issues: list[Issue]


class Gap(TypedDict):
    domain: str
    """Whose field it is: technical, market, legal, …"""
    question: str
    """What would have to be asked."""
    reason: str
    """Why it matters."""


class PlanStep(TypedDict):
    id: str
    """Short and unique in the plan."""
    task: str
    after: list[str]
    """The ids of the steps that must be done before."""


class Plan(TypedDict):
    goal: str
    steps: list[PlanStep]
    risks: list[str]


class Priority(TypedDict):
    task: str
    rank: int
    """1 is first."""
    reason: str


class Assignment(TypedDict):
    agent: str
    """The name of the agent that does it."""
    task: str
    """All that this agent has to know."""


class Assignments(TypedDict):
    goal: str
    tasks: list[Assignment]
