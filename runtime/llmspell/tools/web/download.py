"""Gets the bytes at an address through the guarded exchange: for tools that read what they get aside."""

from __future__ import annotations

import asyncio
import base64
import importlib
import re
from collections.abc import Mapping
from typing import Any, Final

from llmspell import errors
from llmspell.errors import ToolError
from llmspell.frozen import frozen
from llmspell.security.network import Resolver, Visit
from llmspell.security.permissions import Permissions

_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:\-]{1,40})", re.IGNORECASE)


@frozen
class Download:
    """url: the address that answered, after redirects."""

    url: str
    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def charset(self) -> str:
        found = _CHARSET.search(self.content_type)
        return found.group(1) if found else ""


@frozen
class Downloader:
    """How one tool downloads. accept: the media types it can read."""

    permissions: Permissions
    resolver: Resolver
    user_agent: str
    max_size: int
    accept: str

    async def get(self, url: str, milliseconds: float, visit: Visit | None = None) -> Download:
        """Whatever status it has. visit: asked before each address, redirects too.

        Raises PermissionDenied, TimeoutError and ToolError.
        """
        from llmspell.tools.web.http_request import HttpRequestOptions, HttpRequestParams

        # in a thread: aiohttp takes 270 ms to import, and the loop serves others
        exchange: Any = await asyncio.to_thread(importlib.import_module, "llmspell.tools.web.exchange")
        asked = HttpRequestParams(url=url, headers={"accept": self.accept}, response="base64")
        options = HttpRequestOptions(max_response_size=self.max_size, user_agent=self.user_agent)
        try:
            async with asyncio.timeout(milliseconds / 1000):
                found = await exchange.send(asked, options, self.permissions, self.resolver, visit)
        except TimeoutError:
            raise errors.TimeoutError(
                f"{url[:200]!r} did not answer within {milliseconds:g} ms", hint="raise `timeout`, or try later"
            ) from None
        return Download(found["url"], found["status"], found["headers"], base64.b64decode(found["body"]))

    async def good(self, url: str, milliseconds: float, visit: Visit | None = None) -> Download:
        """As `get`. Raises ToolError for any status but 2xx too."""
        found = await self.get(url, milliseconds, visit)
        if not 200 <= found.status < 300:
            raise ToolError(
                f"{url[:200]!r} answered {found.status}",
                hint="try later" if found.status >= 500 else "check the address",
                retryable=found.status >= 500 or found.status == 429,
                data={"status": found.status},
            )
        return found
