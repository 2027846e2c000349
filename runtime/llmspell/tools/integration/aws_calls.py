"""What each operation of the AWS tool asks, whether it may, and what is given on. `aws_cloud` carries it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import PermissionDenied, SchemaError
from llmspell.security.network import Resolver, parse
from llmspell.tools.base import ToolContext
from llmspell.tools.integration import aws_account, aws_cloud, aws_objects, aws_values, wire
from llmspell.tools.integration.aws_cloud import Cloud, Courier
from llmspell.tools.web.service import needed

if TYPE_CHECKING:
    from llmspell.tools.integration.aws_tool import AwsOptions, AwsParams

#: operation -> service, action, whether it only reads. Receiving hides messages from others; signing lends access.
_ACTIONS: Final = {
    "identity": ("sts", "GetCallerIdentity", True),
    "list_buckets": ("s3", "ListBuckets", True),
    "list_objects": ("s3", "ListObjectsV2", True),
    "get_object": ("s3", "GetObject", True),
    "put_object": ("s3", "PutObject", False),
    "delete_object": ("s3", "DeleteObject", False),
    "presign": ("s3", "GetObject", False),
    "list_queues": ("sqs", "ListQueues", True),
    "send_message": ("sqs", "SendMessage", False),
    "receive_messages": ("sqs", "ReceiveMessage", False),
    "delete_message": ("sqs", "DeleteMessage", False),
    "publish": ("sns", "Publish", False),
    "invoke": ("lambda", "Invoke", False),
    "get_item": ("dynamodb", "GetItem", True),
    "put_item": ("dynamodb", "PutItem", False),
    "delete_item": ("dynamodb", "DeleteItem", False),
    "query": ("dynamodb", "Query", True),
    "filter_logs": ("logs", "FilterLogEvents", True),
}
#: How the names of actions begin that change nothing, where the service's description does not say it itself.
_READS: Final = ("Get", "List", "Describe", "Head", "BatchGet", "Search", "Query", "Scan", "Lookup", "Filter")
#: They begin so, and hand out credentials, send codes, or count up.
_NOT_READS: Final = frozenset(
    {"sts:GetSessionToken", "sts:GetFederationToken", "sts:GetWebIdentityToken", "sts:GetDelegatedAccessToken",
     "sso:GetRoleCredentials", "cognito-identity:GetId", "cognito-identity:GetCredentialsForIdentity",
     "cognito-identity:GetOpenIdToken", "cognito-identity:GetOpenIdTokenForDeveloperIdentity",
     "cognito-idp:GetUserAttributeVerificationCode", "redshift:GetClusterCredentials",
     "redshift:GetClusterCredentialsWithIAM", "redshift-serverless:GetCredentials", "ecr:GetAuthorizationToken",
     "ecr-public:GetAuthorizationToken", "codeartifact:GetAuthorizationToken", "ec2:GetPasswordData",
     "lightsail:GetInstanceAccessDetails"}
)  # fmt: skip


async def perform(asked: AwsParams, options: AwsOptions, context: ToolContext, resolver: Resolver) -> dict[str, Any]:
    """The tool's content."""
    if asked.operation == "call":
        service, action = (
            str(needed(asked.service, "service", "call")).lower(),
            str(needed(asked.action, "action", "call")),
        )
    else:
        service, action, reads = _ACTIONS[asked.operation]
        action = "PutObject" if asked.operation == "presign" and asked.method == "put" else action
        _check(options, f"{service}:{action}", reads, asked.operation)
    reach = wire.Reach(context.permissions, resolver, options.max_size)

    def thread(courier: Courier) -> dict[str, Any]:
        account = aws_account.account_of(options, service, context)
        if account.endpoint is not None:  # what may not be reached is refused before anything is loaded
            target = parse(account.endpoint)
            context.permissions.check_host(target.host, target.port)
        aws_cloud.library("botocore.session")
        cloud = Cloud(service, account, courier)
        if asked.operation == "call":
            return _call(cloud, asked, options, action)
        return _OPERATIONS[asked.operation](cloud, asked, context)

    return await aws_cloud.work(thread, reach, options.timeout)


def _check(options: AwsOptions, name: str, reads: bool, operation: str) -> None:
    if options.read_only and not reads:
        raise PermissionDenied(
            f"aws may not {operation.replace('_', ' ')} ({name}): it is read-only",
            hint="make the tool with `read_only = false`",
            data={"permission": "write", "needed": name},
        )
    allowed = options.allowed_actions
    if allowed is not None and not any(fnmatchcase(name.lower(), pattern.lower()) for pattern in allowed):
        raise PermissionDenied(
            f"aws may not ask {name}: its options leave it out",
            hint=f"`allowed_actions` names {', '.join(allowed) or 'nothing'}",
            data={"permission": "action", "needed": name},
        )


def _reads(cloud: Cloud, name: str) -> bool:
    return f"{cloud.service}:{name}" not in _NOT_READS and (name.startswith(_READS) or cloud.said_to_read(name))


def _call(cloud: Cloud, asked: AwsParams, options: AwsOptions, action: str) -> dict[str, Any]:
    model = cloud.model(action)
    _check(options, f"{cloud.service}:{model.name}", _reads(cloud, model.name), "call")
    parameters = asked.parameters or {}
    shape = model.input_shape
    if shape is not None:
        parameters = aws_values.given(shape, parameters)
    elif parameters:
        raise SchemaError(f"{cloud.service}:{model.name} takes no parameters", hint="leave `parameters` out")
    found, following = cloud.pages(model.name, asked.limit, asked.cursor, **parameters)
    data = aws_values.plain(model.output_shape, found, options.show_sensitive)
    return {"data": data, "next": following}


def _identity(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    found = cloud.ask("GetCallerIdentity")
    return {"identity": {"account": found["Account"], "arn": found["Arn"], "user": found["UserId"]}}


def _list_queues(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    found, following = cloud.pages("ListQueues", asked.limit, asked.cursor, QueueNamePrefix=asked.prefix or None)
    return {"queues": found.get("QueueUrls") or [], "next": following}


def _queue(cloud: Cloud, asked: AwsParams) -> str:
    given = str(needed(asked.queue, "queue", asked.operation))
    return given if "://" in given else str(cloud.ask("GetQueueUrl", QueueName=given)["QueueUrl"])


def _send_message(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    text = needed(asked.text, "text", "send_message")
    return {"message_id": cloud.ask("SendMessage", QueueUrl=_queue(cloud, asked), MessageBody=text)["MessageId"]}


def _receive_messages(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    found = cloud.ask(
        "ReceiveMessage",
        QueueUrl=_queue(cloud, asked),
        MaxNumberOfMessages=min(asked.limit, 10),
        WaitTimeSeconds=asked.wait,
        AttributeNames=["All"],
    )
    rows = [
        {
            "id": each["MessageId"],
            "text": each.get("Body", ""),
            "receipt": each["ReceiptHandle"],
            "attributes": each.get("Attributes") or {},
        }
        for each in found.get("Messages") or []
    ]
    return {"messages": rows}


def _delete_message(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    receipt = needed(asked.receipt, "receipt", "delete_message")
    cloud.ask("DeleteMessage", QueueUrl=_queue(cloud, asked), ReceiptHandle=receipt)
    return {"deleted": True}


def _publish(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    topic, text = needed(asked.topic, "topic", "publish"), needed(asked.text, "text", "publish")
    return {"message_id": cloud.ask("Publish", TopicArn=topic, Message=text, Subject=asked.subject)["MessageId"]}


def _invoke(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    found = cloud.ask(
        "Invoke",
        FunctionName=needed(asked.function, "function", "invoke"),
        InvocationType="RequestResponse" if asked.wait_for_result else "Event",
        Payload=None if asked.payload is None else json.dumps(asked.payload).encode(),
    )
    data = found["Payload"].read() if found.get("Payload") is not None else b""
    return {
        "status": found.get("StatusCode", 0),
        "payload": aws_values.parsed(data),
        "error": found.get("FunctionError", ""),
    }


def _types() -> Any:
    return aws_cloud.library("boto3.dynamodb.types")


def _conditions(asked: AwsParams) -> dict[str, Any]:
    values = aws_values.to_item(_types(), asked.values, "values") if asked.values else None
    return {"ExpressionAttributeValues": values, "ExpressionAttributeNames": asked.names or None}


def _row(asked: AwsParams) -> dict[str, Any]:
    table = needed(asked.table, "table", asked.operation)
    item = aws_values.to_item(_types(), needed(asked.item or None, "item", asked.operation), "item")
    return {"TableName": table, "Item" if asked.operation == "put_item" else "Key": item}


def _get_item(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    found = cloud.ask("GetItem", **_row(asked)).get("Item")
    return {"item": None if found is None else aws_values.from_item(_types(), found)}


def _put_item(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    action = "PutItem" if asked.operation == "put_item" else "DeleteItem"
    cloud.ask(action, **_row(asked), ConditionExpression=asked.condition, **_conditions(asked))
    return {"written": True}


def _query(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    found, following = cloud.pages(
        "Query",
        asked.limit,
        asked.cursor,
        asked.limit,
        TableName=needed(asked.table, "table", "query"),
        KeyConditionExpression=needed(asked.condition, "condition", "query"),
        IndexName=asked.index,
        ScanIndexForward=not asked.descending,
        **_conditions(asked),
    )
    return {"items": [aws_values.from_item(_types(), each) for each in found.get("Items") or []], "next": following}


def _filter_logs(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    found, following = cloud.pages(
        "FilterLogEvents",
        asked.limit,
        asked.cursor,
        asked.limit,
        logGroupName=needed(asked.group, "group", "filter_logs"),
        filterPattern=asked.filter,
        startTime=_millis(asked.since, "since"),
        endTime=_millis(asked.until, "until"),
    )
    rows = [
        {"time": each.get("timestamp", 0), "stream": each.get("logStreamName", ""), "message": each.get("message", "")}
        for each in found.get("events") or []
    ]
    return {"events": rows, "next": following}


def _millis(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise SchemaError(f"`{name}`: {text!r} is no time", hint="such as 2025-01-31T08:00:00Z") from None


_OPERATIONS: Final[dict[str, Callable[[Cloud, AwsParams, ToolContext], dict[str, Any]]]] = {
    "identity": _identity,
    "list_buckets": aws_objects.list_buckets,
    "list_objects": aws_objects.list_objects,
    "get_object": aws_objects.get_object,
    "put_object": aws_objects.put_object,
    "delete_object": aws_objects.delete_object,
    "presign": aws_objects.presign,
    "list_queues": _list_queues,
    "send_message": _send_message,
    "receive_messages": _receive_messages,
    "delete_message": _delete_message,
    "publish": _publish,
    "invoke": _invoke,
    "get_item": _get_item,
    "put_item": _put_item,
    "delete_item": _put_item,
    "query": _query,
    "filter_logs": _filter_logs,
}
