"""One service's address: JSON posted to it, JSON or a stream of events read from it, over aiohttp.

Contacts no host but its own: redirects are not followed, cookies are not kept, nothing is asked twice. A proxy is used
where the environment it was given names one. Knows no model and no wire format.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncGenerator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from llmspell.errors import ProviderError
from llmspell.providers import failures
from llmspell.providers.failures import Asked
from llmspell.providers.sse import EventParser

if TYPE_CHECKING:
    import aiohttp

#: Bytes of one answer, whole or streamed, after decompression. The longest real answers are under 2 MB.
ANSWER_LIMIT: Final = 32 * 1024 * 1024
#: Milliseconds for a whole answer where the request names none: ten minutes, as the services' own clients wait.
DEFAULT_TIMEOUT: Final = 600_000
#: Seconds to connect.
CONNECT_TIMEOUT: Final = 30
#: Connections to one service at once; more requests than that wait for one.
CONNECTIONS: Final = 1024


def prefetch(head_start: float = 0.0) -> None:
    """Imports aiohttp (0.15 s) in a thread, while the spell is still being loaded. Does nothing the second time.

    head_start: seconds for which the thread has the interpreter to itself, before this returns.
    """
    global _fetching
    with _lock:
        first, _fetching = not _fetching, True
    if first:
        # No daemon: a program that ends while C libraries are being loaded may crash.
        thread = threading.Thread(target=_load, name="llmspell-import-aiohttp")
        thread.start()
        thread.join(head_start)


def _load() -> Any:
    global _library
    _library = import_module("aiohttp")
    return _library


_lock = threading.Lock()
_fetching = False
_library: Any = None


class Endpoint:
    """A service at `base_url`, with the headers (the key among them) that go with each request."""

    def __init__(self, base_url: str, headers: Mapping[str, str], environ: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(base_url)
        self.base_url = base_url.rstrip("/")
        self.host = parts.netloc.rpartition("@")[2]
        self._headers = {"Content-Type": "application/json", "User-Agent": "llmspell", **headers}
        self._proxy = proxy_for(base_url, environ or {})
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._urls: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"Endpoint({self.host!r})"

    async def post(
        self, path: str, body: Mapping[str, Any], asked: Asked, timeout: float | None, key: str = ""
    ) -> dict[str, Any]:
        """The answer's JSON object. key: sent as the header `Idempotency-Key`."""
        # In a thread, for an import must not hold up the loop.
        http = _library or await asyncio.to_thread(_load)
        response: aiohttp.ClientResponse | None = None
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout_at(_deadline(timeout)):
                response = await self._send(http, path, body, key)
                if response.status != 200:
                    raise await self._refusal(response, asked)
                while not response.content.at_eof():
                    chunk = await response.content.readany()
                    size += len(chunk)
                    bound(size, asked)
                    parts.append(chunk)
        except (OSError, http.ClientError) as error:
            raise self._failure(http, error, asked, timeout, response is not None) from None
        finally:
            _release(response)
        data = b"".join(parts)
        try:
            value: Any = json.loads(data)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise malformed(asked, data)
        return value

    async def events(
        self, path: str, body: Mapping[str, Any], asked: Asked, timeout: float | None, key: str = ""
    ) -> AsyncGenerator[tuple[str, bytes]]:
        """The `(event, data)` pairs of the answer's event stream; ends where the service closed it."""
        http = _library or await asyncio.to_thread(_load)
        deadline = _deadline(timeout)
        parser = EventParser()
        response: aiohttp.ClientResponse | None = None
        size = 0
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._send(http, path, body, key)
                if response.status != 200:
                    raise await self._refusal(response, asked)
            while not response.content.at_eof():
                # Not around the yield: a time-out there would hit whoever reads the stream.
                async with asyncio.timeout_at(deadline):
                    chunk = await response.content.readany()
                size += len(chunk)
                bound(size, asked)
                for event in parser.feed(chunk):
                    yield event
        except (OSError, http.ClientError) as error:
            raise self._failure(http, error, asked, timeout, response is not None) from None
        finally:
            _release(response)

    async def _send(self, http: Any, path: str, body: Mapping[str, Any], key: str) -> aiohttp.ClientResponse:
        try:
            payload = _compact(body).encode()
        except UnicodeEncodeError:
            # Lone surrogates are legal in JavaScript's strings and in JSON's escapes, not in UTF-8.
            payload = json.dumps(body, separators=(",", ":")).encode()
        session = self._open(http)
        url = self._urls.get(path)
        if url is None:
            from yarl import URL  # aiohttp's own; it would parse the text at each request, 15 us

            try:
                url = self._urls[path] = URL(self.base_url + path)
            except ValueError as error:
                raise http.InvalidURL(self.base_url, str(error)) from None
        headers = {"Idempotency-Key": key} if key else None
        return await session.post(url, data=payload, headers=headers, allow_redirects=False, proxy=self._proxy)

    def _failure(
        self, http: Any, error: Exception, asked: Asked, timeout: float | None, answering: bool
    ) -> ProviderError:
        """What aiohttp or the system said, as a ProviderError. answering: an answer had begun."""
        if isinstance(error, http.InvalidURL):
            return asked.fail(
                "invalid_request",
                f"{self.host!r} is not an address that can be asked",
                hint="base_url looks like https://host:port/v1",
            )
        if isinstance(error, http.ServerTimeoutError):
            return asked.fail("network", f"{asked.host} took no connection within {CONNECT_TIMEOUT} s")
        if isinstance(error, TimeoutError):
            return too_slow(asked, timeout)
        if answering:
            return cut_off(asked)
        if isinstance(error, http.ServerDisconnectedError):
            what = "it closed the connection without an answer"
        elif isinstance(error, OSError) and error.errno is not None and error.errno > 0:
            what = os.strerror(error.errno)
        else:
            what = str(error) or type(error).__name__
        return asked.fail("network", f"{asked.provider} could not be reached at {asked.host}: {what}")

    async def _refusal(self, response: aiohttp.ClientResponse, asked: Asked) -> ProviderError:
        status = response.status
        if 300 <= status < 400:
            target = urlsplit(response.headers.get("Location", "")).netloc or "another path"
            return asked.fail(
                "invalid_request",
                f"{asked.host} sends on to {target} (status {status}); redirects are not followed",
                hint=f"set base_url in [providers.{asked.provider}] to the address that answers",
                status=status,
            )
        body = b""
        while not response.content.at_eof() and len(body) < 64 * 1024:  # an error's message is in its first bytes
            body += await response.content.readany()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return failures.refused(asked, status, headers, body)

    def _open(self, http: Any) -> aiohttp.ClientSession:
        """The session of the running loop; sessions cannot move between loops."""
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            self._loop = loop
            self._session = http.ClientSession(
                connector=http.TCPConnector(limit=CONNECTIONS),
                cookie_jar=http.DummyCookieJar(),
                headers=self._headers,
                timeout=http.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                read_bufsize=256 * 1024,
            )
        assert self._session is not None
        return self._session

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


#: A kept encoder is 2 us a request quicker than `json.dumps` with options.
_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _release(response: aiohttp.ClientResponse | None) -> None:
    """Gives the connection back to the pool; one with an unread rest is closed."""
    if response is not None:
        if response.content.at_eof():
            response.release()
        else:
            response.close()


def _deadline(timeout: float | None) -> float:
    milliseconds = DEFAULT_TIMEOUT if timeout is None else timeout
    return asyncio.get_running_loop().time() + milliseconds / 1000


def bound(size: int, asked: Asked) -> None:
    if size > ANSWER_LIMIT:
        raise asked.fail(
            "network",
            f"{asked.provider} sent over {ANSWER_LIMIT // 2**20} MB as one answer of model {asked.model!r}: refused",
            hint="set max_tokens; no model writes this much, is the address right?",
            retryable=False,
        )


def malformed(asked: Asked, data: bytes) -> ProviderError:
    shown = data[:80].decode("utf-8", "replace") + ("…" if len(data) > 80 else "")
    return asked.fail(
        "network",
        f"{asked.provider} did not answer with the JSON expected but with {shown!r}",
        hint=f"is {asked.host} the model's service? base_url in [providers.{asked.provider}] sets another address",
    )


def cut_off(asked: Asked, partial: str = "") -> ProviderError:
    after = f" after {len(partial)} characters of text" if partial else ""
    return asked.fail(
        "network",
        f"{asked.provider} broke off in the middle of its answer{after}",
        hint="ask again; a proxy with a short time-out between here and the service does this too",
        data={"partial": partial},
    )


def too_slow(asked: Asked, timeout: float | None) -> ProviderError:
    waited = DEFAULT_TIMEOUT if timeout is None else timeout
    return asked.fail(
        "timeout", f"{asked.provider} gave no whole answer for model {asked.model!r} within {waited:g} ms"
    )


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy that the environment names for this address (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`)."""
    scheme = urlsplit(url).scheme
    names = (f"{scheme}_proxy", "all_proxy")
    proxy = next((value for name in names for key in (name, name.upper()) if (value := environ.get(key))), None)
    host = urlsplit(url).hostname or ""
    if proxy is None or host in ("localhost", "::1") or host.startswith("127."):
        return None
    without = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    for entry in without.replace(",", " ").split():
        suffix = entry.lstrip("*.").partition(":")[0]
        if entry == "*" or host == suffix or (suffix and host.endswith("." + suffix)):
            return None
    return proxy
