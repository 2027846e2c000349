"""The edited call of a forked run: its request as the person wrote it, or the answer they gave in the model's place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from llmspell.agents.model_hooks import answered, before_call, rewritten
from llmspell.providers.base import Completion, Provider, Request
from llmspell.providers.of_run import providers_of
from llmspell.run import Run


def edited(run: Run, provider: Provider, request: Request, at: int) -> tuple[Provider, Request, Completion | None]:
    """at: the place of the user's message. Raises ArgumentError for messages that are none, ProviderError for a model
    that there is not."""
    assert run.edit is not None
    fields = dict(run.edit.fields)
    given = answered({"response": fields["answer"]}, request.model) if "answer" in fields else None
    if (model := fields.pop("model", None)) is not None:
        provider, name = _resolved(run, model)
        request = replace(request, model=name)
    before = before_call({"prompt": None, "message": None, "model": request.model}, request)
    after = {**before, **{_NAMES.get(name, name): value for name, value in fields.items() if name != "answer"}}
    return provider, rewritten(request, before, after, at), given


_NAMES = {"system": "system_prompt"}


def _resolved(run: Run, model: str) -> tuple[Provider, str]:
    providers, wanted = providers_of(run), {"model": model, "provider": None, "base_url": None}
    found: tuple[Provider, str] | None = None

    def look() -> dict[str, Any]:
        nonlocal found
        found = providers.resolve(**wanted, api_key=None)
        return {"provider": found[0].name, "model": found[1]}

    named = run.effects.read("model", "edit", wanted, look)
    return found or (providers.recorded(named["provider"]), named["model"])
