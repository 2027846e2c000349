"""slack beside slack_sdk: both ask one strict server the same, and read the same from it.

The server's methods have the parameters, required fields and answers of Slack's published OpenAPI document of the Web
API, which allows GET with a query where it reads, and a form or JSON where it writes; the client sends forms for both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from llmspell.errors import RateLimitError, ToolError
from llmspell.tools.communication.slack_tool import SlackTool

TOKEN = "xoxb-1-2-abc"
TS = r"\d{10}\.\d{6}"
ID = r"C[A-Z0-9]{8,}"
ANY = r"#?[a-z0-9_-]{1,80}|C[A-Z0-9]{8,}"
MESSAGES = [
    {"type": "message", "ts": f"170000000{at}.000100", "user": "U1", "text": f"m{at}", "thread_ts": "1700000000.000100"}
    for at in range(5)
]
CHANNELS = [
    {"id": f"C00000000{at}", "name": f"c{at}", "topic": {"value": "T", "creator": "", "last_set": 0}, "num_members": at}
    for at in range(3)
]


def paged(name: str, rows: list[Any]) -> Any:
    """A cursor is opaque; here it is the number of the first row in disguise."""

    def answer(_: Any, asked: dict[str, Any]) -> Any:
        start = int(asked["cursor"].removeprefix("next:").rstrip("=")) if asked.get("cursor") else 0
        end = start + asked.get("limit", 100)
        more = f"next:{end}=" if end < len(rows) else ""
        return {"ok": True, name: rows[start:end], "has_more": bool(more), "response_metadata": {"next_cursor": more}}

    return answer


def posted(_: Any, asked: dict[str, Any]) -> Any:
    message = {"type": "message", "text": asked["text"], "bot_id": "B1", "ts": "1700000009.000100"}
    return {"ok": True, "channel": "C000000001", "ts": "1700000009.000100", "message": message}


def refuse(headers: Mapping[str, str]) -> dict[str, Any] | None:
    if headers.get("authorization") == f"Bearer {TOKEN}":
        return None
    return {"value": {"ok": False, "error": "invalid_auth" if "authorization" in headers else "not_authed"}}


def rules() -> list[dict[str, Any]]:
    page = {"cursor": "str", "limit": "int"}
    writes = {
        "chat.postMessage": (
            {"channel!": ANY, "text": "str", "blocks": "list", "thread_ts": TS, "mrkdwn": "bool"},
            posted,
        ),
        "chat.update": (
            {"channel!": ID, "ts!": TS, "text": "str", "blocks": "list"},
            lambda _, asked: {"ok": True, "channel": asked["channel"], "ts": asked["ts"], "text": asked["text"]},
        ),
        "chat.delete": (
            {"channel!": ID, "ts!": TS},
            lambda _, asked: {"ok": True, "channel": asked["channel"], "ts": asked["ts"]},
        ),
        "reactions.add": ({"channel!": ID, "name!": r"[a-z0-9_+'-]+", "timestamp!": TS}, lambda *_: {"ok": True}),
    }
    span = {"channel!": ID, "latest": TS, "oldest": TS, "inclusive": "bool", **page}
    reads = {
        "conversations.history": (span, paged("messages", MESSAGES)),
        "conversations.replies": ({**span, "ts!": TS}, paged("messages", MESSAGES)),
        "conversations.list": ({"exclude_archived": "bool", "types": "str", **page}, paged("channels", CHANNELS)),
        "conversations.info": (
            {"channel!": ID, "include_num_members": "bool"},
            lambda _, asked: {"ok": True, "channel": next(c for c in CHANNELS if c["id"] == asked["channel"])},
        ),
    }
    found: list[dict[str, Any]] = []
    for name, (body, answer) in writes.items():
        found.append(
            {"method": "POST", "path": f"/api/{name}", "name": name, "body": body, "form": True, "answer": answer}
        )
    for name, (query, answer) in reads.items():
        same = {"path": f"/api/{name}", "name": name, "answer": answer}
        found += [{"method": "GET", "query": query, **same}, {"method": "POST", "body": query, "form": True, **same}]
    return found


@pytest.fixture
async def server(strict: Any) -> Any:
    return await strict(rules(), refuse)


async def ours(call: Any, server: Any, params: dict[str, Any], **options: Any) -> Any:
    given = {"token": TOKEN, "base_url": f"{server.url}/api", **options}
    return await call(SlackTool, params, options=given, net=server.net)


async def theirs(server: Any, method: str, token: str = TOKEN, **asked: Any) -> Any:
    client = WebClient(token, base_url=f"{server.url}/api/", retry_handlers=[])
    return (await asyncio.to_thread(getattr(client, method), **asked)).data


BLOCK = {"type": "section", "text": {"type": "mrkdwn", "text": "*Hi*"}}
AT = {"channel": "C000000001", "timestamp": "1700000001.000100"}
WRITES = {
    "post": (
        {"operation": "post", "channel": "#up", "text": "*Hi*", "thread": "1700000000.000100", "blocks": [BLOCK]},
        ("chat_postMessage", {"channel": "#up", "text": "*Hi*", "thread_ts": "1700000000.000100", "blocks": [BLOCK]}),
    ),
    "update": (
        {"operation": "update", "text": "ä", **AT},
        ("chat_update", {"channel": AT["channel"], "ts": AT["timestamp"], "text": "ä"}),
    ),
    "delete": (
        {"operation": "delete", **AT},
        ("chat_delete", {"channel": AT["channel"], "ts": AT["timestamp"]}),
    ),
    "react": ({"operation": "react", "emoji": ":tada:", **AT}, ("reactions_add", {"name": "tada", **AT})),
}


@pytest.mark.parametrize("operation", WRITES)
async def test_writes_are_those_of_the_client(call: Any, server: Any, operation: str) -> None:
    params, (method, asked) = WRITES[operation]
    found = await theirs(server, method, **asked)
    got = await ours(call, server, params)
    server.pair()
    assert got == {"channel": found.get("channel", AT["channel"]), "timestamp": found.get("ts", AT["timestamp"])}
    kinds = [seen.headers["content-type"] for seen in server.seen]
    assert kinds[1] == "application/json; charset=utf-8"
    assert kinds[0].startswith(("application/json", "application/x-www-form-urlencoded"))


async def test_pages_are_those_of_the_client(call: Any, server: Any) -> None:
    client = WebClient(TOKEN, base_url=f"{server.url}/api/", retry_handlers=[])

    def every() -> list[list[str]]:
        pages = client.conversations_history(channel="C000000001", limit=2)
        return [[message["ts"] for message in page["messages"]] for page in pages]

    expected = await asyncio.to_thread(every)
    assert [len(page) for page in expected] == [2, 2, 1]
    asked = server.seen[:]
    server.seen.clear()
    cursor, pages = "", list[list[str]]()
    while not pages or cursor:
        found = await ours(
            call, server, {"operation": "history", "channel": "C000000001", "limit": 2, "cursor": cursor}
        )
        pages.append([message["timestamp"] for message in found["messages"]])
        cursor = found["next"]
    assert pages == expected
    assert [(seen.operation, seen.params) for seen in asked] == [(seen.operation, seen.params) for seen in server.seen]
    assert server.wrong == []


async def test_threads_and_channels_are_read_alike(call: Any, server: Any) -> None:
    thread = {"channel": "C000000001", "ts": "1700000000.000100", "limit": 50}
    found = await theirs(server, "conversations_replies", **thread)
    got = await ours(call, server, {"operation": "replies", "channel": "C000000001", "thread": thread["ts"]})
    server.pair()
    names = ("ts", "user", "text", "thread_ts")
    assert [list(each.values()) for each in got["messages"]] == [
        [each[name] for name in names] for each in found["messages"]
    ]
    found = await theirs(server, "conversations_list", limit=50, exclude_archived=True)
    got = await ours(call, server, {"operation": "channels"})
    server.pair()
    assert [(each["id"], each["name"], each["topic"], each["members"]) for each in got["channels"]] == [
        (each["id"], each["name"], each["topic"]["value"], each["num_members"]) for each in found["channels"]
    ]


async def test_refusals_mean_the_same_to_both(call: Any, server: Any, reply: Any) -> None:
    with pytest.raises(SlackApiError) as theirs_says:
        await theirs(server, "conversations_list", token="xoxb-wrong")
    with pytest.raises(ToolError) as error:
        await ours(call, server, {"operation": "channels"}, token="xoxb-wrong")
    assert theirs_says.value.response["error"] == "invalid_auth"
    assert "invalid_auth" in error.value.message
    asked = {"channel": "C000000001", "ts": "1700000001.000100"}
    for said in ("message_not_found", "missing_scope"):
        server.instead += [reply({"ok": False, "error": said, "needed": "chat:write", "provided": "x"})] * 2
        with pytest.raises(SlackApiError) as theirs_says:
            await theirs(server, "chat_delete", **asked)
        with pytest.raises(ToolError) as error:
            await ours(call, server, {"operation": "delete", **AT})
        assert theirs_says.value.response["error"] == said
        assert said in error.value.message
    limited = reply({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "30"})
    server.instead += [limited, limited]
    with pytest.raises(SlackApiError) as theirs_says:
        await theirs(server, "chat_delete", **asked)
    with pytest.raises(RateLimitError) as slow:
        await ours(call, server, {"operation": "delete", **AT})
    assert float(theirs_says.value.response.headers["Retry-After"]) * 1000 == slow.value.retry_after
    assert server.wrong == []


@pytest.mark.parametrize(
    ("allowed", "channel", "may"),
    [
        (["#c1"], "#c1", True),
        (["#c1"], "c1", True),
        (["C000000001"], "C000000001", True),
        (["C000000001"], "#c1", True),
        (["#c1"], "C000000001", True),
        (["C000000001", "#c2"], "#c1", True),
        (["c1"], "#c2", False),
        (["#c1"], "C000000002", False),
        (["C000000001"], "#c2", False),
        (["C000000001"], "#nowhere", False),
        ([], "#c1", False),
        (["C000000001"], "C000000002", False),
    ],
)
async def test_a_channel_is_one_by_its_name_and_by_its_id(
    call: Any, server: Any, allowed: list[str], channel: str, may: bool
) -> None:
    from llmspell.errors import PermissionDenied

    post = {"operation": "post", "channel": channel, "text": "t"}
    if may:
        assert (await ours(call, server, post, allowed_channels=allowed))["timestamp"]
    else:
        with pytest.raises(PermissionDenied, match="may not use the channel"):
            await ours(call, server, post, allowed_channels=allowed)
        assert "chat.postMessage" not in {seen.operation for seen in server.seen}
    assert server.wrong == []


async def test_the_server_is_strict(server: Any) -> None:
    for method, asked in (
        ("chat_postMessage", {"channel": "C000000001", "text": "t", "colour": "red"}),
        ("chat_update", {"channel": "C000000001", "ts": "yesterday", "text": "t"}),
        ("api_test", {}),
    ):
        with pytest.raises(SlackApiError):
            await theirs(server, method, **asked)
    assert len(server.wrong) == 3
