"""The hash tool: digests and message authentication codes of text, bytes and files."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import threading
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import SchemaError, ToolError
from llmspell.security import files
from llmspell.security.permissions import Permissions
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Algorithm = Literal[
    "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512",
    "blake2b", "blake2s",
]  # fmt: skip
Encoding = Literal["hex", "base64"]

_WEAK: Final = frozenset({"md5", "sha1"})
#: Read between two chances to be cancelled; 1 MB is some 2 ms of SHA-256.
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HashOptions:
    algorithm: Algorithm = "sha256"
    """What is used where a call names none."""

    max_file_size: Annotated[int, Bounds(ge=1)] = 1_000_000_000
    """Bytes of the largest file to hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HashParams:
    operation: Literal["hash", "hmac", "verify"] = "hash"
    """hash: the digest. hmac: the authentication code with `key`. verify: whether `expected` is the digest, or with
    `key` the code."""

    text: Annotated[str, Bounds(max_length=10_000_000)] | None = None
    """What to hash; give this or `path`."""

    path: FilePath | None = None
    """The file to hash."""

    algorithm: Algorithm | None = None
    """The algorithm; sha256 unless the tool was made with another. md5 and sha1 are only fit to find accidents."""

    input_encoding: Literal["utf-8", "hex", "base64"] = "utf-8"
    """What `text` is: text, or bytes written as hex or Base64."""

    encoding: Encoding = "hex"
    """How the digest is written."""

    key: Annotated[str, Bounds(min_length=1, max_length=10_000)] | None = None
    """The secret key of an hmac."""

    expected: Annotated[str, Bounds(min_length=1, max_length=1000)] | None = None
    """The digest to verify, written in `encoding`."""


class HashResult(TypedDict):
    algorithm: str
    """The algorithm used."""
    digest: NotRequired[str]
    """hash, hmac: the digest."""
    encoding: NotRequired[Encoding]
    """hash, hmac: how it is written."""
    valid: NotRequired[bool]
    """verify: whether `expected` is right."""


@exposed(
    aliases=("Hash",),
    options=HashOptions,
    tool=ToolMark(
        name="hash",
        category="crypto",
        params=HashParams,
        result=HashResult,
        examples=(
            Example(
                {"text": "hello"},
                {
                    "algorithm": "sha256",
                    "digest": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
                    "encoding": "hex",
                },
            ),
            Example(
                {
                    "operation": "verify",
                    "text": "hello",
                    "algorithm": "md5",
                    "expected": "5d41402abc4b2a76b9719d911017c592",
                },
                {"algorithm": "md5", "valid": True},
                "compared in constant time",
            ),
        ),
        permissions=("read",),
        timeout=120_000,
        max_output=10_000,
    ),
)
class HashTool(BuiltinTool[HashOptions]):
    """Gives the hash (digest) of a text or a file, an HMAC with a key, or checks one against an expected value.

    Use it to compare files, to make checksums or to check a signature. It is not made for storing passwords.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        asked = HashParams(**params)
        algorithm = asked.algorithm or self.options.algorithm
        if (asked.text is None) == (asked.path is None):
            raise SchemaError("hash needs `text` or `path`, one of them", hint="give the text, or the path of a file")
        if asked.operation == "hmac" and asked.key is None:
            raise SchemaError("`hmac` needs `key`", hint="give the secret key")
        state = hmac.new(asked.key.encode(), digestmod=algorithm) if asked.key is not None else hashlib.new(algorithm)
        if asked.path is not None:
            await _feed_file(state, asked.path, context.permissions, self.options.max_file_size)
        else:
            data = _bytes(asked.text or "", asked.input_encoding, "text")
            await asyncio.to_thread(state.update, data)
        digest = state.digest()
        metadata = {"weak": algorithm in _WEAK, "size": len(digest)}
        if asked.operation == "verify":
            if asked.expected is None:
                raise SchemaError("`verify` needs `expected`", hint="give the digest to compare with")
            expected = _bytes(asked.expected.strip(), asked.encoding, "expected")
            return ToolOutput({"algorithm": algorithm, "valid": hmac.compare_digest(digest, expected)}, metadata)
        written = digest.hex() if asked.encoding == "hex" else base64.b64encode(digest).decode()
        return ToolOutput({"algorithm": algorithm, "digest": written, "encoding": asked.encoding}, metadata)


async def _feed_file(state: Any, path: str, permissions: Permissions, limit: int) -> None:
    stop = threading.Event()

    def feed() -> None:
        with files.place(path, permissions, "read") as found:
            opened = files.open_file(found)
        read = 0
        with os.fdopen(opened, "rb", buffering=0) as file:
            while not stop.is_set() and (data := file.read(_CHUNK)):
                read += len(data)
                if read > limit:
                    raise files.too_large(path, limit)
                state.update(data)

    try:
        await asyncio.to_thread(feed)
    finally:
        stop.set()


def _bytes(text: str, encoding: str, name: str) -> bytes:
    try:
        match encoding:
            case "hex":
                return bytes.fromhex(text)
            case "base64":
                return base64.b64decode(text, validate=True)
            case _:
                return text.encode()
    except (ValueError, binascii.Error):
        raise ToolError(f"`{name}` is not {encoding}", hint="check it for missing characters") from None
