"""The error classes that scripts can name, construct, throw and catch, and what each means."""

from __future__ import annotations

from typing import Final

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
