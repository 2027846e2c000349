"""Values as scripts have them and as AWS's own description of a service wants them, each from the other.

Walks the shapes of botocore's service models, which say what is a blob, a time or sensitive. Knows no action.
"""

from __future__ import annotations

import base64
import binascii
import json
from decimal import Decimal
from typing import Any, Final

from llmspell.errors import SchemaError
from llmspell.security.masking import MASK

#: Members that hold a secret, wherever the description forgets to say so.
_SECRETS: Final = frozenset(
    {"secretaccesskey", "sessiontoken", "authorizationtoken", "authtoken", "accesstoken", "refreshtoken", "idtoken",
     "password", "privatekey", "keymaterial", "secretstring", "secretbinary", "plaintext", "clientsecret"}
)  # fmt: skip


def given(shape: Any, value: Any) -> Any:
    """What botocore takes: `{base64 = …}` becomes bytes, Lua's empty list a table where one is wanted."""
    kind = shape.type_name
    match value:
        case []:
            return {} if kind in {"structure", "map"} else []
        case dict() if kind == "blob" and set(value) == {"base64"} and isinstance(value["base64"], str):
            return from_base64(value["base64"])
        case dict() if kind == "structure" and not getattr(shape, "is_document_type", False):
            members = shape.members
            return {key: given(members[key], item) if key in members else item for key, item in value.items()}
        case dict() if kind == "map":
            return {key: given(shape.value, item) for key, item in value.items()}
        case list() if kind == "list":
            return [given(shape.member, item) for item in value]
        case float() if kind in {"integer", "long"} and value.is_integer():
            return int(value)
        case _:
            return value


def plain(shape: Any, value: Any, show: bool, name: str = "") -> Any:
    """What a script gets: times as ISO 8601, bytes as text or `{base64 = …}`, sensitive values masked unless `show`."""
    secret = getattr(shape, "metadata", {}).get("sensitive") or name.lower() in _SECRETS
    if secret and not show and value is not None and not isinstance(value, bool):
        return MASK
    kind = getattr(shape, "type_name", "")
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dict():
            members: dict[str, Any] = shape.members if kind == "structure" else {}
            inner = shape.value if kind == "map" else None
            return {
                str(key): plain(members.get(key, inner), item, show, "" if inner is not None else str(key))
                for key, item in value.items()
                if key != "ResponseMetadata"
            }
        case list() | tuple():
            return [plain(shape.member if kind == "list" else None, item, show) for item in value]
        case bytes() | bytearray():
            return shown(bytes(value))
        case _ if hasattr(value, "isoformat"):
            return value.isoformat()
        case _ if hasattr(value, "read"):
            return shown(value.read())
        case _:
            return str(value)


def shown(data: bytes) -> Any:
    """Bytes as text, or `{base64 = …}` where they are no UTF-8."""
    return content(data).get("text", content(data))


def content(data: bytes) -> dict[str, str]:
    """`text`, or `base64` where the bytes are no UTF-8."""
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SchemaError("`base64` is not Base64", hint="give text as it is instead") from None


def parsed(data: bytes) -> Any:
    """JSON as a value, else as `shown`."""
    try:
        return json.loads(data) if data else None
    except (ValueError, RecursionError):
        return shown(data)


def to_item(types: Any, value: Any, what: str) -> dict[str, Any]:
    """Plain fields as DynamoDB's typed attributes. types: `boto3.dynamodb.types`."""
    maker = types.TypeSerializer()
    try:
        return {key: maker.serialize(_decimals(item)) for key, item in (value or {}).items()}
    except (TypeError, ArithmeticError, RecursionError):
        raise SchemaError(
            f"`{what}` holds what a table cannot: {value!r:.200}", hint="text, numbers, true, false, lists and tables"
        ) from None


def from_item(types: Any, value: dict[str, Any]) -> dict[str, Any]:
    """DynamoDB's typed attributes as plain fields."""
    reader = types.TypeDeserializer()
    return {key: _numbers(reader.deserialize(item)) for key, item in value.items()}


def _decimals(value: Any) -> Any:
    match value:
        case float():
            return Decimal(int(value)) if value.is_integer() and abs(value) < 2**53 else Decimal(repr(value))
        case dict():
            return {str(key): _decimals(item) for key, item in value.items()}
        case list():
            return [_decimals(item) for item in value]
        case _:
            return value


def _numbers(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dict():
            return {key: _numbers(item) for key, item in value.items()}
        case list():
            return [_numbers(item) for item in value]
        case set() | frozenset():
            return sorted((_numbers(item) for item in value), key=str)
        case _ if hasattr(value, "value") and isinstance(value.value, bytes):
            return {"base64": base64.b64encode(value.value).decode()}
        case bytes():
            return {"base64": base64.b64encode(value).decode()}
        case _:
            return value
