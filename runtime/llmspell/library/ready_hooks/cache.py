"""CacheHook: a request that was answered before is answered from the project's cache, without asking the model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from llmspell.api.bounds import Bounds
from llmspell.api.describe import exposed, method
from llmspell.api.objects import ScriptClass
from llmspell.hooks.ready import Hook, Served
from llmspell.hooks.table import Context
from llmspell.library.cache import Cache
from llmspell.run import Run
from llmspell.traces.keys import canonical

#: What of a request decides over its answer, beside its `fingerprint`.
_DECISIVE: Final = ("provider", "model", "system_prompt", "messages", "temperature", "max_tokens", "fingerprint")
#: Where the key travels from a call's beginning to its end.
_KEY: Final = "cache_key"
#: An answer that was cut off or refused is none to give again.
_WHOLE: Final = ("stop", "tool_calls")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheHookOptions:
    ttl: Annotated[float, Bounds(gt=0)] = 3_600_000
    """Milliseconds that an answer is kept; an hour unless given."""
    shared: bool = True
    """Whether agents may be given each other's answers."""
    keep: Literal["project", "run"] = "project"
    """Whether answers outlast the run, in the project's cache."""


@exposed(options=CacheHookOptions, example="Hooks.use(CacheHook.new{ ttl = 60000 }, { agent = 'ada' })")
class CacheHook(Hook):
    """Answers a model call from a cache where the same request was answered before: the same model, messages, system
    prompt, tools and settings, as other hooks left them. Each look is an event, `cache_checked`.

    Errors, refusals and answers that were cut off are not kept. A cached answer costs no tokens.
    """

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> CacheHook:
        return cls(run, CacheHookOptions(**options))

    def __init__(self, run: Run, options: CacheHookOptions) -> None:
        self.site = run.site
        self._run = run
        self._options = options
        self._cache = Cache(run)
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}
        self._hits = 0
        self._misses = 0

    def served(self) -> Served:
        """Asked last before a call: it sees what is sent; and first after it: it keeps what was answered."""
        return {"before_llm_call": (self._before, -100), "after_llm_call": (self._after, 100)}

    @method(result=dict[str, int])
    def stats(self) -> dict[str, int]:
        """How often an answer was there: `hits` and `misses`."""
        return {"hits": self._hits, "misses": self._misses}

    async def _before(self, context: Context) -> Context:
        key = self._key(context)
        found = await self._look(key)
        self._run.emit("cache_checked", str(context.get("model")), {"key": key, "hit": found is not None})
        if found is None:
            self._misses += 1
            return {**context, _KEY: key}
        self._hits += 1
        return {**context, _KEY: "", "response": found}

    async def _after(self, context: Context) -> Context:
        key = context.get(_KEY)
        if isinstance(key, str) and key and context.get("finish_reason") in _WHOLE:
            answer = {"content": context["response"], "tool_calls": context["tool_calls"]}
            if self._options.keep == "run":
                self._kept[key] = (self._run.span.started + self._options.ttl, answer)
            else:
                await self._cache.set(key, answer, {"ttl": self._options.ttl})
        return context

    async def _look(self, key: str) -> dict[str, Any] | None:
        if self._options.keep == "project":
            return await self._cache.get(key)
        until, answer = self._kept.get(key, (0.0, None))
        return answer if until > self._run.span.started else None

    def _key(self, context: Context) -> str:
        decisive = {name: context.get(name) for name in _DECISIVE}
        prompt = {name: context.get(name) for name in ("prompt", "message")}
        whose = "" if self._options.shared else str(context.get("agent_name"))
        digest = hashlib.sha256(canonical([decisive, prompt, whose]).encode()).hexdigest()
        return f"llm:{digest}"
