"""The encryption tool: what it is asked and what it gives. `sealing` encrypts; keys come by name."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, ToolError
from llmspell.security import files
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool
from llmspell.tools.extras import missing

Variable = Annotated[str, Bounds(min_length=1, max_length=200, pattern="^[A-Za-z_][A-Za-z0-9_]*$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionOptions:
    algorithm: Literal["aes-256-gcm", "chacha20-poly1305"] = "aes-256-gcm"
    """What is used where a call names none."""

    max_file_size: Annotated[int, Bounds(ge=1, le=200_000_000)] = 50_000_000
    """Bytes of the largest file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionParams:
    operation: Literal["encrypt", "decrypt"]
    """encrypt: the text or file, so that only the key or passphrase opens it again, and every change is noticed.
    decrypt: what encrypt gave."""

    text: Annotated[str, Bounds(max_length=20_000_000)] | None = None
    """The text to encrypt, or what encrypt gave; give this or `path`."""

    path: FilePath | None = None
    """The file to encrypt or decrypt."""

    output_path: FilePath | None = None
    """The file to write the result to, in place of giving it."""

    passphrase: Annotated[str, Bounds(min_length=8, max_length=1000)] | None = None
    """A passphrase; a key is made of it by scrypt. Better is `passphrase_env`: then no script and no model sees it."""

    passphrase_env: Variable | None = None
    """The environment variable that holds the passphrase. One named LLMSPELL_SECRET_… needs no permission: every spell
    may have it used and none can read it. Any other must be allowed by `--allow-env`."""

    key_env: Variable | None = None
    """The environment variable that holds the key: 32 bytes, as hex or Base64; as `passphrase_env`, one named
    LLMSPELL_SECRET_… needs no permission."""

    algorithm: Literal["aes-256-gcm", "chacha20-poly1305"] | None = None
    """For encrypt: the algorithm; both are good. decrypt finds it in the text."""

    context: Annotated[str, Bounds(max_length=10_000)] = ""
    """A text, not secret, that decrypt must be given again, such as what the data belongs to."""

    encoding: Literal["utf-8", "base64"] = "utf-8"
    """What the plain text is: text, or bytes written as Base64."""


class EncryptionResult(TypedDict):
    text: NotRequired[str]
    """encrypt: the encrypted text. decrypt: the plain one."""
    path: NotRequired[str]
    """The file written, with `output_path`."""
    size: int
    """Bytes of the result."""
    algorithm: Literal["aes-256-gcm", "chacha20-poly1305"]
    """The algorithm used."""


@exposed(
    aliases=("Encryption",),
    options=EncryptionOptions,
    tool=ToolMark(
        name="encryption",
        category="crypto",
        params=EncryptionParams,
        result=EncryptionResult,
        examples=(
            Example({"operation": "encrypt", "text": "hello", "passphrase": "correct horse"}, note="with a passphrase"),
            Example(
                {
                    "operation": "decrypt",
                    "text": "TFNFMQEBhwlHiyqHrK7mhiEkPw+Qyw+xkp4ohwNl+paNeSunKj32I74zWjyu6Ro1sVbvYS3aRvw=",
                    "passphrase": "correct horse",
                },
                {"text": "hello", "size": 5, "algorithm": "aes-256-gcm"},
                "what encrypt gave",
            ),
        ),
        permissions=("read", "write"),
        timeout=60_000,
        max_output=30_000_000,
    ),
)
class EncryptionTool(BuiltinTool[EncryptionOptions]):
    """Encrypts and decrypts texts and files with a passphrase or a key (AES-256-GCM or ChaCha20-Poly1305).

    Both keep the data secret and notice every change of it. Whoever loses the passphrase loses the data.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = EncryptionParams(**params)
        if (asked.text is None) == (asked.path is None):
            raise SchemaError("encryption needs `text` or `path`, one of them", hint="give the text, or a file's path")
        given = [name for name in ("passphrase", "passphrase_env", "key_env") if getattr(asked, name) is not None]
        if len(given) != 1:
            raise SchemaError(
                "encryption needs `passphrase`, `passphrase_env` or `key_env`, one of them", hint="name the key"
            )
        content = await asyncio.to_thread(self._work, asked, context)
        artifacts = ({"path": asked.output_path},) if asked.output_path is not None else ()
        return ToolOutput(content, {"operation": asked.operation}, artifacts)

    def _work(self, asked: EncryptionParams, context: ToolContext) -> dict[str, Any]:
        from llmspell.tools.crypto import sealing, secrets_named

        key: bytes | None = None
        passphrase = asked.passphrase or ""
        if asked.key_env is not None:
            key = secrets_named.raw(secrets_named.variable(context, asked.key_env), f"the key in {asked.key_env!r}")
        elif asked.passphrase_env is not None:
            passphrase = secrets_named.variable(context, asked.passphrase_env)
        data = self._input(asked, context)
        try:
            if asked.operation == "encrypt":
                algorithm = asked.algorithm or self.options.algorithm
                found = sealing.seal(data, algorithm, key, passphrase, asked.context.encode())
            else:
                found, algorithm = sealing.unseal(data, key, passphrase, asked.context.encode())
        except ImportError:
            raise missing("cryptography") from None
        more = {"size": len(found), "algorithm": algorithm}
        if asked.output_path is not None:
            with files.place(asked.output_path, context.permissions, "write") as place:
                files.write_bytes(place, found)
            return {"path": asked.output_path, **more}
        if asked.operation == "encrypt" or asked.encoding == "base64":
            return {"text": base64.b64encode(found).decode(), **more}
        try:
            return {"text": found.decode(), **more}
        except UnicodeDecodeError:
            raise ToolError(
                "what was encrypted is no text", hint='give encoding = "base64" or an `output_path`'
            ) from None

    def _input(self, asked: EncryptionParams, context: ToolContext) -> bytes:
        if asked.path is not None:
            with files.place(asked.path, context.permissions, "read") as place:
                return files.read_bytes(place, self.options.max_file_size)
        text = asked.text or ""
        if asked.operation == "encrypt" and asked.encoding == "utf-8":
            return text.encode()
        try:
            return base64.b64decode(text.strip(), validate=True)
        except (ValueError, binascii.Error):
            raise ToolError("`text` is not Base64", hint="give the whole text that encrypt gave") from None
