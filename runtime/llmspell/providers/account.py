"""Whom to ask and with which key: what one provider instance needs to know of its service. The key is never shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from urllib.parse import urlsplit

from llmspell.frozen import frozen
from llmspell.providers.failures import Asked


@frozen
class Account:
    """A service under `name` at `base_url`.

    key_variable: the environment variable to set for the key, for hints. key_required: without a key the service is
    not asked at all. price_name: its name in the price map where it differs. environ: where proxies are named.
    """

    name: str
    base_url: str
    api_key: str = field(default="", repr=False)
    key_variable: str = ""
    key_required: bool = False
    price_name: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    environ: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def host(self) -> str:
        """Host and port, without a user name."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    @property
    def prices(self) -> str:
        return self.price_name or self.name

    def asked(self, model: str) -> Asked:
        """For the messages about one request; raises the auth error where a key is needed and there is none."""
        asked = Asked(self.name, model, self.host, self.key_variable, self.api_key)
        if self.key_required and not self.api_key:
            hint = f"set {self.key_variable}, or use the provider 'offline'"
            raise asked.fail("auth", f"there is no key for {self.name}: {self.key_variable} is not set", hint=hint)
        return asked
