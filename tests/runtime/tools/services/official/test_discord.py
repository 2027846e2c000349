"""discord against a strict server with the operations of Discord's published OpenAPI document, version 10 of its API.

There is no client of Discord's own to ask it too: paths, parameters, bounds, statuses, required fields of messages,
errors as trees of fields and the shape of rate limits are those of the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from llmspell.errors import RateLimitError, ToolError
from llmspell.tools.communication.discord_tool import DiscordTool

API = "/api/v10"
TOKEN = "MTA0Mg.abc.def"
ID = r"(0|[1-9]\d{0,19})"
PEOPLE = {
    "id": "7",
    "username": "ada",
    "global_name": None,
    "avatar": None,
    "discriminator": "0",
    "public_flags": 0,
    "flags": 0,
    "primary_guild": None,
}


def message(number: int, **more: Any) -> dict[str, Any]:
    """With every field that the document requires."""
    empty: dict[str, Any] = {name: [] for name in ("mentions", "mention_roles", "attachments", "embeds", "components")}
    plain = {"type": 0, "flags": 0, "pinned": False, "mention_everyone": False, "tts": False, "edited_timestamp": None}
    own = {"id": str(number), "channel_id": "10", "author": PEOPLE, "content": f"m{number}"}
    return {**empty, **plain, **own, "timestamp": "2025-01-01T00:00:00+00:00", **more}


@pytest.fixture
async def server(strict: Any, reply: Any) -> Any:
    def parts(asked: dict[str, Any]) -> Any:
        """What a message must have and may not, as the document bounds it."""
        if not asked.get("content") and not asked.get("embeds"):
            return reply({"code": 50006, "message": "Cannot send an empty message"}, 400)
        mentions = asked.get("allowed_mentions") or {}
        assert set(mentions) <= {"parse", "users", "roles", "replied_user"}
        assert set(mentions.get("parse", [])) <= {"users", "roles", "everyone"}
        reference = asked.get("message_reference")
        assert reference is None or "message_id" in reference
        return None

    def sent(_: Any, asked: dict[str, Any]) -> Any:
        return parts(asked) or message(20, content=asked.get("content", ""))

    def through(_: Any, asked: dict[str, Any]) -> Any:
        return parts(asked) or (message(21, webhook_id="1") if asked.get("wait") else reply(None, 204))

    def listed(_: Any, asked: dict[str, Any]) -> Any:
        assert 1 <= asked.get("limit", 50) <= 100
        rows = [message(number) for number in range(30, 25, -1) if number < int(asked.get("before", 99))]
        return rows[: asked.get("limit", 50)]

    text = {"content": ".{1,4000}", "embeds": "list", "allowed_mentions": "table", "flags": "int", "components": "list"}
    create = {**text, "message_reference": "table", "tts": "bool", "nonce": "any", "sticker_ids": "list"}
    hook = {**text, "username": "str", "avatar_url": "str", "tts": "bool", "thread_name": "str", "poll": "table"}
    channel, one = f"{API}/channels/10/messages", f"{API}/channels/10/messages/{ID}"
    secret = f"{API}/webhooks/1/secret-part"
    about = {"application_id": None, "avatar": None, "channel_id": "10", "id": "1", "name": "Hook", "type": 1}

    def refuse(headers: Mapping[str, str]) -> dict[str, Any] | None:
        if not headers.get("user-agent", "").startswith("DiscordBot ("):
            return {"value": "error code: 1010", "status": 403}
        if headers.get("authorization") in {None, f"Bot {TOKEN}"}:
            return None
        return {"value": {"code": 0, "message": "401: Unauthorized"}, "status": 401}

    return await strict(
        [
            {"method": "POST", "path": channel, "body": create, "answer": sent},
            {
                "method": "GET",
                "path": channel,
                "query": {"around": ID, "before": ID, "after": ID, "limit": "int"},
                "answer": listed,
            },
            {"method": "PATCH", "path": one, "body": text, "answer": lambda _, asked: parts(asked) or message(20)},
            {"method": "DELETE", "path": one, "answer": lambda *_: reply(None, 204)},
            {"method": "PUT", "path": f"{one}/reactions/(👍|party:77)/@me", "answer": lambda *_: reply(None, 204)},
            {"method": "GET", "path": secret, "answer": lambda *_: about},
            {
                "method": "POST",
                "path": secret,
                "query": {"wait": "bool", "thread_id": ID},
                "body": hook,
                "answer": through,
            },
        ],
        refuse,
    )


async def ours(call: Any, server: Any, params: dict[str, Any], **options: Any) -> Any:
    given = {"token": TOKEN, "base_url": server.url + API, "channel": "10", **options}
    return await call(DiscordTool, params, options=given, net=server.net)


AT = {"message": "20"}
CALLS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "send": (
        {"operation": "send", "content": "@everyone ä", "reply_to": "19"},
        {"content": "@everyone ä", "allowed_mentions": {"parse": []}, "message_reference": {"message_id": "19"}},
        {"channel": "10", "message": "20"},
    ),
    "embed": (
        {"operation": "send", "embeds": [{"title": "T", "fields": [{"name": "a", "value": "b"}]}]},
        {"embeds": [{"title": "T", "fields": [{"name": "a", "value": "b"}]}], "allowed_mentions": {"parse": []}},
        {"channel": "10", "message": "20"},
    ),
    "edit": (
        {"operation": "edit", "content": "x", **AT},
        {"content": "x", "allowed_mentions": {"parse": []}},
        {"channel": "10", "message": "20"},
    ),
    "delete": ({"operation": "delete", **AT}, {}, {"channel": "10", "message": "20"}),
    "react": ({"operation": "react", "emoji": "👍", **AT}, {}, {"channel": "10", "message": "20"}),
    "react_own": ({"operation": "react", "emoji": "party:77", **AT}, {}, {"channel": "10", "message": "20"}),
}


@pytest.mark.parametrize("kind", CALLS)
async def test_what_is_written_is_what_the_document_has(call: Any, server: Any, kind: str) -> None:
    params, asked, expected = CALLS[kind]
    assert await ours(call, server, params) == expected
    assert (server.wrong, server.seen[0].params) == ([], asked)
    assert server.seen[0].headers["authorization"] == f"Bot {TOKEN}"


async def test_history_is_read_back_by_the_oldest_message(call: Any, server: Any) -> None:
    before, rows = None, list[str]()
    while page := (await ours(call, server, {"operation": "history", "limit": 2, "message": before}))["messages"]:
        rows += [each["content"] for each in page]
        assert {each["author"] for each in page} == {"ada"}
        before = page[-1]["id"]
    assert rows == ["m30", "m29", "m28", "m27", "m26"]
    assert server.wrong == []


async def test_a_webhook_waits_for_its_message_and_shows_no_login(call: Any, server: Any) -> None:
    hook = {"webhook_url": f"{server.url}{API}/webhooks/1/secret-part", "token": None, "allowed_channels": ["10"]}
    assert await ours(call, server, {"operation": "send", "content": "hi"}, **hook) == {
        "channel": "10",
        "message": "21",
    }
    assert server.wrong == []
    assert server.seen[-1].params == {"wait": True, "content": "hi", "allowed_mentions": {"parse": []}}
    assert all("authorization" not in seen.headers for seen in server.seen)


PROBLEMS: dict[str, tuple[int, dict[str, Any], dict[str, str], str]] = {
    "unknown": (404, {"code": 10003, "message": "Unknown Channel"}, {}, "Unknown Channel"),
    "access": (403, {"code": 50001, "message": "Missing Access"}, {"X-RateLimit-Remaining": "0"}, "Missing Access"),
    "fields": (
        400,
        {
            "code": 50035,
            "message": "Invalid Form Body",
            "errors": {
                "embeds": {"0": {"title": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "Too long."}]}}}
            },
        },
        {},
        "Invalid Form Body; embeds.0.title: Too long.",
    ),
}


@pytest.mark.parametrize("kind", PROBLEMS)
async def test_refusals_say_what_is_wrong_with_which_field(call: Any, server: Any, reply: Any, kind: str) -> None:
    status, value, headers, said = PROBLEMS[kind]
    limits = {"X-RateLimit-Limit": "5", "X-RateLimit-Reset-After": "1.5", "X-RateLimit-Bucket": "b", **headers}
    server.instead.append(reply(value, status, limits))
    with pytest.raises(ToolError) as error:
        await ours(call, server, {"operation": "send", "content": "x"})
    assert f"answered {status}: {said}" in error.value.message
    assert (error.value.data or {})["status"] == status


@pytest.mark.parametrize("everywhere", [False, True])
async def test_rate_limits_say_how_long(call: Any, server: Any, reply: Any, everywhere: bool) -> None:
    body = {"code": 0, "message": "You are being rate limited.", "retry_after": 0.65, "global": everywhere}
    headers = {"Retry-After": "1", "X-RateLimit-Reset-After": "0.65", "X-RateLimit-Remaining": "0"}
    server.instead += [reply(body, 429, headers), reply("error code: 1015", 429, {"Retry-After": "12"})]
    for wait in (650, 12_000):
        with pytest.raises(RateLimitError) as error:
            await ours(call, server, {"operation": "send", "content": "x"})
        assert error.value.retry_after == wait


async def test_a_wrong_token_is_refused(call: Any, server: Any) -> None:
    with pytest.raises(ToolError, match="401: Unauthorized"):
        await ours(call, server, {"operation": "history"}, token="wrong")
