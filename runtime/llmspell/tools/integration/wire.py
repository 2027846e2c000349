"""One guarded HTTP request in bytes, for services whose requests are signed or whose certificates are their own.

The address is parsed, permitted, resolved and pinned as every tool's is; no redirects, no proxy, nothing sent again.
Headers and body go out as they are given: whoever signs them has the last word. Knows no service.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import ssl
from collections.abc import Mapping
from typing import Any, Final

from llmspell.errors import ToolError
from llmspell.frozen import frozen
from llmspell.security.network import Resolver, parse, resolve, system_resolver
from llmspell.security.permissions import Permissions

_CHUNK: Final = 1 << 16
#: What the connection itself says; given values would contradict it. None of them is part of a signature.
_OWN: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "expect"})
_NOT_BY_ITSELF: Final = ("accept", "accept-encoding", "user-agent", "content-type")


@frozen
class Reach:
    """How far a request goes. tls: whom to trust and as whom to speak, None for the system's. server_name: the name
    that the certificate must have, where it is another than the address's. private: whether it holds what must not
    cross a network unencrypted."""

    permissions: Permissions
    resolver: Resolver = system_resolver
    max_size: int = 10_000_000
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    private: bool = False


@frozen
class Reply:
    """headers: names in lower case, several of a name joined."""

    status: int
    headers: Mapping[str, str]
    data: bytes


async def send(name: str, method: str, url: str, headers: Mapping[str, str], body: bytes | None, reach: Reach) -> Reply:
    """The answer, whatever its status. name: of the tool, for errors. Raises PermissionDenied and ToolError."""
    # in a thread: aiohttp takes 270 ms to import, and the loop serves others
    exchange: Any = await asyncio.to_thread(importlib.import_module, "llmspell.tools.web.exchange")
    import aiohttp
    from yarl import URL

    target = parse(url)
    addresses = await resolve(target, reach.permissions, reach.resolver)
    if reach.private and target.scheme == "http" and not all(map(_this_machine, addresses)):
        raise ToolError(f"{name}: {target.host!r} would get the credentials unencrypted", hint="use an https address")
    more: dict[str, Any] = {} if reach.tls is None else {"ssl": reach.tls}
    if reach.server_name is not None:
        more["server_hostname"] = reach.server_name
    try:
        async with (
            exchange.pinned_session(addresses) as session,
            session.request(
                method,
                URL(target.url, encoded=True),
                headers={key: value for key, value in headers.items() if key.lower() not in _OWN},
                data=body,
                allow_redirects=False,
                skip_auto_headers=_NOT_BY_ITSELF,
                **more,
            ) as answer,
        ):
            data = bytearray()
            async for piece in answer.content.iter_chunked(_CHUNK):
                data += piece
                if len(data) > reach.max_size:
                    raise ToolError(
                        f"{name}: {target.host!r} answered more than {reach.max_size} bytes",
                        hint="ask for less at a time, or raise `max_size`",
                    )
            joined: dict[str, str] = {}
            for key, value in answer.headers.items():
                joined[key.lower()] = f"{joined[key.lower()]}, {value}" if key.lower() in joined else value
            return Reply(answer.status, joined, bytes(data))
    except aiohttp.ClientError as error:
        raise exchange.failed(target, error) from None
    except (UnicodeError, ValueError) as error:
        raise ToolError(f"{name}: {target.host!r} answered what is no HTTP: {type(error).__name__}") from None


def _this_machine(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
