"""The Discord tool: the HTTP API, version 10 (https://discord.com/api/v10), with a bot's token or a webhook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict
from urllib.parse import quote, urlsplit

from llmspell.api.bounds import Bounds
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import RateLimitError, SchemaError, ToolError
from llmspell.security.network import Resolver, system_resolver
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.web.allowed import Allowed
from llmspell.tools.web.credentials import place_of, secret
from llmspell.tools.web.service import Service, needed, segment
from llmspell.version import VERSION

_API: Final = "https://discord.com/api/v10"

Snowflake = Annotated[str, Bounds(pattern=r"^\d{1,20}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordOptions:
    token: str | None = None
    """The bot's token. None: DISCORD_BOT_TOKEN or DISCORD_TOKEN of the host's environment."""

    webhook_url: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """A webhook's address: send then posts there and needs neither token nor channel. None: DISCORD_WEBHOOK_URL, where
    there is no token."""

    channel: Snowflake | None = None
    """The id of the channel that is used where a call names none."""

    allowed_channels: Annotated[list[Snowflake], Bounds(max_items=500)] | None = None
    """The ids of the channels that it may be used on. None: all that the token may."""

    allow_mentions: bool = False
    """Whether a message may notify people by `@name`, `@everyone` and roles."""

    base_url: Annotated[str, Bounds(min_length=1, max_length=500)] | None = None
    """The API's address, if not Discord's own. The environment's secret is sent to Discord's own only."""

    timeout: Annotated[float, Bounds(ge=1, le=120_000)] = 30_000
    """Milliseconds for a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordParams:
    operation: Literal["send", "edit", "delete", "react", "history"]
    """send: posts `content`. edit: changes a message of the bot's. delete: takes a message away. react: adds an emoji.
    history: the newest messages of a channel."""

    channel: Snowflake | None = None
    """The channel's id. None: the tool's own."""

    content: Annotated[str, Bounds(min_length=1, max_length=2000)] | None = None
    """send, edit: the text, in Discord's markdown."""

    embeds: Annotated[list[dict[str, Any]], Bounds(max_items=10)] | None = None
    """send, edit: embeds, as Discord's API has them."""

    message: Snowflake | None = None
    """edit, delete, react: the message's id. history: only what is older than this message."""

    reply_to: Snowflake | None = None
    """send: the id of the message that it answers."""

    emoji: Annotated[str, Bounds(min_length=1, max_length=100)] | None = None
    """react: the emoji itself, or `name:id` of one of the server's own."""

    limit: Annotated[int, Bounds(ge=1, le=100)] = 50
    """history: how many at most."""


class DiscordMessage(TypedDict):
    id: str
    author: str
    content: str
    time: str


class DiscordResult(TypedDict):
    channel: NotRequired[str]
    """The channel's id."""
    message: NotRequired[str]
    """send, edit, delete, react: the message's id."""
    messages: NotRequired[list[DiscordMessage]]
    """history: the newest first."""


@exposed(
    aliases=("Discord",),
    options=DiscordOptions,
    tool=ToolMark(
        name="discord",
        category="communication",
        params=DiscordParams,
        result=DiscordResult,
        examples=(
            Example(
                {"operation": "send", "channel": "1042", "content": "The **report** is ready."}, note="tell a channel"
            ),
            Example({"operation": "history", "channel": "1042", "limit": 10}, note="read what was said"),
        ),
        permissions=("net",),
        timeout=130_000,
        max_output=5_000_000,
    ),
)
class DiscordTool(BuiltinTool[DiscordOptions]):
    """Posts to Discord and reads from it, as the configured bot or through a webhook: messages, replies, reactions.

    A message is seen by people at once; `@` mentions notify nobody unless the person allowed that.
    """

    def __init__(self, options: DiscordOptions, resolver: Resolver = system_resolver) -> None:
        super().__init__(options)
        self.resolver = resolver

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked, options, environ = DiscordParams(**params), self.options, context.environ
        own = options.token or environ.get("DISCORD_BOT_TOKEN") or environ.get("DISCORD_TOKEN")
        hook = options.webhook_url or (None if own else environ.get("DISCORD_WEBHOOK_URL"))
        if hook and asked.operation == "send":
            return ToolOutput(await self._through(hook, asked, context))
        place = place_of("discord", options.base_url, environ, "DISCORD_API_URL", _API)
        token = secret("discord", "token", options.token, place, environ, ("DISCORD_BOT_TOKEN", "DISCORD_TOKEN"))
        service = self._service(place.base, {"authorization": f"Bot {token}"}, context)
        channel = needed(asked.channel or options.channel, "channel", asked.operation)
        self._allow(channel)
        return ToolOutput(await self._called(service, asked, channel))

    def _allow(self, channel: str) -> None:
        Allowed("discord", "allowed_channels", "channel", self.options.allowed_channels).check(channel)

    async def _called(self, service: Service, asked: DiscordParams, channel: str) -> dict[str, Any]:
        path = f"/channels/{segment(channel, 'channel')}/messages"
        if asked.operation == "history":
            answer = await service.ask("GET", path, query={"limit": asked.limit, "before": asked.message})
            return {"channel": channel, "messages": [_message(each) for each in answer.rows if isinstance(each, dict)]}
        if asked.operation == "send":
            body = self._body(asked)
            if asked.reply_to is not None:
                body["message_reference"] = {"message_id": asked.reply_to}
            answer = await service.ask("POST", path, json=body)
            return {"channel": channel, "message": str(answer.table.get("id", ""))}
        message = needed(asked.message, "message", asked.operation)
        path = f"{path}/{segment(message, 'message')}"
        if asked.operation == "edit":
            await service.ask("PATCH", path, json=self._body(asked))
        elif asked.operation == "delete":
            await service.ask("DELETE", path)
        else:
            emoji = quote(needed(asked.emoji, "emoji", "react"), safe="")
            await service.ask("PUT", f"{path}/reactions/{emoji}/@me")
        return {"channel": channel, "message": message}

    async def _through(self, hook: str, asked: DiscordParams, context: ToolContext) -> dict[str, Any]:
        """The webhook's address is its secret: errors do not show it."""
        if asked.reply_to is not None:
            raise SchemaError("a webhook cannot reply", hint="leave out `reply_to`, or give the tool a bot's token")
        parts = urlsplit(hook.strip())
        base, path = f"{parts.scheme}://{parts.netloc}", parts.path
        if "/webhooks/" not in path or any(mark in hook for mark in "\\ \r\n"):
            raise ToolError(
                "discord: `webhook_url` is no webhook's address", hint="copy it from the channel's settings"
            )
        service = self._service(base, {}, context)
        wanted = asked.channel or self.options.channel
        if wanted is not None or self.options.allowed_channels is not None:
            bound = str((await service.ask("GET", path)).table.get("channel_id", ""))
            if wanted is not None and wanted != bound:
                raise SchemaError(
                    f"the webhook posts to the channel {bound}, not to {wanted}", hint="leave out `channel`"
                )
            self._allow(bound)
        answer = await service.ask("POST", path, query={"wait": True}, json=self._body(asked))
        return {"channel": str(answer.table.get("channel_id", "")), "message": str(answer.table.get("id", ""))}

    def _service(self, base: str, headers: dict[str, str], context: ToolContext) -> Service:
        agent = {"user-agent": f"DiscordBot (llmspell, {VERSION})", **headers}
        return _Discord("discord", base, agent, context.permissions, self.options.timeout, self.resolver)

    def _body(self, asked: DiscordParams) -> dict[str, Any]:
        if asked.content is None and not asked.embeds:
            raise SchemaError(f"`{asked.operation}` needs `content` or `embeds`", hint="say what the message is")
        body: dict[str, Any] = {} if asked.content is None else {"content": asked.content}
        if asked.embeds:
            body["embeds"] = asked.embeds
        if not self.options.allow_mentions:
            body["allowed_mentions"] = {"parse": []}
        return body


class _Discord(Service):
    """Discord's 429 says in its body how many seconds to wait, with fractions."""

    def refusal(self, answer: Any) -> Any:
        found = super().refusal(answer)
        seconds = answer.table.get("retry_after")
        if isinstance(found, RateLimitError) and isinstance(seconds, int | float):
            return RateLimitError(found.message, hint=found.hint, retry_after=float(seconds) * 1000, retryable=True)
        return found


def _message(found: dict[str, Any]) -> dict[str, str]:
    author: dict[str, Any] = found.get("author") or {}
    return {
        "id": str(found.get("id", "")),
        "author": str(author.get("global_name") or author.get("username") or ""),
        "content": str(found.get("content") or ""),
        "time": str(found.get("timestamp") or ""),
    }
