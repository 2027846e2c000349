"""The e-mail tool: what it is asked and what it gives. `mail` writes the message, `smtp` hands it in."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Doc, Example, ToolMark, exposed
from llmspell.errors import SchemaError
from llmspell.security.network import Resolver, system_resolver
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.communication import mail

Address = Annotated[str, Bounds(min_length=3, max_length=320)]
Addresses = Address | Annotated[list[Address], Bounds(min_items=1, max_items=100)]

# Written as calls because `pass`, which the design's `smtpConfig` has, is a word of Python's.
SmtpAuth = TypedDict(
    "SmtpAuth",
    {
        "user": NotRequired[Annotated[str, Bounds(max_length=320), Doc("Whom to log in as.")]],
        "pass": NotRequired[Annotated[str, Bounds(max_length=1000), Doc("The password.")]],
    },
)


class SmtpConfig(TypedDict):
    host: NotRequired[Annotated[str, Bounds(min_length=1, max_length=253), Doc("The mail server's name.")]]
    port: NotRequired[Annotated[int, Bounds(ge=1, le=65535), Doc("Its port: 587 unless given, 465 where secure.")]]
    secure: NotRequired[Annotated[bool, Doc("Whether TLS begins at once; else by STARTTLS.")]]
    auth: NotRequired[Annotated[SmtpAuth, Doc("The login, where the server wants one.")]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailOptions:
    smtp_config: SmtpConfig | None = None
    """The mail server. What is left out comes from SMTP_HOST, SMTP_PORT, SMTP_USER and SMTP_PASS of the host's
    environment; the environment's login goes to the environment's server only."""

    smtp_server: Annotated[str, Bounds(min_length=1, max_length=260)] | None = None
    """The mail server as `host` or `host:port`; `smtp_config` in short."""

    from_address: Address | None = None
    """The sender, `ada@example.org` or `Ada <ada@example.org>`. None: SMTP_FROM, else the login where it is one."""

    allowed_recipients: Annotated[list[Annotated[str, Bounds(max_length=320)]], Bounds(max_items=1000)] | None = None
    """To whom it may send: domains such as `example.org` or `*.example.org`, and addresses. None: to anybody; an empty
    list: to nobody."""

    template_path: FilePath | None = None
    """The folder of templates; read as any file, so it must be one that the run may read."""

    timeout: Annotated[float, Bounds(ge=1, le=120_000)] = 30_000
    """Milliseconds for handing a message in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailParams:
    to: Addresses
    """The recipient's address, or a list of them."""

    subject: Annotated[str, Bounds(max_length=500)] = ""
    """The subject, one line. A template's first line `Subject: …` stands in for it."""

    body: Annotated[str, Bounds(max_length=1_000_000)] = ""
    """The message as plain text."""

    html: Annotated[str, Bounds(max_length=2_000_000)] = ""
    """The message as HTML, beside the plain text."""

    cc: Addresses | None = None
    """Who gets a copy."""

    bcc: Addresses | None = None
    """Who gets a copy without the others seeing it."""

    reply_to: Address | None = None
    """Where answers go, if not to the sender."""

    template: Annotated[str, Bounds(max_length=200)] | None = None
    """A file of the templates' folder whose text is the body, with `{{name}}` for every variable."""

    variables: Annotated[dict[str, str | int | float | bool], Bounds(max_properties=200)] | None = None
    """What stands in for `{{name}}` in the template."""

    attachments: Annotated[list[FilePath], Bounds(max_items=20)] | None = None
    """Files to attach, which the run may read; 20 MB together."""


class EmailResult(TypedDict):
    sent: bool
    """Whether the server took the message."""
    message_id: str
    """The message's own number, as in its Message-ID."""
    accepted: list[str]
    """The addresses that the server takes it for."""
    rejected: list[str]
    """Those that it does not."""
    response: str
    """The server's words."""


@exposed(
    aliases=("Email",),
    options=EmailOptions,
    tool=ToolMark(
        name="email",
        category="communication",
        params=EmailParams,
        result=EmailResult,
        examples=(
            Example(
                {"to": "ada@example.org", "subject": "The report is ready", "body": "You find it in output/report.md."},
                note="a plain message",
            ),
            Example(
                {
                    "to": ["ada@example.org", "grace@example.org"],
                    "subject": "Numbers of May",
                    "body": "See the table.",
                    "html": "<p>See the table.</p>",
                },
                note="to two people, with HTML",
            ),
        ),
        permissions=("net", "read"),
        timeout=130_000,
        max_output=100_000,
    ),
)
class EmailTool(BuiltinTool[EmailOptions]):
    """Sends an e-mail through the configured mail server: plain text, optionally HTML, a template and attachments.

    It cannot be called back, so be sure of the recipients. Who may be written to can be limited by the person.
    """

    def __init__(self, options: EmailOptions, resolver: Resolver = system_resolver, tls: Any = None) -> None:
        """tls: an `ssl.SSLContext` that says whom to trust; the system's unless given."""
        super().__init__(options)
        self.resolver = resolver
        self.tls = tls

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = EmailParams(**params)
        server = mail.server_of(self.options, context.environ)
        context.permissions.check_host(server.host, server.port)
        lists = map(mail.addresses, (asked.to, asked.cc, asked.bcc))
        everybody = list(dict.fromkeys(address for each in lists for address in each))
        mail.check_recipients(everybody, self.options.allowed_recipients)
        if not (asked.body or asked.html or asked.template):
            raise SchemaError("`email` needs `body`, `html` or `template`", hint="say what the message is")
        message = await asyncio.to_thread(mail.written, asked, server, self.options, context)
        # in a thread: aiosmtplib takes 80 ms to import
        smtp: Any = await asyncio.to_thread(importlib.import_module, "llmspell.tools.communication.smtp")
        found = await smtp.hand_in(
            message, everybody, server, self.options.timeout, context.permissions, self.resolver, self.tls
        )
        return ToolOutput(found, {"server": server.host, "recipients": len(everybody)})
