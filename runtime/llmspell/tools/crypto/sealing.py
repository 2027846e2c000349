"""Encrypted data as this product writes it, version 1. Blocks: deriving a key takes 0.1 s and 32 MB.

    LSE1  algorithm  source  [salt 16  log2(n)]  nonce 12  ciphertext and tag

All before the ciphertext is authenticated with it. algorithm: 1 AES-256-GCM, 2 ChaCha20-Poly1305; source: 0 a key, 1 a
passphrase, made into one by scrypt (r 8, p 1).
"""

from __future__ import annotations

import os
from typing import Any, Final, Literal

from llmspell.errors import ToolError
from llmspell.tools.extras import missing

Algorithm = Literal["aes-256-gcm", "chacha20-poly1305"]

_MAGIC: Final = b"LSE1"
_ALGORITHMS: Final[dict[str, int]] = {"aes-256-gcm": 1, "chacha20-poly1305": 2}
_KEY: Final = 32
_SALT: Final = 16
_NONCE: Final = 12
_TAG: Final = 16
#: 2^15 * 8 * 128 bytes = 32 MB. A sealed text may ask for up to 128 MB, no more: it comes from anybody.
_COST: Final = 15
_HIGHEST_COST: Final = 17


def seal(data: bytes, algorithm: Algorithm, key: bytes | None, passphrase: str, associated: bytes) -> bytes:
    """key: 32 bytes, or None for the passphrase."""
    header = _MAGIC + bytes((_ALGORITHMS[algorithm], int(key is None)))
    if key is None:
        salt = os.urandom(_SALT)
        key = _derived(passphrase, salt, _COST)
        header += salt + bytes((_COST,))
    header += os.urandom(_NONCE)
    return header + _cipher(algorithm, key).encrypt(header[-_NONCE:], data, header + associated)


def unseal(sealed: bytes, key: bytes | None, passphrase: str, associated: bytes) -> tuple[bytes, Algorithm]:
    """The data and its algorithm. Raises ToolError where it is no sealed data, was changed, or the key is another."""
    head = len(_MAGIC) + 2
    by_passphrase = len(sealed) > head and sealed[head - 1] == 1
    begin = head + (_SALT + 1 if by_passphrase else 0)
    if not sealed.startswith(_MAGIC) or len(sealed) < begin + _NONCE + _TAG or sealed[head - 1] > 1:
        raise ToolError("this is nothing that encryption has written", hint="give the whole text that encrypt gave")
    algorithm: Algorithm | None = next((name for name, number in _ALGORITHMS.items() if number == sealed[4]), None)  # pyright: ignore[reportAssignmentType]
    if algorithm is None:
        raise ToolError("this was encrypted in a way that is not known here", hint="a newer llmspell may know it")
    if by_passphrase:
        if key is not None or not passphrase:
            raise ToolError("this was encrypted with a passphrase", hint="give `passphrase` or `passphrase_env`")
        cost = sealed[begin - 1]
        if not 10 <= cost <= _HIGHEST_COST:
            raise ToolError("this asks for more work than encrypt ever does", hint="it was changed, or is no such text")
        key = _derived(passphrase, sealed[head : head + _SALT], cost)
    elif key is None:
        raise ToolError("this was encrypted with a key", hint="give `key_env`")
    header = sealed[: begin + _NONCE]
    from cryptography.exceptions import InvalidTag

    try:
        data = _cipher(algorithm, key).decrypt(header[-_NONCE:], sealed[len(header) :], header + associated)
    except InvalidTag:
        raise ToolError(
            "it cannot be decrypted: the key is another, or it was changed",
            hint="check the key or passphrase, and `context`",
        ) from None
    return data, algorithm


def _cipher(algorithm: Algorithm, key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305  # 25 ms
    except ImportError:
        raise missing("cryptography") from None
    if len(key) != _KEY:
        raise ToolError(f"the key has {len(key)} bytes, it needs {_KEY}", hint="make one with `openssl rand -hex 32`")
    return (AESGCM if algorithm == "aes-256-gcm" else ChaCha20Poly1305)(key)


def _derived(passphrase: str, salt: bytes, cost: int) -> bytes:
    import hashlib

    return hashlib.scrypt(
        passphrase.encode(), salt=salt, n=1 << cost, r=8, p=1, maxmem=(1 << cost) * 8 * 160, dklen=_KEY
    )
