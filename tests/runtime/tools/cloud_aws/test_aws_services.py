"""aws does what it says against moto, every request with a signature that stands by AWS's own rules."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import aiohttp
import botocore.config
import botocore.session
import pytest
from aiohttp import web
from yarl import URL

from llmspell.errors import SchemaError, ToolError

REGION = {"CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}


def fresh(name: str) -> str:
    """moto keeps what other tests made."""
    return f"{name}-{uuid4().hex[:12]}"


async def test_objects_are_put_listed_read_and_deleted(aws: Any, made: Any, gate: Any) -> None:
    bucket = fresh("b")
    await made("s3", "CreateBucket", Bucket=bucket, **REGION)
    keys = ["a b/ü+x~.txt", "a/../b", "a//c%20?d#e", "plain", "deep/er/x"]
    for key in keys:
        put = (await aws("put_object", bucket=bucket, key=key, text=f"is {key}"))["object"]
        assert (put["bucket"], put["key"], put["size"]) == (bucket, key, len(f"is {key}".encode()))
        got = (await aws("get_object", bucket=bucket, key=key))["object"]
        assert (got["text"], got["etag"]) == (f"is {key}", put["etag"])
        assert got["content_type"] == "text/plain; charset=utf-8"
    assert gate.seen[-1].path.endswith("/deep/er/x")
    found, cursor = [], ""
    for _ in keys:
        page = await aws("list_objects", bucket=bucket, limit=1, cursor=cursor)
        found += [each["key"] for each in page["objects"]]
        cursor = page["next"]
    assert (found, cursor) == (sorted(keys), "")
    page = await aws("list_objects", bucket=bucket, folders=True)
    assert page["folders"] == ["a b/", "a/", "deep/"]
    assert [each["key"] for each in page["objects"]] == ["plain"]
    assert [each["key"] for each in (await aws("list_objects", bucket=bucket, prefix="deep/"))["objects"]] == [keys[4]]
    await aws("delete_object", bucket=bucket, key="plain")
    with pytest.raises(ToolError, match="NoSuchKey"):
        await aws("get_object", bucket=bucket, key="plain")
    assert bucket in [each["name"] for each in (await aws("list_buckets", limit=1000))["buckets"]]


async def test_bytes_stay_bytes(aws: Any, made: Any) -> None:
    bucket = fresh("b")
    await made("s3", "CreateBucket", Bucket=bucket, **REGION)
    await aws("put_object", bucket=bucket, key="x", base64="/wCA", content_type="image/x")
    got = (await aws("get_object", bucket=bucket, key="x"))["object"]
    assert (got["base64"], got["size"], got["content_type"]) == ("/wCA", 3, "image/x")
    got = await made("s3", "GetObject", Bucket=bucket, Key="x")
    assert got["Body"] == {"base64": "/wCA"}
    await made("s3", "PutObject", Bucket=bucket, Key="y", Body={"base64": "/wCA"}, ChecksumAlgorithm="SHA256")
    assert (await aws("get_object", bucket=bucket, key="y"))["object"]["base64"] == "/wCA"
    for given in ({}, {"text": "a", "base64": "YQ=="}, {"base64": "%%"}):
        with pytest.raises(SchemaError):
            await aws("put_object", bucket=bucket, key="x", **given)


async def test_a_signed_address_opens_one_object_and_no_other(aws: Any, made: Any, gate: Any) -> None:
    bucket = fresh("b")
    await made("s3", "CreateBucket", Bucket=bucket, **REGION)
    await aws("put_object", bucket=bucket, key="a b", text="hi")
    asked = len(gate.seen)
    url = (await aws("presign", bucket=bucket, key="a b", expires=60))["url"]
    put = (await aws("presign", bucket=bucket, key="new", method="put"))["url"]
    assert len(gate.seen) == asked
    async with aiohttp.ClientSession() as session:
        async with session.get(URL(url, encoded=True)) as answer:
            assert (answer.status, await answer.text()) == (200, "hi")
        async with session.get(URL(url.replace("a%20b", "other"), encoded=True)) as answer:
            assert answer.status == 403
        async with session.put(URL(put, encoded=True), data=b"made") as answer:
            assert answer.status == 200
    gate.expected = ["the signature is another"]
    assert (await aws("get_object", bucket=bucket, key="new"))["object"]["text"] == "made"


async def test_messages(aws: Any, made: Any) -> None:
    name, topic = fresh("q"), fresh("t")
    address = (await made("sqs", "CreateQueue", QueueName=name))["QueueUrl"]
    assert (await aws("list_queues", prefix=name))["queues"] == [address]
    sent = (await aws("send_message", queue=name, text="<héllo>"))["message_id"]
    (message,) = (await aws("receive_messages", queue=address, wait=1))["messages"]
    assert (message["id"], message["text"]) == (sent, "<héllo>")
    assert message["attributes"]["ApproximateReceiveCount"] == "1"
    assert await aws("delete_message", queue=name, receipt=message["receipt"]) == {"deleted": True}
    arn = (await made("sns", "CreateTopic", Name=topic))["TopicArn"]
    queue = f"arn:aws:sqs:eu-central-1:123456789012:{name}"
    await made("sns", "Subscribe", TopicArn=arn, Protocol="sqs", Endpoint=queue)
    published = (await aws("publish", topic=arn, text="news", subject="s"))["message_id"]
    (message,) = (await aws("receive_messages", queue=name))["messages"]
    told = json.loads(message["text"])
    assert (told["MessageId"], told["Message"], told["Subject"]) == (published, "news", "s")


async def test_items_are_plain_values(aws: Any, made: Any) -> None:
    table = fresh("t")
    await made(
        "dynamodb",
        "CreateTable",
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "a", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
    )
    item = {"a": "x", "n": 1, "f": 0.1, "big": 2**60, "l": [1, None, {"z": True}], "year": 1843}
    await aws("put_item", table=table, item=item)
    await aws("put_item", table=table, item={"a": "x", "n": 2.0, "year": 1}, condition="attribute_not_exists(a)")
    with pytest.raises(ToolError, match="ConditionalCheckFailed"):
        await aws("put_item", table=table, item={"a": "x", "n": 2}, condition="attribute_not_exists(a)")
    assert (await aws("get_item", table=table, item={"a": "x", "n": 1}))["item"] == item
    assert (await aws("get_item", table=table, item={"a": "x", "n": 9}))["item"] is None
    given = {"table": table, "condition": "#k = :a AND n > :n", "values": {":a": "x", ":n": 0}, "names": {"#k": "a"}}
    first = await aws("query", **given, limit=1)
    assert [each["n"] for each in first["items"]] == [1]
    second = await aws("query", **given, limit=1, cursor=first["next"])
    assert ([each["n"] for each in second["items"]], second["next"]) == ([2], "")
    assert [each["n"] for each in (await aws("query", **given, descending=True))["items"]] == [2, 1]
    await aws("delete_item", table=table, item={"a": "x", "n": 1})
    assert len((await aws("query", **given))["items"]) == 1
    with pytest.raises(SchemaError, match="cannot"):
        await aws("put_item", table=table, item={"a": "x", "n": float("inf")})
    with pytest.raises(SchemaError):
        await aws("query", **given, cursor="none of ours")


async def test_logs(aws: Any, made: Any) -> None:
    group = fresh("g")
    await made("logs", "CreateLogGroup", logGroupName=group)
    await made("logs", "CreateLogStream", logGroupName=group, logStreamName="s")
    now = 1_795_000_000_000
    lines = [{"timestamp": now + n, "message": f"{'ERROR' if n % 2 else 'fine'} {n}"} for n in range(4)]
    await made("logs", "PutLogEvents", logGroupName=group, logStreamName="s", logEvents=lines)
    found = await aws("filter_logs", group=group, since="2020-01-01T00:00:00Z", until="2100-01-01T00:00:00+02:00")
    assert [each["message"] for each in found["events"]] == [each["message"] for each in lines]
    assert (found["events"][0]["time"], found["events"][0]["stream"]) == (now, "s")
    assert (await aws("filter_logs", group=group, until="2020-01-01T00:00:00Z"))["events"] == []


async def test_a_function_is_given_json_and_gives_it(aws: Any, gate: Any) -> None:
    path = "/2015-03-31/functions/sum/invocations"

    async def failed(request: web.Request) -> web.Response:
        return web.Response(body=b'{"errorMessage":"no"}', headers={"X-Amz-Function-Error": "Unhandled"})

    async def answer(request: web.Request) -> web.Response:
        if request.headers["X-Amz-Invocation-Type"] == "Event":
            return web.Response(status=202)
        return web.json_response({"sum": sum((await request.json())["of"])})

    gate.on("POST", path, answer)
    done = await aws("invoke", function="sum", payload={"of": [1, 2]})
    assert done == {"status": 200, "payload": {"sum": 3}, "error": ""}
    assert await aws("invoke", function="sum", payload=[], wait_for_result=False) == {
        "status": 202,
        "payload": None,
        "error": "",
    }
    gate.on("POST", path, failed)
    assert (await aws("invoke", function="sum"))["error"] == "Unhandled"


async def test_who_am_i_with_a_session_token(aws: Any, gate: Any) -> None:
    found = (await aws("identity", environ=gate.environ | {"AWS_SESSION_TOKEN": "tok/en=="}))["identity"]
    assert (found["account"], set(found)) == ("123456789012", {"account", "arn", "user"})
    seen = gate.seen[-1]
    assert seen.headers["x-amz-security-token"] == "tok/en=="
    assert "x-amz-security-token" in seen.headers["authorization"]


async def test_any_action_of_any_protocol(aws: Any, made: Any, gate: Any) -> None:
    """Query (iam), EC2's own, JSON (kinesis), REST with XML (route53), REST with JSON (lambda)."""
    await made("iam", "CreateUser", UserName=fresh("u"))
    assert (await made("ec2", "describe_regions"))["Regions"][0]["RegionName"]
    stream = fresh("k")
    await made("kinesis", "CreateStream", StreamName=stream, ShardCount=1)
    await made("kinesis", "PutRecord", StreamName=stream, Data={"base64": "/wA="}, PartitionKey="p")
    shard = (await made("kinesis", "ListShards", StreamName=stream))["Shards"][0]["ShardId"]
    asked = {"StreamName": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    start = (await made("kinesis", "GetShardIterator", **asked))["ShardIterator"]
    assert (await made("kinesis", "GetRecords", ShardIterator=start))["Records"][0]["Data"] == {"base64": "/wA="}
    zone = fresh("z") + ".example."
    await made("route53", "CreateHostedZone", Name=zone, CallerReference=zone)
    assert zone in [each["Name"] for each in (await made("route53", "ListHostedZones"))["HostedZones"]]
    assert "Functions" in await made("lambda", "list_functions")
    first = await aws("call", service="iam", action="ListUsers", parameters={"PathPrefix": "/"}, limit=1)
    assert len(first["data"]["Users"]) == 1 and "T" in first["data"]["Users"][0]["CreateDate"]


async def test_calls_are_checked_against_the_description(aws: Any, gate: Any) -> None:
    async def refused(**params: Any) -> str:
        with pytest.raises(SchemaError) as error:
            await aws("call", **params)
        return f"{error.value.message} {error.value.hint}"

    assert "did you mean ec2" in await refused(service="ec22", action="DescribeInstances")
    assert "DescribeInstances" in await refused(service="ec2", action="DescribeInstancs")
    assert "Buket" in await refused(
        service="s3", action="GetObject", parameters={"Buket": "b", "Key": "k", "Bucket": "b"}
    )
    assert "needs `service`" in await refused(action="X")
    assert "list" in await refused(service="ec2", action="DescribeInstances", parameters={"InstanceIds": "i-1"})
    with pytest.raises(ToolError, match="stream of events"):
        await aws("call", service="s3", action="SelectObjectContent", parameters={})
    assert gate.seen == []


async def test_what_is_sensitive_is_masked(aws: Any, made: Any) -> None:
    name = fresh("s")
    await made("secretsmanager", "CreateSecret", Name=name, SecretString="hush")
    asked = {"service": "secretsmanager", "action": "GetSecretValue", "parameters": {"SecretId": name}}
    assert (await aws("call", **asked))["data"]["SecretString"] == "***"
    assert (await aws("call", **asked, options={"show_sensitive": True}))["data"]["SecretString"] == "hush"
    keys = (await made("sts", "GetSessionToken"))["Credentials"]
    assert (keys["SecretAccessKey"], keys["SessionToken"]) == ("***", "***")
    assert keys["Expiration"].startswith("20")
    user = fresh("u")
    await made("iam", "CreateUser", UserName=user)
    made_key = (await made("iam", "CreateAccessKey", UserName=user))["AccessKey"]
    assert made_key["SecretAccessKey"] == "***" and made_key["UserName"] == user


async def test_the_gate_knows_a_right_signature_from_a_wrong_one(gate: Any) -> None:
    """The official client, sending by itself, is let through; with another secret it is not."""

    def asked(secret: str) -> str:
        config = botocore.config.Config(retries={"total_max_attempts": 1}, parameter_validation=True)
        client: Any = botocore.session.Session().create_client(
            "sqs",
            region_name="eu-central-1",
            endpoint_url=gate.url,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key=secret,
            config=config,
        )
        try:
            return "" if client.list_queues() else "nothing"
        except Exception as error:
            return str(error)
        finally:
            client.close()

    from_environment = gate.environ["AWS_SECRET_ACCESS_KEY"]
    assert await asyncio.to_thread(asked, from_environment) == ""
    assert "403" in await asyncio.to_thread(asked, from_environment + "x")
    gate.expected = ["the signature is another"]
