"""What the Debug Adapter Protocol 1.71 says the adapter's messages look like, of those it sends: names, and what each is.

A name with `!` must be there; no other may. A list of one is a list of such.
"""

from __future__ import annotations

from typing import Any, Final

_SOURCE: Final = {"name": str, "path": str, "sourceReference": int, "presentationHint": str}
_POINT: Final = {"id": int, "verified!": bool, "message": str, "source": _SOURCE, "line": int, "column": int}
_FRAME: Final = {
    "id!": int, "name!": str, "line!": int, "column!": int, "source": _SOURCE, "presentationHint": str,
}  # fmt: skip
_HINT: Final = {"kind": str, "attributes": [str], "visibility": str, "lazy": bool}
_VALUE: Final = {
    "type": str, "presentationHint": _HINT, "variablesReference!": int, "namedVariables": int, "indexedVariables": int,
}  # fmt: skip
_SCOPE: Final = {"name!": str, "presentationHint": str, "variablesReference!": int, "expensive!": bool}
_FILTER: Final = {
    "filter!": str, "label!": str, "description": str, "default": bool, "supportsCondition": bool,
    "conditionDescription": str,
}  # fmt: skip
_CAPABLE: Final = """ConfigurationDoneRequest FunctionBreakpoints ConditionalBreakpoints HitConditionalBreakpoints LogPoints
EvaluateForHovers SetVariable SetExpression CompletionsRequest RestartRequest ExceptionInfoRequest ExceptionFilterOptions
TerminateRequest BreakpointLocationsRequest LoadedSourcesRequest ModulesRequest ClipboardContext CancelRequest
DelayedStackTraceLoading""".split()
_CAPABILITIES: Final = {f"supports{name}": bool for name in _CAPABLE} | {
    "completionTriggerCharacters": [str],
    "exceptionBreakpointFilters": [_FILTER],
}
_EXCEPTION: Final = {
    "exceptionId!": str, "description": str, "breakMode!": str,
    "details": {"message": str, "typeName": str, "stackTrace": str},
}  # fmt: skip
_ERROR: Final = {"id!": int, "format!": str, "showUser": bool}

_RESPONSES: Final[dict[str, Any]] = {
    "initialize": _CAPABILITIES,
    "setBreakpoints": {"breakpoints!": [_POINT]},
    "setFunctionBreakpoints": {"breakpoints!": [_POINT]},
    "setExceptionBreakpoints": {"breakpoints": [_POINT]},
    "breakpointLocations": {"breakpoints!": [{"line!": int, "column": int}]},
    "loadedSources": {"sources!": [_SOURCE]},
    "modules": {"modules!": [{"id!": str, "name!": str, "path": str}], "totalModules": int},
    "source": {"content!": str, "mimeType": str},
    "threads": {"threads!": [{"id!": int, "name!": str}]},
    "stackTrace": {"stackFrames!": [_FRAME], "totalFrames": int},
    "scopes": {"scopes!": [_SCOPE]},
    "variables": {"variables!": [{**_VALUE, "name!": str, "value!": str, "evaluateName": str}]},
    "setVariable": {**_VALUE, "value!": str},
    "setExpression": {**_VALUE, "value!": str},
    "evaluate": {**_VALUE, "result!": str},
    "completions": {"targets!": [{"label!": str, "type": str}]},
    "exceptionInfo": _EXCEPTION,
    "continue": {"allThreadsContinued": bool},
}
_EVENTS: Final[dict[str, Any]] = {
    "initialized": {},
    "process": {"name!": str, "startMethod": str, "isLocalProcess": bool},
    "thread": {"reason!": str, "threadId!": int},
    "stopped": {
        "reason!": str, "description": str, "threadId": int, "text": str, "allThreadsStopped": bool,
        "hitBreakpointIds": [int],
    },
    "continued": {"threadId!": int, "allThreadsContinued": bool},
    "output": {"category": str, "output!": str, "source": _SOURCE, "line": int},
    "breakpoint": {"reason!": str, "breakpoint!": _POINT},
    "loadedSource": {"reason!": str, "source!": _SOURCE},
    "exited": {"exitCode!": int},
    "terminated": {},
}  # fmt: skip


def problems(message: dict[str, Any]) -> list[str]:
    """What is wrong with a message of the adapter's."""
    if message["type"] == "event":
        name = message["event"]
        shape: Any = {"seq!": int, "type!": str, "event!": str, "body": _EVENTS.get(name)}
    else:
        name = message["command"]
        told = _RESPONSES.get(name, {}) if message["success"] else {"error": _ERROR}
        must = "!" if not message["success"] or name in _RESPONSES else ""
        shape = {"seq!": int, "type!": str, "request_seq!": int, "success!": bool, "command!": str}
        shape |= {f"body{must}": told} if message["success"] else {"message!": str, "body!": told}
    return list(_wrong(shape, message, name))


def _wrong(shape: Any, value: Any, path: str) -> Any:
    match shape:
        case None:
            yield f"{path} is no event of the protocol"
        case [each] if isinstance(value, list):
            for number, item in enumerate(value):
                yield from _wrong(each, item, f"{path}[{number}]")
        case dict() if isinstance(value, dict):
            names = {name.rstrip("!"): inner for name, inner in shape.items()}
            yield from (f"{path}.{name} is unknown" for name in value if name not in names)
            yield from (
                f"{path}.{name[:-1]} is missing" for name in shape if name[-1] == "!" and name[:-1] not in value
            )
            for name in value.keys() & names.keys():
                yield from _wrong(names[name], value[name], f"{path}.{name}")
        case type() if isinstance(value, shape) and not (shape is int and isinstance(value, bool)):
            pass
        case _:
            yield f"{path} is {value!r}"
