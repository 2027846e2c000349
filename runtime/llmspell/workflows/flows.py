"""What the kinds of steps do with the steps inside them: in order, at once, by condition, in a loop, over items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmspell.workflows.concurrency import together
from llmspell.workflows.context import Scope
from llmspell.workflows.definition import Step
from llmspell.workflows.functions import listed

if TYPE_CHECKING:
    from llmspell.workflows.execution import Execution

#: How often a loop goes round at most that does not say so itself: each time may cost money.
ITERATIONS: Final = 100
#: Items of a map at once, unless it says otherwise.
CONCURRENCY: Final = 8


async def flow(execution: Execution, step: Step, scope: Scope, given: Any) -> Any:
    """What the steps inside a step make of its input."""
    match step.type:
        case "sequential":
            return await _sequential(execution, step, scope, given)
        case "parallel":
            return await _parallel(execution, step, scope, given)
        case "conditional":
            return await _conditional(execution, step, scope, given)
        case "loop":
            return await (_over if step.has_items else _loop)(execution, step, scope, given)
        case "map_reduce":
            return await _map_reduce(execution, step, scope, given)
        case "pipeline":
            from llmspell.workflows.pipeline import flow as stream

            return await aggregated(execution, step, scope, await stream(execution, step, scope, given))
        case _:
            raise AssertionError(step.type)


async def aggregated(execution: Execution, step: Step, scope: Scope, results: Any) -> Any:
    """What the step's aggregator makes of the results; themselves without one."""
    if step.aggregator is None:
        return results
    return await execution.call(step.aggregator, results, scope.context)


async def _sequential(execution: Execution, step: Step, scope: Scope, given: Any) -> Any:
    inner = scope.inner() if step.path else scope
    for each in step.parts[0].steps:
        given = await execution.step(each, inner, given)
    return given


async def _parallel(execution: Execution, step: Step, scope: Scope, given: Any) -> Any:
    parts = step.parts

    async def one(place: int) -> Any:
        # The `step_N` that each sees are those around the parallel: at once, none is before another.
        return await execution.step(parts[place].steps[0], scope.inner() if step.path else scope, given)

    results = await together(execution.run, len(parts), one, step.concurrency)
    return await aggregated(execution, step, scope, results)


async def _conditional(execution: Execution, step: Step, scope: Scope, given: Any) -> Any:
    """The value of the branch taken; the input where there is none to take."""

    async def choose() -> str:
        if step.condition is not None and any(step.part(key) for key in ("true_branch", "false_branch")):
            return "true_branch" if await execution.holds(step.condition, scope, given) else "false_branch"
        for part in step.parts:
            if part.condition is not None and await execution.holds(part.condition, scope, given):
                return part.key
        return ""

    chosen = step.part(await execution.decided(scope, step.path, "branch", choose)) or step.part("default")
    if not step.path:
        execution.expect(len(chosen.steps) if chosen else 0)
    for part in step.parts:
        for each in part.steps if part is not chosen else ():
            scope.absent(each)
    execution.tell("workflow_branch", step.title, {"step_name": step.title, "branch": chosen.key if chosen else ""})
    return given if chosen is None else await execution.part(chosen, scope, given)


async def _loop(execution: Execution, step: Step, scope: Scope, given: Any) -> Any:
    """The body's last value; the input where it never ran."""
    own: dict[str, Any] = {"iteration": 0, "confidence_score": 0}
    inner = execution.place(step, scope.of(own))
    most = step.max_iterations or ITERATIONS
    if not step.path:
        execution.expect(0)  # nobody knows
    key = scope.key(step.path)
    own["iteration"], given = execution.reached(key, given)
    while own["iteration"] < most:
        if step.condition is not None and not await _goes_round(execution, step, inner, given):
            return given
        given = await execution.part(step.parts[0], inner, given)
        own["iteration"] += 1
        scope.kept.round(key, {"iteration": own["iteration"], "value": given})
    if step.max_iterations is None:
        execution.run.warn(
            f"the loop {step.title!r} has gone round {most} times, and stops there: "
            "give it max_iterations if that is right"
        )
    return given


async def _goes_round(execution: Execution, step: Step, inner: Scope, given: Any) -> bool:
    async def holds() -> bool:
        return await execution.holds(step.condition, inner, given)

    return await execution.decided(inner, step.path, "condition", holds)


async def _over(execution: Execution, step: Step, scope: Scope, given: Any) -> Any:
    """The values of all items, in order; each item is its round's input."""
    items = await _items(execution, step, scope, given, "over")
    own: dict[str, Any] = {"iteration": 0, "confidence_score": 0, "item": None, "index": 0}
    inner = execution.place(step, scope.of(own))
    if not step.path:
        execution.expect(len(items) * len(step.parts[0].steps))
    results: list[Any] = []
    for place, item in enumerate(items[: step.max_iterations]):
        own.update(iteration=place, item=item, index=place)
        last = results[-1] if results else given
        if step.condition is not None and not await _goes_round(execution, step, inner, last):
            break
        results.append(await execution.part(step.parts[0], inner, item))
    return await aggregated(execution, step, scope, results)


async def _map_reduce(execution: Execution, step: Step, scope: Scope, given: Any) -> Any:
    items = await _items(execution, step, scope, given, "items")
    if step.chunk is not None:
        items = [items[start : start + step.chunk] for start in range(0, len(items), step.chunk)]
    body, *rest = step.parts
    if not step.path:
        execution.expect(len(items) * len(body.steps) + sum(len(part.steps) for part in rest))
    # A function that is the whole map is given its item: it needs no context of its own, of which there would be as
    # many as items.
    bare = len(body.steps) == 1 and body.steps[0].type == "function" and not body.steps[0].has_input

    async def one(place: int) -> Any:
        inner = scope.apart({"item": items[place], "index": place}, bare=bare)
        if bare:
            return await execution.part(body, inner, items[place])
        value = await execution.part(body, execution.place(step, inner), items[place])
        scope.kept.scopes.pop(inner.key(step.path), None)
        return value

    results = await together(execution.run, len(items), one, step.concurrency or CONCURRENCY)
    return await execution.part(rest[0], scope.inner(), results) if rest else results


async def _items(execution: Execution, step: Step, scope: Scope, given: Any, field: str) -> list[Any]:
    async def find() -> Any:
        return await execution.template(step.items, scope)

    found = await execution.decided(scope, step.path, "items", find) if step.has_items else given
    return listed(found, f"{step.title}: {field}")
