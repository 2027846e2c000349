"""The same over TCP, for clients one after another."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from llmspell.cli.main import main

from .conftest import Gone

Server = Callable[..., Any]
URI = "file:///spell.lua"


@pytest.fixture
def connect(server: Server, wire: Callable[[socket.socket], Any]) -> Iterator[Callable[[], Any]]:
    """Gives a client of one server that listens on a free port."""
    listening = server("--tcp", "127.0.0.1:0")
    said = re.fullmatch(rb"llmspell lsp: listening on 127.0.0.1:(\d+)\n", listening.process.stderr.readline())
    assert said is not None
    sockets: list[socket.socket] = []

    def client() -> Any:
        sockets.append(socket.create_connection(("127.0.0.1", int(said[1])), timeout=30))
        return wire(sockets[-1])

    yield client
    for each in sockets:
        each.close()
    listening.process.send_signal(signal.SIGTERM)
    assert listening.exit() == 143


def test_clients_are_served_one_after_another_each_with_documents_of_its_own(connect: Callable[[], Any]) -> None:
    first = connect()
    first.initialize()
    first.open(URI, "x = = 1")
    assert len(first.diagnostics(URI)) == 1
    second = connect()
    first.result("shutdown")
    first.notify("exit")
    second.initialize()
    second.open(URI, "x = 1")
    assert second.diagnostics(URI) == []


def test_a_client_that_breaks_off_makes_room_for_the_next(connect: Callable[[], Any]) -> None:
    first = connect()
    first.initialize()
    first.close()
    second = connect()
    second.write(b"Content-Length: 99999\r\n\r\n{")
    second.close()
    third = connect()
    assert third.initialize()["serverInfo"]["name"] == "llmspell"


def test_a_page_in_a_browser_is_sent_away(connect: Callable[[], Any]) -> None:
    page = connect()
    body = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}'
    page.write(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    with pytest.raises((Gone, ConnectionResetError)) as caught:
        page.answer(1)
    assert not page.seen, caught
    page.close()
    assert connect().initialize()["serverInfo"]["name"] == "llmspell"


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.168.1.2:9257", "[::]:0", "example.com:80"])
def test_nobody_is_served_on_another_machine(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lsp", "--tcp", address]) == 2
    assert "on this machine only" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["", "localhost", "1.2.3.4:x", ":99999", "127.0.0.1:-1"])
def test_what_is_no_address_is_refused_with_an_example(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lsp", "--tcp", address]) == 2
    assert "HOST:PORT, such as 127.0.0.1:9257" in capsys.readouterr().err


def test_a_port_that_is_taken_is_one_clear_line(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = server("--tcp", f"127.0.0.1:{taken.getsockname()[1]}")
        assert refused.exit() == 1
        assert "cannot listen on" in refused.stop()
