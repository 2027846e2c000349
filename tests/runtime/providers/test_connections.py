"""Connections to a service: kept, given back, made again; through proxies and over TLS."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from llmspell.errors import ProviderError
from llmspell.providers import connections, dialing
from llmspell.providers.failures import Asked
from llmspell.providers.http import Endpoint

ASKED = Asked("acme", "m1", "acme.test")
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'
CLOSING = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
Answering = Callable[["Service", asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


class Service:
    """Answers requests with bytes as they stand. heads: of the requests, each with the number of its connection."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heads: list[tuple[int, bytes]] = []
        self.connections = 0
        self.port = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(size or 0))
                self.heads.append((number, head))
                answer = self.answers.pop(0) if self.answers else OK
                if head.startswith(b"CONNECT") and b" 200 " in answer:
                    await self._tunnel(head, answer, reader, writer)
                    return
                writer.write(answer)
                await writer.drain()
                if b"close" in answer:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return
        finally:
            writer.close()

    async def _tunnel(
        self, head: bytes, answer: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host, _, port = head.split()[1].decode().rpartition(":")
        there_reader, there = await asyncio.open_connection(host, int(port))
        writer.write(answer)

        async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                target.write(data)
            target.close()

        await asyncio.gather(carry(reader, there), carry(there_reader, writer))

    @property
    def lines(self) -> list[str]:
        return [head.split(b"\r\n")[0].decode() for _, head in self.heads]


@asynccontextmanager
async def serving(*answers: bytes, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Service]:
    service = Service(*answers)
    server = await asyncio.start_server(service.welcome, "127.0.0.1", 0, ssl=tls)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
        for writer in service.writers:
            writer.close()
        await server.wait_closed()


@asynccontextmanager
async def asking(
    url: str, environ: dict[str, str] | None = None, **headers: str
) -> AsyncGenerator[Callable[..., Awaitable[object]]]:
    endpoint = Endpoint(url, headers, environ)

    async def ask(timeout: float = 5000) -> object:
        return await endpoint.post("/chat", {"b": 2}, ASKED, timeout)

    yield ask
    await endpoint.close()


async def refused(asked: Awaitable[object]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await asked
    return caught.value


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with serving() as service, asking(f"http://127.0.0.1:{service.port}/v1") as ask:
        assert [await ask() for _ in range(3)] == [{"a": 1}] * 3
        assert service.lines == ["POST /v1/chat HTTP/1.1"] * 3
        assert service.connections == 1


@pytest.mark.parametrize("first", [CLOSING, OK + b"more than was asked for", OK.replace(b"/1.1", b"/1.0")])
async def test_a_connection_that_cannot_be_used_again_is_not(first: bytes) -> None:
    async with serving(first) as service, asking(f"http://127.0.0.1:{service.port}") as ask:
        assert [await ask(), await ask()] == [{"a": 1}] * 2
        assert service.connections == 2


async def test_a_connection_that_the_service_has_closed_meanwhile_is_made_anew() -> None:
    async with serving() as service, asking(f"http://127.0.0.1:{service.port}") as ask:
        await ask()
        service.writers[0].close()
        await service.writers[0].wait_closed()
        for _ in range(3):
            await asyncio.sleep(0)  # a turn in which the loop hears of it
        assert await ask() == {"a": 1}
        assert service.connections == 2


async def test_a_connection_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_IDLE", -1.0)
    async with serving() as service, asking(f"http://127.0.0.1:{service.port}") as ask:
        await ask()
        await ask()
        assert service.connections == 2


async def test_requests_beyond_the_most_wait_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_MOST", 2)
    async with serving() as service, asking(f"http://127.0.0.1:{service.port}") as ask:
        assert await asyncio.gather(*(ask() for _ in range(9))) == [{"a": 1}] * 9
        assert service.connections == 2


async def test_one_that_gives_up_waiting_leaves_its_place_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_MOST", 1)
    listening = socket.create_server(("127.0.0.1", 0))  # which nobody accepts from
    async with asking(f"http://127.0.0.1:{listening.getsockname()[1]}") as ask:
        first = asyncio.ensure_future(ask(60_000))
        second = asyncio.ensure_future(ask(60_000))
        third = asyncio.ensure_future(refused(ask(200)))
        await asyncio.sleep(0)
        second.cancel()
        assert (await third).type == "timeout"
        first.cancel()
        assert (await refused(ask(100))).type == "timeout"
    listening.close()
    await asyncio.wait((first, second))


async def test_a_stream_longer_than_is_read_ahead_comes_whole() -> None:
    events = [b"data: %d %b\n\n" % (number, b"x" * 1000) for number in range(4000)]
    async with serving(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"".join(events)) as service:
        endpoint = Endpoint(f"http://127.0.0.1:{service.port}", {})
        numbers: list[int] = []
        async for _, data in endpoint.events("/chat", {}, ASKED, 20_000):
            numbers.append(int(data.split()[0]))
            await asyncio.sleep(0)
        assert numbers == list(range(4000))
        await endpoint.close()


async def test_a_header_is_one_line() -> None:
    async with serving() as service, asking(f"http://127.0.0.1:{service.port}", Authorization="Bearer k\n") as ask:
        assert "line break" in (await refused(ask())).message
        assert service.heads == []


@pytest.mark.parametrize("url", ["ftp://acme.test/v1", "acme.test", "http://acme.test:99999", "http://[::1"])
async def test_what_is_no_address_is_told(url: str) -> None:
    try:
        endpoint = Endpoint(url, {})
    except ValueError:
        return
    error = await refused(endpoint.post("/chat", {}, ASKED, 1000))
    assert error.type == "invalid_request"


async def test_a_name_in_the_address_is_the_authorization() -> None:
    async with serving() as service, asking(f"http://me:a%40b@127.0.0.1:{service.port}/a b") as ask:
        await ask()
        head = service.heads[0][1].decode()
        assert head.startswith("POST /a%20b/chat HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{service.port}\r\n" in head
        assert "Authorization: Basic bWU6YUBi\r\n" in head


async def test_a_plain_proxy_is_told_the_whole_address() -> None:
    async with serving() as proxy:
        environ = {"HTTP_PROXY": f"http://me:secret@127.0.0.1:{proxy.port}"}
        async with asking("http://acme.test/v1", environ) as ask:
            assert await ask() == {"a": 1}
        head = proxy.heads[0][1].decode()
        assert head.startswith("POST http://acme.test/v1/chat HTTP/1.1\r\nHost: acme.test\r\n")
        assert "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in head


async def test_a_proxy_that_makes_no_tunnel_is_told() -> None:
    async with serving(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as proxy:
        async with asking("https://acme.test/v1", {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}) as ask:
            error = await refused(ask())
        assert (error.type, proxy.lines) == ("network", ["CONNECT acme.test:443 HTTP/1.1"])
        assert f"the proxy 127.0.0.1:{proxy.port} refused with status 407" in error.message


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1 and localhost, signed by itself; its key is in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([*command, "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return both


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The system trusts the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    connections._trusted.cache_clear()  # pyright: ignore[reportPrivateUsage]
    yield
    connections._trusted.cache_clear()  # pyright: ignore[reportPrivateUsage]


@pytest.mark.usefixtures("trusting")
async def test_a_service_is_asked_over_tls(tls: ssl.SSLContext) -> None:
    async with serving(tls=tls) as service, asking(f"https://localhost:{service.port}/v1") as ask:
        assert [await ask(), await ask()] == [{"a": 1}] * 2
        assert service.connections == 1


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tls: ssl.SSLContext) -> None:
    async with serving(tls=tls) as service, asking(f"https://127.0.0.1:{service.port}/v1") as ask:
        error = await refused(ask())
        assert error.type == "network"
        assert "its certificate is not valid: self-signed certificate" in error.message
        assert service.heads == []


@pytest.mark.usefixtures("trusting")
async def test_a_service_is_asked_over_tls_through_a_proxys_tunnel(tls: ssl.SSLContext) -> None:
    made = b"HTTP/1.1 200 Connection established\r\n\r\n"
    async with serving(tls=tls) as service, serving(made) as proxy:
        # A loopback address is asked directly whatever the environment says, so its connections are made here.
        origin = connections.Origin(True, "127.0.0.1", service.port)
        found = connections.Connections(origin, f"http://127.0.0.1:{proxy.port}")
        deadline = asyncio.get_running_loop().time() + 5
        for _ in range(2):
            connection = await found.take(deadline)
            answer = connection.ask(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 1000)
            await connection.whole()
            assert answer.take() == b'{"a": 1}'
            found.give_back(connection)
        await found.close()
        assert proxy.lines == [f"CONNECT 127.0.0.1:{service.port} HTTP/1.1"]
        assert service.connections == 1


async def test_of_several_addresses_the_first_that_answers_is_taken() -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    nowhere = closed.getsockname()
    closed.close()
    async with serving() as service:
        family = socket.AF_INET
        addresses = [(family, nowhere), (family, nowhere), (family, ("127.0.0.1", service.port))]
        found = await dialing._first(addresses)  # pyright: ignore[reportPrivateUsage]
        assert found.getpeername() == ("127.0.0.1", service.port)
        found.close()
    with pytest.raises(ConnectionRefusedError):
        await dialing._first([(socket.AF_INET, nowhere)] * 2)  # pyright: ignore[reportPrivateUsage]


async def test_a_name_is_looked_up_once_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    looked_up: list[str] = []
    real = loop.getaddrinfo

    async def counting(host: str, port: int, **more: int) -> object:
        looked_up.append(host)
        return await real(host, port, **more)

    monkeypatch.setattr(loop, "getaddrinfo", counting)
    async with serving() as service, asking(f"http://localhost:{service.port}") as ask:
        await asyncio.gather(*(ask() for _ in range(5)))
        assert looked_up == ["localhost"]


async def test_a_name_that_nobody_knows_is_told() -> None:
    async with asking("http://nobody.invalid/v1") as ask:
        error = await refused(ask())
        assert error.type == "network"
        assert "could not be reached at acme.test: " in error.message
