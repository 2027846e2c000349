"""The vector search tool: what it is asked and what it gives. `vector_work` does the work, in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, NotRequired, Self, TypedDict, cast

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.api.objects import ScriptClass
from llmspell.run import Run
from llmspell.tools.ai.embedders import EmbeddingFields
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Metric = Literal["cosine", "dot", "euclidean"]
Name = Annotated[str, Bounds(min_length=1, max_length=100, pattern="^[A-Za-z0-9_.-]+$")]
Id = Annotated[str, Bounds(min_length=1, max_length=500)]
Text = Annotated[str, Bounds(min_length=1, max_length=200_000)]
Vector = Annotated[list[float], Bounds(min_items=1, max_items=16_384)]
Filter = Annotated[dict[str, Any], Bounds(max_properties=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSearchOptions(EmbeddingFields):
    index_path: FilePath | None = None
    """The folder of the index; relative paths start from the project. None: one in the run's own temporary folder, gone
    at its end."""

    similarity_threshold: Annotated[float, Bounds(ge=-1, le=1)] | None = None
    """Matches with a lower score are left out. None: none are."""

    metric: Metric = "cosine"
    """How vectors are compared in collections that this tool makes."""

    exact_up_to: Annotated[int, Bounds(ge=0, le=10_000_000)] = 100_000
    """Vectors of a collection that are searched one by one. Beyond, a graph (HNSW) finds the nearest in a millisecond
    or two, and may miss one now and then."""

    max_index_size: Annotated[int, Bounds(ge=65_536, le=100_000_000_000)] = 4_000_000_000
    """Bytes that the index may grow to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorItem:
    """One thing to find again."""

    text: Text | None = None
    """What it says; its vector is made of it unless one is given."""
    id: Id | None = None
    """Its name in the collection; one is made up where none is given."""
    vector: Vector | None = None
    """Its vector, where you have made it yourself."""
    metadata: Annotated[dict[str, Any], Bounds(max_properties=200)] | None = None
    """Whatever is to be known about it, to filter by and to be given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSearchParams:
    operation: Literal["search", "upsert", "add", "get", "delete", "list", "stats", "create", "drop"]
    """search: the items nearest to `query` or `vector`. upsert: puts items in, in the place of those with the same ids.
    add: the same, but an id that is there already is an error. get: items by their ids. delete: items by `ids` or
    `filter`. list: items in the order they came. stats: all collections with their sizes. create: an empty collection
    for vectors of `dimensions`. drop: a collection with all it holds. Changes are made whole or not at all."""

    query: Text | None = None
    """search: what to look for, in words."""

    vector: Vector | None = None
    """search: what to look for, as a vector."""

    items: Annotated[list[VectorItem], Bounds(min_items=1, max_items=1000)] | None = None
    """upsert, add: what to put in."""

    ids: Annotated[list[Id], Bounds(min_items=1, max_items=1000)] | None = None
    """get, delete: which items."""

    filter: Filter | None = None
    """search, list, delete: only items whose metadata fits, such as `{"lang": "en", "year": {"gte": 2020}, "kind":
    ["news", "blog"]}`. Operators: eq, ne, gt, gte, lt, lte, in, not_in, contains (of a list), exists; `and`, `or` with
    lists of filters, `not` with one. A dot goes into a table."""

    limit: Annotated[int, Bounds(ge=1, le=1000)] = 10
    """search, list: items at most."""

    offset: Annotated[int, Bounds(ge=0, le=100_000_000)] = 0
    """list: items to pass over."""

    threshold: Annotated[float, Bounds(ge=-1, le=1)] | None = None
    """search: matches with a lower score are left out; the tool's own threshold stays."""

    exact: bool = False
    """search: looks at every vector, however many there are."""

    with_vectors: bool = False
    """search, get, list: whether the vectors are given too."""

    collection: Name = "default"
    """Which collection of the index."""

    dimensions: Annotated[int, Bounds(ge=1, le=16_384)] | None = None
    """create: numbers of a vector."""


class VectorMatch(TypedDict):
    id: str
    """Its id."""
    metadata: dict[str, Any]
    """As it was given."""
    text: NotRequired[str]
    """What it says, where that was given."""
    score: NotRequired[float]
    """search: likeness, higher is more: the cosine, the dot product, or 1 / (1 + distance)."""
    vector: NotRequired[list[float]]
    """Its vector, where it was asked for."""


class VectorCollection(TypedDict):
    name: str
    """Its name."""
    count: int
    """Items in it."""
    dimensions: int
    """Numbers of each vector."""
    metric: str
    """How vectors are compared."""
    method: str
    """Who made them: provider, local, lexical, given (by whoever put them in), or "" while it is empty."""
    model: str
    """The model's name."""


class VectorUsage(TypedDict):
    input_tokens: int
    """Tokens that the provider read."""
    cost: float | None
    """US dollars, where the price is known."""


class VectorSearchResult(TypedDict):
    matches: NotRequired[list[VectorMatch]]
    """search: the best first."""
    items: NotRequired[list[VectorMatch]]
    """get: in the order of the ids. list: in the order they came."""
    missing: NotRequired[list[str]]
    """get: ids that are not there."""
    ids: NotRequired[list[str]]
    """upsert, add: the items' ids, in order."""
    added: NotRequired[int]
    """upsert, add: items that are new."""
    updated: NotRequired[int]
    """upsert: items that took the place of others."""
    deleted: NotRequired[int]
    """delete, drop: items that are gone."""
    created: NotRequired[bool]
    """create: false where it was there already, alike."""
    total: NotRequired[int]
    """upsert, add, delete: items in the collection now. list: items that fit the filter."""
    method: NotRequired[str]
    """Who made the vectors of this call. lexical: likeness of letters, not of meaning."""
    model: NotRequired[str]
    """Which model made them."""
    approximate: NotRequired[bool]
    """search: whether a graph was asked, which may miss one now and then."""
    truncated: NotRequired[int]
    """Texts that are longer than the local model reads; it read their beginning."""
    usage: NotRequired[VectorUsage]
    """What the provider counted."""
    collections: NotRequired[list[VectorCollection]]
    """stats: by name."""
    size: NotRequired[int]
    """stats: bytes of the index."""


@exposed(
    aliases=("VectorSearch",),
    options=VectorSearchOptions,
    tool=ToolMark(
        name="vector_search",
        category="ai",
        params=VectorSearchParams,
        result=VectorSearchResult,
        examples=(
            Example(
                {
                    "operation": "upsert",
                    "items": [
                        {"id": "oslo", "text": "Oslo lies at a fjord.", "metadata": {"country": "NO"}},
                        {"id": "rome", "text": "Rome was not built in a day.", "metadata": {"country": "IT"}},
                    ],
                },
                note="texts with what is known of them",
            ),
            Example(
                {"operation": "search", "query": "a town at a fjord", "limit": 3, "filter": {"country": "NO"}},
                note="by words, among some",
            ),
            Example(
                {
                    "operation": "upsert",
                    "collection": "points",
                    "items": [{"id": "a", "vector": [1, 0]}, {"id": "b", "vector": [0.6, 0.8]}],
                },
                note="vectors of your own",
            ),
        ),
        permissions=("read", "write"),
        timeout=120_000,
        max_output=40_000_000,
    ),
)
class VectorSearchTool(BuiltinTool[VectorSearchOptions]):
    """Keeps texts and finds those that are nearest to a question, by meaning: an index of vectors, with metadata.

    Put texts in with upsert, each with an id and what you know of it; find them with search, in words. Texts become
    vectors by themselves; `method` of the result says how, and lexical means likeness of letters only.
    """

    _run: Run | None = None

    def attach(self, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> Self:
        self._run = run
        return super().attach(run, options, script_class)

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.ai.vector_calls import VectorCall

        asked = VectorSearchParams(**params)
        if asked.items is not None:
            asked = replace(asked, items=[VectorItem(**cast("dict[str, Any]", item)) for item in asked.items])
        content, usage = await VectorCall(asked, self.options, context, self._run).content()
        metadata: dict[str, Any] = {"operation": asked.operation, "collection": asked.collection}
        return ToolOutput(content, metadata | ({"usage": usage} if usage else {}))
