"""One request to a model: hooks before and after, events, retries that everybody can see, the recording.

Knows the asking agent only as an `Asker`, and nothing of tools but their specs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from llmspell.agents.model_hooks import after_call, answered, before_call, rewritten, shown_calls, shown_usage
from llmspell.agents.pieces import Pieces, ended, fed
from llmspell.errors import LlmspellError, ProviderError
from llmspell.events.event import Event
from llmspell.frozen import frozen
from llmspell.hooks.table import FINAL, Context, Filter, Own, Since
from llmspell.place import Span
from llmspell.providers.base import Completion, Delta, Provider, Request
from llmspell.run import Run
from llmspell.security.masking import Masker
from llmspell.unit import Tell, Unit

if TYPE_CHECKING:
    from llmspell.security.openings import Unbroken

#: First pause before a retry in milliseconds, doubled each time, where the server names none.
_FIRST_PAUSE: Final = 500.0
_LONGEST_PAUSE: Final = 30_000.0

#: What the runtime tries again by itself: 429, 5xx and network failures. An answer that took too long is not asked
#: for again unseen.
_RETRIED: Final = frozenset({"rate_limit", "overloaded", "network"})


@frozen
class Asker:
    """Who asks. identity: agent_id, agent_name, agent_type; added: fields that hooks of the execution added; hooks: its
    own handlers; deliver, tell: its events; retries: how often a failed request is repeated; pieces: takes the answer
    as it comes, None to wait for the whole."""

    run: Run
    name: str
    identity: Context
    added: Context
    hooks: Own
    deliver: Callable[[Event], None]
    tell: Tell
    retries: int = 2
    pieces: Pieces | None = None

    def repeatable(self) -> bool:
        return self.pieces is None or not self.pieces.given


@frozen
class Asked:
    """A request and which turn of the conversation it is for. number: the turn's request, from 1; prompt: the user's
    words, before hooks; at: the place of the user's message in the request."""

    request: Request
    number: int
    prompt: str
    at: int


async def ask_model(asker: Asker, provider: Provider, asked: Asked) -> tuple[Request, Completion]:
    """The request as hooks left it, and the answer. Raises ProviderError, or what a hook threw."""
    request = asked.request
    context: Context = {
        **asker.added,
        **asker.identity,
        "provider": provider.name,
        "model": request.model,
        "turn": asked.number,
        "prompt": asked.prompt,
        "message": asked.prompt,
    }
    named = {"agent_name": asker.name, "provider": provider.name, "model": request.model}
    shown = request.to_value()
    data = {**named, "request": shown}
    with asker.run.spanned("llm_call_started", "llm_call_completed", request.model, data, asker.deliver) as span:
        span.data.update(named)
        failing = {**context, "input": asked.prompt}
        unit = Unit(asker.run, "llm_call", failing, asker.tell, asker.name, None, asker.hooks, asker.repeatable)
        call = _Call(asker, provider, asked, shown, context, unit, span)
        sent, completion = await unit.attempt(call.attempt)
        free = span.number in asker.run.effects.free
        span.data.update(
            response=completion.content,
            tool_calls=shown_calls(completion.tool_calls),
            finish_reason=completion.finish_reason,
            **{"recorded_usage" if free else "usage": shown_usage(completion)},
        )
        if free:
            span.data["from_recording"] = True
        return sent, completion


@dataclass(slots=True)
class _Call:
    """One call under way, perhaps attempted several times. context: what each attempt's hooks find; left: as they left
    it; given: what a hook answered in the model's place."""

    asker: Asker
    provider: Provider
    asked: Asked
    shown: dict[str, Any]
    context: Context
    unit: Unit
    span: Span
    left: Context = field(default_factory=dict[str, Any])
    given: Completion | None = None

    async def attempt(self) -> tuple[Request, Completion]:
        sent = await self._prepared()
        if self.given is not None:
            return sent, await self._received(self._told(self.given))
        completion = await self._retried(self._streamed if self.asker.pieces else self._whole, sent)
        return sent, await self._received(completion)

    def _told(self, given: Completion) -> Completion:
        """A hook's answer, given to whoever reads the answer in pieces."""
        self.span.data["answered"] = True
        if self.asker.pieces is not None:
            filters = self._filters()
            self._give(fed(filters, given.content))
            self._give(ended(filters))
        return given

    def _filters(self) -> list[Filter]:
        """Those of hooks; they cut the text anew, so what they leave is seen to once more."""
        found = self.asker.run.hooks.filters("after_llm_call", self.asker.name, self.asker.hooks)
        return [*found, self._unbroken()] if found else []

    def _unbroken(self) -> Unbroken:
        return self.asker.run.service(Masker, lambda run: Masker(run.environ)).unbroken()

    def _give(self, text: str) -> None:
        if text and self.asker.pieces is not None:
            self.asker.tell("llm_chunk", self.asker.name, {"text": text})
            self.asker.pieces.give(text)

    async def _prepared(self) -> Request:
        """The request as `before_llm_call` left it, and an edit."""
        sent = await self._hooked()
        edit = self.asker.run.edit
        if edit is None or edit.span != self.span.number:
            return sent
        from llmspell.agents.edited import edited

        self.provider, sent, given = edited(self.asker.run, self.provider, sent, self.asked.at)
        self.given = given or self.given
        self.span.data.update(provider=self.provider.name, edited=sorted(edit.fields), request=sent.to_value())
        return sent

    async def _hooked(self) -> Request:
        asker, request = self.asker, self.asked.request
        self.left = self.context
        if not asker.run.hooks.wants("before_llm_call", asker.hooks):
            return request
        before = before_call(self.context, request)
        after = await asker.run.hooks.ask("before_llm_call", before, agent=asker.name, own=asker.hooks)
        self.left = after
        self.unit.context = {**after, "input": self.asked.prompt}
        sent = rewritten(request, before, after, self.asked.at)
        self.given = answered(after, sent.model)
        if sent is not request:
            self.span.data["request"] = sent.to_value()
        return sent

    async def _retried(self, ask: Callable[[Request], Awaitable[Completion]], sent: Request) -> Completion:
        count = 0
        run = self.asker.run
        while True:
            if run.control is not None:
                await run.control.reached("model", *self._about(sent))
            if not run.effects.foresees("llm", self.provider.name, lambda: self._shown(sent)):
                run.count_call()
            try:
                return await ask(sent)
            except FINAL:
                raise
            except LlmspellError as error:
                if error.type not in _RETRIED or count >= self.asker.retries or not self.asker.repeatable():
                    raise
                count += 1
                delay = await self.unit.announce_retry(error, count, pause(error, count))
                await run.effects.sleep(delay)

    def _about(self, sent: Request) -> tuple[tuple[str, ...], dict[str, Any]]:
        """What is about to be asked, by its names and for who controls the run."""
        model, provider = sent.model, self.provider.name
        told = {"agent_name": self.asker.name, "provider": provider, "model": model, "request": self._shown(sent)}
        return (f"{provider}/{model}", model), told

    async def _whole(self, sent: Request) -> Completion:
        made: Completion | None = None
        effects, shown = self.asker.run.effects, self._shown(sent)
        token = effects.token("llm", self.provider.name, shown)

        async def perform() -> dict[str, Any]:
            nonlocal made
            made = await self.provider.complete(replace(sent, idempotency_key=token))
            return made.to_value()

        value = await effects.once("llm", self.provider.name, shown, perform)
        return made or Completion.from_value(value)

    def _shown(self, sent: Request) -> dict[str, Any]:
        """The request as a plain value: the one that the events have, where it is that request."""
        return self.shown if sent is self.asked.request else sent.to_value()

    async def _streamed(self, sent: Request) -> Completion:
        effects, shown = self.asker.run.effects, self._shown(sent)
        token = effects.token("llm", self.provider.name, shown)

        async def perform() -> AsyncGenerator[Any, None]:
            """No piece ends inside a secret: each is recorded, told and masked by itself."""
            unbroken = self._unbroken()
            async with aclosing(self.provider.stream(replace(sent, idempotency_key=token))) as stream:
                async for item in stream:
                    text = unbroken.feed(item.text) if isinstance(item, Delta) else unbroken.end()
                    if text:
                        yield text
                    if not isinstance(item, Delta):
                        yield item.to_value()

        completion: Completion | None = None
        filters = self._filters()
        async with aclosing(effects.stream("llm", self.provider.name, shown, perform, self._gone_on)) as stream:
            async for item in stream:
                if isinstance(item, dict):
                    completion = Completion.from_value(item)
                else:
                    self._give(fed(filters, item) if filters else item)
        assert completion is not None  # the last item of every provider's stream
        self._give(ended(filters))
        return completion

    async def _gone_on(self, begun: list[Any], anew: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        """A resumed run asks again for an answer of which a part was given out: what follows that part, where the new
        answer begins with it. Raises ProviderError where it does not."""
        given, come = "".join(begun), ""
        async for piece in anew:
            if isinstance(piece, dict):
                yield piece
                continue
            before, come = len(come), come + piece
            if not (given.startswith(come) or come.startswith(given)):
                raise ProviderError(
                    f"{self.provider.name} was answering when the run was stopped, and now answers otherwise",
                    provider_kind="network",
                    provider=self.provider.name,
                    data={"partial": given},
                )
            if len(come) > len(given):
                yield come[max(before, len(given)) :]

    async def _received(self, completion: Completion) -> Completion:
        """The completion as `after_llm_call` left it; its tokens and cost are counted."""
        asker = self.asker
        if self.span.number not in asker.run.effects.free:
            asker.run.count_usage(completion.usage.total, completion.usage.cost)
        if not asker.run.hooks.wants("after_llm_call", asker.hooks):
            return completion
        shown = {**after_call(self.left, completion), "duration": Since(self.span.started)}
        after = await asker.run.hooks.ask("after_llm_call", shown, agent=asker.name, own=asker.hooks)
        if after["response"] == completion.content:
            return completion
        return replace(completion, content=str(after["response"]))


def pause(error: LlmspellError, count: int) -> float:
    """Milliseconds before retry number `count`: what the server asked for, else doubling from half a second."""
    if error.retry_after is not None:
        return error.retry_after
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (count - 1))
