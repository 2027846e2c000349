"""Where a request may go: a name is resolved once, judged before any connection, and the connection pinned to it.

A private address (loopback, local networks, link-local with the clouds' metadata services, multicast, and every
spelling of those inside IPv6) is refused unless the person named that very address. Knows no HTTP client.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote, urlsplit

from llmspell.errors import PermissionDenied, ToolError
from llmspell.frozen import frozen
from llmspell.security.hosts import Address
from llmspell.security.permissions import Permissions

#: (host, port) -> addresses as text. The system's resolver, or a test's.
Resolver = Callable[[str, int], Awaitable[list[str]]]

_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?"
)
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_KEEP: Final = "%/:?#[]@!$&'()*+,;=~"

#: Global by IANA's table, yet no place that a public service lives at: translations to IPv4 and unassigned space.
_ODD_V6: Final = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "64:ff9b::/96"))
)
_PUBLIC_V6: Final = ipaddress.IPv6Network("2000::/3")
_ODD_V4: Final = tuple(
    map(
        ipaddress.IPv4Network,
        ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15"),
    )
)


@frozen
class Target:
    """One http or https address in parts. host: lower case and ASCII. path: with the query, quoted."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


#: What is asked before each address that a request goes to, those of redirects too; it may raise.
Visit = Callable[[Target], Awaitable[None]]


def parse(url: str) -> Target:
    """The parts of `url`. Raises ToolError for everything that two programs might read differently."""
    if any(ord(character) <= 32 or ord(character) == 127 or character == "\\" for character in url):
        raise ToolError(f"{url[:200]!r} has a space, a control character or a backslash", hint="quote it: %20")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
        if not host.isascii():
            host = host.encode("idna").decode()
    except ValueError:
        raise ToolError(f"{url[:200]!r} is no address", hint="write https://host/path") from None
    if parts.scheme not in _PORTS:
        raise PermissionDenied(
            f"{url[:200]!r}: only http and https can be requested, not {parts.scheme!r}", hint="write https://host/path"
        )
    if parts.username is not None or parts.password is not None:
        raise ToolError(f"the address of {host!r} holds a user name", hint="send an Authorization header instead")
    if port == 0:
        raise ToolError(f"{url[:200]!r} has port 0")
    path = quote(parts.path or "/", safe=_KEEP) + (f"?{quote(parts.query, safe=_KEEP)}" if parts.query else "")
    return Target(parts.scheme, _host(host, url), port or _PORTS[parts.scheme], path)


def _host(host: str, url: str) -> str:
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host.partition("%")[0])) if "%" not in host else _no_host(url)
        except ValueError:
            return _no_host(url)
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are loopback to some programs and names to others
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise PermissionDenied(
                f"{host!r} is an address in an unusual spelling", hint="write it as four decimal numbers"
            ) from None
    return host if _NAME.fullmatch(host) else _no_host(url)


def _no_host(url: str) -> str:
    raise ToolError(f"{url[:200]!r} names no host", hint="write https://host/path")


async def resolve(target: Target, permissions: Permissions, resolver: Resolver) -> tuple[str, ...]:
    """The addresses that may be connected to. Raises PermissionDenied, and ToolError where the name is unknown.

    One private address among public ones refuses them all: which one is used would be chance.
    """
    permissions.check_host(target.host, target.port)
    try:
        found = [str(ipaddress.ip_address(target.host))]
    except ValueError:
        found = await resolver(target.host, target.port)
    if not found:
        raise ToolError(f"the name {target.host!r} has no address", hint="check its spelling", retryable=True)
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if not is_public(address) and not permissions.names_address(address, target.host, target.port):
            raise PermissionDenied(
                f"{target.host!r} is the private address {address}",
                hint=f"name the address itself to allow it: --allow-net {_spelled(address)}:{target.port}",
                data={"permission": "net", "needed": f"{_spelled(address)}:{target.port}"},
            )
    return tuple(found)


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet's, looking through IPv4 addresses dressed as IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        return address in _PUBLIC_V6 and not any(address in odd for odd in _ODD_V6) and address.is_global
    return address.is_global and not address.is_multicast and not any(address in odd for odd in _ODD_V4)


async def system_resolver(host: str, port: int) -> list[str]:
    """The addresses the system gives for a name, each once. Raises ToolError where it knows none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise ToolError(
            f"the name {host!r} cannot be resolved: {error}", hint="check its spelling and the network", retryable=True
        ) from None
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def _spelled(address: Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)
