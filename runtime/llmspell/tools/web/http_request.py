"""The HTTP tool: what it is asked and what it gives. `exchange` sends, `security.network` says where to."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell import errors
from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.security.network import Resolver, system_resolver
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Text = Annotated[str, Bounds(max_length=8192)]
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequestOptions:
    allowed_domains: Annotated[list[str], Bounds(max_items=500)] | None = None
    """Hosts that this tool may reach, within what the run may: `api.example.org`, `*.example.org`, `host:8080`.
    None: all that the run may."""

    timeout: Annotated[float, Bounds(ge=1, le=600_000)] = 30_000
    """Milliseconds for a request with all its redirects."""

    max_response_size: Annotated[int, Bounds(ge=1, le=100_000_000)] = 5 * 1024 * 1024
    """Bytes of the largest answer, unpacked."""

    follow_redirects: bool = True
    """Whether redirects are followed; each is checked as the first address was."""

    max_redirects: Annotated[int, Bounds(ge=0, le=20)] = 5
    """Redirects to follow at most."""

    user_agent: Annotated[str, Bounds(min_length=1, max_length=200)] = "llmspell"
    """What the tool calls itself."""

    headers: Annotated[dict[str, Text], Bounds(max_properties=50)] | None = None
    """Headers sent with every request; a redirect to another host leaves them out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequestParams:
    url: Annotated[str, Bounds(min_length=1, max_length=8192)]
    """The address, http or https."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = "GET"
    """The method."""

    headers: Annotated[dict[str, Text], Bounds(max_properties=50)] | None = None
    """Headers to send. Host, Content-Length and those of the connection are the tool's own."""

    query: Annotated[dict[str, Scalar | list[Scalar]], Bounds(max_properties=200)] | None = None
    """Parameters added to the address."""

    body: Annotated[str, Bounds(max_length=10_000_000)] | None = None
    """The body as text; give this, `json` or `form`."""

    json: Any = None
    """The body as a value, sent as JSON."""

    form: Annotated[dict[str, Scalar], Bounds(max_properties=500)] | None = None
    """The body as the fields of a form."""

    timeout: Annotated[float, Bounds(ge=1, le=600_000)] | None = None
    """Milliseconds for this request; the tool's own limit stays."""

    response: Literal["auto", "json", "text", "base64"] = "auto"
    """What the answer's body becomes. auto: a value if it is JSON, text if it is text, else Base64."""


class HttpRequestResult(TypedDict):
    status: int
    """The status code; 404 or 500 is an answer, not an error of the tool."""
    ok: bool
    """Whether the status is 200 to 299."""
    url: str
    """The address that answered, after redirects."""
    headers: dict[str, str]
    """The answer's headers, names in lower case."""
    content_type: str
    """The answer's media type, or ""."""
    body: Any
    """The body, as `response` asked for."""
    encoding: Literal["json", "text", "base64", "empty"]
    """What `body` is."""
    redirects: NotRequired[list[str]]
    """The addresses that redirected, if any."""


@exposed(
    aliases=("HttpRequest",),
    options=HttpRequestOptions,
    tool=ToolMark(
        name="http_request",
        category="web",
        params=HttpRequestParams,
        result=HttpRequestResult,
        examples=(
            Example({"url": "https://api.example.org/items", "query": {"limit": 10}}, note="read a list"),
            Example(
                {"method": "POST", "url": "https://api.example.org/items", "json": {"name": "Ada"}}, note="send JSON"
            ),
        ),
        permissions=("net",),
        timeout=620_000,
        max_output=140_000_000,
    ),
)
class HttpRequestTool(BuiltinTool[HttpRequestOptions]):
    """Sends an HTTP request to an allowed host and gives status, headers and body; JSON is read into a value.

    Addresses of the local machine and of local networks are refused unless the person named them. Cookies are not
    kept between requests, and nothing is sent again by itself.
    """

    def __init__(self, options: HttpRequestOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = HttpRequestParams(**params)
        permissions = context.permissions
        if self.options.allowed_domains is not None:
            permissions = permissions.narrow("http_request", net=self.options.allowed_domains)
        # in a thread: aiohttp takes 270 ms to import, and the loop serves others
        exchange: Any = await asyncio.to_thread(importlib.import_module, "llmspell.tools.web.exchange")
        milliseconds = min(asked.timeout or self.options.timeout, self.options.timeout)
        try:
            async with asyncio.timeout(milliseconds / 1000):
                content = await exchange.send(asked, self.options, permissions, self.resolver)
        except TimeoutError:
            raise errors.TimeoutError(
                f"{asked.url[:200]!r} did not answer within {milliseconds:g} ms", hint="raise `timeout`, or try later"
            ) from None
        return ToolOutput(content, {"method": asked.method, "status": content["status"]})
