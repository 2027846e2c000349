"""One service's address: JSON posted to it, JSON or a stream of events read from it.

Contacts no host but its own: redirects are not followed, cookies are not kept, nothing is asked twice. A proxy is used
where the environment it was given names one. Knows no model and no wire format.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from llmspell.errors import ProviderError
from llmspell.providers import failures
from llmspell.providers.connections import (
    CONNECT_TIMEOUT,
    Connection,
    Connections,
    NoConnection,
    Origin,
    basic,
    prefetch_certificates,
)
from llmspell.providers.failures import Asked
from llmspell.providers.http_answer import HttpAnswer, TooLong, WireError
from llmspell.providers.sse import EventParser

#: Bytes of one answer, whole or streamed, after decompression. The longest real answers are under 2 MB.
ANSWER_LIMIT: Final = 32 * 1024 * 1024
#: Milliseconds for a whole answer where the request names none: ten minutes, as the services' own clients wait.
DEFAULT_TIMEOUT: Final = 600_000

#: Characters of a path and a query that need no quoting, an existing `%` among them.
_PLAIN: Final = "/%:@!$&'()*+,;=-._~?"


class Endpoint:
    """A service at `base_url`, with the headers (the key among them) that go with each request."""

    def __init__(self, base_url: str, headers: Mapping[str, str], environ: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(base_url)
        self.base_url = base_url.rstrip("/")
        self.host = parts.netloc.rpartition("@")[2]
        own = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
        own |= {"Content-Type": "application/json", "User-Agent": "llmspell"}
        if named := basic(parts):
            own["Authorization"] = named
        self._headers = {**own, **headers}
        self._proxy = proxy_for(base_url, environ or {}) or ""
        self._connections: Connections | None = None
        self._heads: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"Endpoint({self.host!r})"

    def prefetch(self) -> None:
        """Starts in the background what the first request will need; returns at once."""
        if urlsplit(self.base_url).scheme == "https":
            prefetch_certificates()

    async def post(self, path: str, body: Mapping[str, Any], asked: Asked, timeout: float | None) -> dict[str, Any]:
        """The answer's JSON object."""
        connections = self._opened(asked)
        connection: Connection | None = None
        timer: asyncio.TimerHandle | None = None
        answer: HttpAnswer | None = None
        try:
            deadline = _deadline(timeout)
            connection = await connections.take(deadline)
            timer = connections.loop.call_at(deadline, connection.fail, TimeoutError())
            answer = connection.ask(self._request(connections, path, body), ANSWER_LIMIT)
            await connection.whole()
            data = answer.take()
        except (OSError, WireError) as error:
            raise self._failure(error, asked, timeout, answer) from None
        finally:
            if timer is not None:
                timer.cancel()
            if connection is not None:
                connections.give_back(connection)
        if answer.status != 200:
            raise self._refusal(answer, data, asked)
        try:
            value: Any = json.loads(data)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise malformed(asked, data)
        return value

    async def events(
        self, path: str, body: Mapping[str, Any], asked: Asked, timeout: float | None
    ) -> AsyncGenerator[tuple[str, bytes]]:
        """The `(event, data)` pairs of the answer's event stream; ends where the service closed it."""
        connections = self._opened(asked)
        parser = EventParser()
        connection: Connection | None = None
        timer: asyncio.TimerHandle | None = None
        answer: HttpAnswer | None = None
        try:
            deadline = _deadline(timeout)
            connection = await connections.take(deadline)
            timer = connections.loop.call_at(deadline, connection.fail, TimeoutError())
            answer = connection.ask(self._request(connections, path, body), ANSWER_LIMIT)
            await connection.begun()
            if answer.status != 200:
                await connection.whole()
                raise self._refusal(answer, answer.take(), asked)
            while answer.held or not answer.complete:
                await connection.more()
                for event in parser.feed(answer.take()):
                    yield event
        except (OSError, WireError) as error:
            raise self._failure(error, asked, timeout, answer) from None
        finally:
            if timer is not None:
                timer.cancel()
            if connection is not None:
                connections.give_back(connection)

    def _opened(self, asked: Asked) -> Connections:
        """The connections of the running loop, between which they cannot move."""
        found = self._connections
        if found is None or found.loop is not asyncio.get_running_loop():
            try:
                found = self._connections = Connections(Origin.of(self.base_url), self._proxy)
            except ValueError:
                raise asked.fail(
                    "invalid_request",
                    f"{self.host!r} is not an address that can be asked",
                    hint="base_url looks like https://host:port/v1",
                ) from None
            self._heads = {}
        return found

    def _request(self, connections: Connections, path: str, body: Mapping[str, Any]) -> bytes:
        try:
            payload = _compact(body).encode()
        except UnicodeEncodeError:
            # Lone surrogates are legal in JavaScript's strings and in JSON's escapes, not in UTF-8.
            payload = json.dumps(body, separators=(",", ":")).encode()
        head = self._heads.get(path) or self._head(connections, path)
        return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(payload), payload)

    def _head(self, connections: Connections, path: str) -> bytes:
        """A request's head but for its length."""
        parts = urlsplit(self.base_url + path)
        target = quote(parts.path + (f"?{parts.query}" if parts.query else ""), safe=_PLAIN)
        headers = {"Host": connections.authority, **self._headers, **connections.proxy_headers()}
        lines = [f"POST {connections.target(target)} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
        if any(set(line) & {"\r", "\n", "\0"} for line in lines):
            raise WireError("a header for it has a line break in it: look at the key and at [providers]")
        head = self._heads[path] = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")
        return head

    def _failure(
        self, error: Exception, asked: Asked, timeout: float | None, answer: HttpAnswer | None
    ) -> ProviderError:
        """What a connection or the system said, as a ProviderError. answer: what had come of one."""
        match error:
            case NoConnection():
                return asked.fail("network", f"{asked.host} took no connection within {CONNECT_TIMEOUT} s")
            case TooLong():
                return endless(asked)
            case TimeoutError(errno=None):  # one with a number is the system's
                return too_slow(asked, timeout)
            case _ if answer is not None and answer.status:
                return cut_off(asked)
            case ssl.SSLCertVerificationError():
                what = f"its certificate is not valid: {error.verify_message}"
            case ssl.SSLError():
                what = f"it does not speak TLS as expected ({error.reason})"
            case socket.gaierror():
                what = error.strerror or str(error)
            case OSError(errno=int(number)) if number > 0:
                what = os.strerror(number)
            case _:
                what = str(error) or type(error).__name__
        return asked.fail("network", f"{asked.provider} could not be reached at {asked.host}: {what}")

    def _refusal(self, answer: HttpAnswer, body: bytes, asked: Asked) -> ProviderError:
        status = answer.status
        if 300 <= status < 400:
            target = urlsplit(answer.headers.get("location", "")).netloc or "another path"
            return asked.fail(
                "invalid_request",
                f"{asked.host} sends on to {target} (status {status}); redirects are not followed",
                hint=f"set base_url in [providers.{asked.provider}] to the address that answers",
                status=status,
            )
        return failures.refused(asked, status, answer.headers, body)

    async def close(self) -> None:
        connections, self._connections = self._connections, None
        if connections is not None and connections.loop is asyncio.get_running_loop():
            await connections.close()


#: A kept encoder is 2 us a request quicker than `json.dumps` with options.
_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _deadline(timeout: float | None) -> float:
    milliseconds = DEFAULT_TIMEOUT if timeout is None else timeout
    return asyncio.get_running_loop().time() + milliseconds / 1000


def bound(size: int, asked: Asked) -> None:
    if size > ANSWER_LIMIT:
        raise endless(asked)


def endless(asked: Asked) -> ProviderError:
    return asked.fail(
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
