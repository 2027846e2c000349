"""Encryption, signatures and chance: what the tools give, whom they trust with a key, and what never shows."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import LlmspellError, PermissionDenied, ToolError
from llmspell.tools.crypto.encryption import EncryptionTool
from llmspell.tools.crypto.random_tool import RandomTool
from llmspell.tools.crypto.signature import SignatureTool
from llmspell.tools.system.environment import EnvironmentTool
from llmspell.tools.system.shell_command import ShellCommandTool

pytestmark = pytest.mark.mission(104)

KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
ENVIRON = {"LLMSPELL_SECRET_KEY": KEY, "LLMSPELL_SECRET_WORDS": "correct horse battery", "OTHER_KEY": KEY}


@pytest.mark.parametrize("algorithm", ["aes-256-gcm", "chacha20-poly1305"])
@pytest.mark.parametrize(
    "key",
    [{"passphrase": "a long secret"}, {"passphrase_env": "LLMSPELL_SECRET_WORDS"}, {"key_env": "LLMSPELL_SECRET_KEY"}],
)
async def test_what_is_encrypted_comes_back(call: Any, algorithm: str, key: dict[str, str]) -> None:
    sealed = await call(
        EncryptionTool, {"operation": "encrypt", "text": "grüße", "algorithm": algorithm, **key}, environ=ENVIRON
    )
    assert "grü" not in base64.b64decode(sealed["text"]).decode("latin-1")
    found = await call(EncryptionTool, {"operation": "decrypt", "text": sealed["text"], **key}, environ=ENVIRON)
    assert found == {"text": "grüße", "size": 7, "algorithm": algorithm}


async def test_the_cipher_is_the_one_it_says(call: Any) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    given = {"operation": "encrypt", "text": "hello", "key_env": "LLMSPELL_SECRET_KEY", "context": "page 1"}
    sealed = base64.b64decode((await call(EncryptionTool, given, environ=ENVIRON))["text"])
    header, body = sealed[:18], sealed[18:]
    assert header[:6] == b"LSE1\x01\x00"
    assert AESGCM(bytes.fromhex(KEY)).decrypt(header[6:], body, header + b"page 1") == b"hello"


async def test_no_two_are_alike(call: Any) -> None:
    given = {"operation": "encrypt", "text": "same", "passphrase": "a long secret"}
    assert len({(await call(EncryptionTool, given))["text"] for _ in range(3)}) == 3


async def test_every_changed_byte_is_noticed(call: Any) -> None:
    key = {"key_env": "LLMSPELL_SECRET_KEY"}
    sealed = await call(EncryptionTool, {"operation": "encrypt", "text": "hello", **key}, environ=ENVIRON)
    data = base64.b64decode(sealed["text"])
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        text = base64.b64encode(changed).decode()
        with pytest.raises(ToolError):
            await call(EncryptionTool, {"operation": "decrypt", "text": text, **key}, environ=ENVIRON)
    for length in range(len(data)):
        text = base64.b64encode(data[:length]).decode()
        with pytest.raises(ToolError):
            await call(EncryptionTool, {"operation": "decrypt", "text": text, **key}, environ=ENVIRON)


async def test_work_that_a_text_asks_for_is_bounded(call: Any) -> None:
    given = {"operation": "encrypt", "text": "hello", "passphrase": "a long secret"}
    data = bytearray(base64.b64decode((await call(EncryptionTool, given))["text"]))
    assert data[22] == 15
    data[22] = 30  # a terabyte
    with pytest.raises(ToolError, match="more work"):
        await call(
            EncryptionTool,
            {"operation": "decrypt", "text": base64.b64encode(data).decode(), "passphrase": "a long secret"},
        )


async def test_files_within_what_the_run_may(call: Any, project: Path) -> None:
    (project / "plain").write_bytes(b"\x00\xff" * 1000)
    key = {"passphrase": "a long secret"}
    found = await call(EncryptionTool, {"operation": "encrypt", "path": "plain", "output_path": "output/sealed", **key})
    assert found["path"] == "output/sealed"
    found = await call(EncryptionTool, {"operation": "decrypt", "path": "output/sealed", "encoding": "base64", **key})
    assert base64.b64decode(found["text"]) == b"\x00\xff" * 1000
    for params in (
        {"operation": "encrypt", "path": "plain", "output_path": "elsewhere"},
        {"operation": "encrypt", "path": "../outside"},
        {"operation": "encrypt", "path": ".env"},
    ):
        with pytest.raises(PermissionDenied):
            await call(EncryptionTool, {**params, **key})
    with pytest.raises(ToolError, match="larger"):
        await call(EncryptionTool, {"operation": "encrypt", "path": "plain", **key}, options={"max_file_size": 100})


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"passphrase": "a long secret", "key_env": "LLMSPELL_SECRET_KEY"}, "one of them"),
        ({}, "one of them"),
        ({"passphrase": "short"}, "passphrase"),
        ({"key_env": "OTHER_KEY"}, "may not read"),
        ({"key_env": "LLMSPELL_SECRET_NONE"}, "not set"),
        ({"key_env": "LLMSPELL_SECRET_WORDS"}, "neither hex nor Base64"),
        ({"key_env": "LLMSPELL_SECRET_SHORT"}, "16 bytes"),
    ],
)
async def test_keys_that_are_none(call: Any, params: dict[str, Any], said: str) -> None:
    environ = {**ENVIRON, "LLMSPELL_SECRET_SHORT": KEY[:32]}
    with pytest.raises(LlmspellError, match=said) as caught:
        await call(EncryptionTool, {"operation": "encrypt", "text": "a", **params}, environ=environ)
    assert KEY[:32] not in json.dumps(caught.value.to_value())
    assert "horse" not in json.dumps(caught.value.to_value())


async def test_a_variable_that_the_run_may_read_is_a_key(call: Any) -> None:
    given = {"operation": "encrypt", "text": "a", "key_env": "OTHER_KEY"}
    assert (await call(EncryptionTool, given, environ=ENVIRON, env=["OTHER_KEY"]))["size"] > 0


@pytest.mark.parametrize("algorithm", ["ed25519", "rsa-pss-sha256", "hmac-sha256"])
async def test_a_key_is_made_signs_and_verifies(call: Any, project: Path, algorithm: str) -> None:
    made = await call(SignatureTool, {"operation": "generate", "key_path": "output/key", "algorithm": algorithm})
    assert stat.S_IMODE((project / "output/key").stat().st_mode) == 0o600
    assert "PRIVATE" not in json.dumps(made)
    key = {"key_path": "output/key", "algorithm": algorithm}
    signed = await call(SignatureTool, {"operation": "sign", "text": "hello", **key})
    public = {"public_key": made["public_key"]} if "public_key" in made else {"key_path": "output/key"}
    check = {"operation": "verify", "algorithm": algorithm, "sig": signed["sig"], **public}
    assert (await call(SignatureTool, {**check, "text": "hello"}))["valid"] is True
    assert (await call(SignatureTool, {**check, "text": "Hello"}))["valid"] is False
    (project / "document").write_text("hello")
    assert (await call(SignatureTool, {**check, "path": "document"}))["valid"] is True
    with pytest.raises(ToolError, match="exists already"):
        await call(SignatureTool, {"operation": "generate", "key_path": "output/key", "algorithm": algorithm})
    if algorithm != "hmac-sha256":
        found = await call(SignatureTool, {"operation": "public_key", **key})
        assert found["public_key"] == made["public_key"]


async def test_an_hmac_is_the_standard_one(call: Any) -> None:
    given = {"operation": "sign", "text": "hello", "algorithm": "hmac-sha256", "key_env": "LLMSPELL_SECRET_KEY"}
    found = await call(SignatureTool, given, environ=ENVIRON)
    assert base64.b64decode(found["sig"]) == hmac.digest(bytes.fromhex(KEY), b"hello", hashlib.sha256)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"operation": "sign", "text": "a"}, "one of them"),
        ({"operation": "sign", "text": "a", "key_env": "OTHER_KEY"}, "may not read"),
        ({"operation": "sign", "text": "a", "key_path": "../key"}, "may not read"),
        ({"operation": "sign", "text": "a", "key_path": "/etc/ssl/private/key.pem"}, "may not read"),
        ({"operation": "sign", "text": "a", "key_env": "LLMSPELL_SECRET_WORDS"}, "cannot be read"),
        ({"operation": "sign", "text": "a", "key_env": "LLMSPELL_SECRET_RSA"}, "none of ed25519"),
        ({"operation": "sign", "text": "a", "key_env": "LLMSPELL_SECRET_WEAK", "algorithm": "rsa-pss-sha256"}, "1024 bits"),
        ({"operation": "generate", "key_path": "key.pem"}, "may not write"),
        ({"operation": "verify", "text": "a", "sig": "AAAA"}, "needs `public_key`"),
        ({"operation": "verify", "text": "a", "sig": "%%", "public_key": "x"}, "Base64"),
        ({"operation": "verify", "text": "a", "sig": "AAAA", "public_key": "x"}, "cannot be read"),
        ({"operation": "public_key", "algorithm": "hmac-sha256", "key_env": "LLMSPELL_SECRET_KEY"}, "no public key"),
        ({"operation": "sign", "text": "a", "algorithm": "hmac-sha256", "key_env": "LLMSPELL_SECRET_SHORT"}, "too few"),
    ],
)  # fmt: skip
async def test_signatures_that_are_refused(call: Any, params: dict[str, Any], said: str) -> None:
    environ = {
        **ENVIRON,
        "LLMSPELL_SECRET_SHORT": "0011",
        "LLMSPELL_SECRET_RSA": _rsa(2048),
        "LLMSPELL_SECRET_WEAK": _rsa(1024),
    }
    with pytest.raises(LlmspellError, match=said) as caught:
        await call(SignatureTool, params, environ=environ)
    assert "horse" not in json.dumps(caught.value.to_value())


def _rsa(bits: int) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


async def test_openssl_agrees(call: Any, project: Path) -> None:
    made = await call(SignatureTool, {"operation": "generate", "key_path": "output/key"})
    signed = await call(SignatureTool, {"operation": "sign", "text": "hello", "key_path": "output/key"})
    (project / "public").write_text(made["public_key"])
    (project / "sig").write_bytes(base64.b64decode(signed["sig"]))
    (project / "text").write_text("hello")
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public", "-rawin", "-in", "text", "-sigfile", "sig"]
    try:
        found = await asyncio.to_thread(
            subprocess.run, words, cwd=project, capture_output=True, text=True, timeout=20, check=False
        )
    except FileNotFoundError:
        pytest.skip("there is no openssl here")
    assert "Verified Successfully" in found.stdout, found.stderr


@pytest.mark.parametrize(
    ("params", "form"),
    [
        ({"operation": "integer", "min": 3, "max": 5}, "[345]"),
        ({"operation": "number", "min": 1, "max": 2}, "1(\\.[0-9]+)?"),
        ({"operation": "boolean"}, "True|False"),
        ({"operation": "choice", "items": ["a", "b"], "weights": [0, 1]}, "b"),
        ({"operation": "string", "length": 9, "alphabet": "digits"}, "[0-9]{9}"),
        ({"operation": "bytes", "length": 4}, "[0-9a-f]{8}"),
        ({"operation": "bytes", "length": 4, "encoding": "base64"}, "[A-Za-z0-9+/]{6}=="),
        ({"operation": "uuid"}, "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ],
)
@pytest.mark.parametrize("secure", [False, True])
async def test_chance(call: Any, params: dict[str, Any], form: str, secure: bool) -> None:
    found = await call(RandomTool, {**params, "count": 50, "secure": secure})
    assert len(found["results"]) == 50
    assert all(re.fullmatch(form, str(value)) for value in found["results"])


async def test_shuffles_and_samples_lose_nothing(call: Any) -> None:
    items = list(range(100))
    found = await call(RandomTool, {"operation": "shuffle", "items": items, "secure": True})
    assert sorted(found["result"]) == items != found["result"]
    found = await call(RandomTool, {"operation": "sample", "items": items, "count": 10})
    assert len(set(found["result"])) == 10
    for params in (
        {"operation": "sample", "items": [1], "count": 2},
        {"operation": "choice"},
        {"operation": "choice", "items": [1], "weights": [1, 2]},
        {"operation": "integer", "min": 2, "max": 1},
        {"operation": "integer", "min": 0.5},
        {"operation": "string", "length": 4096, "count": 10_000},
    ):
        with pytest.raises(LlmspellError):
            await call(RandomTool, params)


LUA = """
local seeded, secure = RandomTool.new{}, RandomTool.new{ secure = true }
return {
    seeded:execute{ operation = "integer", max = 1000000 }.result,
    seeded:execute{ operation = "uuid" }.result,
    secure:execute{ operation = "string", length = 20 }.result,
}
"""
JS = """
const seeded = new RandomTool(), secure = new RandomTool({ secure: true });
return [
    (await seeded.execute({ operation: "integer", max: 1000000 })).result,
    (await seeded.execute({ operation: "uuid" })).result,
    (await secure.execute({ operation: "string", length: 20 })).result,
];
"""


@pytest.mark.parametrize("spell", [{"lua": LUA}, {"js": JS}], ids=["lua", "javascript"])
async def test_chance_comes_from_the_runs_seed(cast: Any, spell: dict[str, str]) -> None:
    done, other = await cast(**spell), await cast(**spell)
    assert done.value[:2] != other.value[:2]
    assert (await cast(**spell, replay=done.recording)).value == done.value


@pytest.mark.parametrize("language", ["lua", "javascript"])
async def test_keys_never_reach_a_script_or_a_trace(cast: Any, language: str, tmp_path: Path) -> None:
    secret = "correct horse battery staple"
    lua = """
    local e = EncryptionTool.new{}
    local s = e:execute{ operation = "encrypt", text = "hello", passphrase_env = "LLMSPELL_SECRET_WORDS" }
    local g = SignatureTool.new{}:execute{ operation = "sign", text = "a", algorithm = "hmac-sha256",
        key_env = "LLMSPELL_SECRET_WORDS" }
    return { e:execute{ operation = "decrypt", text = s.text, passphrase_env = "LLMSPELL_SECRET_WORDS" }.text, g.sig }
    """
    js = """
    const e = new EncryptionTool();
    const s = await e.execute({ operation: "encrypt", text: "hello", passphrase_env: "LLMSPELL_SECRET_WORDS" });
    const g = await new SignatureTool().execute({ operation: "sign", text: "a", algorithm: "hmac-sha256",
        key_env: "LLMSPELL_SECRET_WORDS" });
    return [(await e.execute({ operation: "decrypt", text: s.text, passphrase_env: "LLMSPELL_SECRET_WORDS" })).text, g.sig];
    """
    spell = {"lua": lua} if language == "lua" else {"js": js}
    done = await cast(**spell, environ={"LLMSPELL_SECRET_WORDS": secret})
    assert done.value[0] == "hello"
    assert secret not in str([event.data for event in done.events])
    assert secret.encode() not in done.file.read_bytes()
    again = await cast(**spell, replay=done.recording)  # without the secret
    assert again.value == done.value


async def test_a_variable_kept_for_tools_may_be_used_and_is_not_read(call: Any) -> None:
    """Using is less than reading: a key signs without `--allow-env`, and no pattern shows it or hands it on."""
    environ = {"LLMSPELL_SECRET_KEY": KEY, "OTHER_KEY": KEY, "PATH": os.environ["PATH"]}
    sign = {"operation": "sign", "text": "a", "algorithm": "hmac-sha256"}
    assert (await call(SignatureTool, {**sign, "key_env": "LLMSPELL_SECRET_KEY"}, environ=environ))["sig"]
    with pytest.raises(PermissionDenied, match="may not read the variable 'OTHER_KEY'"):
        await call(SignatureTool, {**sign, "key_env": "OTHER_KEY"}, environ=environ)
    get = {"operation": "get", "name": "LLMSPELL_SECRET_KEY"}
    for patterns in ([], ["*"], ["LLMSPELL_*"], ["LLMSPELL_SECRET_*"], ["LLMSPELL_SECRET_KE[Y]"]):
        with pytest.raises(PermissionDenied, match="LLMSPELL_SECRET_KEY"):
            await call(EnvironmentTool, get, environ=environ, env=patterns)
        listed = await call(EnvironmentTool, {"operation": "list"}, environ=environ, env=patterns)
        assert listed["variables"] == (["OTHER_KEY", "PATH"] if patterns == ["*"] else [])
    printed = await call(ShellCommandTool, {"command": "env"}, environ=environ, env=["*"], exec=["env"])
    assert "OTHER_KEY=" in printed["stdout"]
    assert "LLMSPELL_SECRET_KEY" not in printed["stdout"]
    found = await call(EnvironmentTool, get, environ=environ, env=["LLMSPELL_SECRET_KEY"])
    assert found["value"] == KEY
