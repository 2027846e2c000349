"""The embedding tool: what it is asked and what it gives. `embedders` makes the vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import mul
from typing import Annotated, Any, Final, Literal, NotRequired, Self, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.api.objects import ScriptClass
from llmspell.errors import SchemaError
from llmspell.run import Run
from llmspell.tools.ai import embedders
from llmspell.tools.ai.embedders import EmbeddingFields, Method, Vectors
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Text = Annotated[str, Bounds(min_length=1, max_length=200_000)]
#: Characters of all texts of a call.
_MOST: Final = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingOptions(EmbeddingFields):
    """How texts become vectors; see each field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingParams:
    operation: Literal["embed", "compare"] = "embed"
    """embed: the vector of each text, for a program to use. compare: how alike `text` is to each of `texts`, the
    likest first; ask this when you want to know, for nobody can read vectors."""

    text: Text | None = None
    """The text; for compare the one that others are compared with."""

    texts: Annotated[list[Text], Bounds(min_items=1, max_items=500)] | None = None
    """Several texts; for compare the others. embed takes `text` or `texts`."""

    purpose: Literal["document", "query"] = "document"
    """What the texts are for, to models that tell questions from answers."""


class Likeness(TypedDict):
    index: int
    """Its place in `texts`, from 0."""
    similarity: float
    """The cosine: 1 is the same direction, 0 none in common."""
    text: str
    """The beginning of the text."""


class EmbeddingUsage(TypedDict):
    input_tokens: int
    """Tokens that the provider read."""
    cost: float | None
    """US dollars, where the price is known."""


class EmbeddingResult(TypedDict):
    method: Method
    """Who made the vectors. lexical: nobody who knows meaning; only the letters were compared."""
    model: str
    """Whose vectors these are; those of different models cannot be compared."""
    dimensions: int
    """Numbers of each vector."""
    count: int
    """Texts that were embedded."""
    embedding: NotRequired[list[float]]
    """embed with `text`: its vector."""
    embeddings: NotRequired[list[list[float]]]
    """embed with `texts`: their vectors, in order."""
    similarities: NotRequired[list[Likeness]]
    """compare: each of `texts`, the likest first."""
    truncated: NotRequired[int]
    """Texts that are longer than the local model reads; it read their beginning."""
    usage: NotRequired[EmbeddingUsage]
    """What the provider counted."""


@exposed(
    aliases=("Embedding",),
    options=EmbeddingOptions,
    tool=ToolMark(
        name="embedding",
        category="ai",
        params=EmbeddingParams,
        result=EmbeddingResult,
        examples=(
            Example(
                {
                    "operation": "compare",
                    "text": "How do I reset my password?",
                    "texts": ["Resetting your password", "Opening hours of the museum"],
                },
                note="which text fits",
            ),
            Example({"text": "Spells are small programs."}, note="the vector of a text"),
            Example({"texts": ["one text", "another text"], "purpose": "query"}, note="several at once"),
        ),
        permissions=("read",),
        timeout=120_000,
        max_output=70_000_000,
    ),
)
class EmbeddingTool(BuiltinTool[EmbeddingOptions]):
    """Turns texts into vectors whose directions are alike where the texts are, and compares texts by them.

    Use compare to find which text fits a question, to group texts or to find doubles. To search many texts, or the
    same ones again, use vector_search, which keeps them. `method` of the result says how far to trust it.
    """

    _run: Run | None = None

    def attach(self, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> Self:
        self._run = run
        return super().attach(run, options, script_class)

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = EmbeddingParams(**params)
        texts = _texts(asked)
        found = await embedders.vectors(texts, asked.purpose, self.options, context, self._run)
        content: dict[str, Any] = {
            "method": found.method,
            "model": found.model,
            "dimensions": found.dimensions,
            "count": len(texts),
        }
        if found.truncated:
            content["truncated"] = found.truncated
        usage = found.usage()
        if usage is not None:
            content["usage"] = usage
        if asked.operation == "compare":
            content["similarities"] = _compared(found, texts)
        elif asked.texts is None:
            content["embedding"] = found.rows[0]
        else:
            content["embeddings"] = found.rows
        return ToolOutput(content, {"method": found.method, "model": found.model} | ({"usage": usage} if usage else {}))


def _texts(asked: EmbeddingParams) -> list[str]:
    if asked.operation == "compare":
        if asked.text is None or asked.texts is None:
            raise SchemaError("`compare` needs `text` and `texts`", hint="give the text, and those to compare it with")
        texts = [asked.text, *asked.texts]
    else:
        if (asked.text is None) == (asked.texts is None):
            raise SchemaError("`embed` needs `text` or `texts`, one of them", hint="leave the other out")
        texts = [asked.text] if asked.text is not None else list(asked.texts or ())
    if sum(map(len, texts)) > _MOST:
        raise SchemaError(f"the texts have more than {_MOST} characters", hint="give fewer at a time")
    return texts


def _compared(found: Vectors, texts: list[str]) -> list[dict[str, Any]]:
    first = found.rows[0]
    alike = [_cosine(first, row) for row in found.rows[1:]]
    order = sorted(range(len(alike)), key=lambda at: (-alike[at], at))
    return [{"index": at, "similarity": alike[at], "text": texts[at + 1][:200]} for at in order]


def _cosine(first: list[float], second: list[float]) -> float:
    """Rounded to six digits: more would be noise. 0 where one of them has no direction."""
    length = math.hypot(*first) * math.hypot(*second)
    return round(sum(map(mul, first, second)) / length, 6) if length else 0.0
