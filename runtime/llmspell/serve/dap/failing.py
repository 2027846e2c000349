"""Whether an error that leaves a function of a script is caught by somebody outside of it: the host, or a script that
waits for what called the function. Knows no client."""

from __future__ import annotations

from llmspell import place
from llmspell.api.hook_points import BY_NAME
from llmspell.engines.debugging.session import CallSite, Debuggee
from llmspell.errors import UsageError
from llmspell.run import Run
from llmspell.serve.dap.spans import Open, Spans

_HOOK = "hook_called"


async def is_caught(run: Run, spans: Spans, worker: Debuggee) -> bool:
    """worker: stands at the error."""
    context = worker.context
    if context is None:
        return False  # what the spell itself throws
    taken = context.get(place.taken)
    if taken is not None:
        return taken
    span = context.get(place.span)
    chain = [] if span is None else spans.chain(span.number)
    if any(each.kind == _HOOK and _is_ignored(run, each) for each in chain):
        return True
    asked: list[CallSite] = []
    for site in (context.get(place.site), *(each.site for each in chain)):
        if isinstance(site, CallSite) and not any(site.is_of(other) for other in asked):
            asked.append(site)
            if await _catches(site):
                return True
    return False


def _is_ignored(run: Run, hook: Open) -> bool:
    """Whether a handler that throws fails nothing (`hooks.table`)."""
    point = BY_NAME.get(hook.name)
    if point is None or not point.veto:
        return True
    return run.settings.hooks.on_error == "ignore" and not point.name.startswith("before_")


async def _catches(site: CallSite) -> bool:
    try:
        return bool(await site.worker.ask("catches", call=site.call))
    except UsageError:  # it has ended
        return False
