"""Patterns of hosts: `api.example.org`, `*.example.org:443`, `127.0.0.1:8080`, `10.0.0.0/8`, `localhost`, `*`.

Decides over names and addresses; resolves nothing.
"""

from __future__ import annotations

import ipaddress

from llmspell.frozen import frozen

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@frozen
class HostPattern:
    """host: lower case, "" for an address pattern. port: None for any."""

    text: str
    host: str
    port: int | None
    network: Network | None

    @classmethod
    def parse(cls, text: str) -> HostPattern:
        """Raises ValueError with a sentence."""
        rest = text.strip().lower().rstrip("/")
        for scheme in ("http://", "https://"):
            rest = rest.removeprefix(scheme)
        network = _network(rest)
        if network is not None:
            return cls(text, "", None, network)
        host, port = _split_port(rest, text)
        network = _network(host.strip("[]"))
        if network is not None:
            return cls(text, "", port, network)
        host = host.rstrip(".")
        bare = host.removeprefix("*.")
        if host != "*" and (not bare or any(mark in bare for mark in "*/@ \\?#[]")):
            raise ValueError(f"{text!r} is no pattern of hosts")
        if not bare.isascii():
            bare = bare.encode("idna").decode()
            host = f"*.{bare}" if host.startswith("*.") else bare
        return cls(text, host, port, None)

    def matches(self, host: str, port: int) -> bool:
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            address = _address(host)
            return address is not None and address in self.network
        if self.host == "*":
            return True
        if self.host.startswith("*."):
            return host.endswith(self.host[1:]) and len(host) > len(self.host) - 1
        return host == self.host

    def names(self, address: Address, host: str, port: int) -> bool:
        """Whether this pattern names the address itself; `localhost` names loopback where it is asked by that name."""
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            return address in self.network
        return self.host == host == "localhost" and address.is_loopback

    def __str__(self) -> str:
        return self.text


def _split_port(text: str, whole: str) -> tuple[str, int | None]:
    if text.startswith("["):
        host, _, after = text.partition("]")
        host, port = host + "]", after.removeprefix(":")
        given = after.startswith(":")
    else:
        host, colon, port = text.partition(":")
        given = bool(colon)
    if not given:
        return host, None
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{whole!r} has no port that can be")
    return host, int(port)


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
