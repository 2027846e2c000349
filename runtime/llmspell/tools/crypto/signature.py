"""The signature tool: what it is asked and what it gives. `signing` signs; keys come by name or file."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, ToolError
from llmspell.security import files
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Variable = Annotated[str, Bounds(min_length=1, max_length=200, pattern="^[A-Za-z_][A-Za-z0-9_]*$")]

#: Of the examples: a public key, and its signature of `hello`.
_PUBLIC: Final = (
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAt9vG7UQf5cgK0cMJaPSeXaZZiOUmvqombQCNh63rYi0=\n-----END PUBLIC KEY-----"
)
_SIG: Final = "LbQfraAzNJvB9nyHNOFS/6erzK+efPWIUEY+FOQdqeeK0ZTTZ1FjC822WS3bBDXEpDTbCF5u2vjD5gIj15PGCA=="


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureOptions:
    algorithm: Literal["ed25519", "rsa-pss-sha256", "hmac-sha256"] = "ed25519"
    """What is used where a call names none."""

    max_file_size: Annotated[int, Bounds(ge=1, le=200_000_000)] = 50_000_000
    """Bytes of the largest file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureParams:
    operation: Literal["sign", "verify", "public_key", "generate"]
    """sign: the signature of a text or file. verify: whether `sig` is one, by `public_key` (an HMAC by its secret key).
    public_key: that of a private key. generate: writes a new private key to `key_path` and gives the public one."""

    text: Annotated[str, Bounds(max_length=10_000_000)] | None = None
    """For sign and verify: the text; give this or `path`."""

    path: FilePath | None = None
    """For sign and verify: the file."""

    algorithm: Literal["ed25519", "rsa-pss-sha256", "hmac-sha256"] | None = None
    """The algorithm; the tool's own unless given. An HMAC is for two who share a secret."""

    key_env: Variable | None = None
    """The environment variable that holds the private key as PEM, or the HMAC's secret. One named LLMSPELL_SECRET_…
    needs no permission: every spell may have it used and none can read it. Any other must be allowed by
    `--allow-env`."""

    key_path: FilePath | None = None
    """The file that holds it, in place of `key_env`; for generate the file to write."""

    public_key: Annotated[str, Bounds(min_length=1, max_length=20_000)] | None = None
    """For verify: the public key as PEM."""

    sig: Annotated[str, Bounds(min_length=1, max_length=10_000)] | None = None
    """For verify: the signature, in Base64."""


class SignatureResult(TypedDict):
    sig: NotRequired[str]
    """sign: the signature, in Base64."""
    valid: NotRequired[bool]
    """verify: whether it is right."""
    public_key: NotRequired[str]
    """public_key, generate: the public key as PEM; not of an HMAC."""
    path: NotRequired[str]
    """generate: the file that the private key was written to; only its owner can read it."""
    algorithm: Literal["ed25519", "rsa-pss-sha256", "hmac-sha256"]
    """The algorithm used."""


@exposed(
    aliases=("Signature",),
    options=SignatureOptions,
    tool=ToolMark(
        name="signature",
        category="crypto",
        params=SignatureParams,
        result=SignatureResult,
        examples=(
            Example(
                {"operation": "verify", "text": "hello", "public_key": _PUBLIC, "sig": _SIG},
                {"valid": True, "algorithm": "ed25519"},
            ),
            Example(
                {"operation": "verify", "text": "hello!", "public_key": _PUBLIC, "sig": _SIG},
                {"valid": False, "algorithm": "ed25519"},
                "the text was changed",
            ),
        ),
        permissions=("read", "write"),
        timeout=60_000,
        max_output=100_000,
    ),
)
class SignatureTool(BuiltinTool[SignatureOptions]):
    """Signs texts and files and verifies signatures, with Ed25519, RSA-PSS or HMAC; makes keys for it.

    Use it to prove who made a file and that nobody changed it. Private keys come from a variable or a file and are
    never given to scripts or models.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = SignatureParams(**params)
        if asked.operation in {"sign", "verify"} and (asked.text is None) == (asked.path is None):
            raise SchemaError(f"`{asked.operation}` needs `text` or `path`, one of them", hint="give what is signed")
        content = await asyncio.to_thread(self._work, asked, context)
        return ToolOutput(content, {"operation": asked.operation})

    def _work(self, asked: SignatureParams, context: ToolContext) -> dict[str, Any]:
        from llmspell.tools.crypto import secrets_named, signing

        algorithm = asked.algorithm or self.options.algorithm
        chosen = {"algorithm": algorithm}
        match asked.operation:
            case "generate":
                if asked.key_path is None:
                    raise SchemaError("`generate` needs `key_path`", hint="name the file for the private key")
                key = signing.generated(algorithm)
                secrets_named.write(context, asked.key_path, key)
                public = {} if algorithm == "hmac-sha256" else {"public_key": signing.public_of(key, algorithm)}
                return {"path": asked.key_path, **public, **chosen}
            case "public_key":
                if algorithm == "hmac-sha256":
                    raise ToolError("an HMAC has no public key", hint="both sides share the secret")
                key = secrets_named.read(context, asked.key_env, asked.key_path)
                return {"public_key": signing.public_of(key, algorithm), **chosen}
            case "sign":
                key = secrets_named.read(context, asked.key_env, asked.key_path)
                signed = signing.sign(self._data(asked, context), algorithm, key)
                return {"sig": base64.b64encode(signed).decode(), **chosen}
            case "verify":
                if asked.sig is None:
                    raise SchemaError("`verify` needs `sig`", hint="give the signature that sign gave")
                if algorithm == "hmac-sha256":
                    key = secrets_named.read(context, asked.key_env, asked.key_path)
                elif asked.public_key is None:
                    raise SchemaError("`verify` needs `public_key`", hint="give the signer's public key as PEM")
                else:
                    key = asked.public_key
                return {
                    "valid": signing.verify(self._data(asked, context), _bytes(asked.sig), algorithm, key),
                    **chosen,
                }

    def _data(self, asked: SignatureParams, context: ToolContext) -> bytes:
        if asked.path is None:
            return (asked.text or "").encode()
        with files.place(asked.path, context.permissions, "read") as found:
            return files.read_bytes(found, self.options.max_file_size)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (ValueError, binascii.Error):
        raise ToolError("`sig` is not Base64", hint="give the whole signature that sign gave") from None
