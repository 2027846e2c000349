"""email and Python's own smtplib hand the same messages to aiosmtpd, a server by others: STARTTLS, TLS, logins, sizes."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from llmspell.errors import ToolError
from llmspell.tools.communication.email_tool import EmailTool

KINDS = ["plain", "starttls", "tls"]


@dataclass
class Taken:
    sender: str
    recipients: list[str]
    message: EmailMessage
    encrypted: bool
    login: str


@dataclass
class Mail:
    """What the server was handed. The names are those that aiosmtpd calls."""

    secure: bool
    trust: ssl.SSLContext
    port: int = 0
    taken: list[Taken] = field(default_factory=list[Taken])

    def authenticator(self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = (data.login, data.password) == (b"bot@example.org", b"pa55")
        return AuthResult(success=right, handled=False, auth_data="bot@example.org" if right else None)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 there is no such user"
        if address.startswith("later@"):
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message: Any = message_from_bytes(content, policy=policy.default)
        login = str(session.auth_data or "")
        encrypted = session.ssl is not None or self.secure
        self.taken.append(Taken(str(envelope.mail_from), list(envelope.rcpt_tos), message, encrypted, login))
        return "250 2.0.0 taken"


@pytest.fixture(params=KINDS)
async def mail(request: pytest.FixtureRequest, certificate: Any) -> AsyncIterator[Mail]:
    own, trust = certificate
    kind = str(request.param)
    found = Mail(kind == "tls", trust)

    def protocol() -> SMTP:
        return SMTP(
            found,
            hostname="mail.example.org",
            ident="loopback",
            tls_context=own if kind == "starttls" else None,
            require_starttls=kind == "starttls",
            auth_require_tls=kind == "starttls",
            auth_required=kind == "starttls",
            authenticator=found.authenticator,
            data_size_limit=200_000,
            loop=asyncio.get_running_loop(),
        )

    listening = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=own if kind == "tls" else None
    )
    found.port = listening.sockets[0].getsockname()[1]
    yield found
    listening.close()


def message_of(asked: dict[str, Any]) -> EmailMessage:
    """As one would write it with Python's own library."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Bot <bot@example.org>", asked["to"], asked["subject"]
    message.set_content(asked["body"])
    if asked.get("html"):
        message.add_alternative(asked["html"], subtype="html")
    return message


async def theirs(mail: Mail, asked: dict[str, Any], password: str = "pa55") -> Any:
    def work() -> Any:
        kind = smtplib.SMTP_SSL if mail.secure else smtplib.SMTP
        with kind("127.0.0.1", mail.port, timeout=20, **({"context": mail.trust} if mail.secure else {})) as client:
            if not mail.secure and (client.ehlo() and client.has_extn("starttls")):
                client.starttls(context=mail.trust)
            client.login("bot@example.org", password)
            return client.send_message(message_of(asked))

    return await asyncio.to_thread(work)


async def ours(call: Any, mail: Mail, asked: dict[str, Any], password: str = "pa55") -> Any:
    config = {
        "host": "127.0.0.1",
        "port": mail.port,
        "secure": mail.secure,
        "auth": {"user": "bot@example.org", "pass": password},
    }
    options = {"smtp_config": config, "from_address": "Bot <bot@example.org>"}
    net = [f"127.0.0.1:{mail.port}"]
    return await call(EmailTool, asked, options=options, net=net, more={"tls": mail.trust})


MESSAGES = {
    "plain": {"to": "ada@example.org", "subject": "Hello", "body": "Good day.\n.\n..\nEnd\n"},
    "accents": {"to": "Ada Größe <ada@example.org>", "subject": "Zwölf " * 30, "body": "ä" * 500 + "\n" + "x" * 2000},
    "html": {"to": "ada@example.org", "subject": "H", "body": "Text", "html": "<p>ü</p>"},
}


@pytest.mark.parametrize("kind", MESSAGES)
async def test_a_message_arrives_as_pythons_own_does(call: Any, mail: Mail, kind: str) -> None:
    asked = MESSAGES[kind]
    assert await theirs(mail, asked) == {}
    found = await ours(call, mail, asked)
    assert (found["accepted"], found["rejected"], found["response"]) == (["ada@example.org"], [], "2.0.0 taken")
    expected, got = mail.taken
    assert (got.sender, got.recipients, got.encrypted, got.login) == (
        expected.sender,
        expected.recipients,
        expected.encrypted,
        expected.login,
    )
    for name in ("From", "To", "Subject"):
        assert got.message[name] == expected.message[name]
    assert got.message["Message-ID"] == found["message_id"]
    for part in ("plain", "html"):
        pair = [each.get_body((part,)) for each in (got.message, expected.message)]
        assert [each is None for each in pair] == [part == "html" and "html" not in asked] * 2
        # its ends of lines are those of the machine inside of Base64, where ours are those of the protocol
        texts = [each.get_content().splitlines() for each in pair if each is not None]
        assert texts[:1] == texts[1:]


async def test_refusals_mean_the_same_to_both(call: Any, mail: Mail) -> None:
    asked = MESSAGES["plain"]
    with pytest.raises(smtplib.SMTPAuthenticationError) as login:
        await theirs(mail, asked, "wrong")
    with pytest.raises(ToolError, match="refused the login") as error:
        await ours(call, mail, asked, "wrong")
    assert login.value.smtp_code == 535
    assert "wrong" not in error.value.message
    for to, code, retryable in (("nobody@example.org", 550, False), ("later@example.org", 451, True)):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            await theirs(mail, {**asked, "to": to})
        with pytest.raises(ToolError, match=f"{to}: {code}") as error:
            await ours(call, mail, {**asked, "to": to})
        assert refused.value.recipients[to][0] == code
        assert error.value.retryable is retryable
    large = {**asked, "body": "x" * 70 + "\n" + ("y" * 70 + "\n") * 4000}
    with pytest.raises(smtplib.SMTPException):
        await theirs(mail, large)
    with pytest.raises(ToolError, match="552"):
        await ours(call, mail, large)
    assert mail.taken == []
