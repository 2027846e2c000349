"""`RateLimiter`: a spell's own limits on how often something may happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import exposed, method
from llmspell.api.objects import ScriptClass
from llmspell.errors import RateLimitError
from llmspell.run import Run
from llmspell.security.rates import Rates, Window, window_of

Period = Literal["second", "minute", "hour", "day"] | float
Requests = Annotated[int, Bounds(ge=1, le=100_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimiterOptions:
    requests: Requests = 60
    """How many are let through in any such period."""
    per: Period = "minute"
    """`second`, `minute`, `hour`, `day`, or milliseconds."""


class RateWindow(TypedDict, total=False):
    requests: Requests
    """How many in any such period, in place of the limiter's own."""
    per: Period
    """`second`, `minute`, `hour`, `day`, or milliseconds."""


@exposed(
    options=RateLimiterOptions,
    example='local limiter = RateLimiter.new{ requests = 10, per = "minute" }\nlimiter:check_limit("user:ada")',
)
class RateLimiter:
    """Counts what happens, by key, over a sliding window of time; each key has its own count.

    The count is the run's own and ends with it. Every decision is an event, `rate_limit_checked`, and its time is the
    one that counts, so that a replay decides the same.
    """

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> RateLimiter:
        return cls(run, RateLimiterOptions(**options))

    def __init__(self, run: Run, options: RateLimiterOptions) -> None:
        self._run = run
        self._options = options
        self._rates = Rates()
        window_of(options.requests, options.per)

    @method(example='if limiter:is_exceeded("user:" .. user) then error(RateLimitError("later")) end')
    async def is_exceeded(self, key: str, window: RateWindow | None = None) -> bool:
        """Counts one request of a key; gives whether it is one too many, which is then not counted."""
        return self._take(key, window) > 0

    @method(
        errors=("rate_limit",),
        example='limiter:check_limit("http:" .. host, { requests = 10, per = "minute" })',
    )
    async def check_limit(self, key: str, window: RateWindow | None = None) -> None:
        """Counts one request of a key; throws a RateLimitError with `retry_after` where it is one too many."""
        wait = self._take(key, window)
        if wait > 0:
            allowed = self._window(window)
            raise RateLimitError(
                f"{key!r} has had its {allowed.requests} requests in {allowed.period:g} ms",
                hint="wait for retry_after milliseconds, or use `wait`",
                retry_after=round(wait, 3),
            )

    @method(example='limiter:wait("search")')
    async def wait(self, key: str, window: RateWindow | None = None) -> None:
        """Counts one request of a key, once it may be made."""
        while (wait := self._take(key, window)) > 0:
            await self._run.effects.sleep(wait)

    @method()
    async def remaining(self, key: str, window: RateWindow | None = None) -> int:
        """How many more requests of a key would be let through now."""
        return self._rates.left(key, self._window(window), self._run.log.last_time)

    @method()
    async def reset(self, key: str) -> None:
        """Forgets what a key has had."""
        self._rates.forget(key)

    def _window(self, given: RateWindow | None) -> Window:
        wanted = given or {}
        return window_of(wanted.get("requests", self._options.requests), wanted.get("per", self._options.per))

    def _take(self, key: str, given: RateWindow | None) -> float:
        """Milliseconds to wait, 0 for none. The event carries the very time that was counted with."""
        window = self._window(given)
        now = self._run.log.now()
        wait = self._rates.take(key, window, now)
        data = {"key": key, "requests": window.requests, "period": window.period, "wait": round(wait, 3)}
        self._run.emit("rate_limit_checked", key, data, time=now)
        return wait
