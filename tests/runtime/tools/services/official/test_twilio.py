"""twilio beside Twilio's own library, which is generated from its OpenAPI document: one strict server, the same answers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from llmspell.errors import RateLimitError, ToolError
from llmspell.tools.communication.twilio_tool import TwilioTool

ACCOUNT = "AC" + "0a" * 16
SERVICE = "MG" + "0b" * 16
SECRET = "s3cret"
NUMBER = r"(whatsapp:)?\+[1-9]\d{4,14}"
SENT = [
    {
        "sid": f"SM{at:032x}",
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": f"m{at}",
        "date_created": "Sun, 02 Mar 2025 10:00:00 +0000",
        "date_sent": None,
        "date_updated": "Sun, 02 Mar 2025 10:00:01 +0000",
        "direction": "outbound-api",
        "error_code": 30003 if at == 1 else None,
        "error_message": "Unreachable destination handset" if at == 1 else None,
        "from": "+15005550001",
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "status": "undelivered" if at == 1 else "delivered",
        "subresource_uris": {},
        "to": "+15005550006",
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/SM{at:032x}.json",
    }
    for at in range(5)
]
ROOT = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"


def made(_: Any, asked: dict[str, Any]) -> Any:
    return {
        **SENT[0],
        "to": asked["To"],
        "from": asked.get("From"),
        "messaging_service_sid": asked.get("MessagingServiceSid"),
        "body": asked.get("Body", ""),
        "num_media": str(len(asked.get("MediaUrl", []))),
        "status": "accepted" if "MessagingServiceSid" in asked else "queued",
        "date_sent": None,
    }


def listed(_: Any, asked: dict[str, Any]) -> Any:
    size, page = asked.get("PageSize", 50), asked.get("Page", 0)
    if page and asked.get("PageToken") != f"PASM{page}":
        raise ValueError("a page is asked for with its token")
    rows = SENT[page * size : (page + 1) * size]
    more = f"{ROOT}.json?PageSize={size}&Page={page + 1}&PageToken=PASM{page + 1}"
    return {
        "messages": rows,
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + len(rows) - 1,
        "uri": f"{ROOT}.json",
        "first_page_uri": f"{ROOT}.json?PageSize={size}&Page=0",
        "previous_page_uri": None,
        "next_page_uri": more if (page + 1) * size < len(SENT) else None,
    }


def refuse(headers: Mapping[str, str]) -> dict[str, Any] | None:
    login = "Basic " + base64.b64encode(f"{ACCOUNT}:{SECRET}".encode()).decode()
    problem = {"code": 20003, "message": "Authenticate", "more_info": "", "status": 401}
    return None if headers.get("authorization") == login else {"value": problem, "status": 401}


@pytest.fixture
async def server(strict: Any, reply: Any) -> Any:
    create = {
        "To!": NUMBER,
        "From": NUMBER,
        "MessagingServiceSid": r"MG[0-9a-f]{32}",
        "Body": "str",
        "MediaUrl": "list",
        "StatusCallback": "str",
        "ValidityPeriod": "int",
    }
    page = {"PageSize": "int", "Page": "int", "PageToken": "str", "To": NUMBER, "From": NUMBER, "DateSent": "str"}

    def one(found: Any, _: Any) -> Any:
        row = next((row for row in SENT if row["sid"] == found[1]), None)
        unknown = {"code": 20404, "message": "The requested resource was not found", "status": 404}
        return row or reply(unknown, 404)

    return await strict(
        [
            {
                "method": "POST",
                "path": f"{ROOT}\\.json",
                "body": create,
                "form": True,
                "answer": lambda *a: reply(made(*a), 201),
            },
            {"method": "GET", "path": f"{ROOT}\\.json", "query": page, "answer": listed},
            {"method": "GET", "path": f"{ROOT}/(SM[0-9a-f]{{32}})\\.json", "answer": one},
        ],
        refuse,
    )


class Here(TwilioHttpClient):
    """Sends what is meant for api.twilio.com to the server."""

    def __init__(self, url: str) -> None:
        super().__init__(pool_connections=False)
        self.url = url

    def request(self, method: str, url: str, *given: Any, **more: Any) -> Any:
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc) == ("https", "api.twilio.com")
        return super().request(method, self.url + url.partition(parts.netloc)[2], *given, **more)


def theirs(server: Any, secret: str = SECRET) -> Client:
    return Client(ACCOUNT, secret, http_client=Here(server.url))


async def ours(call: Any, server: Any, params: dict[str, Any], **options: Any) -> Any:
    given = {"account_sid": ACCOUNT, "auth_token": SECRET, "base_url": server.url, **options}
    return await call(TwilioTool, params, options=given, net=server.net)


def same(got: dict[str, str], found: Any) -> None:
    assert (got["message"], got["status"], got["to"], got["body"]) == (found.sid, found.status, found.to, found.body)
    assert (got["sender"], got["error"]) == (found.from_ or "", found.error_message or "")
    assert got["time"] == found.date_created.strftime("%a, %d %b %Y %H:%M:%S +0000")


SENDS = {
    "sms": ({"to": "+4915112345678", "body": "Hi & bye + ä"}, {"from_number": "+15005550001"}),
    "pictures": (
        {"to": "+15005550006", "media": ["https://e.org/1?a=1&b=2", "https://e.org/2"]},
        {"from_number": "+15005550001"},
    ),
    "whatsapp": ({"to": "whatsapp:+15005550006", "body": "Hi"}, {"from_number": "whatsapp:+15005550001"}),
    "service": ({"to": "+15005550006", "body": "Hi"}, {"messaging_service": SERVICE}),
}


@pytest.mark.parametrize("kind", SENDS)
async def test_messages_are_sent_alike(call: Any, server: Any, kind: str) -> None:
    params, options = SENDS[kind]
    names = {"from_number": "from_", "messaging_service": "messaging_service_sid", "media": "media_url"}
    asked = {names.get(name, name): value for name, value in {**params, **options}.items()}
    found = await asyncio.to_thread(lambda: theirs(server).messages.create(**asked))
    same(await ours(call, server, {"operation": "send", **params}, **options), found)
    server.pair()


async def test_one_message_and_pages_are_read_alike(call: Any, server: Any) -> None:
    sid = str(SENT[1]["sid"])
    found = await asyncio.to_thread(lambda: theirs(server).messages(sid).fetch())
    same(await ours(call, server, {"operation": "get", "message": sid}), found)
    server.pair()
    server.seen.clear()
    every = await asyncio.to_thread(lambda: theirs(server).messages.list(page_size=2, to="+15005550006"))
    cursor, rows = "", list[dict[str, str]]()
    while not rows or cursor:
        page = {"operation": "list", "limit": 2, "to": "+15005550006", "cursor": cursor}
        answer = await ours(call, server, page)
        rows, cursor = rows + answer["messages"], answer["next"]
    for got, each in zip(rows, every, strict=True):
        same(got, each)
    # the library follows `next_page_uri` as it stands, which on a real server repeats the filter
    assert [seen.params | {"To": "+15005550006"} for seen in server.seen[:3]] == [
        seen.params for seen in server.seen[3:]
    ]
    assert server.wrong == []


async def test_refusals_mean_the_same_to_both(call: Any, server: Any, reply: Any) -> None:
    with pytest.raises(TwilioRestException) as says:
        await asyncio.to_thread(lambda: theirs(server, "wrong").messages(SENT[0]["sid"]).fetch())
    with pytest.raises(ToolError) as error:
        await ours(call, server, {"operation": "list"}, auth_token="wrong")
    assert says.value.status == (error.value.data or {})["status"] == 401
    assert "Authenticate" in says.value.msg
    assert "Authenticate" in error.value.message
    send = {"to": "+15005550006", "body": "Hi"}
    for code, said, status in (
        (21211, "Invalid 'To' Phone Number", 400),
        (20429, "Too Many Requests", 429),
        (20500, "Internal", 500),
    ):
        problem = {"code": code, "message": said, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
        server.instead += [reply({**problem, "status": status}, status, {"Retry-After": "2"})] * 2
        with pytest.raises(TwilioRestException) as says:
            await asyncio.to_thread(lambda: theirs(server).messages.create(**send, from_="+15005550001"))
        with pytest.raises((ToolError, RateLimitError)) as error:
            await ours(call, server, {"operation": "send", **send}, from_number="+15005550001")
        assert (says.value.status, says.value.code) == (status, code)
        assert f"{status}: {said}" in error.value.message
        assert error.value.retryable is (status >= 429)
        assert isinstance(error.value, RateLimitError) is (status == 429)
        if isinstance(error.value, RateLimitError):
            assert error.value.retry_after == 2000
    assert server.wrong == []
