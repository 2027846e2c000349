"""RateLimitHook: so many requests, and so many tokens, in a period of time; more wait, or fail."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from llmspell.api.bounds import Bounds
from llmspell.api.describe import exposed
from llmspell.api.objects import ScriptClass
from llmspell.errors import ArgumentError, RateLimitError
from llmspell.hooks.ready import Hook, Served
from llmspell.hooks.table import Context
from llmspell.library.rate_limiter import Period, RateLimiter, RateLimiterOptions, Requests
from llmspell.run import Run
from llmspell.security.rates import window_of

_KEYS: Final = {"agent": "agent_name", "model": "model", "tool": "tool_name", "user": "user_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitHookOptions:
    requests: Requests | None = None
    """How many in any such period."""
    tokens: Annotated[int, Bounds(ge=1)] | None = None
    """Tokens of model calls in any such period. The call that passes the limit is still made: what it will cost is
    known only afterwards."""
    per: Period = "minute"
    """`second`, `minute`, `hour`, `day`, or milliseconds."""
    key: Literal["run", "agent", "model", "tool", "user"] = "run"
    """Who has a count of their own."""
    unit: Literal["llm_call", "tool_call"] = "llm_call"
    """What is counted."""
    on_exceed: Literal["wait", "fail"] = "wait"
    """Whether one too many waits for its turn or fails with a RateLimitError."""


@exposed(options=RateLimitHookOptions, example='Hooks.use(RateLimitHook.new{ requests = 60, per = "minute" })')
class RateLimitHook(Hook):
    """Keeps model calls or tool calls below a rate. Every decision is an event, `rate_limit_checked`."""

    waits = True

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> RateLimitHook:
        return cls(run, RateLimitHookOptions(**options))

    def __init__(self, run: Run, options: RateLimitHookOptions) -> None:
        """Raises ArgumentError where nothing is limited."""
        if options.requests is None and options.tokens is None:
            raise ArgumentError("nothing is limited", hint="give requests, tokens or both")
        if options.tokens is not None and options.unit == "tool_call":
            raise ArgumentError("tools take no tokens", hint="give requests for tool calls")
        self.site = run.site
        self._run = run
        self._options = options
        self._period = window_of(1, options.per).period
        self._requests = None
        if options.requests is not None:
            self._requests = RateLimiter(run, RateLimiterOptions(requests=options.requests, per=options.per))
        self._spent: dict[str, deque[tuple[float, int]]] = {}

    def served(self) -> Served:
        counted: Served = {f"before_{self._options.unit}": (self._before, -50)}
        return counted if self._options.tokens is None else {**counted, "after_llm_call": (self._after, 50)}

    async def _before(self, context: Context) -> Context:
        key = self._key(context)
        if self._options.tokens is not None:
            await self._tokens(key, self._options.tokens)
        if self._requests is not None:
            if self._options.on_exceed == "wait":
                await self._requests.wait(key)
            else:
                await self._requests.check_limit(key)
        return context

    async def _tokens(self, key: str, most: int) -> None:
        spent = self._spent.setdefault(key, deque())
        while True:
            now = self._run.log.now()
            while spent and spent[0][0] + self._period <= now:
                spent.popleft()
            used = sum(tokens for _, tokens in spent)
            wait = spent[0][0] + self._period - now if used >= most else 0.0
            data = {"key": key, "tokens": most, "period": self._period, "wait": round(wait, 3)}
            self._run.emit("rate_limit_checked", key, data, time=now)
            if wait <= 0:
                return
            if self._options.on_exceed == "fail":
                raise RateLimitError(
                    f"{key!r} has used {used} tokens, its {most} for {self._period:g} ms",
                    hint='wait for retry_after milliseconds, or use on_exceed = "wait"',
                    retry_after=round(wait, 3),
                )
            await self._run.effects.sleep(wait)

    async def _after(self, context: Context) -> Context:
        usage = context.get("token_usage")
        if isinstance(usage, dict) and (total := usage.get("total")):
            self._spent.setdefault(self._key(context), deque()).append((self._run.span.started, int(total)))
        return context

    def _key(self, context: Context) -> str:
        kind = self._options.key
        return "run" if kind == "run" else f"{kind}:{context.get(_KEYS[kind]) or ''}"
