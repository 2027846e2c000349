"""The AWS tool's operations on S3. Each asks through a `Cloud` and gives the tool's content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmspell.errors import SchemaError
from llmspell.security.network import parse
from llmspell.tools.base import ToolContext
from llmspell.tools.integration import aws_values
from llmspell.tools.integration.aws_cloud import Cloud
from llmspell.tools.web.service import needed

if TYPE_CHECKING:
    from llmspell.tools.integration.aws_tool import AwsParams


def list_buckets(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    found, following = cloud.pages("ListBuckets", asked.limit, asked.cursor, asked.limit)
    rows = [{"name": each["Name"], "created": _time(each.get("CreationDate"))} for each in found.get("Buckets") or []]
    return {"buckets": rows, "next": following}


def list_objects(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    found, following = cloud.pages(
        "ListObjectsV2",
        asked.limit,
        asked.cursor,
        asked.limit,
        Bucket=needed(asked.bucket, "bucket", "list_objects"),
        Prefix=asked.prefix or None,
        Delimiter="/" if asked.folders else None,
    )
    rows = [
        {
            "key": each["Key"],
            "size": each.get("Size", 0),
            "modified": _time(each.get("LastModified")),
            "etag": _etag(each),
        }
        for each in found.get("Contents") or []
    ]
    folders = [each["Prefix"] for each in found.get("CommonPrefixes") or []]
    return {"objects": rows, "folders": folders, "next": following}


def _object(asked: AwsParams) -> dict[str, Any]:
    return {
        "Bucket": needed(asked.bucket, "bucket", asked.operation),
        "Key": needed(asked.key, "key", asked.operation),
    }


def get_object(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    found = cloud.ask("GetObject", **_object(asked))
    data: bytes = found["Body"].read()
    about = {
        "bucket": asked.bucket,
        "key": asked.key,
        "size": len(data),
        "content_type": found.get("ContentType", ""),
        "etag": _etag(found),
        "modified": _time(found.get("LastModified")),
        "metadata": found.get("Metadata") or {},
    }
    return {"object": {**about, **aws_values.content(data)}}


def put_object(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    if (asked.text is None) == (asked.base64 is None):
        raise SchemaError("`put_object` needs `text` or `base64`, one of them", hint="leave the other out")
    body = asked.text.encode() if asked.text is not None else aws_values.from_base64(asked.base64 or "")
    kind = asked.content_type or ("text/plain; charset=utf-8" if asked.text is not None else None)
    found = cloud.ask("PutObject", **_object(asked), Body=body, ContentType=kind)
    about = {"bucket": asked.bucket, "key": asked.key, "size": len(body), "etag": _etag(found)}
    return {"object": {**about, "version": found.get("VersionId", "")}}


def delete_object(cloud: Cloud, asked: AwsParams, _: ToolContext) -> dict[str, Any]:
    found = cloud.ask("DeleteObject", **_object(asked))
    return {"object": {"bucket": asked.bucket, "key": asked.key, "version": found.get("VersionId", "")}}


def presign(cloud: Cloud, asked: AwsParams, context: ToolContext) -> dict[str, Any]:
    url = cloud.signed_url("PutObject" if asked.method == "put" else "GetObject", asked.expires, **_object(asked))
    target = parse(url)
    context.permissions.check_host(target.host, target.port)  # nothing is sent, yet it is made for that host
    return {"url": url}


def _time(value: Any) -> str:
    return value.isoformat() if value is not None else ""


def _etag(found: dict[str, Any]) -> str:
    return str(found.get("ETag") or "").strip('"')
