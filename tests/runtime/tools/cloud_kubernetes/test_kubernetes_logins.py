"""kubernetes reads kubeconfigs as the official client does, opens no more than it may, and runs nothing by itself."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kubernetes import client, config

from llmspell.errors import PermissionDenied, ToolError


@dataclass
class Pair:
    certificate: bytes
    key: bytes
    parsed: x509.Certificate
    private: ec.EllipticCurvePrivateKey


def certified(name: str, by: Pair | None = None, hosts: tuple[str, ...] = ()) -> Pair:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.parsed.subject if by else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    )
    if hosts:
        names = [
            x509.IPAddress(ipaddress.ip_address(each)) if each[0].isdigit() else x509.DNSName(each) for each in hosts
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    parsed = builder.sign(by.private if by else private, hashes.SHA256())
    key = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Pair(parsed.public_bytes(serialization.Encoding.PEM), key, parsed, private)


@pytest.fixture
def authority() -> Pair:
    return certified("authority")


@pytest.fixture
async def secure(authority: Pair, tmp_path: Path, server: Any, cluster: Any) -> AsyncIterator[Any]:
    """The cluster once more, over TLS, where a client's certificate is as good as a token."""
    own = certified("server", authority, ("127.0.0.1", "cluster.example"))
    (tmp_path / "server.pem").write_bytes(own.certificate + own.key)
    (tmp_path / "authority.pem").write_bytes(authority.certificate)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "authority.pem"))
    tls.load_cert_chain(tmp_path / "server.pem")
    tls.verify_mode = ssl.CERT_OPTIONAL
    found, runner = await cluster(tls)
    found.has("pods", client.V1Pod(metadata=client.V1ObjectMeta(name="p", namespace="shop")))
    yield found
    await runner.cleanup()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def held(path: Any) -> bytes:
    return Path(str(path)).read_bytes()


async def test_certificates_inline_and_in_files(
    kube: Any, secure: Any, authority: Pair, kubeconfig: Any, tmp_path: Path
) -> None:
    me = certified("ada", authority)
    (tmp_path / "me.pem").write_bytes(me.certificate)
    (tmp_path / "me.key").write_bytes(me.key)
    inline = {"client-certificate-data": b64(me.certificate), "client-key-data": b64(me.key)}
    files = {"client-certificate": "me.pem", "client-key": "me.key"}
    trusted = {"server": secure.url, "certificate-authority-data": b64(authority.certificate)}
    for cluster, user in (
        (trusted, inline),
        ({"server": secure.url, "certificate-authority": "authority.pem"}, files),
        ({**trusted, "tls-server-name": "cluster.example"}, None),
    ):
        path = kubeconfig(tmp_path / "secure", cluster, user)
        found = await kube("list", kind="pods", environ={"KUBECONFIG": str(path)}, net=secure.net)
        assert [each["name"] for each in found["items"]] == ["p"]
        assert ("authorization" in secure.asked[-1].headers) == (user is None)

        with config.new_client_from_config(str(path)) as theirs:  # the official reading of the same file
            read = theirs.configuration
            assert read.host == secure.url
            assert held(read.ssl_ca_cert) == authority.certificate
            assert user is None or held(read.cert_file) == me.certificate
    assert {(each.path) for each in secure.asked} == {"/api/v1/namespaces/shop/pods"}


async def test_who_cannot_be_trusted_gets_no_token(
    kube: Any, secure: Any, authority: Pair, kubeconfig: Any, tmp_path: Path
) -> None:
    trusted = b64(authority.certificate)
    for cluster, said in (
        ({"server": secure.url}, "could not be trusted"),
        (
            {"server": secure.url, "certificate-authority-data": b64(certified("other").certificate)},
            "could not be trusted",
        ),
        ({"server": secure.url, "certificate-authority-data": trusted, "tls-server-name": "x"}, "could not be trusted"),
        ({"server": secure.url, "insecure-skip-tls-verify": True}, "not to be checked"),
        ({"server": secure.url, "certificate-authority-data": b64(b"none")}, "holds no certificates"),
        ({"server": secure.url, "certificate-authority-data": "%%"}, "not Base64"),
        ({"server": secure.url, "proxy-url": "http://127.0.0.1:1"}, "proxy-url"),
        ({"server": "file:///etc/passwd"}, "only http and https"),
        ({}, "no `server`"),
    ):
        path = kubeconfig(tmp_path / "secure", cluster)
        with pytest.raises((ToolError, PermissionDenied), match=said):
            await kube("list", kind="pods", environ={"KUBECONFIG": str(path)}, net=[*secure.net, "*.example"])
    assert secure.asked == []


async def test_a_token_crosses_no_network_unencrypted(kube: Any, server: Any, kubeconfig: Any, tmp_path: Path) -> None:
    async def away(host: str, port: int) -> list[str]:
        return ["93.184.215.14"]

    for host in ("cluster.example", "127.cluster.example", "localhost"):
        path = kubeconfig(tmp_path / "plain", {"server": f"http://{host}:80"})
        with pytest.raises(ToolError, match="unencrypted"):
            await kube("list", kind="pods", environ={"KUBECONFIG": str(path)}, net=["*"], more={"resolver": away})


async def test_the_token_is_in_no_error(kube: Any, server: Any) -> None:
    async def repeats(request: web.Request) -> web.Response:
        said = {"kind": "Status", "apiVersion": "v1", "message": f"no, {request.headers['authorization']}"}
        return web.json_response(said, status=403)

    server.answers["/api/v1/namespaces/shop/pods"] = repeats
    with pytest.raises(ToolError, match=r"no, Bearer \*\*\*") as error:
        await kube("list", kind="pods")
    assert server.token not in f"{error.value.message} {error.value.hint} {error.value.data}"


async def test_a_kubeconfig_of_the_spell_s_own_is_opened_by_its_permissions(
    kube: Any, server: Any, kubeconfig: Any, project: Path, tmp_path: Path
) -> None:
    outside = kubeconfig(tmp_path / "private", {"server": server.url})
    token = tmp_path / "token"
    token.write_text(server.token)
    inside = kubeconfig(project / "config", {"server": server.url}, {"tokenFile": str(token)})
    with pytest.raises(PermissionDenied, match="may not read"):
        await kube("list", kind="pods", options={"kubeconfig": str(outside)})
    with pytest.raises(PermissionDenied, match="may not read"):
        await kube("list", kind="pods", options={"kubeconfig": str(inside)})
    assert server.asked == []
    assert (await kube("list", kind="pods", options={"kubeconfig": str(inside)}, read=[token]))["items"] == []
    assert (await kube("list", kind="pods", options={"kubeconfig": str(outside)}, read=[outside]))["items"] == []


async def test_another_context_than_the_person_s_needs_leave_to_read(
    kube: Any, server: Any, kubeconfig: Any, tmp_path: Path
) -> None:
    contexts = [
        {"name": "test", "context": {"cluster": "here", "user": "me", "namespace": "shop"}},
        {"name": "prod", "context": {"cluster": "here", "user": "me", "namespace": "prod"}},
    ]
    path = kubeconfig(tmp_path / "two", {"server": server.url}, contexts=contexts)
    host = {"KUBECONFIG": str(path)}
    with pytest.raises(PermissionDenied, match="may not read"):
        await kube("list", kind="pods", environ=host, options={"context": "prod"})
    assert server.asked == []
    await kube("list", kind="pods", environ=host, options={"context": "prod"}, read=[path])
    await kube("list", kind="pods", environ=host, options={"context": "test"})
    assert [each.path for each in server.asked] == [f"/api/v1/namespaces/{name}/pods" for name in ("prod", "shop")]
    with pytest.raises(ToolError, match="no 'none' among its contexts"):
        await kube("list", kind="pods", environ=host, options={"context": "none"}, read=[path])


async def test_several_files_are_merged_the_first_of_a_name_winning(
    kube: Any, server: Any, kubeconfig: Any, tmp_path: Path
) -> None:
    kubeconfig(tmp_path / "first", {"server": server.url}, users=[], contexts=[])
    kubeconfig(tmp_path / "second", {"server": "https://never.example"})
    joined = f"{tmp_path}/first:{tmp_path}/missing:{tmp_path}/second"
    with config.new_client_from_config(joined) as theirs:
        assert theirs.configuration.host == server.url
    assert (await kube("list", kind="pods", environ={"KUBECONFIG": joined}))["items"] == []
    # kubectl's rule for the current context too; the Python client takes the last one there
    kubeconfig(tmp_path / "second", {"server": "https://never.example"}, **{"current-context": "other"})
    assert (await kube("list", kind="pods", environ={"KUBECONFIG": joined}))["items"] == []
    assert {each.path for each in server.asked} == {"/api/v1/namespaces/shop/pods"}


PLUGIN = """
import json, os, sys
told = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert told["kind"] == "ExecCredential" and told["spec"]["interactive"] is False
print(json.dumps({"kind": "ExecCredential", "apiVersion": told["apiVersion"],
                  "status": {"token": os.environ["GIVEN"] + os.environ.get("HIDDEN", "")}}))
"""


async def test_a_command_for_credentials_runs_only_where_it_may(
    kube: Any, server: Any, kubeconfig: Any, project: Path, tmp_path: Path
) -> None:
    plugin = project / "plugin.py"
    plugin.write_text(PLUGIN)
    run = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(plugin)],
        "env": [{"name": "GIVEN", "value": server.token}],
        "interactiveMode": "Never",
    }
    path = kubeconfig(tmp_path / "exec", {"server": server.url}, {"exec": run})
    host = {"KUBECONFIG": str(path), "PATH": "/usr/bin:/bin"}
    with pytest.raises(PermissionDenied, match="may not run") as error:
        await kube("list", kind="pods", environ=host)
    assert "--allow-exec" in (error.value.hint or "")
    allowed = [f"{sys.executable} *"]
    assert (await kube("list", kind="pods", environ=host, exec=allowed))["items"] == []
    # the person's own command sees the person's variables, one of the spell's own file does not
    hidden = {**host, "HIDDEN": "x"}
    with pytest.raises(ToolError, match="401"):
        await kube("list", kind="pods", environ=hidden, exec=allowed)
    own = {"options": {"kubeconfig": str(path)}, "read": [path]}
    assert (await kube("list", kind="pods", environ=hidden, exec=allowed, **own))["items"] == []
    asked = len(server.asked)
    for broken in (
        "print('no')",
        "print('{}')",
        "import sys; sys.exit(3)",
        'print(\'{"status": {"token": "a\\\\nb"}}\')',
    ):
        plugin.write_text(broken)
        with pytest.raises(ToolError, match=r"ExecCredential|ended with 3|line end"):
            await kube("list", kind="pods", environ=host, exec=allowed)
    for change in ({"interactiveMode": "Always"}, {"apiVersion": "x/v1"}, {"command": ""}):
        kubeconfig(path, {"server": server.url}, {"exec": {**run, **change}})
        with pytest.raises(ToolError, match="cannot be used"):
            await kube("list", kind="pods", environ=host, exec=allowed)
    assert len(server.asked) == asked


async def test_ways_to_log_in_that_are_none(kube: Any, server: Any, kubeconfig: Any, tmp_path: Path) -> None:
    for user, said in (
        ({"auth-provider": {"name": "gcp"}}, "auth-provider"),
        ({"username": "a", "password": "b"}, "no passwords"),
        ({"token": "a\nb: c"}, "line end"),
        ({"tokenFile": "missing"}, "does not exist"),
        ({"token": "t", "as": "eve", "as-groups": ["a", "b"]}, "several groups"),
    ):
        path = kubeconfig(tmp_path / "user", {"server": server.url}, user)
        with pytest.raises(ToolError, match=said):
            await kube("list", kind="pods", environ={"KUBECONFIG": str(path)})
    assert server.asked == []
    path = kubeconfig(
        tmp_path / "user", {"server": server.url}, {"token": server.token, "as": "eve", "as-groups": ["g"]}
    )
    await kube("list", kind="pods", environ={"KUBECONFIG": str(path)})
    assert (server.asked[0].headers["impersonate-user"], server.asked[0].headers["impersonate-group"]) == ("eve", "g")


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi")
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "anchor"),
        ("[" * 20_000, "nests too deep|no YAML"),
        ("a: !!python/object/apply:os.system ['true']", "no YAML"),
        ("a: b\n---\nc: d", "one document"),
        ("clusters: [1, {name: x}, {name: here, cluster: [1]}]\ncurrent-context: test", "among its contexts"),
        ("just text", "no current context"),
        ("", "does not exist or is empty"),
        ("\0", "no YAML"),
    ],
)
async def test_kubeconfigs_that_are_none(kube: Any, server: Any, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad").write_text(text)
    with pytest.raises(ToolError, match=said) as error:
        await kube("list", kind="pods", environ={"KUBECONFIG": str(tmp_path / "bad")})
    assert "Traceback" not in error.value.message
    assert server.asked == []


async def test_no_cluster_is_looked_for(
    kube: Any, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process's own variables and the usual file are not the run's."""
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(yaml.safe_dump({"current-context": "test"}))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / ".kube" / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ToolError, match="needs a cluster"):
        await kube("list", kind="pods", environ={"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "127.0.0.1"})
