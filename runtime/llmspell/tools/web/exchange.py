"""One HTTP exchange: request, redirects, body. Every hop is parsed, permitted, resolved and pinned on its own.

No proxy, no cookies, no retries, and no more of an answer in memory than its limit, packed or unpacked.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import zlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from llmspell.errors import PermissionDenied, SchemaError, ToolError
from llmspell.security.network import Resolver, Target, Visit, parse, resolve
from llmspell.security.permissions import Permissions

if TYPE_CHECKING:
    from llmspell.tools.web.http_request import HttpRequestOptions, HttpRequestParams

_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}")
#: Ours to set: giving them would split, hide or redirect the request.
_OWN: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "keep-alive", "expect",
     "accept-encoding", "proxy-authorization", "proxy-connection"}
)  # fmt: skip
#: Meant for one host only.
_PRIVATE: Final = frozenset({"authorization", "cookie", "x-api-key", "api-key"})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CHUNK: Final = 1 << 16
_MAX_HEADERS: Final = 32_768


async def send(
    asked: HttpRequestParams,
    options: HttpRequestOptions,
    permissions: Permissions,
    resolver: Resolver,
    visit: Visit | None = None,
    content: bytes | None = None,
) -> dict[str, Any]:
    """The tool's content. visit: may raise before any address is asked. content: the body as it is sent, in the place
    of what `asked` says. Raises PermissionDenied and ToolError."""
    target = parse(_with_query(asked.url, asked.query))
    headers = {"user-agent": options.user_agent, **checked_headers(options.headers), **checked_headers(asked.headers)}
    headers["accept-encoding"] = "gzip, deflate"
    body = content if content is not None else _body(asked, headers)
    method = asked.method
    passed: list[str] = []
    while True:
        if visit is not None:
            await visit(target)
        addresses = await resolve(target, permissions, resolver)
        try:
            async with (
                pinned_session(addresses) as session,
                session.request(
                    method,
                    URL(target.url, encoded=True),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                ) as answer,
            ):
                location = answer.headers.get("location")
                if answer.status not in _REDIRECTS or location is None or not options.follow_redirects:
                    found = await _read(answer, asked, options.max_response_size)
                    return found | ({"redirects": passed} if passed else {})
        except aiohttp.ClientError as error:
            raise failed(target, error) from None
        except (UnicodeError, ValueError) as error:
            raise ToolError(f"{target.host!r} answered what is no HTTP: {type(error).__name__}") from None
        passed.append(target.url)
        if len(passed) > options.max_redirects:
            raise ToolError(
                f"{passed[0]!r} redirects more than {options.max_redirects} times", hint="check the address"
            )
        following = parse(urljoin(target.url, location))
        if target.scheme == "https" and following.scheme == "http":
            raise PermissionDenied(
                f"{target.url!r} redirects from https to http", hint="request the http address itself if that is meant"
            )
        if following.origin != target.origin:
            headers = {
                name: value
                for name, value in headers.items()
                if name not in _PRIVATE and name not in {key.lower() for key in options.headers or ()}
            }
        if answer.status == 303 or (answer.status in {301, 302} and method == "POST"):
            method, body = ("HEAD" if method == "HEAD" else "GET"), None
            headers.pop("content-type", None)
        target = following


class _Pinned(AbstractResolver):
    """Gives the addresses that were checked, whatever the name says by now."""

    def __init__(self, addresses: tuple[str, ...]) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self.addresses
        ]

    async def close(self) -> None:
        return None


def pinned_session(addresses: tuple[str, ...], *traces: aiohttp.TraceConfig) -> aiohttp.ClientSession:
    """A session that connects to these addresses only. A redirect to an address in digits would pass by the resolver:
    whoever uses the session follows none, or refuses them in `traces`."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=_Pinned(addresses), use_dns_cache=False, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(),
        max_line_size=_MAX_HEADERS,
        max_field_size=_MAX_HEADERS,
        requote_redirect_url=False,
        trace_configs=list(traces),
    )


def _with_query(url: str, query: dict[str, Any] | None) -> str:
    if not query:
        return url
    pairs = [
        (name, ("true" if item else "false") if isinstance(item, bool) else item)
        for name, value in query.items()
        for item in (value if isinstance(value, list) else [value])
    ]
    bare, _, fragment = url.partition("#")
    return bare + ("&" if "?" in bare else "?") + urlencode(pairs) + (f"#{fragment}" if fragment else "")


def checked_headers(given: dict[str, str] | None) -> dict[str, str]:
    """Headers by lower-case name. Raises ToolError for those that would split or redirect a request."""
    checked: dict[str, str] = {}
    for name, value in (given or {}).items():
        if not _NAME.fullmatch(name):
            raise ToolError(f"{name[:80]!r} is no header's name", hint="letters, digits and `-`")
        if any(character in "\r\n\0" or ord(character) > 255 for character in value):
            raise ToolError(f"the header {name!r} holds a line end or a character beyond Latin-1", hint="encode it")
        if name.lower() in _OWN:
            raise ToolError(f"the header {name!r} is set by the tool itself", hint="leave it out")
        checked[name.lower()] = value
    return checked


def _body(asked: HttpRequestParams, headers: dict[str, str]) -> bytes | None:
    given = [name for name in ("body", "json", "form") if getattr(asked, name) is not None]
    if len(given) > 1:
        raise SchemaError(f"http_request takes one of {' and '.join(given)}", hint="leave the others out")
    if asked.body is not None:
        headers.setdefault("content-type", "text/plain; charset=utf-8")
        return asked.body.encode()
    if asked.json is not None:
        headers.setdefault("content-type", "application/json")
        try:
            return json.dumps(asked.json, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise ToolError(f"`json` cannot be written as JSON: {error}") from None
    if asked.form is not None:
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
        return urlencode(asked.form).encode()
    return None


async def _read(answer: aiohttp.ClientResponse, asked: HttpRequestParams, limit: int) -> dict[str, Any]:
    data = b"" if asked.method == "HEAD" else await _content(answer, limit, asked.url)
    body, encoding = _decoded(data, answer, asked)
    return {
        "status": answer.status,
        "ok": 200 <= answer.status < 300,
        "url": str(answer.url),
        "headers": {name.lower(): value for name, value in answer.headers.items()},
        "content_type": answer.content_type if "content-type" in answer.headers else "",
        "body": body,
        "encoding": encoding,
    }


async def _content(answer: aiohttp.ClientResponse, limit: int, url: str) -> bytes:
    """The body unpacked, piece by piece: a bomb ends at the limit, not in memory."""
    packed = answer.headers.get("content-encoding", "identity").strip().lower()
    unpack = _Unpack(packed) if packed not in {"", "identity"} else None
    data = bytearray()
    async for piece in answer.content.iter_chunked(_CHUNK):
        if unpack is None:
            data += piece
        else:
            data += unpack.feed(piece, limit - len(data) + 1)
        if len(data) > limit:
            raise ToolError(f"{url[:200]!r} answered more than {limit} bytes", hint="raise max_response_size")
    if unpack is not None and unpack.started and not unpack.state.eof:
        raise ToolError("the answer's compression is damaged: its end is missing", retryable=True)
    return bytes(data)


class _Unpack:
    def __init__(self, packed: str) -> None:
        if packed not in {"gzip", "x-gzip", "deflate"}:
            raise ToolError(f"the answer is packed as {packed!r}, which was not asked for")
        self.bits = 15 + 32 if packed != "deflate" else 15
        self.state = zlib.decompressobj(self.bits)
        self.started = False

    def feed(self, piece: bytes, most: int) -> bytes:
        try:
            return self._feed(piece, most)
        except zlib.error:
            if self.started or self.bits != 15:
                raise ToolError("the answer's compression is damaged") from None
        self.bits = -15  # servers send deflate with and without zlib's header
        self.state = zlib.decompressobj(self.bits)
        try:
            return self._feed(piece, most)
        except zlib.error:
            raise ToolError("the answer's compression is damaged") from None

    def _feed(self, piece: bytes, most: int) -> bytes:
        out = self.state.decompress(piece, most)
        self.started = True
        return out


def _decoded(data: bytes, answer: aiohttp.ClientResponse, asked: HttpRequestParams) -> tuple[Any, str]:
    if not data:
        return "", "empty"
    kind = answer.content_type
    wanted = asked.response
    is_json = kind == "application/json" or kind.endswith("+json")
    if wanted == "base64":
        return base64.b64encode(data).decode(), "base64"
    if wanted == "json" or (wanted == "auto" and is_json):
        try:
            return _parsed(data), "json"
        except ToolError:
            if wanted == "json":
                raise
    try:
        return data.decode(answer.charset or "utf-8"), "text"
    except (UnicodeDecodeError, LookupError):
        if wanted == "auto":
            return base64.b64encode(data).decode(), "base64"
        return data.decode("utf-8", "replace"), "text"


def _parsed(data: bytes) -> Any:
    from llmspell.tools.data.json_text import parse as parse_json

    try:
        return parse_json(data.decode("utf-8-sig"), 100, "last")
    except UnicodeDecodeError:
        raise ToolError("the answer is no JSON: it is not UTF-8", hint='ask for response = "text"') from None


def failed(target: Target, error: aiohttp.ClientError) -> ToolError:
    """What a client's failure means, as one sentence."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            said = "its certificate or TLS could not be trusted"
        case aiohttp.ClientConnectorError():
            said = f"no connection ({error.os_error.strerror or type(error.os_error).__name__})"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            said = "it closed the connection before the answer was complete"
        case aiohttp.ClientResponseError():
            said = "its answer is no HTTP"
        case _:
            said = type(error).__name__
    return ToolError(
        f"{target.host}:{target.port} failed: {said}", hint="check the address, or try later", retryable=True
    )
