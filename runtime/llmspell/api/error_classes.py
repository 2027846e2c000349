"""The error classes that scripts can name, construct, throw and catch, and what each means."""

from __future__ import annotations

from typing import Any, Final

from llmspell.frozen import frozen


@frozen
class ErrorClass:
    name: str
    type: str
    doc: str


CLASSES: Final[tuple[ErrorClass, ...]] = (
    ErrorClass("SecurityError", "security", "Something was refused by policy or permission."),
    ErrorClass("RateLimitError", "rate_limit", "Too many requests; `retry_after` says how long to wait, if known."),
    ErrorClass("ContentViolationError", "content_violation", "Text was refused by a moderator."),
    ErrorClass("TimeoutError", "timeout", "Something took longer than its time-out."),
    ErrorClass("ToolError", "tool", "A tool could not do its job."),
    ErrorClass("ProviderError", "invalid_request", "A model's service answered with an error; `type` says which kind."),
    ErrorClass("ArgumentError", "invalid_argument", "A value that the API does not take."),
)

#: What a caught error holds. JavaScript's `Error` has the first four of them by itself.
FIELDS: Final[dict[str, dict[str, Any]]] = {
    "message": {"type": "string", "description": "What happened, to which value."},
    "name": {"type": "string", "description": "Its class: `TimeoutError`."},
    "stack": {"type": "array", "items": {"type": "string"}, "description": "The script's own stack, innermost first."},
    "cause": {"x-error": True, "type": "object", "description": "What made it happen."},
    "type": {"type": "string", "description": "Its kind: `timeout`, `rate_limit`, `security`, …"},
    "retry_after": {"type": "number", "description": "Milliseconds to wait before asking again, where it is known."},
    "retryable": {"type": "boolean", "description": "Whether the same request may succeed later."},
    "source": {"type": "string", "description": "The script's own `file:line`."},
    "hint": {"type": "string", "description": "What to try."},
    "data": {"type": "object", "additionalProperties": {}, "description": "More, by kind."},
}
#: Fields that not every error has.
OPTIONAL: Final = frozenset({"cause", "retry_after"})
#: Fields that JavaScript's own `Error` has.
NATIVE: Final = frozenset({"message", "name", "stack", "cause"})
