"""A cloud on loopback for the tests of `aws`: moto in a process of its own, behind a gate that checks signatures.

The gate works out each Signature Version 4 from the bytes that arrived, by AWS's published rules and not by botocore;
a request whose signature is wrong is refused before moto sees it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from llmspell.tools.integration.aws_tool import AwsTool

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"

#: Ends when its stdin does: with the test's process, however that ends.
_MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="session")
def moto() -> Iterator[int]:
    """The port of a moto server; one for the whole session: to start one takes 2 s."""
    process = subprocess.Popen(
        [sys.executable, "-c", _MOTO],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"},
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


@dataclass
class Seen:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def target(self) -> str:
        return self.headers.get("x-amz-target", "")


Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Gate:
    port: int = 0
    seen: list[Seen] = field(default_factory=list[Seen])
    refused: list[str] = field(default_factory=list[str])
    expected: list[str] = field(default_factory=list[str])
    answers: dict[tuple[str, str], Reply] = field(default_factory=dict[tuple[str, str], Reply])

    def on(self, method: str, path: str, answer: Reply) -> None:
        self.answers[method, path] = answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def net(self) -> list[str]:
        return [f"127.0.0.1:{self.port}"]

    @property
    def environ(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "eu-central-1",
        }


@pytest.fixture
async def gate(moto: int) -> AsyncIterator[Gate]:
    """`gate.on("POST", "/path", answer)` answers in moto's place; a test ends with no signature refused."""
    found = Gate()
    session = aiohttp.ClientSession(auto_decompress=False)

    async def handle(request: web.Request) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        headers = {name.lower(): value.strip() for name, value in request.headers.items()}
        seen = Seen(request.method, path, query, headers, await request.read())
        found.seen.append(seen)
        wrong = presigned(seen, SECRET) if "X-Amz-Signature=" in query else signed(seen, SECRET)
        if wrong:
            found.refused.append(wrong)
            return web.Response(
                status=403, text=f"<Error><Code>SignatureDoesNotMatch</Code><Message>{wrong}</Message></Error>"
            )
        if (request.method, path) in found.answers:
            return await found.answers[request.method, path](request)
        url = URL(f"http://127.0.0.1:{moto}{request.raw_path}", encoded=True)
        skipped = ("accept", "accept-encoding", "user-agent", "content-type")
        async with session.request(
            request.method, url, headers=request.headers, data=seen.body or None, skip_auto_headers=skipped
        ) as answer:
            left_out = {"transfer-encoding", "content-length", "connection", "date", "server"}
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in left_out]
            return web.Response(status=answer.status, body=await answer.read(), headers=dict(kept))

    app = web.Application(client_max_size=50_000_000)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.port = runner.addresses[0][1]
    yield found
    await runner.cleanup()
    await session.close()
    assert found.refused == found.expected


_HEADER = re.compile(r"AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})")


def signed(seen: Seen, secret: str) -> str:
    """What is wrong with the signature in the Authorization header, or ""."""
    found = _HEADER.fullmatch(seen.headers.get("authorization", ""))
    if found is None:
        return "no signature of version 4"
    credential, names, signature = found.groups()
    if not {"host", "x-amz-date"} <= set(names.split(";")):
        return "host and date are not signed"
    unsigned = {name for name in seen.headers if name.startswith("x-amz-")} - set(names.split(";"))
    if unsigned:
        return f"{unsigned} is not signed"
    digest = hashlib.sha256(seen.body).hexdigest()
    if seen.headers.get("x-amz-content-sha256", digest) != digest:
        return "the body is not the one that was signed"
    query = "&".join(sorted(_pairs(seen.query)))
    right = _signature(seen, credential, names, query, digest, seen.headers["x-amz-date"], secret)
    return "" if hmac.compare_digest(right, signature) else "the signature is another"


def presigned(seen: Seen, secret: str) -> str:
    """As `signed`, of a signature in the query."""
    given = dict(parse_qsl(seen.query, keep_blank_values=True))
    query = "&".join(sorted(pair for pair in _pairs(seen.query) if not pair.startswith("X-Amz-Signature=")))
    names, moment = given["X-Amz-SignedHeaders"], given["X-Amz-Date"]
    right = _signature(seen, given["X-Amz-Credential"], names, query, "UNSIGNED-PAYLOAD", moment, secret)
    return "" if hmac.compare_digest(right, given["X-Amz-Signature"]) else "the signature is another"


def _pairs(query: str) -> list[str]:
    return [pair if "=" in pair else f"{pair}=" for pair in query.split("&") if pair]


def _signature(seen: Seen, credential: str, names: str, query: str, digest: str, moment: str, secret: str) -> str:
    _, date, region, service, _ = credential.split("/")
    # every service but S3 signs the path quoted twice
    path = seen.path if service == "s3" else quote(unquote(quote(seen.path, safe="/~%")), safe="/~")
    headers = "".join(f"{name}:{' '.join(seen.headers[name].split())}\n" for name in names.split(";"))
    request = "\n".join([seen.method, path, query, headers, names, digest])
    scope = f"{date}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@pytest.fixture
def aws(call: Any, gate: Gate) -> Callable[..., Awaitable[Any]]:
    """`await aws("get_object", bucket=…, options={…}, environ={…}, env=[…])`, by a tool that may write."""

    async def asked(operation: str, **params: Any) -> Any:
        options = {"read_only": False, **params.pop("options", {})}
        given = {"environ": params.pop("environ", gate.environ), "net": params.pop("net", gate.net)}
        given |= {name: params.pop(name) for name in ("read", "env") if name in params}
        more = params.pop("more", None)
        return await call(AwsTool, {"operation": operation, **params}, options=options, more=more, **given)

    return asked


@pytest.fixture
def made(aws: Any) -> Callable[..., Awaitable[Any]]:
    """`await made("s3", "CreateBucket", Bucket=…)`: any action, as the tool's `call` asks it."""

    async def asked(service: str, action: str, **parameters: Any) -> Any:
        return (await aws("call", service=service, action=action, parameters=parameters))["data"]

    return asked
