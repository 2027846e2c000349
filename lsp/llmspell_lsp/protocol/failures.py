"""What a handler raises to have its request refused, each with the protocol's number. Anything else is a defect."""

from __future__ import annotations

from typing import Any, Final

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
NOT_INITIALIZED: Final = -32002
REQUEST_CANCELLED: Final = -32800
CONTENT_MODIFIED: Final = -32801
SERVER_CANCELLED: Final = -32802
REQUEST_FAILED: Final = -32803


class Refused(Exception):
    """A request that gets an error for its answer."""

    code: int = REQUEST_FAILED

    def __init__(self, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.data = data


class InvalidParams(Refused):
    """The parameters are not what the protocol says they are."""

    code = INVALID_PARAMS


class Cancelled(Refused):
    """The client does not want the answer any more."""

    code = REQUEST_CANCELLED


class Superseded(Refused):
    """The document has changed and the client has asked anew."""

    code = CONTENT_MODIFIED


class ServerCancelled(Refused):
    """For diagnostics and semantic tokens: the client is to ask again (`data={"retriggerRequest": True}`)."""

    code = SERVER_CANCELLED


def error_object(error: Refused) -> dict[str, Any]:
    """The error as it stands in an answer."""
    shown: dict[str, Any] = {"code": error.code, "message": str(error)}
    return shown if error.data is None else {**shown, "data": error.data}
