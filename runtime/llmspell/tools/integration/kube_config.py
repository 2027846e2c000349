"""Where a cluster is and who speaks to it: a kubeconfig, read as kubectl reads it, and nothing else.

The person's own (KUBECONFIG) is opened as the person would; one that a spell names, and a context that the person did
not choose, are opened by what the spell may read. A command that gets credentials runs only where the run may run it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import ToolError
from llmspell.frozen import frozen
from llmspell.security import files
from llmspell.security.network import parse
from llmspell.tools.base import ToolContext
from llmspell.tools.integration import kube_yaml
from llmspell.tools.integration.kube_login import Login, by_command, tls_context

if TYPE_CHECKING:
    import ssl

    from llmspell.tools.integration.kubernetes_tool import KubernetesOptions

#: Bytes of the largest kubeconfig, and of a certificate or token beside it.
_LARGEST: Final = 500_000


@frozen
class Cluster:
    """A cluster as it is reached. headers: who speaks. token: what of them is secret. namespace: the context's, or
    `default`."""

    server: str
    token: str | None
    headers: Mapping[str, str]
    namespace: str
    tls: ssl.SSLContext | None
    server_name: str | None


@frozen
class _Source:
    """A kubeconfig's entries merged. own: the spell chose them, so files beside are opened by its permissions."""

    entries: dict[str, dict[str, tuple[dict[str, Any], Path]]]
    context: str
    own: bool


async def cluster_of(options: KubernetesOptions, context: ToolContext) -> Cluster:
    """Raises ToolError, PermissionDenied and TimeoutError."""
    source = await asyncio.to_thread(_read, options, context)
    chosen, _ = _entry(source, "contexts", source.context)
    cluster, beside = _entry(source, "clusters", str(chosen.get("cluster", "")))
    user, user_beside = _entry(source, "users", str(chosen["user"])) if chosen.get("user") else ({}, beside)
    server = str(cluster.get("server") or "").rstrip("/")
    if not server:
        raise ToolError("kubernetes: the kubeconfig's cluster has no `server`", hint="check the file")
    if cluster.get("insecure-skip-tls-verify"):
        raise ToolError(
            "kubernetes: the kubeconfig wants certificates not to be checked", hint="give `certificate-authority`"
        )
    if cluster.get("proxy-url"):
        raise ToolError("kubernetes: a kubeconfig with `proxy-url` cannot be used", hint="reach the cluster directly")
    login = await _login(source, user, user_beside, cluster, context, options.timeout)
    target = parse(server)
    tls = None
    if target.scheme == "https":
        trusted = await asyncio.to_thread(_data, source, cluster, "certificate-authority", beside, context)
        tls = await asyncio.to_thread(tls_context, trusted, login)
    headers = {"accept": "application/json", **_impersonated(user)}
    if login.token:
        headers["authorization"] = f"Bearer {login.token}"
    name = cluster.get("tls-server-name")
    return Cluster(
        server, login.token, headers, str(chosen.get("namespace") or "default"), tls, str(name) if name else None
    )


def _read(options: KubernetesOptions, context: ToolContext) -> _Source:
    """The files' entries, the first of a name winning, as kubectl merges them."""
    own = options.kubeconfig is not None
    named = options.kubeconfig or context.environ.get("KUBECONFIG") or ""
    paths = [named] if own else [path for path in named.split(":") if path]
    if not paths:
        raise ToolError("kubernetes needs a cluster", hint="give the option `kubeconfig`, or set KUBECONFIG")
    found = [(path, _text(path, own, context)) for path in paths]
    if not any(text for _, text in found):
        raise ToolError(f"kubernetes: {named!r} does not exist or is empty", hint="check KUBECONFIG")
    entries: dict[str, dict[str, tuple[dict[str, Any], Path]]] = {"clusters": {}, "users": {}, "contexts": {}}
    current = ""
    for path, text in found:
        value = kube_yaml.read(text.decode("utf-8", "replace"), "the kubeconfig") if text else {}
        table: dict[str, Any] = value if isinstance(value, dict) else {}
        current = current or str(table.get("current-context") or "")
        for section, rows in entries.items():
            for row in table.get(section) or []:
                inner = row.get(section[:-1]) if isinstance(row, dict) else None
                if isinstance(inner, dict):
                    rows.setdefault(str(row.get("name")), (inner, Path(path).parent))
    chosen = options.context or current
    if not chosen:
        raise ToolError("kubernetes: the kubeconfig has no current context", hint="give the option `context`")
    if chosen != current and not own:
        for path in paths:  # what the person did not choose, the spell must be able to read itself
            _text(path, True, context)
    return _Source(entries, chosen, own or chosen != current)


def _entry(source: _Source, section: str, name: str) -> tuple[dict[str, Any], Path]:
    try:
        return source.entries[section][name]
    except KeyError:
        listed = ", ".join(repr(each) for each in list(source.entries[section])[:10]) or "nothing"
        raise ToolError(
            f"kubernetes: the kubeconfig has no {name!r} among its {section}", hint=f"it has {listed}"
        ) from None


async def _login(
    source: _Source,
    user: dict[str, Any],
    beside: Path,
    cluster: dict[str, Any],
    context: ToolContext,
    milliseconds: float,
) -> Login:
    if "auth-provider" in user:
        raise ToolError(
            "kubernetes: `auth-provider` is no longer a way to log in", hint="use a token, a certificate or `exec`"
        )
    if "username" in user or "password" in user:
        raise ToolError("kubernetes: clusters take no passwords", hint="use a token, a certificate or `exec`")
    if isinstance(user.get("exec"), dict):
        return await by_command(user["exec"], cluster, context, source.own, milliseconds)
    certificate = await asyncio.to_thread(_data, source, user, "client-certificate", beside, context)
    key = await asyncio.to_thread(_data, source, user, "client-key", beside, context)
    token = user.get("token")
    if not token and user.get("tokenFile"):
        read = await asyncio.to_thread(_beside, source, str(user["tokenFile"]), beside, context)
        token = read.decode("ascii", "replace").strip()
    return Login(_one_line(str(token)) if token else None, certificate, key)


def _data(source: _Source, entry: dict[str, Any], name: str, beside: Path, context: ToolContext) -> bytes | None:
    """What `<name>-data` holds as Base64, or the file `<name>`."""
    inline = entry.get(f"{name}-data")
    if inline:
        try:
            return base64.b64decode(str(inline), validate=True)
        except (binascii.Error, ValueError):
            raise ToolError(f"kubernetes: `{name}-data` is not Base64", hint="check the kubeconfig") from None
    return _beside(source, str(entry[name]), beside, context) if entry.get(name) else None


def _beside(source: _Source, path: str, beside: Path, context: ToolContext) -> bytes:
    """A file that a kubeconfig names; a relative path begins where the kubeconfig lies."""
    found = _text(str(beside / path), source.own, context)
    if not found:
        raise ToolError(f"kubernetes: {path!r}, which the kubeconfig names, does not exist or is empty")
    return found


def _text(path: str, own: bool, context: ToolContext) -> bytes:
    """The file's bytes, or none where there is no file."""
    try:
        if not own:
            with Path(path).expanduser().open("rb") as file:
                return file.read(_LARGEST)
        with files.place(path, context.permissions, "read") as found:
            return files.read_bytes(found, _LARGEST)
    except (files.MissingFile, FileNotFoundError):
        return b""
    except OSError as error:
        raise ToolError(f"kubernetes: {path!r} cannot be read: {error.strerror}") from None


def _impersonated(user: dict[str, Any]) -> dict[str, str]:
    """As whom the user acts. Several groups are one header each, which a table cannot hold: one is allowed."""
    groups = user.get("as-groups") or []
    if len(groups) > 1 or user.get("as-user-extra"):
        raise ToolError("kubernetes: the kubeconfig's user acts for several groups", hint="name one in `as-groups`")
    found = {"impersonate-user": user.get("as"), "impersonate-uid": user.get("as-uid")}
    found |= {"impersonate-group": groups[0]} if groups else {}
    return {name: _one_line(str(value)) for name, value in found.items() if value}


def _one_line(text: str) -> str:
    """The value is not shown: it may be a secret."""
    if not text.isprintable() or not text.isascii():
        raise ToolError("kubernetes: a value of the kubeconfig holds a line end or a character beyond ASCII")
    return text
