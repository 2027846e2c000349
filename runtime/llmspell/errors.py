"""Every error llmspell raises, as one tree.

    LlmspellError
    ├── UsageError             the person called the program wrongly (exit 2)
    │   └── SettingsError      llmspell.toml, a variable or a flag is wrong
    ├── ArgumentError          a script passed a wrong value to the API
    ├── ScriptError            the script itself failed: thrown value, syntax, unhandled rejection
    ├── LimitError             a limit ended the run (exit 3); a script cannot catch it
    ├── CancelledByUser        the run was cancelled (exit 130)
    ├── SecurityError          something was refused by policy
    │   └── PermissionDenied   a permission is missing; the hint names the flag that grants it
    ├── RateLimitError         too many requests, at a provider or at a limiter of the script's
    ├── ContentViolationError  text was refused by a moderator
    ├── TimeoutError           something took longer than its time-out
    ├── ToolError              a tool could not do its job
    │   └── SchemaError        a value does not fit its JSON Schema
    ├── ProviderError          a model's service answered with an error
    ├── ReplayError            a replayed run asked for something that was not recorded
    └── StoreError             a run's file cannot be read or written

An error has a `kind`, the word scripts see as `type` and compare with; it says what happened, to which value,
and, in `hint`, what to try. It knows nothing of how it is shown.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal, cast, get_args

ProviderKind = Literal[
    "timeout",
    "rate_limit",
    "auth",
    "not_found",
    "invalid_request",
    "overloaded",
    "network",
    "content_filter",
    "context_length",
]

#: What a provider's failure is called in scripts, and whether asking again may help.
RETRYABLE_KINDS: Final[frozenset[str]] = frozenset({"timeout", "rate_limit", "overloaded", "network"})


class LlmspellError(Exception):
    """The root. `str(error)` is one line for a person.

    kind: the word a script sees as `error.type`.
    hint: what to try, or "".
    source: the script's own position, `file:line`, or "".
    stack: the script's own stack, innermost first, as `file:line: in function 'name'` lines.
    retry_after: milliseconds to wait before asking again, when the other side said so.
    retryable: whether the same request may succeed later.
    data: more that a script may read, as plain values.
    """

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        source: str = "",
        stack: tuple[str, ...] = (),
        retry_after: float | None = None,
        retryable: bool | None = None,
        data: dict[str, Any] | None = None,
        cause: LlmspellError | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.source = source
        self.stack = stack
        self.retry_after = retry_after
        self._retryable = retryable
        self.data: dict[str, Any] = data or {}
        if cause is not None:
            self.__cause__ = cause

    @property
    def type(self) -> str:
        """The word scripts compare with; a class's `kind` unless an instance knows better."""
        return self.kind

    @property
    def retryable(self) -> bool:
        return self._retryable if self._retryable is not None else self.type in RETRYABLE_KINDS

    def to_value(self) -> dict[str, Any]:
        """The error as plain values: what crosses to a script and into the event log (snake_case keys)."""
        cause = self.__cause__
        return {
            "type": self.type,
            "name": type(self).__name__ if self.script_name is None else self.script_name,
            "message": self.message,
            "hint": self.hint,
            "source": self.source,
            "stack": list(self.stack),
            "retry_after": self.retry_after,
            "retryable": self.retryable,
            "cause": cause.to_value() if isinstance(cause, LlmspellError) else None,
            "data": self.data,
        }

    @property
    def script_name(self) -> str | None:
        """The class name a script sees, where it differs from the Python one."""
        return None


class UsageError(LlmspellError):
    kind = "usage"
    exit_code = 2


class SettingsError(UsageError):
    kind = "settings"


class ArgumentError(LlmspellError):
    kind = "invalid_argument"


class ScriptError(LlmspellError):
    """What a script threw. `value` is the thrown value where it was not an error object."""

    kind = "script"

    def __init__(self, message: str, *, type: str = "script", name: str = "Error", value: Any = None, **more: Any):
        super().__init__(message, **more)
        self._type = type
        self._name = name
        self.value = value

    @property
    def type(self) -> str:
        return self._type

    @property
    def script_name(self) -> str | None:
        return self._name


class LimitError(LlmspellError):
    """`limit` names which one: cpu, memory, wall, output, calls, in_flight, frame, cost, depth, objects, traffic."""

    kind = "limit"
    exit_code = 3

    def __init__(self, message: str, *, limit: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.limit = limit
        self.data.setdefault("limit", limit)


class CancelledByUser(LlmspellError):
    kind = "cancelled"
    exit_code = 130


class SecurityError(LlmspellError):
    kind = "security"


class PermissionDenied(SecurityError):
    kind = "permission"

    @property
    def script_name(self) -> str | None:
        return "SecurityError"


class RateLimitError(LlmspellError):
    kind = "rate_limit"


class ContentViolationError(LlmspellError):
    kind = "content_violation"


class TimeoutError(LlmspellError):  # noqa: A001  the scripts' own name for it
    kind = "timeout"


class ToolError(LlmspellError):
    kind = "tool"


class SchemaError(ToolError):
    kind = "validation"

    @property
    def script_name(self) -> str | None:
        return "ToolError"


class ProviderError(LlmspellError):
    """A model's service failed. `provider_kind` is one of `ProviderKind`."""

    def __init__(
        self,
        message: str,
        *,
        provider_kind: ProviderKind,
        provider: str = "",
        model: str = "",
        status: int | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message, **more)
        self.provider_kind: ProviderKind = provider_kind
        self.provider = provider
        self.model = model
        self.status = status
        self.data.update({"provider": provider, "model": model, "status": status})

    exit_code_unreachable: ClassVar[int] = 4

    @property
    def type(self) -> str:
        return self.provider_kind

    @property
    def script_name(self) -> str | None:
        match self.provider_kind:
            case "timeout":
                return "TimeoutError"
            case "rate_limit":
                return "RateLimitError"
            case _:
                return "ProviderError"


class ReplayError(LlmspellError):
    kind = "replay"


class StoreError(LlmspellError):
    kind = "store"


def revived(fields: dict[str, Any]) -> LlmspellError:
    """The error that gave this map (`to_value`), of the class it had as far as a script or an exit code can tell.

    The map may come from a script, so anything may be missing or wrong in it.
    """
    kind, name = str(fields.get("type") or "script"), str(fields.get("name") or "Error")
    message = str(fields.get("message") or "an error without a message")
    stack, data, cause, after = (fields.get(key) for key in ("stack", "data", "cause", "retry_after"))
    given: dict[str, Any] = {
        "hint": str(fields.get("hint") or ""),
        "source": str(fields.get("source") or ""),
        "stack": tuple(map(str, cast("list[Any]", stack))) if isinstance(stack, list) else (),
        "retry_after": after if isinstance(after, int | float) else None,
        "retryable": found if isinstance(found := fields.get("retryable"), bool) else None,
        "data": dict(cast("dict[str, Any]", data)) if isinstance(data, dict) else {},
        "cause": revived(cast("dict[str, Any]", cause)) if isinstance(cause, dict) else None,
    }
    told = given["data"]
    if kind in get_args(ProviderKind) and {"provider", "model"} <= told.keys():  # a script may have lost the rest
        whose = {key: told.get(key) for key in ("provider", "model", "status")}
        return ProviderError(message, provider_kind=cast("ProviderKind", kind), **whose, **given)
    if (kind, name) == (LimitError.kind, LimitError.__name__):
        return LimitError(message, limit=str(told.get("limit", "")), **given)
    made = _MADE_OF_A_MESSAGE.get((kind, name))
    if made is not None:
        return made(message, **given)
    return ScriptError(message, type=kind, name=name, value=fields.get("value"), **given)


#: Error classes that need a message alone, by what a script sees of them.
_MADE_OF_A_MESSAGE: Final[dict[tuple[str, str], type[LlmspellError]]] = {
    (made.kind, made("").to_value()["name"]): made
    for made in (
        ArgumentError,
        CancelledByUser,
        SecurityError,
        PermissionDenied,
        RateLimitError,
        ContentViolationError,
        TimeoutError,
        ToolError,
        SchemaError,
        ReplayError,
        StoreError,
    )
}


def fault(error: Exception, where: str) -> LlmspellError:
    """What a person is told of an error that is none of ours: llmspell itself is wrong. `--debug` shows its cause."""
    text = (str(error) or "no message").splitlines()[0]
    found = LlmspellError(
        f"internal error in {where}: {type(error).__name__}: {text}",
        hint="this is a fault of llmspell, not of the spell; --debug shows where",
    )
    found.__cause__ = error
    return found
