"""Listeners by pattern, called in the order they were added. Synchronous: a listener that waits is its own affair.

Names are compared in canonical form, so `tool_called`, `toolCalled` and `tool:called` are one name and `tool:*`
matches each that begins with `tool_`. A listener for `*` is called with `(name, payload)`, any other with the
payload alone. Knows nothing of scripts.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from llmspell.api.describe import exposed, method, prop
from llmspell.api.event_kinds import ALIASES
from llmspell.api.names import snake

Listener = Callable[..., object]


@lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    """The one spelling of an event's name or pattern."""
    found = snake(name)
    return ALIASES.get(found, found)


def spellings(name: str) -> tuple[str, ...]:
    """The names that a pattern may mean an event by: `agent:*` means `agent:started`, which is execution_started."""
    wanted = canonical(name)
    return (wanted, *(alias for alias, meant in ALIASES.items() if meant == wanted))


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a name, in any spelling, is meant by the pattern."""
    wanted = canonical(pattern)
    return lambda name: any(_matches(each, wanted) for each in spellings(name))


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or ("*" in pattern and fnmatchcase(name, pattern))


@exposed(constructible=False)
class Subscription:
    """One listener, as `on` and `once` give it. `stop` ends it; a stopped one is never called again."""

    __slots__ = ("_active", "_bus", "listener", "only_once", "pattern")

    def __init__(self, pattern: str, listener: Listener, only_once: bool, bus: Bus) -> None:
        self.pattern = pattern
        self.listener = listener
        self.only_once = only_once
        self._bus = bus
        self._active = True

    @method(example='local heard = agent:on("error", print)\nheard:stop()')
    def stop(self) -> None:
        """Stops listening."""
        self._bus.remove(self)

    @property
    @prop()
    def active(self) -> bool:
        """Whether it still listens."""
        return self._active

    @property
    @prop()
    def dropped(self) -> int:
        """How many events it has missed, having opted for `overflow = "drop"`."""
        return getattr(self.listener, "dropped", 0)

    def end(self) -> None:
        self._active = False


class Bus:
    """Delivers what is published to the listeners whose pattern matches."""

    def __init__(self) -> None:
        self.subscriptions: list[Subscription] = []
        self._matching: dict[str, tuple[Subscription, ...]] = {}

    def on(self, pattern: str, listener: Listener, *, once: bool = False) -> Subscription:
        subscription = Subscription(canonical(pattern), listener, once, self)
        self.subscriptions.append(subscription)
        self._matching.clear()
        return subscription

    def off(self, pattern: str, listener: Any = None) -> int:
        """Stops the listeners of a pattern, or one of them (a script's function is known by itself); says how many."""
        wanted = canonical(pattern)
        found = [
            s
            for s in self.subscriptions
            if s.pattern == wanted
            and (listener is None or listener in (s.listener, getattr(s.listener, "function", None)))
        ]
        for subscription in found:
            self.remove(subscription)
        return len(found)

    def remove(self, subscription: Subscription) -> None:
        if subscription.active:
            subscription.end()
            self.subscriptions.remove(subscription)
            self._matching.clear()

    def publish(self, name: str, payload: Any) -> int:
        """Calls every matching listener; says how many there were."""
        found = self._matching.get(name)
        if found is None:
            found = self._find(name)
        for subscription in found:
            if not subscription.active:  # stopped by a listener before it
                continue
            if subscription.only_once:
                self.remove(subscription)
            if subscription.pattern == "*":
                subscription.listener(name, payload)
            else:
                subscription.listener(payload)
        return len(found)

    def listens(self, name: str) -> bool:
        """Whether anybody would hear it: lets a publisher skip making the payload."""
        if not self.subscriptions:  # as most agents' are
            return False
        found = self._matching.get(name)
        return bool(self._find(name) if found is None else found)

    def count(self, name: str) -> int:
        """How many listeners would hear it."""
        return len(self._find(name))

    def full(self, name: str) -> Any:
        """A listener of the name that can take no more for now, if there is one."""
        if not self.listens(name):
            return None
        return next((s.listener for s in self._find(name) if getattr(s.listener, "full", False)), None)

    def _find(self, name: str) -> tuple[Subscription, ...]:
        names = spellings(name)
        found = tuple(s for s in self.subscriptions if any(_matches(name, s.pattern) for name in names))
        if len(self._matching) < 4096:
            self._matching[name] = found
        return found
