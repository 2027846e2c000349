"""What services answer to the examples of the tools, shaped as their makers document it."""

from __future__ import annotations

import base64
from typing import Any, Final

_USER: Final = {"login": "ada"}
_ISSUE: Final = {
    "number": 7,
    "title": "It fails",
    "state": "open",
    "user": _USER,
    "labels": [{"name": "bug"}],
    "body": None,
    "html_url": "https://example.org/7",
    "comments": 2,
    "created_at": "2025-01-01T00:00:00Z",
    "updated_at": "2025-01-02T00:00:00Z",
}
_FIELDS: Final = {
    "summary": "It fails",
    "status": {"name": "Open"},
    "issuetype": {"name": "Bug"},
    "priority": {"name": "High"},
    "assignee": None,
    "reporter": {"displayName": "Ada"},
    "labels": [],
    "description": None,
    "created": "2025-01-01T00:00:00.000+0000",
    "updated": "2025-01-01T00:00:00.000+0000",
    "project": {"key": "DEV"},
}
_SMS: Final = {
    "sid": "SM" + "1" * 32,
    "status": "queued",
    "to": "+15005550006",
    "from": "+15005550001",
    "body": "Hi",
    "error_message": None,
    "date_created": "Mon, 01 Jan 2025 00:00:00 +0000",
}
_MESSAGE: Final = {
    "id": "20",
    "author": {"username": "ada"},
    "content": "hi",
    "timestamp": "2025-01-01T00:00:00+00:00",
}
_POD: Final = {
    "metadata": {"name": "web-0", "namespace": "default", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    "status": {"phase": "Running"},
}
#: One grey point.
_PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
_TWILIO: Final = f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
_REPOSITORY: Final = "/repos/octocat/hello-world"
_FOUND: Final = {"title": "A page", "url": "https://example.org/a", "description": "Some words"}

#: JSON by method and path.
ANSWERS: Final[dict[tuple[str, str], Any]] = {
    ("GET", "/items"): {"items": [1, 2]},
    ("POST", "/items"): {"id": 3},
    ("GET", "/res/v1/web/search"): {"web": {"results": [_FOUND]}},
    ("POST", "/api/chat.postMessage"): {"ok": True, "channel": "C1", "ts": "1.2"},
    ("GET", "/api/conversations.history"): {"ok": True, "messages": [{"ts": "2.0", "user": "U1", "text": "hello"}]},
    ("POST", "/api/v10/channels/1042/messages"): _MESSAGE,
    ("GET", "/api/v10/channels/1042/messages"): [_MESSAGE],
    ("POST", _TWILIO): _SMS,
    ("GET", _TWILIO): {"messages": [_SMS]},
    ("GET", f"{_REPOSITORY}/issues"): [_ISSUE],
    ("POST", f"{_REPOSITORY}/issues"): _ISSUE,
    ("GET", f"{_REPOSITORY}/contents/README.md"): {
        "path": "README.md",
        "size": 3,
        "sha": "s",
        "type": "file",
        "content": base64.b64encode(b"Hi\n").decode(),
    },
    ("POST", "/rest/api/3/search/jql"): {"issues": [{"key": "DEV-42", "fields": _FIELDS}]},
    ("GET", "/rest/api/3/issue/DEV-42"): {"key": "DEV-42", "fields": _FIELDS},
    ("POST", "/rest/api/3/issue/DEV-42/comment"): {"id": "9"},
    ("POST", "/v1/images/generations"): {"created": 1, "data": [{"b64_json": _PNG}]},
    ("POST", "/v1/audio/transcriptions"): {
        "text": "Hello",
        "language": "english",
        "duration": 1.0,
        "segments": [{"id": 0, "start": 0.0, "end": 1.0, "text": "Hello"}],
    },
    ("GET", "/api/v1/namespaces/default/pods"): {"kind": "PodList", "metadata": {}, "items": [_POD]},
    ("PATCH", "/apis/apps/v1/namespaces/default/deployments/web/scale"): {"spec": {"replicas": 3}},
}

_PAGE: Final = """<!doctype html><html lang="en"><head><title>A page</title></head>
<body><h2><a href="/one">One</a></h2><p>Words.</p></body></html>"""
_FEED: Final = """<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><link>https://example.org/</link>
<description>d</description><item><title>Lua release</title><link>https://example.org/1</link><guid>1</guid>
<pubDate>Wed, 05 Feb 2025 10:00:00 GMT</pubDate></item></channel></rss>"""

#: Media type and text by method and path.
TEXTS: Final[dict[tuple[str, str], tuple[str, str]]] = {
    ("GET", "/"): ("text/html; charset=utf-8", _PAGE),
    ("GET", "/article"): ("text/html; charset=utf-8", _PAGE),
    ("GET", "/news"): ("text/html; charset=utf-8", _PAGE),
    ("GET", "/feed.xml"): ("application/rss+xml", _FEED),
    ("GET", "/reports"): (
        "application/xml",
        "<ListBucketResult><Name>reports</Name><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated><Contents>"
        "<Key>2025/a.csv</Key><Size>3</Size><LastModified>2025-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>",
    ),
    ("POST", "/v1/audio/translations"): ("text/plain", "1\n00:00:00,000 --> 00:00:01,000\nHello\n"),
    ("GET", "/api/v1/namespaces/default/pods/web-0/log"): ("text/plain", "ready\n"),
}


def of_aws(headers: dict[str, str], body: bytes) -> tuple[str, str] | None:
    """Media type and text of the services that are all asked by POST at one address."""
    if headers.get("x-amz-target") == "DynamoDB_20120810.Query":
        return "application/x-amz-json-1.0", '{"Items": [{"author": {"S": "Ada"}}], "Count": 1}'
    if body.startswith(b"Action=DescribeInstances"):
        return "text/xml", "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"
    return None
