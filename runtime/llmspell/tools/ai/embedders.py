"""How texts become vectors: by a provider's model, by a model in a folder, or by their letters alone.

Which of them is said by options that every tool of vectors has (`EmbeddingFields`); what was chosen is told with the
vectors, so that nobody takes letters for meaning. Knows no tool.
"""

from __future__ import annotations

import asyncio
from array import array
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, Final, Literal

from llmspell.api.bounds import Bounds, FilePath
from llmspell.errors import LlmspellError, SchemaError, ToolError
from llmspell.frozen import frozen
from llmspell.providers.embedding import Embedder, EmbeddingRequest, choose
from llmspell.run import Run
from llmspell.security import files
from llmspell.tools.ai import lexical
from llmspell.tools.ai.kept import Kept
from llmspell.tools.base import ToolContext

Method = Literal["provider", "local", "lexical"]
Purpose = Literal["document", "query"]

#: Texts, and characters of them, in one request: OpenAI takes 2048 texts and 300,000 tokens, others fewer.
_BATCH: Final = 128
_BATCH_CHARACTERS: Final = 200_000
#: Requests under way at once.
_AT_ONCE: Final = 4
_TRIES: Final = 3
_FIRST_PAUSE: Final = 500.0
_LONGEST_PAUSE: Final = 20_000.0
_MAX_CONFIG: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingFields:
    model: Annotated[str, Bounds(min_length=1, max_length=200)] | None = None
    """The provider's model, such as `text-embedding-3-small` or `mistral/mistral-embed`. None: what
    LLMSPELL_EMBEDDING_MODEL says, else the usual one of the provider whose key is known."""

    provider: Annotated[str, Bounds(min_length=1, max_length=100)] | None = None
    """The provider, where the model's name does not say it."""

    base_url: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """Another address that speaks OpenAI's protocol; it needs --allow-net, and its own key."""

    api_key: Annotated[str, Bounds(max_length=1000)] | None = None
    """The provider's key. None: from the host's environment, such as OPENAI_API_KEY."""

    model_path: FilePath | None = None
    """A folder with a sentence model (config.json, tokenizer.json, model.safetensors), used in the place of a
    provider; relative paths start from the project."""

    method: Literal["auto", "provider", "local", "lexical"] = "auto"
    """auto: the model's folder where one is given, else a provider, else lexical: likeness of letters, not of meaning,
    which needs nothing at all."""

    dimensions: Annotated[int, Bounds(ge=8, le=16_384)] | None = None
    """Numbers of a vector, for provider's models that can be told, and for lexical, which else has 512."""


@frozen
class Vectors:
    """A vector for each text. model: whose numbers these are; two of different models cannot be compared. tokens, cost:
    None where nobody tells them. truncated: texts of which the model reads only the beginning."""

    rows: list[list[float]]
    method: Method
    model: str
    tokens: int | None = None
    cost: float | None = None
    truncated: int = 0

    @property
    def dimensions(self) -> int:
        return len(self.rows[0]) if self.rows else 0

    def usage(self) -> dict[str, Any] | None:
        """What a provider counted, as results show it."""
        return {"input_tokens": self.tokens, "cost": self.cost} if self.method == "provider" else None


class LocalModels(Kept):
    """The run's process that runs models of folders."""


async def vectors(
    texts: list[str], purpose: Purpose, wanted: EmbeddingFields, context: ToolContext, run: Run | None
) -> Vectors:
    """Raises ProviderError, PermissionDenied, ToolError, and ArgumentError for options that name nobody."""
    if wanted.method == "local" or (wanted.method == "auto" and wanted.model_path is not None):
        return await _locally(texts, purpose, wanted, context, run)
    if wanted.method != "lexical":
        found = await _by_provider(texts, wanted, context, run)
        if found is not None:
            return found
        if wanted.method == "provider":
            raise ToolError(
                "no provider for embeddings is configured",
                hint="set OPENAI_API_KEY or LLMSPELL_EMBEDDING_MODEL, or give `model`",
            )
    size = wanted.dimensions or lexical.DIMENSIONS
    rows = await asyncio.to_thread(lexical.embed, texts, size)
    return Vectors(rows, "lexical", lexical.MODEL)


async def _by_provider(
    texts: list[str], wanted: EmbeddingFields, context: ToolContext, run: Run | None
) -> Vectors | None:
    """None where no provider is named and none configured."""
    from llmspell.providers.of_run import providers_of
    from llmspell.providers.registry import Providers

    if run is not None:
        providers = providers_of(run)
    else:
        providers = Providers(context.environ, warn=lambda _: None, permit=context.permissions.check_host)
    try:
        chosen = choose(
            providers,
            context.environ,
            model=wanted.model or "",
            provider=wanted.provider or "",
            base_url=wanted.base_url or "",
            api_key=wanted.api_key or "",
        )
        return None if chosen is None else await _asked(*chosen, texts, wanted.dimensions, context.idempotency_key)
    finally:
        if run is None:
            await providers.close()


async def _asked(provider: Embedder, model: str, texts: list[str], dimensions: int | None, key: str) -> Vectors:
    """In batches, some at once; what one batch is refused for ends all of them."""
    gate = asyncio.Semaphore(_AT_ONCE)
    parts = _batches(texts)

    async def one(number: int, part: tuple[str, ...]) -> Any:
        token = f"{key}-{number}" if key else ""
        async with gate:
            return await _patiently(provider, EmbeddingRequest(model, part, dimensions, None, token))

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number, part)) for number, part in enumerate(parts)]
    except* LlmspellError as errors:
        raise errors.exceptions[0] from None
    found = [task.result() for task in tasks]
    rows = [row for each in found for row in each.vectors]
    if len({len(row) for row in rows}) > 1:
        raise ToolError(f"{provider.name} gave vectors of different lengths", hint="ask for fewer texts at a time")
    costs = [each.usage.cost for each in found]
    cost = None if None in costs else sum(costs)
    tokens = sum(each.usage.input_tokens for each in found)
    return Vectors(rows, "provider", f"{provider.name}/{model}", tokens, cost)


async def _patiently(provider: Embedder, request: EmbeddingRequest) -> Any:
    """A refusal that passes is waited out, as long as the service says or ever longer."""
    for count in range(1, _TRIES):
        try:
            return await provider.embed(request)
        except LlmspellError as error:
            if not error.retryable:
                raise
            wait = _FIRST_PAUSE * 2 ** (count - 1) if error.retry_after is None else error.retry_after
            await asyncio.sleep(min(wait, _LONGEST_PAUSE) / 1000)
    return await provider.embed(request)


def _batches(texts: list[str]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == _BATCH or size + len(text) > _BATCH_CHARACTERS):
            found.append(tuple(batch))
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    return [*found, tuple(batch)] if batch else found


async def _locally(
    texts: list[str], purpose: Purpose, wanted: EmbeddingFields, context: ToolContext, run: Run | None
) -> Vectors:
    if wanted.model_path is None:
        raise SchemaError("a local model needs its folder", hint="give `model_path`")
    if wanted.dimensions is not None:
        raise SchemaError("a local model's vectors have the length that they have", hint="leave `dimensions` out")
    given = await asyncio.to_thread(_folder, wanted.model_path, context)
    kept = kept_of(run, LocalModels, context)
    try:
        work = "llmspell.tools.ai.local_model:embed"
        found = await kept.ask(work, **given, texts=texts, purpose=purpose)
    finally:
        if run is None:
            await kept.close()
    size = found["dimensions"]
    numbers = array("f", found["vectors"]).tolist()
    rows = [numbers[at : at + size] for at in range(0, len(numbers), size)]
    model = f"{PurePath(wanted.model_path).name}"
    return Vectors(rows, "local", model, found["tokens"], None, found["truncated"])


def kept_of(run: Run | None, kind: type[Kept], context: ToolContext) -> Kept:
    """The run's own process of a kind; without a run one for this call, for the caller to close."""
    if run is None:
        return kind(str(context.scratch))

    def make(owner: Run) -> Kept:
        made = kind(str(owner.identity.scratch))
        owner.at_end(made.close)
        return made

    return run.service(kind, make)


def _folder(path: str, context: ToolContext) -> dict[str, Any]:
    """The small files as texts, the large ones as what must be opened. Each is permitted by itself: folders of models
    are full of links."""
    configs: dict[str, str] = {}
    for name in ("config.json", "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
        text = _text(f"{path}/{name}", context, needed=name == "config.json")
        if text is not None:
            configs[name] = text
    pooling = _text(f"{path}/1_Pooling/config.json", context, needed=False)
    if pooling is not None:
        configs["pooling"] = pooling
    large = {name: _opened(f"{path}/{name}", context) for name in ("tokenizer.json", "model.safetensors")}
    return {"configs": configs, "files": large}


def _text(path: str, context: ToolContext, *, needed: bool) -> str | None:
    try:
        with files.place(path, context.permissions, "read") as found:
            return files.read_bytes(found, _MAX_CONFIG).decode("utf-8", "replace")
    except files.MissingFile:
        if needed:
            raise
        return None


def _opened(path: str, context: ToolContext) -> list[Any]:
    with files.place(path, context.permissions, "read") as found:
        if found.info is None:
            raise files.missing(path)
        if found.kind != "file":
            raise ToolError(f"{path!r} is a {found.kind}, not a file", hint="give the folder of a sentence model")
        info = found.info
        return [str(found.path), info.st_dev, info.st_ino, info.st_mtime_ns, info.st_size]
