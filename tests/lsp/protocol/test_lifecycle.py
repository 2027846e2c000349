"""A session's beginning and end, and what is asked at the wrong time, over a real process."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Server = Callable[..., Any]


def test_a_session_from_initialize_to_exit(server: Server) -> None:
    client = server()
    result = client.initialize()
    assert result["serverInfo"]["name"] == "llmspell"
    assert client.leave() == 0
    assert client.stop() == ""


def test_before_initialize_requests_are_refused_and_notifications_dropped(server: Server) -> None:
    client = server()
    assert client.code("textDocument/hover", {}) == -32002
    assert client.code("shutdown") == -32002
    client.open("file:///x.lua", "x = = 1")
    client.initialize()
    assert client.code("no/such") == -32601
    assert [message for message in client.seen if message.get("method") == "textDocument/publishDiagnostics"] == []


def test_initialize_comes_once(server: Server) -> None:
    client = server()
    client.initialize()
    assert client.code("initialize", {"processId": None, "rootUri": None, "capabilities": {}}) == -32600


def test_after_shutdown_requests_are_refused_and_exit_is_heard(server: Server) -> None:
    client = server()
    client.initialize()
    assert client.result("shutdown") is None
    assert client.code("textDocument/hover", {}) == -32600
    assert client.code("shutdown") == -32600
    client.open("file:///x.lua", "x = = 1")
    client.notify("exit")
    assert client.exit() == 0


def test_exit_without_shutdown_is_a_failure(server: Server) -> None:
    client = server()
    client.initialize()
    client.notify("exit")
    assert client.exit() == 1
    early = server()
    early.notify("exit")
    assert early.exit() == 1


@pytest.mark.parametrize(("shut_down", "code"), [(True, 0), (False, 1)])
def test_a_client_that_hangs_up_ends_the_server(server: Server, shut_down: bool, code: int) -> None:
    client = server()
    client.initialize()
    client.open("file:///x.lua", "return 1")
    client.diagnostics("file:///x.lua")
    if shut_down:
        client.result("shutdown")
    client.hang_up()
    assert client.exit() == code


def test_a_client_whose_process_ends_ends_the_server(server: Server) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    client = server()
    client.initialize(processId=other.pid)
    client.result("shutdown")
    other.communicate(b"\n")
    assert client.exit() == 0


def test_a_process_number_that_means_nothing_here_is_no_reason_to_end(server: Server) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    client = server()
    client.initialize(processId=gone.pid)
    client.open("file:///x.lua", "x = = 1")
    assert client.diagnostics("file:///x.lua")
    assert client.leave() == 0


def test_sigterm_ends_the_server_and_its_compiler(server: Server) -> None:
    client = server()
    client.initialize()
    client.open("file:///x.lua", "return 1")
    client.diagnostics("file:///x.lua")
    pid = client.process.pid
    compilers = children(pid)
    assert len(compilers) == 1
    client.process.send_signal(signal.SIGTERM)
    assert client.exit() == 143
    assert not [each for each in compilers if Path(f"/proc/{each}").exists()]
    assert client.stop() == ""


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    ("bytes_", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b'{"jsonrpc": "2.0", "id": 1' + b"0" * 5000 + b', "method": "x"}', -32700),
        (b"[]", -32600),
        (b"3", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 5, "method": 5}', -32600),
    ],
)
def test_what_is_no_message_is_refused_and_the_session_goes_on(server: Server, bytes_: bytes, code: int) -> None:
    client = server()
    client.initialize()
    client.write(b"Content-Length: %d\r\n\r\n%b" % (len(bytes_), bytes_))
    refusal = client.until(lambda message: message.get("error") is not None)
    assert refusal["error"]["code"] == code
    assert client.leave() == 0


@pytest.mark.parametrize("params", [None, [], 3, "x", {}, {"capabilities": None}])
def test_initialize_with_senseless_params_is_refused_and_may_be_tried_again(server: Server, params: Any) -> None:
    client = server()
    client.send({"id": "first", "method": "initialize", "params": params})
    assert client.answer("first")["error"]["code"] == -32602
    client.initialize()
    assert client.leave() == 0


def test_optional_notifications_are_ignored_and_optional_requests_are_not(server: Server) -> None:
    client = server()
    client.initialize()
    client.send({"method": "$/unheardOf", "params": {"a": 1}})
    client.send({"method": "un/heardOf"})
    client.send({"id": "x", "method": "$/unheardOf"})
    assert client.answer("x")["error"]["code"] == -32601
    client.send({"id": "llmspell-77", "result": None})
    client.send({"id": 991, "error": {"code": 1, "message": "who asked?"}})
    assert client.leave() == 0


def test_a_name_may_be_an_id(server: Server) -> None:
    client = server()
    client.initialize()
    client.send({"id": "größe\ud800", "method": "shutdown"})
    assert client.answer("größe\ud800")["result"] is None


def test_a_client_may_follow_what_the_server_does(server: Server) -> None:
    client = server()
    client.initialize(trace="verbose")
    assert client.notified("$/logTrace")["message"].startswith("initialize")
    client.notify("$/setTrace", {"value": "off"})
    client.open("file:///x.lua", "x = = 1")
    client.diagnostics("file:///x.lua")
    client.leave()
    assert sum(message.get("method") == "$/logTrace" for message in client.seen) == 2


def test_what_happens_can_be_logged(server: Server, tmp_path: Any) -> None:
    client = server("--log", str(tmp_path / "lsp.log"))
    client.initialize(clientInfo={"name": "an editor"})
    assert client.leave() == 0
    assert "client 'an editor', utf-16" in (tmp_path / "lsp.log").read_text()


def test_a_log_that_cannot_be_written_is_no_reason_to_stop(server: Server, tmp_path: Any) -> None:
    client = server("--log", str(tmp_path))
    client.initialize()
    assert client.leave() == 0
    assert "cannot be written" in client.stop()


NOISY = """
import os
from llmspell_lsp.main import Log, Stream, serve_stream
from llmspell_lsp.protocol.methods import Method
def noisy(session, params):
    print("noise")
    os.system("echo more")
stream = Stream.standard()
serve_stream(stream, Log(), [Method("textDocument/hover", noisy)])
"""


def test_nothing_but_the_protocol_comes_out_of_standard_output(server: Server) -> None:
    """What a handler, a library or a program of theirs prints goes to standard error."""
    client = server(command=[sys.executable, "-c", NOISY])
    client.initialize()
    assert client.result("textDocument/hover", {}) is None
    client.leave()
    assert set(client.stop().split()) == {"noise", "more"}
