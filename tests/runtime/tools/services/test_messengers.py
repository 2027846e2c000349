"""slack, discord and twilio ask their services as those document it: method, path, headers, body, pages, refusals."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl

import pytest

from llmspell.errors import PermissionDenied, RateLimitError, SchemaError, ToolError
from llmspell.tools.communication.discord_tool import DiscordTool
from llmspell.tools.communication.slack_tool import SlackTool
from llmspell.tools.communication.twilio_tool import TwilioTool

both = pytest.mark.parametrize("language", ["lua", "js"])

ACCOUNT = "AC" + "0" * 32
MESSAGE = "SM" + "1" * 32
PLAIN = {"to": "+15005550006", "from": "+15005550001", "body": "Hi", "error_message": None, "date_created": "Mon"}


async def slack(call: Any, service: Any, params: dict[str, Any], **options: Any) -> Any:
    given = {"token": "xoxb-1", "base_url": f"{service.url}/api", **options}
    return await call(SlackTool, params, options=given, net=service.net)


async def test_slack_writes(call: Any, service: Any) -> None:
    said = {"ok": True, "channel": "C1", "ts": "1.2"}
    for method in ("chat.postMessage", "chat.update", "chat.delete"):
        service.on("POST", f"/api/{method}", said)
    service.on("POST", "/api/reactions.add", {"ok": True})
    done = {"channel": "C1", "timestamp": "1.2"}
    assert await slack(call, service, {"operation": "post", "text": "*Hi*", "thread": "1.1"}, channel="#up") == done
    assert await slack(call, service, {"operation": "update", "channel": "C1", "timestamp": "1.2", "text": "t"}) == done
    assert await slack(call, service, {"operation": "delete", "channel": "C1", "timestamp": "1.2"}) == done
    assert (
        await slack(call, service, {"operation": "react", "channel": "C1", "timestamp": "1.2", "emoji": ":tada:"})
        == done
    )
    assert [asked.json for asked in service.asked] == [
        {"channel": "#up", "text": "*Hi*", "thread_ts": "1.1"},
        {"channel": "C1", "text": "t", "ts": "1.2"},
        {"channel": "C1", "ts": "1.2"},
        {"channel": "C1", "timestamp": "1.2", "name": "tada"},
    ]
    assert {asked.headers["authorization"] for asked in service.asked} == {"Bearer xoxb-1"}
    assert service.asked[0].headers["content-type"] == "application/json; charset=utf-8"


async def test_slack_reads_by_pages(call: Any, service: Any) -> None:
    row = {"ts": "2.0", "user": "U1", "text": "hello"}
    pages = {"response_metadata": {"next_cursor": "n2"}}
    service.on("GET", "/api/conversations.history", {"ok": True, "messages": [row], **pages})
    service.on("GET", "/api/conversations.replies", {"ok": True, "messages": [{**row, "thread_ts": "1.0"}]})
    channel = {"id": "C1", "name": "up", "topic": {"value": "News"}, "num_members": 3}
    service.on("GET", "/api/conversations.list", {"ok": True, "channels": [channel]})
    found = await slack(call, service, {"operation": "history", "channel": "C1", "limit": 5, "cursor": "n1"})
    message = {"timestamp": "2.0", "user": "U1", "text": "hello", "thread": ""}
    assert found == {"channel": "C1", "messages": [message], "next": "n2"}
    assert service.asked[0].query == {"channel": "C1", "limit": "5", "cursor": "n1"}
    found = await slack(call, service, {"operation": "replies", "channel": "C1", "thread": "1.0"})
    assert (found["messages"][0]["thread"], found["next"]) == ("1.0", "")
    found = await slack(call, service, {"operation": "channels"})
    assert found["channels"] == [{"id": "C1", "name": "up", "topic": "News", "members": 3}]


async def test_slack_refusals(call: Any, service: Any) -> None:
    service.on("POST", "/api/chat.postMessage", {"ok": False, "error": "not_in_channel"})
    service.on("POST", "/api/chat.postMessage", {"ok": False, "error": "missing_scope", "needed": "chat:write"})
    service.on("POST", "/api/chat.postMessage", "", status=429, headers={"Retry-After": "30"})
    service.on("POST", "/api/chat.postMessage", "<html>no</html>")
    post = {"operation": "post", "channel": "C1", "text": "t"}
    with pytest.raises(ToolError, match="not_in_channel") as error:
        await slack(call, service, post)
    assert error.value.hint == "invite the app to the channel: /invite @app"
    with pytest.raises(ToolError, match="needs chat:write"):
        await slack(call, service, post)
    with pytest.raises(RateLimitError) as limited:
        await slack(call, service, post)
    assert limited.value.retry_after == 30_000
    with pytest.raises(ToolError, match="no JSON that Slack would send"):
        await slack(call, service, post)
    asked = len(service.asked)
    for params, options, error, said in (
        ({"operation": "post", "text": "t"}, {}, SchemaError, "needs `channel`"),
        ({"operation": "post", "channel": "C1"}, {}, SchemaError, "needs `text`"),
        ({"operation": "update", "channel": "C1", "text": "t"}, {}, SchemaError, "needs `timestamp`"),
        (post, {"allowed_channels": []}, PermissionDenied, "its options leave it out"),
        (post, {"token": None}, ToolError, "needs `token`"),
        (post, {"token": "x\ny"}, ToolError, "line end"),
    ):
        with pytest.raises(error, match=said):
            await slack(call, service, params, **options)
    assert len(service.asked) == asked


async def discord(call: Any, service: Any, params: dict[str, Any], **options: Any) -> Any:
    given = {"token": "t1", "base_url": f"{service.url}/api/v10", **options}
    return await call(DiscordTool, params, options=given, net=service.net)


async def test_discord_writes_and_reads(call: Any, service: Any) -> None:
    root = "/api/v10/channels/10/messages"
    row = {"id": "20", "author": {"username": "ada"}, "content": "hi", "timestamp": "2025-01-01T00:00:00+00:00"}
    service.on("POST", root, row)
    service.on("PATCH", f"{root}/20", row)
    service.on("DELETE", f"{root}/20", None, status=204)
    service.on("PUT", f"{root}/20/reactions/👍/@me", None, status=204)
    service.on("GET", root, [row])
    done = {"channel": "10", "message": "20"}
    assert (
        await discord(call, service, {"operation": "send", "content": "@everyone hi", "reply_to": "19"}, channel="10")
        == done
    )
    assert await discord(call, service, {"operation": "edit", "channel": "10", "message": "20", "content": "x"}) == done
    assert await discord(call, service, {"operation": "delete", "channel": "10", "message": "20"}) == done
    assert await discord(call, service, {"operation": "react", "channel": "10", "message": "20", "emoji": "👍"}) == done
    found = await discord(call, service, {"operation": "history", "channel": "10", "limit": 5, "message": "30"})
    assert found["messages"] == [{"id": "20", "author": "ada", "content": "hi", "time": "2025-01-01T00:00:00+00:00"}]
    first = service.asked[0]
    silent = {"parse": []}
    assert first.json == {
        "content": "@everyone hi",
        "allowed_mentions": silent,
        "message_reference": {"message_id": "19"},
    }
    assert (first.headers["authorization"], first.headers["user-agent"][:10]) == ("Bot t1", "DiscordBot")
    assert service.asked[3].path == f"{root}/20/reactions/%F0%9F%91%8D/@me"
    assert service.asked[4].query == {"limit": "5", "before": "30"}


async def test_a_discord_webhook_needs_no_token_and_its_address_is_not_shown(call: Any, service: Any) -> None:
    service.on("POST", "/api/webhooks/1/secret-part", {"id": "5", "channel_id": "10"})
    service.on(
        "POST",
        "/api/webhooks/1/secret-part",
        {"message": "You are being rate limited.", "retry_after": 0.25},
        status=429,
    )
    service.on("POST", "/api/webhooks/1/secret-part", {"message": "Unknown Webhook"}, status=404)
    hook = {"webhook_url": f"{service.url}/api/webhooks/1/secret-part", "token": None, "allow_mentions": True}
    send = {"operation": "send", "content": "hi"}
    assert await discord(call, service, send, **hook) == {"channel": "10", "message": "5"}
    assert service.asked[0].json == {"content": "hi"}
    assert service.asked[0].query == {"wait": "true"}
    assert "authorization" not in service.asked[0].headers
    with pytest.raises(RateLimitError) as limited:
        await discord(call, service, send, **hook)
    assert limited.value.retry_after == 250
    with pytest.raises(ToolError, match="Unknown Webhook") as error:
        await discord(call, service, send, **hook)
    assert "secret-part" not in error.value.message + error.value.hint
    with pytest.raises(SchemaError, match="cannot reply"):
        await discord(call, service, {**send, "reply_to": "1"}, **hook)
    with pytest.raises(ToolError, match="needs `token`"):
        await discord(call, service, {"operation": "history", "channel": "10"}, **hook)


async def test_a_discord_webhook_posts_only_where_its_options_allow(call: Any, service: Any) -> None:
    hook = {"webhook_url": f"{service.url}/api/webhooks/1/secret-part", "token": None}
    send = {"operation": "send", "content": "hi"}
    for _ in range(3):
        service.on("GET", "/api/webhooks/1/secret-part", {"id": "1", "channel_id": "10"})
    service.on("POST", "/api/webhooks/1/secret-part", {"id": "5", "channel_id": "10"})
    with pytest.raises(PermissionDenied, match="may not use the channel '10'"):
        await discord(call, service, send, **hook, allowed_channels=["11"])
    with pytest.raises(SchemaError, match="posts to the channel 10, not to 11"):
        await discord(call, service, {**send, "channel": "11"}, **hook)
    assert await discord(call, service, {**send, "channel": "10"}, **hook, allowed_channels=["10"]) == {
        "channel": "10",
        "message": "5",
    }


async def twilio(call: Any, service: Any, params: dict[str, Any], **options: Any) -> Any:
    given = {
        "account_sid": ACCOUNT,
        "auth_token": "s3",
        "base_url": service.url,
        "from_number": "+15005550001",
        **options,
    }
    return await call(TwilioTool, params, options=given, net=service.net)


async def test_twilio_sends_forms_with_its_login(call: Any, service: Any) -> None:
    root = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"
    row = {**PLAIN, "sid": MESSAGE, "status": "queued"}
    service.on("POST", f"{root}.json", row, status=201)
    service.on("GET", f"{root}/{MESSAGE}.json", {**row, "status": "failed", "error_message": "Unknown"})
    service.on("GET", f"{root}.json", {"messages": [row, row]})
    send = {
        "operation": "send",
        "to": "+15005550006",
        "body": "Hi & bye",
        "media": ["https://e.org/1", "https://e.org/2"],
    }
    found = await twilio(call, service, send)
    assert (found["message"], found["status"], found["sender"], found["error"]) == (
        MESSAGE,
        "queued",
        "+15005550001",
        "",
    )
    asked = service.asked[0]
    assert parse_qsl(asked.body.decode()) == [
        ("To", "+15005550006"),
        ("From", "+15005550001"),
        ("Body", "Hi & bye"),
        ("MediaUrl", "https://e.org/1"),
        ("MediaUrl", "https://e.org/2"),
    ]
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(f"{ACCOUNT}:s3".encode()).decode()
    found = await twilio(call, service, {"operation": "get", "message": MESSAGE})
    assert (found["status"], found["error"]) == ("failed", "Unknown")
    assert len((await twilio(call, service, {"operation": "list", "limit": 1}))["messages"]) == 1
    assert service.asked[-1].query == {"PageSize": "1"}


async def test_twilio_refusals(call: Any, service: Any) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    service.on("POST", path, {"code": 21211, "message": "The 'To' number is not valid.", "status": 400}, status=400)
    send = {"operation": "send", "to": "+15005550006", "body": "Hi"}
    with pytest.raises(ToolError, match="'To' number is not valid"):
        await twilio(call, service, send)
    for params, options, error, said in (
        (send, {"allowed_recipients": ["+49*"]}, PermissionDenied, "may not use the recipient"),
        (send, {"allowed_recipients": []}, PermissionDenied, "may not use the recipient"),
        ({"operation": "send", "to": "+15005550006"}, {}, SchemaError, "needs `body`"),
        (send, {"from_number": None}, ToolError, "needs a sender"),
        ({**send, "to": "+15005550006\r\nX: y"}, {}, SchemaError, "to"),
        ({"operation": "get", "message": "../../x"}, {}, SchemaError, "message"),
        (send, {"auth_token": None}, ToolError, "needs `auth_token`"),
    ):
        with pytest.raises(error, match=said):
            await twilio(call, service, params, **options)
    assert len(service.asked) == 1


async def test_the_environments_secrets_go_to_no_other_address(call: Any, service: Any) -> None:
    environ = {"SLACK_BOT_TOKEN": "a", "DISCORD_TOKEN": "b", "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "c"}
    for tool, params in (
        (SlackTool, {"operation": "channels"}),
        (DiscordTool, {"operation": "history", "channel": "1"}),
        (TwilioTool, {"operation": "list"}),
    ):
        with pytest.raises(ToolError, match="own address only"):
            await call(tool, params, options={"base_url": service.url}, environ=environ, net=service.net)
        with pytest.raises(PermissionDenied, match="may not reach"):
            await call(tool, params, environ=environ, net=service.net)
    assert service.asked == []


SPELLS = {
    "lua": """
        local slack = SlackTool.new{ token = "xoxb-1", channel = "#up", base_url = params.url }
        local discord = DiscordTool.new{ token = "t", channel = "10", base_url = params.url }
        local twilio = TwilioTool.new{ account_sid = params.account, auth_token = "s", from_number = "+15005550001", base_url = params.url }
        return { slack:execute{ operation = "post", text = "hi" }.timestamp,
          discord:execute{ operation = "send", content = "hi" }.message,
          twilio:execute{ operation = "send", to = "+15005550006", body = "hi" }.status }
    """,
    "js": """
        const slack = new Slack({ token: "xoxb-1", channel: "#up", baseUrl: params.url });
        const discord = new Discord({ token: "t", channel: "10", baseUrl: params.url });
        const twilio = new Twilio({ accountSid: params.account, authToken: "s", fromNumber: "+15005550001", baseUrl: params.url });
        return [(await slack.execute({ operation: "post", text: "hi" })).timestamp,
          (await discord.execute({ operation: "send", content: "hi" })).message,
          (await twilio.execute({ operation: "send", to: "+15005550006", body: "hi" })).status];
    """,
}


@both
@pytest.mark.mission(101)
async def test_a_spell_tells_people_and_its_replay_tells_nobody(cast: Any, service: Any, language: str) -> None:
    service.on("POST", "/chat.postMessage", {"ok": True, "channel": "C1", "ts": "1.2"})
    service.on("POST", "/channels/10/messages", {"id": "20"})
    service.on("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", {**PLAIN, "sid": MESSAGE, "status": "queued"})
    given = {"params": {"url": service.url, "account": ACCOUNT}, "flags": {"permissions.net": service.net}}
    spell = await cast(**{language: SPELLS[language]}, **given)
    assert spell.value == ["1.2", "20", "queued"]
    assert (await cast(**{language: SPELLS[language]}, replay=spell.recording, **given)).value == spell.value
    assert len(service.asked) == 3


#: Put together in the spell, for a run keeps its spell's text.
SECRETS = {
    "lua": """
        local secret = "plain" .. "-secret-"
        local calls = {
          { SlackTool.new{ token = secret .. 1, channel = "#up", base_url = params.url }, { operation = "post", text = "t" } },
          { TwilioTool.new{ account_sid = params.account, auth_token = secret .. 2, base_url = params.url }, { operation = "list" } },
          { EmailTool.new{ smtp_config = { host = "127.0.0.1", auth = { user = "u", pass = secret .. 3 } }, from_address = "a@b.example" },
            { to = "a@b.example", body = "x" } },
        }
        for _, call in ipairs(calls) do
          local ok, problem = pcall(function() call[1]:execute(call[2]) end)
          print(ok, problem)
        end
    """,
    "js": """
        const secret = "plain" + "-secret-";
        const calls = [
          [new Slack({ token: secret + 1, channel: "#up", baseUrl: params.url }), { operation: "post", text: "t" }],
          [new Twilio({ accountSid: params.account, authToken: secret + 2, baseUrl: params.url }), { operation: "list" }],
          [new Email({ smtpConfig: { host: "127.0.0.1", auth: { user: "u", pass: secret + 3 } }, fromAddress: "a@b.example" }),
            { to: "a@b.example", body: "x" }],
        ];
        for (const [tool, asked] of calls) await tool.execute(asked).catch((error) => console.log("false", String(error)));
    """,
}


@both
async def test_no_secret_of_an_option_is_kept_or_shown(cast: Any, service: Any, language: str) -> None:
    service.on("POST", "/chat.postMessage", {"ok": False, "error": "invalid_auth"})
    given = {"params": {"url": service.url, "account": ACCOUNT}, "flags": {"permissions.net": service.net}}
    spell = await cast(**{language: SECRETS[language]}, **given)
    assert spell.output["out"].count("false") == 3
    assert service.asked[0].headers["authorization"] == "Bearer plain-secret-1"
    assert service.asked[1].headers["authorization"].startswith("Basic ")
    assert "plain-secret-" not in str(spell.events) + str(spell.output)
    kept = [file for file in spell.file.parent.parent.rglob("*") if file.is_file()]
    assert spell.file in kept
    assert [file for file in kept if b"plain-secret-" in file.read_bytes()] == []
