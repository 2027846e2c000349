"""The Slack tool: the Web API's methods that a spell needs (https://slack.com/api), with a bot's token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import PermissionDenied, RateLimitError, ToolError
from llmspell.security.network import Resolver, system_resolver
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.web.allowed import Allowed
from llmspell.tools.web.credentials import place_of, secret
from llmspell.tools.web.service import Service, needed

#: Slack's words for what a person can put right, and how.
_HINTS: Final = {
    "invalid_auth": "check the token",
    "not_authed": "check the token",
    "token_revoked": "make a new token",
    "channel_not_found": "give the channel's id, or invite the app to it",
    "not_in_channel": "invite the app to the channel: /invite @app",
    "missing_scope": "give the app the scope that is missing",
    "is_archived": "choose a channel that is not archived",
    "msg_too_long": "send a shorter message",
    "message_not_found": "check `timestamp`",
}
#: Of a thousand channels each: how many are looked through for a name.
_PAGES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackOptions:
    token: str | None = None
    """The bot's token, `xoxb-…`. None: SLACK_BOT_TOKEN or SLACK_TOKEN of the host's environment."""

    channel: Annotated[str, Bounds(min_length=1, max_length=100)] | None = None
    """The channel that is used where a call names none: `#updates` or an id."""

    allowed_channels: Annotated[list[str], Bounds(max_items=500)] | None = None
    """The channels that it may be used on: `#name`, `name` or id. None: all that the token may. Where a call writes a
    name and this an id, or the other way round, Slack is asked which is which."""

    base_url: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """The API's address, if not Slack's own. The environment's secret is sent to Slack's own only."""

    timeout: Annotated[float, Bounds(ge=1, le=120_000)] = 30_000
    """Milliseconds for a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackParams:
    operation: Literal["post", "update", "delete", "react", "history", "replies", "channels"]
    """post: sends `text`, in a thread where `thread` is given. update: changes a message's text. delete: takes one
    away. react: adds an emoji to a message. history: the newest messages of a channel. replies: those of a thread.
    channels: the channels that the bot sees."""

    channel: Annotated[str, Bounds(min_length=1, max_length=100)] | None = None
    """The channel, `#name` or id; history, update, delete, react and replies want the id. None: the tool's own."""

    text: Annotated[str, Bounds(min_length=1, max_length=40_000)] | None = None
    """post, update: the message, in Slack's mrkdwn."""

    blocks: Annotated[list[dict[str, Any]], Bounds(max_items=50)] | None = None
    """post, update: Block Kit blocks; `text` is then what notifications show."""

    thread: Annotated[str, Bounds(pattern=r"^\d{1,16}\.\d{1,10}$")] | None = None
    """post, replies: the timestamp of the message that begins the thread."""

    timestamp: Annotated[str, Bounds(pattern=r"^\d{1,16}\.\d{1,10}$")] | None = None
    """update, delete, react: the message's timestamp, as post and history give it."""

    emoji: Annotated[str, Bounds(pattern=r"^:?[a-z0-9_+'\-]{1,100}:?$")] | None = None
    """react: the emoji's name, such as `thumbsup`."""

    limit: Annotated[int, Bounds(ge=1, le=200)] = 50
    """history, replies, channels: how many at most."""

    cursor: Annotated[str, Bounds(max_length=500)] = ""
    """history, replies, channels: `next` of the page before."""


class SlackMessage(TypedDict):
    timestamp: str
    user: str
    text: str
    thread: str


class SlackChannel(TypedDict):
    id: str
    name: str
    topic: str
    members: int


class SlackResult(TypedDict):
    channel: NotRequired[str]
    """The channel's id, or as it was given."""
    timestamp: NotRequired[str]
    """post, update, delete, react: the message's timestamp, which names it in its channel."""
    messages: NotRequired[list[SlackMessage]]
    """history: the newest first. replies: the oldest first. `thread` is "" outside of one."""
    channels: NotRequired[list[SlackChannel]]
    """channels: by id and name."""
    next: NotRequired[str]
    """history, replies, channels: the `cursor` of the next page, or "" where there is none."""


@exposed(
    aliases=("Slack",),
    options=SlackOptions,
    tool=ToolMark(
        name="slack",
        category="communication",
        params=SlackParams,
        result=SlackResult,
        examples=(
            Example(
                {"operation": "post", "channel": "#research-updates", "text": "The *report* is ready."},
                note="tell a channel",
            ),
            Example({"operation": "history", "channel": "C0123456789", "limit": 10}, note="read what was said"),
        ),
        permissions=("net",),
        timeout=130_000,
        max_output=5_000_000,
    ),
)
class SlackTool(BuiltinTool[SlackOptions]):
    """Posts to Slack and reads from it, as the bot whose token is configured: messages, threads, reactions, channels.

    A posted message is seen by people at once. Keep the timestamp that post gives to answer in its thread or change it.
    """

    def __init__(self, options: SlackOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked, options = SlackParams(**params), self.options
        place = place_of("slack", options.base_url, context.environ, "SLACK_API_URL", "https://slack.com/api")
        token = secret("slack", "token", options.token, place, context.environ, ("SLACK_BOT_TOKEN", "SLACK_TOKEN"))
        headers = {"authorization": f"Bearer {token}"}
        service = Service("slack", place.base, headers, context.permissions, options.timeout, self.resolver)
        if asked.operation == "channels":
            query = {"limit": asked.limit, "cursor": asked.cursor or None, "exclude_archived": True}
            found = await _called(service, "conversations.list", query=query)
            return ToolOutput({"channels": [_channel(each) for each in _list(found, "channels")], "next": _next(found)})
        channel = needed(asked.channel or options.channel, "channel", asked.operation)
        await _allow(service, options.allowed_channels, channel)
        if asked.operation in {"history", "replies"}:
            return ToolOutput(await _read(service, asked, channel))
        return ToolOutput(await _write(service, asked, channel))


async def _allow(service: Service, names: list[str] | None, channel: str) -> None:
    """Raises PermissionDenied unless the options name the channel, by its id or by its name."""
    allowed = Allowed("slack", "allowed_channels", "channel", None if names is None else [*map(_bare, names)])
    try:
        allowed.check(_bare(channel))
    except PermissionDenied:
        if all(_is_id(name) == _is_id(channel) for name in names or ()):
            raise
        allowed.check(_bare(channel), *await _spellings(service, channel))


def _bare(channel: str) -> str:
    return channel.strip().removeprefix("#")


def _is_id(channel: str) -> bool:
    return re.fullmatch(r"[CDG][A-Z0-9]{6,20}", channel.strip()) is not None


async def _spellings(service: Service, channel: str) -> list[str]:
    """A channel's id and its name, as far as Slack tells the bot. Raises ToolError where it refuses."""
    if _is_id(channel):
        found = (await _called(service, "conversations.info", query={"channel": channel})).get("channel") or {}
        return [str(found[key]) for key in ("id", "name") if found.get(key)]
    cursor: str | None = None
    for _ in range(_PAGES):
        query = {"limit": 1000, "cursor": cursor, "exclude_archived": True}
        found = await _called(service, "conversations.list", query=query)
        for each in _list(found, "channels"):
            if str(each.get("name", "")).lower() == _bare(channel).lower():
                return [str(each["id"]), str(each["name"])]
        if not (cursor := _next(found)):
            break
    return []


async def _write(service: Service, asked: SlackParams, channel: str) -> dict[str, Any]:
    body: dict[str, Any] = {"channel": channel}
    match asked.operation:
        case "post" | "update":
            body["text"] = needed(asked.text, "text", asked.operation)
            if asked.blocks:
                body["blocks"] = asked.blocks
            method = "chat.postMessage"
            if asked.operation == "update":
                method, body["ts"] = "chat.update", needed(asked.timestamp, "timestamp", "update")
            elif asked.thread:
                body["thread_ts"] = asked.thread
        case "delete":
            method, body["ts"] = "chat.delete", needed(asked.timestamp, "timestamp", "delete")
        case _:
            method, body["timestamp"] = "reactions.add", needed(asked.timestamp, "timestamp", "react")
            body["name"] = needed(asked.emoji, "emoji", "react").strip(":")
    found = await _called(service, method, json=body)
    return {"channel": str(found.get("channel") or channel), "timestamp": str(found.get("ts") or asked.timestamp or "")}


async def _read(service: Service, asked: SlackParams, channel: str) -> dict[str, Any]:
    query: dict[str, Any] = {"channel": channel, "limit": asked.limit, "cursor": asked.cursor or None}
    method = "conversations.history"
    if asked.operation == "replies":
        method, query["ts"] = "conversations.replies", needed(asked.thread, "thread", "replies")
    found = await _called(service, method, query=query)
    return {
        "channel": channel,
        "messages": [_message(each) for each in _list(found, "messages")],
        "next": _next(found),
    }


async def _called(service: Service, method: str, **asked: Any) -> dict[str, Any]:
    """Slack answers 200 with `ok = false` where something is wrong, and warns where JSON names no charset."""
    if "json" in asked:
        asked["headers"] = {"content-type": "application/json; charset=utf-8"}
    found = (await service.ask("GET" if "query" in asked else "POST", f"/{method}", **asked)).table
    if found.get("ok") is not True:
        said = str(found.get("error") or "no JSON that Slack would send")[:200]
        if said in {"ratelimited", "rate_limited"}:
            raise RateLimitError(f"slack: {method} was asked too often", hint="ask less often", retryable=True)
        missing = f" (needs {found['needed']})" if found.get("needed") else ""
        raise ToolError(
            f"slack: {method} was refused: {said}{missing}", hint=_HINTS.get(said, "see Slack's page of the method")
        )
    return found


def _list(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [each for each in found.get(name) or [] if isinstance(each, dict)]


def _message(found: dict[str, Any]) -> dict[str, str]:
    return {
        "timestamp": str(found.get("ts", "")),
        "user": str(found.get("user") or found.get("bot_id") or ""),
        "text": str(found.get("text") or ""),
        "thread": str(found.get("thread_ts") or ""),
    }


def _channel(found: dict[str, Any]) -> dict[str, Any]:
    topic: dict[str, Any] = found.get("topic") or {}
    return {
        "id": str(found.get("id", "")),
        "name": str(found.get("name", "")),
        "topic": str(topic.get("value") or ""),
        "members": int(found.get("num_members") or 0),
    }


def _next(found: dict[str, Any]) -> str:
    metadata: dict[str, Any] = found.get("response_metadata") or {}
    return str(metadata.get("next_cursor") or "")
