"""The AWS tool: what it is asked and what it gives. `aws_calls` knows the services, `aws_cloud` carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.security.network import Resolver, system_resolver
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Word = Annotated[str, Bounds(min_length=1, max_length=2048)]
Variable = Annotated[str, Bounds(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,199}$")]
Pattern = Annotated[str, Bounds(pattern=r"^[a-zA-Z0-9*?.\-]{1,100}:[A-Za-z0-9*?]{1,100}$")]
Body = Annotated[str, Bounds(max_length=14_000_000)]
Count = Annotated[int, Bounds(ge=1, le=1000)]
Instant = Annotated[str, Bounds(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+\-]\d\d:?\d\d)$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsOptions:
    region: Annotated[str, Bounds(pattern=r"^[a-z0-9\-]{1,63}$")] | None = None
    """The region, such as `eu-central-1`. None: AWS_REGION or AWS_DEFAULT_REGION of the host's environment, or the
    profile's."""

    profile: Annotated[str, Bounds(min_length=1, max_length=200)] | None = None
    """A profile of ~/.aws that holds keys. One other than AWS_PROFILE needs leave to read those files. None: the
    environment's keys, else AWS_PROFILE."""

    endpoint_url: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """Another service that speaks AWS's protocols, such as `http://127.0.0.1:9000`. None: AWS_ENDPOINT_URL of the
    host's environment, else AWS's own. The environment's keys sign for those only."""

    access_key_env: Variable | None = None
    """The host's variable that holds the access key for `endpoint_url`, one that the run may read: it is sent as it
    is."""

    secret_key_env: Variable | None = None
    """The host's variable that holds the secret key; LLMSPELL_SECRET_… needs no permission."""

    session_token_env: Variable | None = None
    """The host's variable that holds the session token, if there is one; like `access_key_env`."""

    allowed_actions: Annotated[list[Pattern], Bounds(max_items=500)] | None = None
    """What it may ask, such as `s3:GetObject` or `dynamodb:*`; the names are those of AWS's API. None: all that reads,
    and what writes where `read_only` is false."""

    read_only: bool = True
    """Whether nothing may be changed, sent, run or signed for others."""

    show_sensitive: bool = False
    """Whether values are shown that AWS describes as sensitive: secrets, passwords, tokens. Else they are `***`."""

    max_size: Annotated[int, Bounds(ge=1, le=50_000_000)] = 10_000_000
    """Bytes of the largest answer."""

    timeout: Annotated[float, Bounds(ge=1, le=120_000)] = 30_000
    """Milliseconds for a call with all its pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsParams:
    operation: Literal[
        "identity", "list_buckets", "list_objects", "get_object", "put_object", "delete_object", "presign",
        "list_queues", "send_message", "receive_messages", "delete_message", "publish", "invoke",
        "get_item", "put_item", "delete_item", "query", "filter_logs", "call",
    ]  # fmt: skip
    """identity: whose credentials these are. list_buckets: the account's S3 buckets. list_objects: what is in a
    bucket. get_object: reads an object. put_object: writes one. delete_object: takes one away. presign: an address
    that lets others read or write one object for a while. list_queues: the SQS queues. send_message: puts a message
    into one. receive_messages: takes some, hidden from others for a while. delete_message: is done with one. publish:
    a message to all who listen to an SNS topic. invoke: runs a Lambda function. get_item: reads a row of a DynamoDB
    table, by its key. put_item: writes one. delete_item: takes one away. query: rows by a condition on their key.
    filter_logs: lines of CloudWatch Logs. call: any other action of any service, by its name."""

    service: Annotated[str, Bounds(pattern=r"^[A-Za-z0-9\-]{1,80}$")] | None = None
    """call: the service, such as `ec2` or `secretsmanager`."""

    action: Annotated[str, Bounds(pattern=r"^[A-Za-z0-9_]{1,100}$")] | None = None
    """call: the action, such as `DescribeInstances` or `describe_instances`."""

    parameters: Annotated[dict[str, Any], Bounds(max_properties=200)] | None = None
    """call: its parameters, named as in AWS's API; bytes as text or `{base64 = …}`."""

    bucket: Annotated[str, Bounds(pattern=r"^[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]$")] | None = None
    """list_objects, get_object, put_object, delete_object, presign: the bucket."""

    key: Annotated[str, Bounds(min_length=1, max_length=1024)] | None = None
    """get_object, put_object, delete_object, presign: the object's key."""

    prefix: Annotated[str, Bounds(max_length=1024)] = ""
    """list_objects, list_queues: only names that begin so."""

    folders: bool = False
    """list_objects: whether keys are grouped at `/`; deeper ones are given as `folders`."""

    text: Body | None = None
    """put_object: the content. send_message, publish: the message."""

    base64: Body | None = None
    """put_object: the content as Base64, where it is no text."""

    content_type: Annotated[str, Bounds(min_length=1, max_length=200)] | None = None
    """put_object: the media type."""

    method: Literal["get", "put"] = "get"
    """presign: what the address is for."""

    expires: Annotated[int, Bounds(ge=1, le=604_800)] = 3600
    """presign: seconds that it holds."""

    queue: Word | None = None
    """send_message, receive_messages, delete_message: the queue's name or address."""

    receipt: Word | None = None
    """delete_message: the `receipt` of a received message."""

    wait: Annotated[int, Bounds(ge=0, le=20)] = 0
    """receive_messages: seconds to wait for the first."""

    topic: Word | None = None
    """publish: the topic's ARN."""

    subject: Annotated[str, Bounds(min_length=1, max_length=100)] | None = None
    """publish: the subject, for mail."""

    function: Annotated[str, Bounds(min_length=1, max_length=170)] | None = None
    """invoke: the function's name or ARN."""

    payload: Any = None
    """invoke: what it is given, sent as JSON."""

    wait_for_result: bool = True
    """invoke: whether to wait for what it gives."""

    table: Annotated[str, Bounds(min_length=3, max_length=1024)] | None = None
    """get_item, put_item, delete_item, query: the table's name or ARN."""

    item: Annotated[dict[str, Any], Bounds(max_properties=1000)] | None = None
    """put_item: the fields. get_item, delete_item: the fields of the key."""

    condition: Annotated[str, Bounds(min_length=1, max_length=4096)] | None = None
    """query: the condition on the key, such as `author = :a AND #y > :y`. put_item, delete_item: what must hold
    before."""

    values: Annotated[dict[str, Any], Bounds(max_properties=100)] | None = None
    """query, put_item, delete_item: what the `:names` in `condition` stand for."""

    names: Annotated[dict[str, Word], Bounds(max_properties=100)] | None = None
    """query, put_item, delete_item: what the `#names` in `condition` stand for."""

    index: Annotated[str, Bounds(min_length=3, max_length=255)] | None = None
    """query: the index to ask."""

    descending: bool = False
    """query: whether the last come first."""

    group: Annotated[str, Bounds(min_length=1, max_length=512)] | None = None
    """filter_logs: the log group."""

    filter: Annotated[str, Bounds(max_length=1024)] | None = None
    """filter_logs: a filter pattern, such as `ERROR` or `{ $.level = "error" }`."""

    since: Instant | None = None
    """filter_logs: from when, such as `2025-01-31T08:00:00Z`."""

    until: Instant | None = None
    """filter_logs: up to when."""

    limit: Count = 100
    """Lists: how many at most; receive_messages gives 10 at most."""

    cursor: Annotated[str, Bounds(max_length=8192)] = ""
    """Lists: `next` of the page before."""


class AwsResult(TypedDict):
    identity: NotRequired[dict[str, str]]
    """identity: account, arn, user."""
    buckets: NotRequired[list[dict[str, Any]]]
    """list_buckets: name, created."""
    objects: NotRequired[list[dict[str, Any]]]
    """list_objects: key, size, modified, etag."""
    folders: NotRequired[list[str]]
    """list_objects: prefixes that hold more."""
    object: NotRequired[dict[str, Any]]
    """get_object: bucket, key, size, content_type, etag, modified, metadata, and `text`, or `base64` where it is no
    UTF-8. put_object, delete_object: bucket, key, etag, version, as far as S3 says them."""
    url: NotRequired[str]
    """presign: the address."""
    queues: NotRequired[list[str]]
    """list_queues: their addresses."""
    message_id: NotRequired[str]
    """send_message, publish: the message's number."""
    messages: NotRequired[list[dict[str, Any]]]
    """receive_messages: id, text, receipt, attributes. They come again unless they are deleted."""
    deleted: NotRequired[bool]
    """delete_message: true."""
    status: NotRequired[int]
    """invoke: 200, or 202 where nobody waits."""
    payload: NotRequired[Any]
    """invoke: what the function gave, JSON as a value."""
    error: NotRequired[str]
    """invoke: why the function failed, or ""; `payload` then tells more."""
    item: NotRequired[dict[str, Any] | None]
    """get_item: the fields, or nothing."""
    items: NotRequired[list[dict[str, Any]]]
    """query: the found, in the table's order."""
    written: NotRequired[bool]
    """put_item, delete_item: true."""
    events: NotRequired[list[dict[str, Any]]]
    """filter_logs: time, stream, message."""
    data: NotRequired[dict[str, Any]]
    """call: the answer, named as in AWS's API; times as text, bytes as text or `{base64 = …}`."""
    next: NotRequired[str]
    """Lists: the `cursor` of the next page, or "" where there is none."""


@exposed(
    aliases=("Aws",),
    options=AwsOptions,
    tool=ToolMark(
        name="aws",
        category="integration",
        params=AwsParams,
        result=AwsResult,
        examples=(
            Example({"operation": "list_objects", "bucket": "reports", "prefix": "2025/"}, note="what is in a bucket"),
            Example(
                {
                    "operation": "query",
                    "table": "books",
                    "condition": "author = :a",
                    "values": {":a": "Ada"},
                    "limit": 10,
                },
                note="ask a table, with plain values",
            ),
            Example(
                {"operation": "call", "service": "ec2", "action": "DescribeInstances", "parameters": {}},
                note="any other action",
            ),
        ),
        permissions=("net", "read", "env"),
        timeout=150_000,
        max_output=60_000_000,
    ),
)
class AwsTool(BuiltinTool[AwsOptions]):
    """Works with AWS: S3 objects, SQS and SNS messages, Lambda functions, DynamoDB tables, CloudWatch logs, and any
    other action of any service through `call`.

    It only reads unless it was made to write, send, run and sign (`read_only = false`). Lists come in parts: ask again
    with `cursor` where `next` is not "". Nothing is sent a second time by itself.
    """

    def __init__(self, options: AwsOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools.integration import aws_calls

        asked = AwsParams(**params)
        content = await aws_calls.perform(asked, self.options, context, self.resolver)
        return ToolOutput(content, {"operation": asked.operation})
