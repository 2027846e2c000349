"""Signatures: Ed25519, RSA-PSS with SHA-256 and HMAC-SHA-256, with keys as PEM. Blocks: an RSA key takes seconds."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final, Literal

from llmspell.errors import ToolError
from llmspell.tools.crypto import secrets_named
from llmspell.tools.extras import missing

Algorithm = Literal["ed25519", "rsa-pss-sha256", "hmac-sha256"]

#: Bits of an RSA key: below is not safe, above takes too long.
_SMALLEST_RSA: Final = 2048
_LARGEST_RSA: Final = 8192
#: Bytes of an HMAC's key.
_SHORTEST: Final = 16


def sign(data: bytes, algorithm: Algorithm, key: str) -> bytes:
    """key: the private key as PEM; for an HMAC the secret as hex, Base64 or text."""
    if algorithm == "hmac-sha256":
        return hmac.digest(_shared(key), data, hashlib.sha256)
    private = _private(key, algorithm)
    return private.sign(data) if algorithm == "ed25519" else private.sign(data, *_padding())


def verify(data: bytes, signed: bytes, algorithm: Algorithm, key: str) -> bool:
    """key: the public key as PEM; for an HMAC the secret."""
    if algorithm == "hmac-sha256":
        return hmac.compare_digest(hmac.digest(_shared(key), data, hashlib.sha256), signed)
    public = _public(key, algorithm)
    from cryptography.exceptions import InvalidSignature

    try:
        if algorithm == "ed25519":
            public.verify(signed, data)
        else:
            public.verify(signed, data, *_padding())
    except InvalidSignature:
        return False
    return True


def generated(algorithm: Algorithm) -> str:
    """A new private key as PEM; for an HMAC 32 bytes as hex."""
    import secrets

    if algorithm == "hmac-sha256":
        return secrets.token_hex(32) + "\n"
    primitives = _primitives()
    if algorithm == "ed25519":
        made = primitives.ed25519.Ed25519PrivateKey.generate()
    else:
        made = primitives.rsa.generate_private_key(public_exponent=65537, key_size=3072)
    forms = primitives.serialization
    pem = made.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    return pem.decode()


def public_of(key: str, algorithm: Algorithm) -> str:
    """The public key of a private one, as PEM."""
    forms = _primitives().serialization
    public = _private(key, algorithm).public_key()
    return public.public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo).decode()


def _primitives() -> Any:
    try:
        from cryptography.hazmat.primitives import serialization  # 30 ms
        from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
    except ImportError:
        raise missing("cryptography") from None

    class Primitives:
        pass

    found: Any = Primitives
    found.serialization, found.ed25519, found.padding, found.rsa = serialization, ed25519, padding, rsa
    return found


def _padding() -> tuple[Any, Any]:
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA256

    return padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH), SHA256()


def _private(text: str, algorithm: Algorithm) -> Any:
    primitives = _primitives()
    try:
        key = primitives.serialization.load_pem_private_key(text.strip().encode(), None)
    except TypeError:
        raise ToolError("the private key is encrypted", hint="give one without a passphrase, by a variable") from None
    except Exception:  # of its kinds none may show what the text was
        raise ToolError(
            "the private key cannot be read", hint="give it as PEM: `openssl genpkey -algorithm ed25519`"
        ) from None
    kind = primitives.ed25519.Ed25519PrivateKey if algorithm == "ed25519" else primitives.rsa.RSAPrivateKey
    return _fit(key, kind, algorithm)


def _public(text: str, algorithm: Algorithm) -> Any:
    primitives = _primitives()
    try:
        key = primitives.serialization.load_pem_public_key(text.strip().encode())
    except Exception:
        raise ToolError(
            "the public key cannot be read", hint="give it as PEM, from `-----BEGIN PUBLIC KEY-----` to the end"
        ) from None
    kind = primitives.ed25519.Ed25519PublicKey if algorithm == "ed25519" else primitives.rsa.RSAPublicKey
    return _fit(key, kind, algorithm)


def _fit(key: Any, kind: type, algorithm: Algorithm) -> Any:
    if not isinstance(key, kind):
        raise ToolError(f"the key is none of {algorithm}", hint="name the key's own algorithm")
    if algorithm == "rsa-pss-sha256" and not _SMALLEST_RSA <= key.key_size <= _LARGEST_RSA:  # pyright: ignore[reportAttributeAccessIssue]
        raise ToolError(
            f"the RSA key has {key.key_size} bits",  # pyright: ignore[reportAttributeAccessIssue]
            hint=f"it needs {_SMALLEST_RSA} to {_LARGEST_RSA}",
        )
    return key


def _shared(text: str) -> bytes:
    """An HMAC's key. Text that is neither hex nor Base64 is the key itself."""
    try:
        key = secrets_named.raw(text, "the key")
    except ToolError:
        key = text.strip().encode()
    if len(key) < _SHORTEST:
        raise ToolError(f"the key has {len(key)} bytes, too few", hint=f"give at least {_SHORTEST}, better 32")
    return key
