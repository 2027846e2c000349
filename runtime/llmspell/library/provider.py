"""The namespace `Provider`: which models can be asked, and scripted replies for work without one."""

from __future__ import annotations

from typing import Any, TypedDict

from llmspell.api.describe import exposed, method
from llmspell.api.kinds import AgentName
from llmspell.providers.of_run import providers_of
from llmspell.run import Run


class ReplyFailure(TypedDict, total=False):
    type: str
    """`rate_limit`, `timeout`, `overloaded`, …"""
    message: str
    retry_after: float
    """Milliseconds that the service asks to wait."""
    status: int


class Reply(TypedDict, total=False):
    match: str
    """Answers a user turn that contains this text, whatever its case."""
    pattern: str
    """Answers a user turn that matches this regular expression (RE2)."""
    agent: AgentName
    """Answers only the agent of this name."""
    call: int
    """Answers only this request of the agent, counted from 1."""
    text: str
    """The answer; `{{message}}` is the user's turn, `{{result}}` what the last tool gave."""
    data: Any
    """A structured answer, in place of text."""
    tool_calls: list[dict[str, Any]]
    """Calls the model makes: `{name, arguments}`."""
    chunks: list[str]
    """The answer's text as it is streamed, in place of text."""
    delay: float
    """Milliseconds before the answer."""
    error: str | ReplyFailure
    """Fails instead: `rate_limit`, `timeout`, …, or a table that says more."""


class KnownProvider(TypedDict):
    name: str
    host: str
    key_variable: str
    ready: bool


@exposed(name="Provider", namespace=True)
class Provider:
    """The services that answer for models."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @method(example='Provider.scripted{ { match = "weather", text = "Sunny." } }', params={"replies": list[Reply]})
    def scripted(self, replies: list[Any]) -> None:
        """Lets the offline model answer with these replies from now on; agents use it with `provider = "offline"`, or
        without any model configured. `replies.json` beside the spell does the same without code."""
        providers_of(self._run).script(replies)

    @method(result=list[KnownProvider])
    def list(self) -> list[dict[str, Any]]:
        """The providers with an address of their own, and whether each is ready to be asked."""
        return self._run.effects.read(
            "providers",
            "list",
            None,
            lambda: [
                {"name": found.name, "host": found.host, "key_variable": found.key_variable, "ready": found.ready}
                for found in providers_of(self._run).known()
            ],
        )
