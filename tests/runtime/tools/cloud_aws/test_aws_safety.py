"""aws writes only where it may, signs only for whom it should, reaches only what was named, and ends when it is told."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from llmspell import errors
from llmspell.errors import PermissionDenied, RateLimitError, SchemaError, ToolError
from llmspell.tools.integration import aws_calls

both = pytest.mark.parametrize("language", ["lua", "js"])


@pytest.mark.parametrize("operation", sorted(name for name, found in aws_calls._ACTIONS.items() if not found[2]))
async def test_nothing_is_written_where_it_only_reads(aws: Any, gate: Any, operation: str) -> None:
    given = {"bucket": "bucket", "key": "k", "text": "t", "queue": "q", "topic": "t", "function": "f", "table": "tab"}
    with pytest.raises(PermissionDenied, match="read-only"):
        await aws(operation, **given, item={"a": 1}, receipt="r", options={"read_only": True})
    assert gate.seen == []


@pytest.mark.parametrize(
    ("service", "action", "reads"),
    [
        ("s3", "ListBuckets", True), ("s3", "head_object", True), ("s3", "DeleteBucket", False),
        ("s3", "RestoreObject", False), ("ec2", "DescribeInstances", True), ("ec2", "RunInstances", False),
        ("ec2", "TerminateInstances", False), ("ec2", "GetPasswordData", False), ("iam", "GetUser", True),
        ("iam", "CreateAccessKey", False), ("sts", "AssumeRole", False), ("sts", "GetSessionToken", False),
        ("sts", "GetCallerIdentity", True), ("dynamodb", "Scan", True), ("dynamodb", "ExecuteStatement", False),
        ("dynamodb", "BatchGetItem", True), ("dynamodb", "BatchWriteItem", False), ("sqs", "ReceiveMessage", False),
        ("ecr", "GetAuthorizationToken", False), ("kms", "Decrypt", False), ("logs", "StartQuery", False),
        ("lambda", "Invoke", False), ("ssm", "SendCommand", False), ("rds-data", "ExecuteStatement", False),
    ],
)  # fmt: skip
async def test_which_actions_only_read(aws: Any, gate: Any, service: str, action: str, reads: bool) -> None:
    """A refused one asks nobody; a permitted one gets as far as its parameters, or an answer."""
    asked = aws("call", service=service, action=action, parameters={"Nothing": 1}, options={"read_only": True})
    with pytest.raises(SchemaError if reads else PermissionDenied):
        await asked
    assert gate.seen == []


async def test_options_narrow_the_actions(aws: Any, gate: Any) -> None:
    narrow = {"allowed_actions": ["s3:List*", "STS:getcalleridentity"]}
    assert "identity" in await aws("identity", options=narrow)
    assert "buckets" in await aws("list_buckets", options=narrow)
    asked = len(gate.seen)
    for operation, given in (
        ("get_object", {"bucket": "bucket", "key": "k"}),
        ("call", {"service": "s3", "action": "get_object"}),
        ("send_message", {"queue": "q", "text": "t"}),
    ):
        with pytest.raises(PermissionDenied, match="leave it out"):
            await aws(operation, **given, options=narrow)
    assert len(gate.seen) == asked


async def answered(request: web.Request, status: int, code: str) -> web.Response:
    return web.json_response({"__type": code, "message": f"about {code}"}, status=status)


@pytest.mark.parametrize(
    ("status", "code", "error", "retryable", "hint"),
    [
        (400, "ThrottlingException", RateLimitError, True, "ask less often"),
        (400, "ProvisionedThroughputExceededException", RateLimitError, True, "ask less often"),
        (400, "AccessDeniedException", ToolError, False, "credentials"),
        (400, "ResourceNotFoundException", ToolError, False, "names"),
        (500, "InternalServerError", ToolError, True, "later"),
        (503, "ServiceUnavailable", ToolError, True, "later"),
    ],
)
async def test_refusals_say_what_they_are_and_nothing_is_sent_twice(
    aws: Any, gate: Any, status: int, code: str, error: type[Exception], retryable: bool, hint: str
) -> None:
    gate.on("POST", "/", lambda request: answered(request, status, code))
    with pytest.raises(error, match=code) as found:
        await aws("get_item", table="books", item={"a": "x"})
    assert (found.value.retryable, hint in found.value.hint) == (retryable, True)  # pyright: ignore
    assert len(gate.seen) == 1


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b'"text"', b"[1]", b"<a>&b;</a>", b""])
async def test_answers_that_are_none(aws: Any, gate: Any, body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"content-type": "application/x-amz-json-1.0"})

    for method, path in (("POST", "/"), ("GET", "/")):
        gate.on(method, path, answer)
    for operation, given in (("get_item", {"table": "books", "item": {"a": 1}}), ("list_buckets", {})):
        with suppress(ToolError):
            assert await aws(operation, **given) in ({"item": None}, {"buckets": [], "next": ""})


async def test_an_answer_is_bounded(aws: Any, gate: Any) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        with suppress(ConnectionError):
            while True:
                await answer.write(b"x" * 65536)
        return answer

    async def around(request: web.Request) -> web.Response:
        token = len(gate.seen)
        return web.json_response({"Items": [], "LastEvaluatedKey": {"a": {"N": str(token)}}})

    gate.on("GET", "/bucket/big", endless)
    with pytest.raises(ToolError, match="more than 100000 bytes"):
        await aws("get_object", bucket="bucket", key="big", options={"max_size": 100_000})
    gate.on("POST", "/", around)
    with pytest.raises(ToolError, match="more than 50 requests"):
        await aws("query", table="books", condition="a = :a", values={":a": 1})


async def test_a_server_that_hangs_is_left_and_the_thread_ends(aws: Any, gate: Any) -> None:
    gone = asyncio.Event()
    reached = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        raise AssertionError

    gate.on("GET", "/bucket/slow", hang)
    with pytest.raises(errors.TimeoutError, match="within 2000 ms"):
        await aws("get_object", bucket="bucket", key="slow", options={"timeout": 2000})
    async with asyncio.timeout(60):
        await reached.wait()
    reached.clear()
    gone.clear()
    task = asyncio.create_task(aws("get_object", bucket="bucket", key="slow"))
    async with asyncio.timeout(20):
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await gone.wait()
        for thread in [each for each in threading.enumerate() if each.name.startswith("llmspell-aws")]:
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()


async def test_many_calls_at_once_do_not_wait_for_each_other_s_threads(aws: Any, gate: Any) -> None:
    """More than there are threads for names and imports, all of them waiting at the same time."""
    many = 40
    together = asyncio.Barrier(many)

    async def answer(_: web.Request) -> web.Response:
        await together.wait()
        return web.json_response({"Item": {"a": {"S": "x"}}})

    gate.on("POST", "/", answer)
    calls = [aws("get_item", table="books", item={"a": "x"}) for _ in range(many)]
    assert await asyncio.gather(*calls) == [{"item": {"a": "x"}}] * many


async def test_only_what_was_named_is_reached(aws: Any, gate: Any) -> None:
    with pytest.raises(PermissionDenied, match=r"may not reach 's3\.eu-central-1\.amazonaws\.com:443'"):
        own = {name: value for name, value in gate.environ.items() if name != "AWS_ENDPOINT_URL"}
        await aws("list_buckets", environ=own)
    with pytest.raises(PermissionDenied, match=r"'reports\.s3\.eu-central-1\.amazonaws\.com:443'"):
        await aws("get_object", bucket="reports", key="k", environ=own, net=["s3.eu-central-1.amazonaws.com"])
    with pytest.raises(PermissionDenied, match="may not reach"):
        await aws("list_buckets", net=["example.org"])

    async def inside(host: str, port: int) -> list[str]:
        return ["169.254.169.254"]

    own = {name: value for name, value in gate.environ.items() if name != "AWS_ENDPOINT_URL"}
    with pytest.raises(PermissionDenied, match=r"is the private address 169\.254\.169\.254"):
        await aws("list_buckets", environ=own, net=["*.amazonaws.com"], more={"resolver": inside})
    with pytest.raises(PermissionDenied, match="may not reach"):
        await aws("presign", bucket="bucket", key="k", net=[])

    async def moved(_: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("http://169.254.169.254/latest/meta-data")

    gate.on("GET", "/bucket/k", moved)
    with pytest.raises(ToolError, match="307"):
        await aws("get_object", bucket="bucket", key="k")
    # S3 is asked once where the bucket is; the address in the answer is never used
    assert [(each.method, each.path) for each in gate.seen] == [("GET", "/bucket/k"), ("HEAD", "/bucket")]


@pytest.fixture
async def canary() -> AsyncIterator[list[str]]:
    """A server that nobody should ask: its address is the last of the list, before it who asked."""
    asked: list[str] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.insert(0, (await reader.readline()).decode())
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    asked.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    yield asked
    server.close()
    await server.wait_closed()


async def test_the_process_s_own_variables_lead_nowhere(
    aws: Any, gate: Any, canary: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the run's host environment says counts; the process's variables, proxies and metadata services do not."""
    ran = tmp_path / "ran"
    config = tmp_path / "config"
    config.write_text(f"[profile evil]\ncredential_process = touch {ran}\nendpoint_url = {canary[0]}\n")
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):  # whoever opened them would fail
        (tmp_path / ".aws" / name).write_text("[no file of profiles\n")
    for name, value in {
        "HOME": str(tmp_path),
        "AWS_PROFILE": "evil",
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL": canary[0],
        "AWS_ENDPOINT_URL_S3": canary[0],
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": canary[0],
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": canary[0],
        "AWS_DEFAULTS_MODE": "auto",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_CSM_ENABLED": "true",
        "AWS_MAX_ATTEMPTS": "9",
        "AWS_DATA_PATH": str(tmp_path),
        "HTTP_PROXY": canary[0],
        "http_proxy": canary[0],
    }.items():
        monkeypatch.setenv(name, value)
    assert "buckets" in await aws("list_buckets")
    assert gate.seen[-1].path == "/"
    for environ in ({}, {"AWS_REGION": "eu-central-1"}):
        with pytest.raises(ToolError, match="needs credentials"):
            await aws("identity", environ={"PATH": "/bin", **environ})
    assert len(canary) == 1
    assert not ran.exists()


PROFILES = """
[work]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY
[process]
credential_process = touch {ran}
[role]
role_arn = arn:aws:iam::1:role/x
source_profile = work
[sso]
sso_session = corp
"""


async def test_profiles(aws: Any, gate: Any, project: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    ran = tmp_path / "ran"
    (home / ".aws" / "credentials").write_text(PROFILES.format(ran=ran))
    (home / ".aws" / "config").write_text("[profile work]\nregion = eu-west-3\n")
    here = {"HOME": str(home), "AWS_ENDPOINT_URL": gate.url}
    await aws("identity", environ=here | {"AWS_PROFILE": "work"})
    assert "/eu-west-3/sts/" in gate.seen[-1].headers["authorization"]
    with pytest.raises(ToolError, match="needs credentials"):
        await aws("identity", environ=here)
    for name in ("process", "role", "sso"):
        with pytest.raises(ToolError, match=r"gets its keys by .*(process|role|sso)"):
            await aws("identity", environ=here | {"AWS_PROFILE": name})
    with pytest.raises(ToolError, match="no keys of a profile 'other'"):
        await aws("identity", environ=here | {"AWS_PROFILE": "other"})
    asked = len(gate.seen)
    chosen = {"options": {"profile": "work"}, "environ": gate.environ | {"HOME": str(home)}}
    with pytest.raises(PermissionDenied, match="may not read"):
        await aws("identity", **chosen)
    assert len(gate.seen) == asked
    assert "identity" in await aws("identity", **chosen, read=[home / ".aws"])
    assert not ran.exists()


async def test_the_environment_s_keys_sign_for_their_own_places_only(aws: Any, gate: Any) -> None:
    away = {name: value for name, value in gate.environ.items() if name != "AWS_ENDPOINT_URL"}
    options = {"endpoint_url": gate.url}
    with pytest.raises(ToolError, match=r"AWS's own endpoints and AWS_ENDPOINT_URL only") as error:
        await aws("identity", environ=away, options=options)
    assert "access_key_env" in (error.value.hint or "")
    assert gate.seen == []
    keys = {
        "LLMSPELL_SECRET_ID": gate.environ["AWS_ACCESS_KEY_ID"],
        "LLMSPELL_SECRET_KEY": gate.environ["AWS_SECRET_ACCESS_KEY"],
    }
    named = {**options, "access_key_env": "LLMSPELL_SECRET_ID", "secret_key_env": "LLMSPELL_SECRET_KEY"}
    # What is sent as it is must be readable: no secret goes as a key's name, or as a token, to a place of the spell's.
    with pytest.raises(PermissionDenied, match="LLMSPELL_SECRET_ID"):
        await aws("identity", environ=away | keys, options=named)
    with pytest.raises(PermissionDenied, match="LLMSPELL_SECRET_KEY"):
        as_token = {**named, "session_token_env": "LLMSPELL_SECRET_KEY"}
        await aws("identity", environ=away | keys, options=as_token, env=["LLMSPELL_SECRET_ID"])
    assert gate.seen == []
    assert "identity" in await aws("identity", environ=away | keys, options=named, env=["LLMSPELL_SECRET_ID"])
    assert "identity" in await aws("identity", environ={**gate.environ}, options=options)
    with pytest.raises(PermissionDenied, match="may not read the variable"):
        stolen = {**options, "access_key_env": "AWS_ACCESS_KEY_ID", "secret_key_env": "AWS_SECRET_ACCESS_KEY"}
        await aws("identity", environ=away, options=stolen)
    with pytest.raises(SchemaError, match="together"):
        await aws("identity", options={"access_key_env": "LLMSPELL_SECRET_ID"})
    for broken in ("A B", "A\nB", "ä"):
        with pytest.raises(ToolError, match="a key holds") as error:
            await aws("identity", environ=gate.environ | {"AWS_SECRET_ACCESS_KEY": broken})
        assert broken not in error.value.message


async def test_a_missing_extra_says_what_to_install(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(ToolError) as error:
        await aws("list_buckets")
    assert error.value.hint == "pip install 'llmspell[integration]'"


SPELLS = {
    "lua": "local aws = AwsTool.new{ read_only = false }\n"
    "aws:execute{ operation = 'call', service = 's3', action = 'CreateBucket', parameters = { Bucket = params.bucket,"
    " CreateBucketConfiguration = { LocationConstraint = 'eu-central-1' } } }\n"
    "aws:execute{ operation = 'put_object', bucket = params.bucket, key = 'a', text = 'hi' }\n"
    "local found = aws:execute{ operation = 'list_objects', bucket = params.bucket }\n"
    "local ok, err = pcall(function() return Aws.new():execute{ operation = 'delete_object', bucket = params.bucket, key = 'a' } end)\n"
    "return { #found.objects, found.objects[1].key, ok, err.type }",
    "js": "const aws = new AwsTool({ readOnly: false });\n"
    "await aws.execute({ operation: 'call', service: 's3', action: 'CreateBucket', parameters: { Bucket: params.bucket,"
    " CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } } });\n"
    "await aws.execute({ operation: 'put_object', bucket: params.bucket, key: 'a', text: 'hi' });\n"
    "const found = await aws.execute({ operation: 'list_objects', bucket: params.bucket });\n"
    "let ok = true, type = '';\n"
    "try { await new Aws().execute({ operation: 'delete_object', bucket: params.bucket, key: 'a' }) }"
    " catch (error) { ok = false; type = error.type }\n"
    "return [found.objects.length, found.objects[0].key, ok, type];",
}


@both
@pytest.mark.mission(105)
async def test_a_spell_uses_a_cloud_and_its_replay_asks_nobody(cast: Any, gate: Any, language: str) -> None:
    given = {
        "params": {"bucket": f"spell-{language}-{gate.port}"},
        "flags": {"permissions.net": gate.net},
        "environ": gate.environ,
    }
    spell = await cast(**{language: SPELLS[language]}, **given)
    assert spell.value[:3] == [1, "a", False]
    assert spell.value[3] == "permission"
    secret = gate.environ["AWS_SECRET_ACCESS_KEY"]
    assert secret not in json.dumps([event.data for event in spell.events], default=str)
    asked = len(gate.seen)
    again = await cast(**{language: SPELLS[language]}, replay=spell.recording, **given)
    assert again.value == spell.value
    assert len(gate.seen) == asked
