"""Every provider that litellm knows and llmspell does not speak natively. Importing litellm takes seconds.

litellm's own habits are turned off: its retries (ours are visible), its downloads of price maps and notices, its
logging, its reading of .env files. The request and the answer have chat completions' shape, which `openai` writes and
reads. Knows no settings.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Final

from llmspell.errors import ProviderError
from llmspell.providers import failures, http
from llmspell.providers.account import Account
from llmspell.providers.base import Completion, Delta, Request
from llmspell.providers.embedding import EmbeddingRequest, Embeddings, read_embeddings
from llmspell.providers.failures import Asked
from llmspell.providers.openai_format import StreamReader, read_completion, write_body

#: Before the import: no network but the provider's, no .env file, no notices.
_ENVIRONMENT: Final = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "CRITICAL",
}
#: litellm's and the SDKs' own class names before a service's message, and litellm's advice after it.
_BEFORE: Final = re.compile(r"^(?:(?:litellm\.)?\w+(?:Error|Exception|Timeout)\s*[:-]\s*)+")
_AFTER: Final = re.compile(r"\.? Handle with `litellm\.\w+`\.$")
_NAMES: Final = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
}
#: Errors of the HTTP libraries that come with an answer.
_ANSWERED: Final = frozenset({"httpx.HTTPStatusError", "aiohttp.ClientResponseError"})
_lock = threading.Lock()
_module: Any = None
#: Providers that have asked and are not closed: litellm's connections are one pool for the whole process.
_users = 0


def load() -> Any:
    """litellm, imported once; the first call takes seconds, in whichever thread makes it."""
    global _module
    with _lock:
        if _module is None:
            for name, value in _ENVIRONMENT.items():
                os.environ.setdefault(name, value)
            module: Any = import_module("litellm")
            module.telemetry = False
            module.suppress_debug_info = True
            module.num_retries = 0
            _stay(module)
            _module = module
    return _module


def _stay(module: Any) -> None:
    """Keeps litellm's clients from following redirects: a 307 would carry the request and its key to another host.

    There is no setting for it. Each handler's `follow_redirects` is read as False, whatever it is given, and the
    providers that use OpenAI's own client get theirs through `aclient_session`, made by such a handler.
    """
    handler: Any = import_module("litellm.llms.custom_httpx.http_handler").AsyncHTTPHandler
    handler.follow_redirects = property(lambda _: False, lambda _, value: None)


def _begin(module: Any) -> None:
    global _users
    _users += 1
    if module.aclient_session is None:
        module.aclient_session = import_module("litellm.llms.custom_httpx.http_handler").AsyncHTTPHandler().client


async def _end(module: Any) -> None:
    """Closes litellm's connections when the last provider that used them is closed, and forgets the closed clients."""
    global _users
    _users -= 1
    if _users == 0:
        session, module.aclient_session = module.aclient_session, None
        clients = module.in_memory_llm_clients_cache
        await module.close_litellm_async_clients()
        clients.flush_cache()
        await module.module_level_aclient.close()
        await session.aclose()


class LiteLLM:
    """A provider of litellm's.

    account.name is what scripts call it; prefix is litellm's name for it, put before the model, "" where the model's
    name holds it already. base_url "" leaves the address to litellm.
    """

    def __init__(self, account: Account, prefix: str = "") -> None:
        self.name = account.name
        self._account = account
        self._prefix = f"{prefix}/" if prefix else ""
        self._loading: threading.Thread | None = None
        self._began = False

    def __repr__(self) -> str:
        return f"LiteLLM({self.name!r})"

    def prefetch(self) -> None:
        if _module is None and self._loading is None:
            # No daemon: a program that ends in the middle of loading C libraries may crash.
            self._loading = threading.Thread(target=load, name="llmspell-import-litellm")
            self._loading.start()

    async def close(self) -> None:
        if self._began:
            self._began = False
            await _end(_module)

    async def complete(self, request: Request) -> Completion:
        asked = self._account.asked(request.model)
        module = await self._ready()
        deadline = _deadline(request)
        async with _translated(asked, deadline, request):
            answer: Any = await self._ask(module, request, stream=False)
        completion = read_completion(answer.model_dump(), asked, self._prices(request))
        # litellm has no bound of its own: at least nobody after it is handed so much.
        http.bound(len(completion.content), asked)
        return completion

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion]:
        asked = self._account.asked(request.model)
        reader = StreamReader(asked, self._prices(request))
        module = await self._ready()
        deadline = _deadline(request)
        chunks: Any = None
        size = 0
        try:
            async with _translated(asked, deadline, request):
                chunks = await self._ask(module, request, stream=True)
            while True:
                async with _translated(asked, deadline, request):
                    chunk: Any = await anext(chunks, None)
                if chunk is None:
                    break
                piece = reader.take(chunk.model_dump())
                if piece:
                    size += len(piece)
                    http.bound(size, asked)
                    yield Delta(piece)
            reasons = (getattr(chunks, name, "") for name in ("received_finish_reason", "intermittent_finish_reason"))
            if all(reason is None for reason in reasons):
                # litellm makes up a `stop` where the service broke off.
                raise http.cut_off(asked, reader.text)
            completion = reader.completion()
        except ProviderError as error:
            error.data["partial"] = reader.text
            raise
        finally:
            if chunks is not None:
                await chunks.aclose()
        yield completion

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        asked = self._account.asked(request.model)
        module = await self._ready()
        options = {"dimensions": request.dimensions} if request.dimensions is not None else {}
        async with _translated(asked, _deadline(request), request):
            answer: Any = await module.aembedding(
                model=self._prefix + request.model, input=list(request.texts), **options, **self._common(request)
            )
        return read_embeddings(answer.model_dump(), request, asked, self._prices(request))

    async def _ready(self) -> Any:
        """litellm; the seconds of its import do not count as the service's."""
        module = _module if _module is not None else await asyncio.to_thread(load)
        if not self._began:
            self._began = True
            _begin(module)
        return module

    async def _ask(self, module: Any, request: Request, *, stream: bool) -> Any:
        options: dict[str, Any] = write_body(request)
        options["model"] = self._prefix + request.model
        if stream:
            options.update(stream=True, stream_options={"include_usage": True})
        # drop_params: what a service does not know (a seed, say) is left out, as the native providers do.
        return await module.acompletion(**options, **self._common(request), drop_params=True, _skip_mcp_handler=True)

    def _common(self, request: Request | EmbeddingRequest) -> dict[str, Any]:
        """Where and with which key to ask, for how long, and never twice."""
        timeout = http.DEFAULT_TIMEOUT if request.timeout is None else request.timeout
        found: dict[str, Any] = {"timeout": timeout / 1000, "max_retries": 0, "num_retries": 0}
        if self._account.api_key:
            found["api_key"] = self._account.api_key
        if self._account.base_url:
            found["api_base"] = self._account.base_url
        if self._account.headers:
            found["extra_headers"] = dict(self._account.headers)
        return found

    def _prices(self, request: Request | EmbeddingRequest) -> str:
        return self._prefix.rstrip("/") or request.model.partition("/")[0]


def _deadline(request: Request | EmbeddingRequest) -> float:
    milliseconds = http.DEFAULT_TIMEOUT if request.timeout is None else request.timeout
    return asyncio.get_running_loop().time() + milliseconds / 1000


@asynccontextmanager
async def _translated(asked: Asked, deadline: float, request: Request | EmbeddingRequest) -> AsyncGenerator[None]:
    """What litellm raises, as a ProviderError; whatever it is, for its tree of errors has many roots."""
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except ProviderError:
        raise
    except TimeoutError:
        raise http.too_slow(asked, request.timeout) from None
    except Exception as error:
        raise _explain(asked, error, request) from None


def _explain(asked: Asked, error: Exception, request: Request | EmbeddingRequest) -> ProviderError:
    name = type(error).__name__
    if name == "Timeout":
        return http.too_slow(asked, request.timeout)
    said = _AFTER.sub("", _BEFORE.sub("", str(getattr(error, "message", error))))
    roots = {type(one).__module__.partition(".")[0] + "." + type(one).__name__ for one in _causes(error)}
    if "json.JSONDecodeError" in roots:
        return http.malformed(asked, said.encode())
    if any(root.startswith(("aiohttp.", "httpx.", "httpcore.")) and root not in _ANSWERED for root in roots):
        return asked.fail(
            "network", f"{asked.provider} could not be reached at {asked.host or 'its host'}: {said[:400]}"
        )
    words, inner = failures.read_error(said.encode()) if said.startswith("{") else ((), said)
    more: tuple[Any, ...] = (getattr(error, "code", None), getattr(error, "type", None), _NAMES.get(name))
    words = (*words, *(word for word in more if isinstance(word, str)))
    # The innermost error has the service's own status; on the way out litellm makes 500 of what it does not know.
    found = (getattr(one, "status_code", None) for one in reversed(list(_causes(error))))
    status = next((status for status in found if isinstance(status, int)), None)
    sent: Any = getattr(error, "litellm_response_headers", None)
    sent = sent or getattr(getattr(error, "response", None), "headers", None) or {}
    headers = {str(key).lower(): str(value) for key, value in sent.items()}
    wait = failures.retry_after(headers)
    return failures.explain(asked, status, words, inner, retry_after=wait)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
