"""The Twilio tool: messages by SMS and WhatsApp, by the Messages resource of its 2010-04-01 API."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict
from urllib.parse import parse_qsl, urlencode, urlsplit

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import ToolError
from llmspell.security.network import Resolver, system_resolver
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.web.allowed import Allowed
from llmspell.tools.web.credentials import place_of, secret
from llmspell.tools.web.service import Service, needed, segment

_API: Final = "https://api.twilio.com"

#: E.164, as the service wants numbers; `whatsapp:` before it names the other channel.
Number = Annotated[str, Bounds(pattern=r"^(whatsapp:)?\+[1-9]\d{4,14}$")]
Sid = Annotated[str, Bounds(pattern=r"^[A-Z]{2}[0-9a-fA-F]{32}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioOptions:
    account_sid: Sid | None = None
    """The account's number, `AC…`. None: TWILIO_ACCOUNT_SID of the host's environment."""

    auth_token: str | None = None
    """The account's secret. None: TWILIO_AUTH_TOKEN of the host's environment."""

    from_number: Number | None = None
    """The sender's number. None: TWILIO_FROM_NUMBER of the host's environment."""

    messaging_service: Sid | None = None
    """A messaging service, `MG…`, that chooses the sender."""

    allowed_recipients: Annotated[list[str], Bounds(max_items=1000)] | None = None
    """To whom it may send: numbers, or beginnings of numbers such as `+49*`. None: to anybody."""

    base_url: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """The API's address, if not Twilio's own. The environment's secret is sent to Twilio's own only."""

    timeout: Annotated[float, Bounds(ge=1, le=120_000)] = 30_000
    """Milliseconds for a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioParams:
    operation: Literal["send", "get", "list"]
    """send: sends a message, which costs money. get: what became of one. list: the newest messages of the account."""

    to: Number | None = None
    """send: the recipient's number with its country, such as `+4915112345678`. list: only messages to it."""

    body: Annotated[str, Bounds(min_length=1, max_length=1600)] | None = None
    """send: the text."""

    media: (
        Annotated[list[Annotated[str, Bounds(max_length=2000, pattern="^https://")]], Bounds(max_items=10)] | None
    ) = None
    """send: addresses of pictures to send along."""

    message: Sid | None = None
    """get: the message's number, as send gives it."""

    limit: Annotated[int, Bounds(ge=1, le=200)] = 20
    """list: how many at most."""

    cursor: Annotated[str, Bounds(max_length=500)] = ""
    """list: `next` of the page before."""


class TwilioMessage(TypedDict):
    message: str
    status: str
    to: str
    sender: str
    body: str
    time: str
    error: str


class TwilioResult(TypedDict):
    message: NotRequired[str]
    """send, get: the message's number, `SM…` or `MM…`."""
    status: NotRequired[str]
    """send, get: queued, sending, sent, delivered, undelivered, failed …"""
    to: NotRequired[str]
    """send, get: the recipient."""
    sender: NotRequired[str]
    """send, get: the sender."""
    body: NotRequired[str]
    """send, get: the text."""
    time: NotRequired[str]
    """send, get: when it was made, as the service writes it."""
    error: NotRequired[str]
    """send, get: why it failed, or ""."""
    messages: NotRequired[list[TwilioMessage]]
    """list: the newest first."""
    next: NotRequired[str]
    """list: the `cursor` of the next page, or "" where there is none."""


@exposed(
    aliases=("Twilio",),
    options=TwilioOptions,
    tool=ToolMark(
        name="twilio",
        category="communication",
        params=TwilioParams,
        result=TwilioResult,
        examples=(
            Example({"operation": "send", "to": "+15005550006", "body": "Your table is ready."}, note="send an SMS"),
            Example({"operation": "list", "limit": 5}, note="what was sent last"),
        ),
        permissions=("net",),
        timeout=130_000,
        max_output=2_000_000,
    ),
)
class TwilioTool(BuiltinTool[TwilioOptions]):
    """Sends text messages (SMS, WhatsApp) through Twilio, and tells what became of them.

    Every message costs money and reaches a person's telephone at once: be sure of the number.
    """

    def __init__(self, options: TwilioOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked, options, environ = TwilioParams(**params), self.options, context.environ
        place = place_of("twilio", options.base_url, environ, "TWILIO_API_URL", _API)
        account = secret("twilio", "account_sid", options.account_sid, place, environ, ("TWILIO_ACCOUNT_SID",))
        token = secret("twilio", "auth_token", options.auth_token, place, environ, ("TWILIO_AUTH_TOKEN",))
        login = base64.b64encode(f"{account}:{token}".encode()).decode()
        headers = {"authorization": f"Basic {login}"}
        service = Service("twilio", place.base, headers, context.permissions, options.timeout, self.resolver)
        messages = f"/2010-04-01/Accounts/{segment(account, 'account')}/Messages"
        match asked.operation:
            case "send":
                form = self._form(asked, context)
                return ToolOutput(_message((await service.ask("POST", f"{messages}.json", form=form)).table))
            case "get":
                sid = segment(needed(asked.message, "message", "get"), "message")
                return ToolOutput(_message((await service.ask("GET", f"{messages}/{sid}.json")).table))
            case "list":
                query = {"PageSize": asked.limit, "To": asked.to, **_page(asked.cursor)}
                found = (await service.ask("GET", f"{messages}.json", query=query)).table
                rows = [_message(each) for each in found.get("messages") or []][: asked.limit]
                following = urlencode(_page(urlsplit(str(found.get("next_page_uri") or "")).query))
                return ToolOutput({"messages": rows, "next": following})

    def _form(self, asked: TwilioParams, context: ToolContext) -> list[tuple[str, str]]:
        to = str(needed(asked.to, "to", "send"))
        allowed = self.options.allowed_recipients
        if allowed is not None and not any(_covers(pattern, to) for pattern in allowed):
            raise Allowed("twilio", "allowed_recipients", "recipient", allowed).denied(to)
        if asked.body is None and not asked.media:
            needed(None, "body", "send")
        form = [("To", to)]
        sender = self.options.from_number or context.environ.get("TWILIO_FROM_NUMBER")
        if self.options.messaging_service:
            form.append(("MessagingServiceSid", self.options.messaging_service))
        elif sender:
            form.append(("From", sender))
        else:
            raise ToolError("twilio needs a sender", hint="give `from_number` or `messaging_service`")
        if asked.body is not None:
            form.append(("Body", asked.body))
        return form + [("MediaUrl", address) for address in asked.media or []]


def _page(query: str) -> dict[str, str]:
    """What of the query of the service's own `next_page_uri` names a page; the rest is asked for anew."""
    return {name: value for name, value in parse_qsl(query) if name in {"Page", "PageToken"}}


def _covers(pattern: str, number: str) -> bool:
    bare = number.removeprefix("whatsapp:")
    return bare.startswith(pattern[:-1]) if pattern.endswith("*") else pattern in {bare, number}


def _message(found: dict[str, Any]) -> dict[str, str]:
    return {
        "message": str(found.get("sid") or ""),
        "status": str(found.get("status") or ""),
        "to": str(found.get("to") or ""),
        "sender": str(found.get("from") or ""),
        "body": str(found.get("body") or ""),
        "time": str(found.get("date_created") or ""),
        "error": str(found.get("error_message") or ""),
    }
