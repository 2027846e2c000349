"""A checkpoint: what a run of a workflow has done, as a plain value from which another run goes on, of this or of a
later start of the spell.

It has what steps gave by their keys (`kept`), the values and variables of its context, and what it was made of: the
workflow's and the spell's hashes. Functions are found again by their places in the definition, so a checkpoint of
another definition, or of another text of the spell, is refused with what differs. Runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import ArgumentError
from llmspell.state.plain import plain
from llmspell.workflows.definition import Step
from llmspell.workflows.kept import DECISIONS, Done, decision

if TYPE_CHECKING:
    from llmspell.workflows.context import Scope
    from llmspell.workflows.execution import Execution
    from llmspell.workflows.workflow import Workflow

VERSION: Final = 1

#: What the tables of a checkpoint are called, and the variables of a place that follow from where it is.
_TABLES: Final = ("steps", "finished", "context", "places", "inside")
_FOLLOWING: Final = frozenset({"iteration", "item", "index"})
_KEY: Final = re.compile(r"(?P<path>[^@]*)(?:@\d+(?:\.\d+)*)?")
#: Differences that an error lists.
_LISTED: Final = 5

_HINT: Final = "give the value as pause or checkpoint gave it"


@dataclass(slots=True)
class Past:
    """A checkpoint that was read, used up while its workflow goes on. finished: by key, also decisions."""

    id: str = ""
    input: Any = None
    finished: dict[str, Done] = field(default_factory=dict[str, Done])
    context: dict[str, Any] = field(default_factory=dict[str, Any])
    places: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    inside: dict[str, Past] = field(default_factory=dict[str, "Past"])

    def enter(self, key: str, scope: Scope) -> None:
        """Gives a loop, or an item of a map, its own variables or values again."""
        found = self.places.pop(key, {})
        (scope.own if scope.parent is not None and scope.values is scope.parent.values else scope.values).update(found)


# -- taking -----------------------------------------------------------------------------------------------------------


def taken(execution: Execution) -> dict[str, Any]:
    """The checkpoint of a run. Raises ArgumentError where a step gave, or the context holds, what is no plain data."""
    run, progress = execution.run, execution.progress
    return {
        "version": VERSION,
        "id": execution.id,
        "spell": run.identity.sha256,
        "done": progress.done,
        "total": progress.total,
        **_record(execution),
    }


def _record(execution: Execution) -> dict[str, Any]:
    workflow, past = execution.workflow, execution.past
    found: dict[str, Done] = {**past.finished}
    places: dict[str, Any] = {**past.places}
    inside: dict[str, Any] = {key: _unread(workflow, key, each) for key, each in past.inside.items()}
    for kept in execution.kept.each():
        found.update(kept.done)
        for key, decided in kept.decided.items():
            found.update({decision(key, name): Done(value) for name, value in decided.items()})
        for key, scope in kept.scopes.items():
            if own := _own(scope):
                places[key] = own
        for key, inner in kept.runs.items():
            inside[key] = _record(inner)
    context = past.context if execution.scope is None else _some(execution.scope.values)
    where = f"checkpoint of {workflow.name}"
    return {
        **_made_of(workflow),
        "input": plain(execution.input, f"{where}: input"),
        "finished": {key: _shown(done, f"{where}: {key}") for key, done in found.items()},
        "context": plain(context, f"{where}: context"),
        "places": plain(places, where),
        "inside": inside,
    }


def _unread(workflow: Workflow, key: str, past: Past) -> dict[str, Any]:
    """What was in the checkpoint before for a workflow inside that has not begun again yet."""
    inner = workflow.staff.workflow_of(workflow.definition.paths[key.partition("@")[0]])
    return {
        **_made_of(inner),
        "input": past.input,
        "finished": {each: _shown(done, each) for each, done in past.finished.items()},
        "context": past.context,
        "places": past.places,
        "inside": {each: _unread(inner, each, below) for each, below in past.inside.items()},
    }


def _made_of(workflow: Workflow) -> dict[str, Any]:
    definition = workflow.definition
    return {"workflow": workflow.name, "definition": definition.sha256, "steps": definition.prints}


def _shown(done: Done, where: str) -> dict[str, Any]:
    """A table even for nil, which a table of Lua's could not hold."""
    shown: dict[str, Any] = {} if done.value is None else {"value": plain(done.value, where)}
    return {**shown, "skipped": True} if done.skipped else shown


def _own(scope: Scope) -> dict[str, Any]:
    shares = scope.parent is not None and scope.values is scope.parent.values
    return _some(
        {key: value for key, value in (scope.own if shares else scope.values).items() if key not in _FOLLOWING}
    )


def _some(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


# -- reading ----------------------------------------------------------------------------------------------------------


def read(value: Any, workflow: Workflow) -> Past:
    """What a checkpoint has to go on from. Raises ArgumentError for one that is not of this workflow as it is now."""
    if not isinstance(value, dict):
        shown = "nothing" if value is None else f"{value!r:.60}"
        raise ArgumentError(f"a checkpoint is a table, and this is {shown}", hint=_HINT)
    version = value.get("version")
    if not isinstance(version, int | float) or isinstance(version, bool):
        raise _damaged("it has no version")
    if version > VERSION:
        raise ArgumentError(
            f"the checkpoint is of version {version:g}, and this llmspell reads version {VERSION}",
            hint="a newer llmspell made it: go on with that one",
        )
    if version != VERSION:
        raise _damaged(f"there is no version {version:g}")
    past = _read(value, workflow, "")
    if value.get("spell") != workflow.run.identity.sha256:
        raise ArgumentError(
            f"the checkpoint of {workflow.name} is of another text of the spell",
            hint="functions are found again by their places in it: go on with the spell as it was, or begin anew",
        )
    found = value.get("id")
    past.id = found if isinstance(found, str) else ""
    return past


def _read(value: dict[str, Any], workflow: Workflow, inside: str) -> Past:
    """inside: the key of the step that the workflow is; empty for the whole."""
    at = f"{inside}: " if inside else ""
    tables = {name: _table(value.get(name), f"{at}{name}") for name in _TABLES}
    _same(value, tables["steps"], workflow, at)
    paths = workflow.definition.paths
    for key in [*tables["finished"], *tables["inside"], *tables["places"]]:
        if _KEY.fullmatch(key) is None or not _known(paths, key.partition("@")[0]):
            raise _damaged(f"{at}{workflow.name} has no step {key!r}")
    past = Past(
        input=value.get("input"),
        finished={key: _done(each, f"{at}finished[{key!r}]") for key, each in tables["finished"].items()},
        context=tables["context"],
        places={key: _table(each, f"{at}places[{key!r}]") for key, each in tables["places"].items()},
    )
    for key, each in tables["inside"].items():
        step = paths.get(key.partition("@")[0])
        if step is None or step.type != "workflow":
            raise _damaged(f"{at}the step {key!r} is no workflow")
        past.inside[key] = _read(_table(each, f"{at}inside[{key!r}]"), workflow.staff.workflow_of(step), key)
    return past


def _same(value: dict[str, Any], prints: dict[str, Any], workflow: Workflow, at: str) -> None:
    """Raises ArgumentError, saying what differs, unless the workflow is the one that the checkpoint was made of."""
    name, definition = value.get("workflow"), value.get("definition")
    if not isinstance(name, str) or not isinstance(definition, str):
        raise _damaged(f"{at}it does not say what it is of")
    if name != workflow.name:
        raise ArgumentError(f"{at}the checkpoint is of workflow {name!r}, and this is {workflow.name!r}")
    if definition == workflow.definition.sha256:
        return
    now = workflow.definition.prints
    other = [path for path in now if path in prints and prints[path] != now[path]]
    told = ((other, "changed"), ([path for path in now if path not in prints], "new"))
    told = (*told, ([path for path in prints if path not in now], "gone"))
    differences = [f"{path or 'the workflow itself'} is {what}" for paths, what in told for path in paths]
    shown = ", ".join(differences[:_LISTED]) + (", …" if len(differences) > _LISTED else "")
    raise ArgumentError(
        f"{at}workflow {name!r} is not what it was when the checkpoint was made: {shown or 'its order is another'}",
        hint="go on with the workflow as it was, or begin anew",
    )


def _known(paths: Mapping[str, Step], path: str) -> bool:
    """Whether there is such a step, or a step of which such a thing is found out."""
    before, _, name = path.rpartition(".")
    return path in paths or (name in DECISIONS and before in paths)


def _done(value: Any, where: str) -> Done:
    found = _table(value, where)
    if found.keys() - {"value", "skipped"}:
        raise _damaged(f"{where} has an unknown {min(found.keys() - {'value', 'skipped'})!r}")
    return Done(found.get("value"), found.get("skipped") is True)


def _table(value: Any, where: str) -> dict[str, Any]:
    if value == []:  # Lua knows one empty table
        return {}
    if not isinstance(value, dict):
        raise _damaged(f"{where} is {'missing' if value is None else 'no table'}")
    return {str(key): item for key, item in value.items()}


def _damaged(problem: str) -> ArgumentError:
    return ArgumentError(f"the checkpoint is damaged: {problem}", hint=_HINT)
