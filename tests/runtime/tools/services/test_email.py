"""email hands messages to a real SMTP server, with TLS and a login; no input adds a header or a recipient."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import PermissionDenied, SchemaError, TimeoutError, ToolError
from llmspell.tools.communication.email_tool import EmailTool

both = pytest.mark.parametrize("language", ["lua", "js"])
pytestmark = pytest.mark.mission(110)


@dataclass
class MailServer:
    """Speaks RFC 5321 with STARTTLS and AUTH. deaf: never answers. refuse: recipients that it does not take."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    trust: ssl.SSLContext | None = None
    deaf: bool = False
    refuse: set[str] = field(default_factory=set[str])
    logins: list[tuple[str, str, bool]] = field(default_factory=list[tuple[str, str, bool]])
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list[tuple[str, list[str]]])
    messages: list[EmailMessage] = field(default_factory=list[EmailMessage])
    raw: list[bytes] = field(default_factory=list[bytes])
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def net(self) -> list[str]:
        return [f"127.0.0.1:{self.port}"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            if self.deaf:
                await reader.read()
            else:
                await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        encrypted, sender, recipients = False, "", list[str]()
        writer.write(b"220 mail ready\r\n")
        while line := (await reader.readline()).decode().strip():
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    offers = ["mail", "AUTH PLAIN", "SIZE 30000000"]
                    offers += ["STARTTLS"] if self.tls is not None and not encrypted else []
                    said = "".join(f"250-{offer}\r\n" for offer in offers[:-1]) + f"250 {offers[-1]}\r\n"
                    writer.write(said.encode())
                case "STARTTLS":
                    assert self.tls is not None
                    writer.write(b"220 go\r\n")
                    await writer.start_tls(self.tls)
                    encrypted = True
                case "AUTH":
                    _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
                    self.logins.append((user, password, encrypted))
                    writer.write(b"235 welcome\r\n" if password == "right" else b"535 no\r\n")
                case "MAIL":
                    sender = rest.partition("<")[2].partition(">")[0]
                    writer.write(b"250 ok\r\n")
                case "RCPT":
                    to = rest.partition("<")[2].partition(">")[0]
                    writer.write(b"550 unknown\r\n" if to in self.refuse else b"250 ok\r\n")
                    if to not in self.refuse:
                        recipients.append(to)
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    data = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
                    self.raw.append(data)
                    self.messages.append(message_from_bytes(data, policy=policy.default))  # pyright: ignore
                    self.envelopes.append((sender, recipients))
                    recipients = []
                    writer.write(b"250 taken as 1\r\n")
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                case _:
                    writer.write(b"250 ok\r\n")


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    server = MailServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()
    for task in list(server.tasks):
        task.cancel()


@pytest.fixture
def certified(mail: MailServer, certificate: tuple[ssl.SSLContext, ssl.SSLContext]) -> MailServer:
    """The server with a certificate for 127.0.0.1 that `trust` trusts."""
    mail.tls, mail.trust = certificate
    return mail


async def send(call: Any, mail: MailServer, params: dict[str, Any] | None = None, **more: Any) -> Any:
    config = {"host": "127.0.0.1", "port": mail.port, **more.pop("config", {})}
    options = {"smtp_config": config, "from_address": "Bot <bot@example.org>", **more.pop("options", {})}
    asked = {"to": "ada@example.org", "subject": "Hello", "body": "Good day.", **(params or {})}
    return await call(EmailTool, asked, options=options, net=mail.net, more={"tls": mail.trust}, **more)


async def test_a_plain_message(call: Any, mail: MailServer) -> None:
    found = await send(call, mail, {"subject": "Größe", "body": "Zwölf.\n.\nEnde"})
    assert found["sent"] is True
    assert (found["accepted"], found["rejected"], found["response"]) == (["ada@example.org"], [], "taken as 1")
    assert mail.envelopes == [("bot@example.org", ["ada@example.org"])]
    (message,) = mail.messages
    assert (message["From"], message["To"], message["Subject"]) == ("Bot <bot@example.org>", "ada@example.org", "Größe")
    assert message["Message-ID"] == found["message_id"]
    assert message.get_content() == "Zwölf.\n.\nEnde\n"


async def test_html_copies_attachments_and_a_template(call: Any, mail: MailServer, project: Path) -> None:
    (project / "templates").mkdir()
    (project / "templates" / "may.txt").write_text(
        "Subject: For {{name}}\n\nDear {{ name }}, {{amount}} of {{name}}.\n"
    )
    (project / "table.csv").write_text("a,b\n1,2\n")
    asked = {
        "to": ["ada@example.org", "Grace <grace@Example.org>"],
        "subject": "",
        "body": "",
        "cc": "c@example.org",
        "bcc": ["b@example.org"],
        "reply_to": "r@example.org",
        "html": "<p>Hi</p>",
        "template": "may.txt",
        "variables": {"name": "{{amount}}", "amount": 5},
        "attachments": ["table.csv"],
    }
    await send(call, mail, asked, options={"template_path": "./templates"})
    (message,) = mail.messages
    assert mail.envelopes[0][1] == ["ada@example.org", "grace@example.org", "c@example.org", "b@example.org"]
    assert "b@example.org" not in mail.raw[0].decode()
    assert (message["Cc"], message["Reply-To"], message["Subject"]) == (
        "c@example.org",
        "r@example.org",
        "For {{amount}}",
    )
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None and html is not None
    assert plain.get_content().strip() == "Dear {{amount}}, 5 of {{amount}}."
    assert html.get_content().strip() == "<p>Hi</p>"
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("table.csv", "text/csv")


@pytest.mark.parametrize("secure", [False, True])
async def test_tls_and_login(call: Any, certified: MailServer, secure: bool) -> None:
    config: dict[str, Any] = {"auth": {"user": "bot", "pass": "right"}, "secure": secure}
    listening = await asyncio.start_server(certified.serve, "127.0.0.1", 0, ssl=certified.tls if secure else None)
    certified.port = listening.sockets[0].getsockname()[1]
    if secure:
        certified.tls = None  # it offers no second encryption inside of the first
    found = await send(call, certified, config=config)
    assert found["sent"] is True
    assert certified.logins == [("bot", "right", not secure)]
    listening.close()


async def test_a_certificate_that_nobody_knows_ends_it_before_the_password(call: Any, certified: MailServer) -> None:
    certified.trust = None
    with pytest.raises(ToolError, match="failed"):
        await send(call, certified, config={"auth": {"user": "bot", "pass": "right"}})
    assert certified.logins == []


async def test_what_the_server_refuses(call: Any, mail: MailServer) -> None:
    with pytest.raises(ToolError, match="refused the login") as error:
        await send(call, mail, config={"auth": {"user": "bot", "pass": "wrong-secret"}})
    assert "wrong-secret" not in error.value.message + error.value.hint
    mail.refuse = {"x@example.org"}
    with pytest.raises(ToolError, match=r"takes it for nobody: x@example\.org: 550 unknown"):
        await send(call, mail, {"to": "x@example.org"})
    found = await send(call, mail, {"to": ["x@example.org", "ada@example.org"]})
    assert (found["accepted"], found["rejected"]) == (["ada@example.org"], ["x@example.org"])
    mail.deaf = True
    with pytest.raises(TimeoutError, match="within 300 ms"):
        await send(call, mail, options={"timeout": 300})


INJECTIONS = {
    "subject_line": {"subject": "Hi\r\nBcc: evil@example.com"},
    "subject_newline": {"subject": "Hi\nX: y"},
    "subject_separator": {"subject": "Hi\u2028Bcc: evil@example.com"},
    "to_line": {"to": "ada@example.org\r\nBcc: evil@example.com"},
    "to_two": {"to": "ada@example.org, evil@example.com"},
    "to_space": {"to": "ada@example.org evil@example.com"},
    "to_brackets": {"to": "ada@example.org <evil@example.com> <x@example.org>"},
    "to_quoted": {"to": '"ada@example.org> x"@evil.com'},
    "to_comment": {"to": "ada@example.org(x@evil.com)"},
    "to_route": {"to": "<@evil.com:ada@example.org>"},
    "to_name_line": {"to": "A\nB <ada@example.org>"},
    "to_nul": {"to": "ada\0@example.org"},
    "to_empty_domain": {"to": "ada@"},
    "to_other_at": {"to": "ada@evil.com@example.org"},
    "reply_line": {"reply_to": "a@example.org\r\nBcc: evil@example.com"},
    "half_a_character": {"subject": "\ud800"},
    "nothing_said": {"body": ""},
}


@pytest.mark.parametrize("kind", INJECTIONS)
async def test_no_input_adds_a_header_or_a_recipient(call: Any, mail: MailServer, kind: str) -> None:
    with pytest.raises(SchemaError):
        await send(call, mail, INJECTIONS[kind])
    assert mail.raw == []


@pytest.mark.parametrize(
    ("allowed", "to", "may"),
    [
        (["example.org"], "ada@example.org", True),
        (["example.org"], "ada@EXAMPLE.org", True),
        (["example.org"], "ada@sub.example.org", False),
        (["*.example.org"], "ada@sub.example.org", True),
        (["*.example.org"], "ada@evilexample.org", False),
        (["example.org"], "Ada <ada@evil.com>", False),
        (["ada@example.org"], "ada@example.org", True),
        (["ada@example.org"], "eve@example.org", False),
        ([], "ada@example.org", False),
    ],
)
async def test_recipients_are_narrowed(call: Any, mail: MailServer, allowed: list[str], to: str, may: bool) -> None:
    for field_name in ("to", "cc", "bcc"):
        asked = {"to": to} if field_name == "to" else {"to": "me@mine.example", field_name: to}
        options = {"allowed_recipients": allowed if field_name == "to" or not allowed else [*allowed, "mine.example"]}
        if may:
            assert (await send(call, mail, asked, options=options))["sent"]
        else:
            with pytest.raises(PermissionDenied, match="may not write to"):
                await send(call, mail, asked, options=options)


async def test_files_and_hosts_are_those_of_the_run(call: Any, mail: MailServer, project: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    (project / ".env").write_text("KEY=1")
    (project / "link").symlink_to(tmp_path / "outside.txt")
    for path in ("../outside.txt", "/etc/passwd", ".env", "link", "/proc/self/environ"):
        with pytest.raises(PermissionDenied):
            await send(call, mail, {"attachments": [path]})
    (project / "templates").mkdir()
    for name in ("../.env", "../../outside.txt", "/etc/passwd"):
        with pytest.raises((PermissionDenied, ToolError)):
            await send(call, mail, {"template": name}, options={"template_path": "templates"})
    with pytest.raises(PermissionDenied):
        await call(
            EmailTool,
            {"to": "a@b.example", "body": "x"},
            options={"smtp_server": "mail.example.org", "from_address": "m@b.example"},
        )
    with pytest.raises(ToolError, match="needs a mail server"):
        await call(EmailTool, {"to": "a@b.example", "body": "x"})
    assert mail.raw == []


async def test_the_environments_login_goes_to_its_own_server_only(call: Any, mail: MailServer) -> None:
    environ = {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mail.port),
        "SMTP_USER": "bot@example.org",
        "SMTP_PASS": "right",
    }
    asked = {"to": "ada@example.org", "body": "x"}
    assert (await call(EmailTool, asked, environ=environ, net=mail.net))["sent"]
    assert mail.logins == [("bot@example.org", "right", False)]
    options = {"smtp_server": f"127.0.0.1:{mail.port}", "from_address": "me@example.org"}
    await call(EmailTool, asked, options=options, environ={**environ, "SMTP_HOST": "mail.example.org"}, net=mail.net)
    assert len(mail.logins) == 1


SPELLS = {
    "lua": "local t = EmailTool.new{ smtp_server = params.server, from_address = 'bot@example.org', allowed_recipients = {'example.org'} }\n"
    "local found = t:execute{ to = 'ada@example.org', subject = 'Hi', body = 'There' }\n"
    "local ok = pcall(function() t:execute{ to = 'eve@evil.example', subject = 'Hi', body = 'There' } end)\n"
    "return { found.sent, t.name, ok }",
    "js": "const [host, port] = params.server.split(':');\n"
    "const t = new Email({ smtpConfig: { host, port: Number(port), secure: false, auth: { user: undefined, pass: undefined } },\n"
    "  fromAddress: 'bot@example.org', allowedRecipients: ['example.org'] });\n"
    "const found = await t.execute({ to: 'ada@example.org', subject: 'Hi', body: 'There' });\n"
    "const ok = await t.execute({ to: 'eve@evil.example', subject: 'Hi', body: 'There' }).then(() => true, () => false);\n"
    "return [found.sent, t.name, ok && t.config.allowedRecipients[0] !== 'example.org'];",
}


@both
async def test_a_spell_sends_and_its_replay_sends_nothing(cast: Any, mail: MailServer, language: str) -> None:
    given = {"params": {"server": f"127.0.0.1:{mail.port}"}, "flags": {"permissions.net": mail.net}}
    spell = await cast(**{language: SPELLS[language]}, **given)
    assert spell.value == [True, "email", False]
    assert (await cast(**{language: SPELLS[language]}, replay=spell.recording, **given)).value == spell.value
    assert len(mail.raw) == 1
