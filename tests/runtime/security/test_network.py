"""Addresses are judged in every spelling, before any connection."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from llmspell.errors import LlmspellError, PermissionDenied
from llmspell.security.network import is_public, parse, resolve
from llmspell.security.permissions import Permissions


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.0.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1",
        "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1", "::", "::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1",
        "2002:7f00:1::", "2002:a00:1::1", "2001::1", "2001:db8::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254",
        "ff02::1", "100::1", "3fff::1",
    ],
)  # fmt: skip
def test_private_address(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_address(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://127.0.0.1:70/_x", "ftp://example.org/", "dict://127.0.0.1:11211/", "data:,x",
        "//example.org", "example.org", "http://", "http:///path", "http://user:secret@example.org/",
        "http://example.org:99999/", "http://example.org:0/", "http://exa mple.org/", "http://example.org\\@evil.net/",
        "http://example.org/\r\nX: y", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
        "http://127.1/", "http://0x7f.1/", "http://1.2.3.4.5/", "http://[::1%25eth0]/", "http://[::1", "http://a..b/",
        "http://-a.b-/",
        "http://%6c%6f%63alhost/", "http://exa<mple.org/", "http://①②⑦.⓪.⓪.①:x/", "http://" + "a" * 300,
    ],
)  # fmt: skip
def test_address_that_could_be_misread_is_refused(url: str) -> None:
    with pytest.raises(LlmspellError) as caught:
        parse(url)
    assert "secret" not in caught.value.message


def test_parts_are_normal() -> None:
    found = parse("HTTPS://EXAMPLE.org.:443/a b".replace(" ", "%20") + "?q=ü#top")
    assert (found.scheme, found.host, found.port) == ("https", "example.org", 443)
    assert found.url == "https://example.org/a%20b?q=%C3%BC"
    assert parse("http://①②⑦.⓪.⓪.①/").host == "127.0.0.1"


async def test_one_private_address_among_public_ones_refuses_all(tmp_path: Path) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return ["1.1.1.1", "127.0.0.1"]

    permissions = Permissions.grant(tmp_path, net=["*"])
    with pytest.raises(PermissionDenied, match="private") as caught:
        await resolve(parse("http://evil.test/"), permissions, resolver)
    assert "--allow-net 127.0.0.1:80" in caught.value.hint


async def test_name_is_not_resolved_before_it_is_allowed(tmp_path: Path) -> None:
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["1.1.1.1"]

    permissions = Permissions.grant(tmp_path, net=["good.test"])
    with pytest.raises(PermissionDenied):
        await resolve(parse("http://secret-in-the-name.evil.test/"), permissions, resolver)
    assert asked == []
    assert await resolve(parse("http://good.test/"), permissions, resolver) == ("1.1.1.1",)
