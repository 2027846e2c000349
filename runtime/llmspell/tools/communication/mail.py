"""Writes one e-mail: who it is from and for, what stands in its head, its parts. Sends nothing.

A header holds one line, an address is exactly one address: what would add a header or a recipient is refused, not
cleaned. Files are opened as `security.files` opens them.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import PermissionDenied, SchemaError, ToolError
from llmspell.frozen import frozen
from llmspell.security import files
from llmspell.tools.base import ToolContext

if TYPE_CHECKING:
    from llmspell.tools.communication.email_tool import EmailOptions, EmailParams

#: An address without quotes, comments or routes, which programs read differently.
_LOCAL: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+)*"
_ADDRESS: Final = re.compile(
    rf"({_LOCAL})@((?:[A-Za-z0-9](?:[A-Za-z0-9\-]{{0,61}}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9\-]{{0,61}}[A-Za-z0-9])?)"
)
_NAMED: Final = re.compile(r"\s*\"?([^<>\"@,;:\\]*?)\"?\s*<([^<>]+)>\s*")
_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.\-]{0,99})\s*\}\}")
_TEMPLATE: Final = 1_000_000
_ATTACHED: Final = 20 * 1024 * 1024


@frozen
class Server:
    """The mail server and the login. secure: TLS from the start. sender: as it stands in From."""

    host: str
    port: int
    secure: bool
    user: str
    password: str
    sender: str


def server_of(options: EmailOptions, environ: Mapping[str, str]) -> Server:
    """Raises ToolError where there is no server or no sender."""
    given: Mapping[str, Any] = options.smtp_config or {}
    host, port = given.get("host"), given.get("port")
    if not host and options.smtp_server:
        host, _, behind = options.smtp_server.partition(":")
        port = port or (_port(behind) if behind else None)
    named = environ.get("SMTP_HOST", "").strip()
    if not host and not named:
        raise ToolError("email needs a mail server", hint="give `smtp_config` with a host, or set SMTP_HOST")
    trusted = not host or host.lower() == named.lower()
    if not host and environ.get("SMTP_PORT"):
        port = port or _port(environ["SMTP_PORT"])
    host = (host or named).lower().rstrip(".")
    secure = bool(given.get("secure", port == 465))
    auth: Mapping[str, Any] = given.get("auth") or {}
    user, password = auth.get("user") or "", auth.get("pass") or ""
    if not user and not password and trusted:
        user, password = environ.get("SMTP_USER", ""), environ.get("SMTP_PASS", "")
    if bool(user) != bool(password):
        raise ToolError("email needs both a user and a password to log in", hint="give `auth` both, or neither")
    sender = options.from_address or environ.get("SMTP_FROM") or (user if _ADDRESS.fullmatch(user) else "")
    if not sender:
        raise ToolError("email needs a sender", hint="give `from_address`, or set SMTP_FROM")
    return Server(host, port or (465 if secure else 587), secure, user, password, sender)


def addresses(given: str | Sequence[str] | None) -> list[str]:
    """Bare addresses, the domain in lower case. Raises SchemaError for what is not exactly one address each."""
    return [each.addr_spec for each in _people(given)]


def _people(given: str | Sequence[str] | None) -> list[Address]:
    return [_address(text) for text in ([given] if isinstance(given, str) else given or ())]


def check_recipients(recipients: Sequence[str], allowed: Sequence[str] | None) -> None:
    """Raises PermissionDenied for the first that no pattern names."""
    for recipient in recipients:
        if allowed is not None and not any(_names(pattern.strip().lower(), recipient) for pattern in allowed):
            raise PermissionDenied(
                f"email may not write to {recipient!r}: its options leave it out",
                hint=f"`allowed_recipients` names {', '.join(allowed) or 'nobody'}",
                data={"permission": "recipient", "needed": recipient},
            )


def written(
    asked: EmailParams,
    server: Server,
    options: EmailOptions,
    context: ToolContext,
) -> EmailMessage:
    """The message, whole. Blocks: it reads files. Raises SchemaError, PermissionDenied and ToolError."""
    subject, body = asked.subject, asked.body
    if asked.template is not None:
        subject, body = _from_template(asked, options, context)
    message = EmailMessage(policy=SMTP)
    sender = _address(server.sender)
    message["From"] = sender
    message["To"] = _people(asked.to)
    if asked.cc:
        message["Cc"] = _people(asked.cc)
    if asked.reply_to is not None:
        message["Reply-To"] = _address(asked.reply_to)
    message["Subject"] = _one_line("subject", subject)
    message["Date"] = formatdate(context.clock(), usegmt=True)
    message["Message-ID"] = make_msgid(domain=sender.domain)
    try:
        message.set_content(body)
        if asked.html:
            message.add_alternative(asked.html, subtype="html")
    except UnicodeError:
        raise SchemaError("`body` holds half a character", hint="send whole text") from None
    _attach(message, asked.attachments or [], context)
    return message


def _from_template(asked: EmailParams, options: EmailOptions, context: ToolContext) -> tuple[str, str]:
    if options.template_path is None:
        raise ToolError("email has no templates", hint="give the tool `template_path`")
    name = asked.template or ""
    permissions = context.permissions.narrow("email", read=[options.template_path])
    with files.place(f"{options.template_path}/{name}", permissions, "read") as found:
        data = files.read_bytes(found, _TEMPLATE)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ToolError(f"the template {name!r} is no UTF-8 text", hint="save it as UTF-8") from None
    variables = {"body": asked.body, **(asked.variables or {})}
    head, line_end, rest = text.partition("\n")
    subject = asked.subject
    if head.lower().startswith("subject:"):
        subject, text = subject or _filled(head[8:].strip(), variables, name), rest if line_end else ""
    return subject, _filled(text.lstrip("\r\n"), variables, name)


def _filled(text: str, variables: Mapping[str, Any], template: str) -> str:
    """Each `{{name}}` once: a value that holds one itself stays as it is."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in variables:
            raise SchemaError(f"the template {template!r} needs the variable {name!r}", hint="give it in `variables`")
        return str(variables[name])

    return _VARIABLE.sub(value, text)


def _attach(message: EmailMessage, paths: Sequence[str], context: ToolContext) -> None:
    left = _ATTACHED
    for path in paths:
        with files.place(path, context.permissions, "read") as found:
            data = files.read_bytes(found, left)
            name = found.name
        left -= len(data)
        kind, encoding = mimetypes.guess_type(name)
        main, _, sub = (kind if kind and encoding is None else "application/octet-stream").partition("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=_one_line("file name", name))


def _address(text: str) -> Address:
    named = _NAMED.fullmatch(text)
    name, bare = (named.group(1), named.group(2)) if named else ("", text.strip())
    local, at, domain = bare.rpartition("@")
    try:
        spelled = f"{local}{at}{domain if domain.isascii() else domain.encode('idna').decode()}"
    except UnicodeError:
        spelled = ""
    found = _ADDRESS.fullmatch(spelled) if "\n" not in text and "\r" not in text else None
    if found is None or len(found.group(1)) > 64 or len(spelled) > 254:
        raise SchemaError(f"{text[:100]!r} is not one e-mail address", hint="write name@example.org")
    return Address(_one_line("name", name), found.group(1), found.group(2).lower())


def _names(pattern: str, recipient: str) -> bool:
    """A pattern with a name before `@` names one address; else it names a domain."""
    local, _, domain = recipient.rpartition("@")
    wanted, at, place = pattern.rpartition("@")
    if at and wanted:
        return (wanted, place) == (local.lower(), domain)
    return domain.endswith(place[1:]) if place.startswith("*.") else bool(place) and domain == place


def _one_line(what: str, text: str) -> str:
    if any(ord(character) < 32 or ord(character) in {127, 0x85, 0x2028, 0x2029} for character in text):
        raise SchemaError(f"the {what} holds a line end or a control character", hint="write it on one line")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise SchemaError(f"the {what} holds half a character", hint="send whole text")
    return text


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise ToolError(f"email: {text[:20]!r} is no port", hint="a number from 1 to 65535")
