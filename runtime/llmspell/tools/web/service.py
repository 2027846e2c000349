"""Asks a service's HTTP interface through the guarded exchange, and turns its refusals into errors.

Knows no service: who uses it says the address, the headers and what an answer means. No redirects: a service's own
interface has none, and credentials must not travel.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from llmspell import errors
from llmspell.errors import RateLimitError, SchemaError, ToolError
from llmspell.frozen import frozen
from llmspell.security.network import Resolver, system_resolver
from llmspell.security.permissions import Permissions
from llmspell.tools.web import refusals

_FORM: Final = "application/x-www-form-urlencoded"


@frozen
class Answer:
    """headers: names in lower case. value: JSON as a value, else text (Base64 where it is neither)."""

    status: int
    headers: Mapping[str, str]
    value: Any

    @property
    def table(self) -> dict[str, Any]:
        """The value where it is a table, else an empty one."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def rows(self) -> list[Any]:
        return self.value if isinstance(self.value, list) else []


@frozen
class Service:
    """One service as a tool reaches it. name: for errors. base: its address, without `/` at the end."""

    name: str
    base: str
    headers: Mapping[str, str]
    permissions: Permissions
    milliseconds: float = 30_000
    resolver: Resolver = system_resolver
    max_size: int = 10_000_000

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Sequence[tuple[str, str]] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer, when its status is 2xx. content: a body of a kind that `headers` name.

        Raises PermissionDenied, RateLimitError, TimeoutError and ToolError.
        """
        from llmspell.tools.web.http_request import HttpRequestOptions, HttpRequestParams

        # in a thread: aiohttp takes 270 ms to import, and the loop serves others
        exchange: Any = await asyncio.to_thread(importlib.import_module, "llmspell.tools.web.exchange")
        asked = HttpRequestParams(
            url=self.base + path,
            method=method,  # pyright: ignore[reportArgumentType]  one of its methods, by who asks
            headers={**self.headers, **(headers or {})},
            query={key: value for key, value in (query or {}).items() if value is not None} or None,
            json=json,
            body=urlencode(form) if form is not None else None,
        )
        if form is not None:
            asked = replace(asked, headers={**(asked.headers or {}), "content-type": _FORM})
        options = HttpRequestOptions(max_response_size=self.max_size, follow_redirects=False)
        try:
            async with asyncio.timeout(self.milliseconds / 1000):
                found = await exchange.send(asked, options, self.permissions, self.resolver, content=content)
        except TimeoutError:
            raise errors.TimeoutError(
                f"{self.name}: the service did not answer within {self.milliseconds:g} ms", hint="try later"
            ) from None
        answer = Answer(found["status"], found["headers"], found["body"])
        if not found["ok"]:
            raise self.refusal(answer)
        return answer

    def refusal(self, answer: Answer) -> errors.LlmspellError:
        """What an answer that is no success means."""
        status, said = answer.status, refusals.said(answer.value)
        what = f"{self.name}: the service answered {status}" + (f": {said}" if said else "")
        wait = refusals.wait(answer.headers)
        spent = "retry-after" in answer.headers or "rate limit" in said.lower()  # GitHub says so with 403 too
        if status == 429 or (status == 403 and spent):
            return RateLimitError(what, hint="ask less often", retry_after=wait, retryable=True)
        match status:
            case 401 | 403:
                hint = "check the credentials and what they allow"
            case 404:
                hint = "check the names, and that the credentials may see it"
            case 300 | 301 | 302 | 303 | 307 | 308:
                hint = "it has moved: check the address of the service"
            case _:
                hint = "try later" if status >= 500 else "check the arguments"
        return ToolError(what, hint=hint, retryable=status >= 500, data={"status": status})


def segment(value: object, what: str) -> str:
    """One part of a path, quoted: it can neither leave its place nor add a query. Raises SchemaError."""
    text = str(value)
    if text in {"", ".", ".."} or "\0" in text:
        raise SchemaError(f"{text!r} is no {what}", hint=f"give the {what} by its name or number")
    return quote(text, safe="")


def needed(value: Any, name: str, operation: str) -> Any:
    """A parameter that an operation cannot do without. Raises SchemaError."""
    if value is None or value == "":
        raise SchemaError(f"`{operation}` needs `{name}`", hint=f"give `{name}`")
    return value
