"""How one speaks to a cluster as somebody: a token, a certificate, or what a command gives of them.

Keys stay in memory: OpenSSL takes files only, and is given one that no folder holds.
"""

from __future__ import annotations

import json
import os
import ssl
from typing import Any

from llmspell.errors import ToolError
from llmspell.frozen import frozen
from llmspell.tools.base import ToolContext
from llmspell.tools.system import running

#: Bytes that a command may answer.
_LARGEST = 200_000
_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


@frozen
class Login:
    token: str | None = None
    certificate: bytes | None = None
    key: bytes | None = None


async def by_command(
    asked: dict[str, Any], cluster: dict[str, Any], context: ToolContext, own: bool, milliseconds: float
) -> Login:
    """What the kubeconfig's `exec` gives. Raises PermissionDenied where the run may not run it."""
    words = [str(asked.get("command") or ""), *(str(each) for each in asked.get("args") or [])]
    version = str(asked.get("apiVersion") or _VERSIONS[0])
    if not words[0] or version not in _VERSIONS or asked.get("interactiveMode") == "Always":
        raise ToolError(
            "kubernetes: the kubeconfig's `exec` cannot be used",
            hint=f"it needs a command that asks nobody, of the API version {_VERSIONS[0]}",
        )
    context.permissions.check_command(words)
    spec: dict[str, Any] = {"interactive": False}
    if asked.get("provideClusterInfo"):
        names = ("server", "tls-server-name", "certificate-authority-data")
        spec["cluster"] = {name: cluster[name] for name in names if cluster.get(name)}
    told = {"KUBERNETES_EXEC_INFO": json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})}
    rows = [each for each in asked.get("env") or [] if isinstance(each, dict)]
    told |= {str(each.get("name")): str(each.get("value", "")) for each in rows}
    # the person's own command sees the person's variables; one that a spell names sees what any command of it does
    env = running.environment(context, told) if own else {**context.environ, **told}
    command = running.Command(
        owner=context.scratch,
        words=words,
        folder=".",
        env=env,
        stdin=None,
        milliseconds=milliseconds,
        keep=_LARGEST,
    )
    ended = await running.run(command, context.permissions)
    if ended.exit_code != 0:
        raise ToolError(f"kubernetes: {words[0]!r} ended with {ended.exit_code}", hint="run it by hand to see why")
    try:
        status: Any = json.loads(ended.stdout)["status"]
        given = [status.get(name) for name in ("token", "clientCertificateData", "clientKeyData")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ToolError(f"kubernetes: {words[0]!r} printed no ExecCredential") from None
    token, certificate, key = (str(each).strip() if each else None for each in given)
    if token is not None and not (token.isprintable() and token.isascii()):
        raise ToolError(f"kubernetes: {words[0]!r} gave a token with a line end or a character beyond ASCII")
    return Login(token, certificate.encode() if certificate else None, key.encode() if key else None)


def tls_context(trusted: bytes | None, login: Login) -> ssl.SSLContext:
    """Whom to trust (None: whom the system trusts) and as whom to speak. Blocks for some milliseconds."""
    try:
        context = ssl.create_default_context(cadata=trusted.decode("ascii") if trusted else None)
    except (ssl.SSLError, ValueError):
        raise ToolError("kubernetes: `certificate-authority` holds no certificates", hint="it takes PEM") from None
    if login.certificate is None:
        return context
    if login.key is None:
        raise ToolError("kubernetes: there is a `client-certificate` and no `client-key`", hint="give both")
    held = os.memfd_create("llmspell", os.MFD_CLOEXEC)
    try:
        os.write(held, login.certificate + b"\n" + login.key)
        context.load_cert_chain(f"/proc/self/fd/{held}", password=lambda: b"")
    except (ssl.SSLError, ValueError, OSError):
        raise ToolError(
            "kubernetes: `client-certificate` and `client-key` do not fit each other", hint="PEM, without a password"
        ) from None
    finally:
        os.close(held)
    return context
