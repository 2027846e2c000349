"""Hands one message to a mail server, by aiosmtplib over a connection to an address that was checked.

A password crosses only an encrypted connection, unless the server is this machine itself.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

from llmspell import errors
from llmspell.errors import ToolError
from llmspell.security.network import Resolver, parse, resolve
from llmspell.security.permissions import Permissions
from llmspell.tools.communication.mail import Server
from llmspell.tools.extras import missing


async def hand_in(
    message: EmailMessage,
    recipients: Sequence[str],
    server: Server,
    milliseconds: float,
    permissions: Permissions,
    resolver: Resolver,
    tls: ssl.SSLContext | None,
) -> dict[str, Any]:
    """The tool's content. Raises PermissionDenied, TimeoutError and ToolError."""
    library = _library()
    host = f"[{server.host}]" if ":" in server.host else server.host
    target = parse(f"http://{host}:{server.port}/")
    try:
        async with asyncio.timeout(milliseconds / 1000):
            addresses = await resolve(target, permissions, resolver)
            connection = await _connected(addresses, server)
            return await _sent(library, connection, message, recipients, server, milliseconds, tls)
    except (TimeoutError, library.SMTPTimeoutError):
        raise errors.TimeoutError(
            f"email: {server.host}:{server.port} did not answer within {milliseconds:g} ms", retryable=True
        ) from None
    except library.SMTPAuthenticationError as error:
        raise ToolError(
            f"email: {server.host} refused the login: {_words(error)}", hint="check the user and the password"
        ) from None
    except library.SMTPRecipientsRefused as error:
        said = "; ".join(f"{each.recipient}: {each.code} {_short(each.message)}" for each in error.recipients[:5])
        later = all(400 <= each.code < 500 for each in error.recipients)
        raise ToolError(
            f"email: {server.host} takes it for nobody: {said}",
            hint="try later" if later else "check the addresses",
            retryable=later,
        ) from None
    except library.SMTPResponseException as error:
        raise ToolError(
            f"email: {server.host} answered {error.code}: {_words(error)}",
            hint="try later" if 400 <= error.code < 500 else "check the sender and the message",
            retryable=400 <= error.code < 500,
        ) from None
    except (library.SMTPException, ssl.SSLError, OSError, EOFError) as error:
        raise ToolError(
            f"email: {server.host}:{server.port} failed: {_short(str(error)) or type(error).__name__}",
            hint="check the server and its port",
            retryable=True,
        ) from None


def _library() -> Any:
    try:
        return importlib.import_module("aiosmtplib")
    except ImportError:
        raise missing("aiosmtplib") from None


async def _connected(addresses: Sequence[str], server: Server) -> socket.socket:
    """A connection to the first address that takes one."""
    failure: OSError | None = None
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, (address, server.port))
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    assert failure is not None
    raise failure


async def _sent(
    library: Any,
    connection: socket.socket,
    message: EmailMessage,
    recipients: Sequence[str],
    server: Server,
    milliseconds: float,
    tls: ssl.SSLContext | None,
) -> dict[str, Any]:
    local = ipaddress.ip_address(connection.getpeername()[0].partition("%")[0]).is_loopback
    client = library.SMTP(
        hostname=server.host,
        port=None,
        sock=connection,
        use_tls=server.secure,
        start_tls=False,
        tls_context=tls,
        timeout=milliseconds / 1000,
        local_hostname="localhost",
    )
    try:
        await client.connect()
        encrypted = server.secure
        if not encrypted and client.is_ehlo_or_helo_needed:
            await client.ehlo()
        if not encrypted and client.supports_extension("starttls"):
            await client.starttls(server_hostname=server.host)
            encrypted = True
        if server.user:
            if not encrypted and not local:
                raise ToolError(
                    f"email: {server.host} offers no encryption, and the password is not sent without",
                    hint="use its port with TLS: `secure = true` and port 465",
                )
            await client.login(server.user, server.password)
        refused, said = await client.send_message(message, recipients=list(recipients))
        with suppress(library.SMTPException, OSError):
            await client.quit()
    finally:
        # A TLS transport that is closed waits for the other side's goodbye, and keeps the socket until then. Were the
        # socket closed under it, its number would be another connection's while the loop still reads from it.
        transport = client.transport
        client.close()
        if transport is None:
            connection.close()
        else:
            transport.abort()
    return {
        "sent": True,
        "message_id": str(message["Message-ID"]),
        "accepted": [recipient for recipient in recipients if recipient not in refused],
        "rejected": [recipient for recipient in recipients if recipient in refused],
        "response": _short(said),
    }


def _words(error: Any) -> str:
    return _short(str(error.message))


def _short(text: str) -> str:
    return " ".join(text.split())[:300]
