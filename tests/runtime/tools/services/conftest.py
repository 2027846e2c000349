"""`service`: a real HTTP server on loopback that answers as a test says and keeps what it was asked."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Service:
    url: str = ""
    port: int = 0
    asked: list[Asked] = field(default_factory=list[Asked])
    answers: dict[tuple[str, str], list[Reply]] = field(default_factory=dict[tuple[str, str], list[Reply]])

    @property
    def net(self) -> list[str]:
        return [f"127.0.0.1:{self.port}"]

    def on(self, method: str, path: str, value: Any = None, **more: Any) -> None:
        """Answers with JSON, text or bytes; several answers of one address come in turn, the last one stays."""
        headers = more.pop("headers", {})
        status = more.pop("status", 200)

        async def answer(_: web.Request) -> web.StreamResponse:
            if isinstance(value, bytes):
                return web.Response(body=value, status=status, headers=headers)
            if isinstance(value, str):
                return web.Response(text=value, status=status, headers=headers)
            if value is None:
                return web.Response(status=status, headers=headers)
            return web.json_response(value, status=status, headers=headers)

        self.does(method, path, answer)

    def does(self, method: str, path: str, answer: Reply) -> None:
        self.answers.setdefault((method, path), []).append(answer)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        self.asked.append(Asked(request.method, request.raw_path.partition("?")[0], dict(request.query), headers, body))
        waiting = self.answers.get((request.method, request.path))
        if not waiting:
            return web.json_response({"message": "Not Found"}, status=404)
        return await (waiting.pop(0) if len(waiting) > 1 else waiting[0])(request)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    found = Service()
    app = web.Application(client_max_size=50_000_000)
    app.router.add_route("*", "/{path:.*}", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.port = runner.addresses[0][1]
    found.url = f"http://127.0.0.1:{found.port}"
    yield found
    await runner.cleanup()


@pytest.fixture
def refused(call: Any) -> Callable[..., Awaitable[Any]]:
    """`await refused(Tool, params, …)` gives the error that the call fails with."""
    from llmspell.errors import LlmspellError

    async def found(*asked: Any, **more: Any) -> LlmspellError:
        with pytest.raises(LlmspellError) as error:
            await call(*asked, **more)
        return error.value

    return found


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side of TLS for 127.0.0.1, and a client's that trusts it and nobody else."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "loopback.pem"
    plain = serialization.NoEncryption()
    pkcs8 = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + pkcs8)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))
