"""GuardHook: what may not reach a model, and what may not come back from it: personal data, patterns, lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn

from llmspell.api.bounds import Bounds
from llmspell.api.describe import exposed
from llmspell.api.objects import ScriptClass
from llmspell.errors import ContentViolationError
from llmspell.hooks.ready import Hook, Served
from llmspell.hooks.table import Context, Filter
from llmspell.run import Run
from llmspell.security import pii
from llmspell.security.masking import Masker
from llmspell.security.moderation import Found, Lists, folded_text
from llmspell.security.settling import settled, word_start

_Patterns = Annotated[list[Annotated[str, Bounds(min_length=1, max_length=1_000)]], Bounds(max_items=100)]
_Length = Annotated[int, Bounds(ge=1)]
_WORDS = {"key": "a key", "iban": "a bank account", "card": "a payment card", "email": "an e-mail address"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardHookOptions:
    pii: list[Literal["email", "phone", "card", "iban", "key"]] | None = None
    """Personal data and secrets to look for; all of these unless given, an empty list for none."""
    action: Literal["mask", "block"] = "mask"
    """Whether they are replaced (`[email]`), or the call fails with a ContentViolationError."""
    patterns: _Patterns | None = None
    """Words and RE2 patterns that fail the call, in whatever case."""
    max_input: _Length | None = None
    """Most characters of a user's turn; more fails the call."""
    max_output: _Length | None = None
    """Most characters of an answer; more is cut, or with `block` fails the call."""
    input: bool = True
    """Whether what goes to the model is guarded."""
    output: bool = True
    """Whether what comes back is."""
    tools: bool = False
    """Whether arguments and results of tools are masked too, as far as they are text."""


@exposed(options=GuardHookOptions, example='Hooks.use(GuardHook.new{ pii = { "email", "card" }, max_input = 4000 })')
class GuardHook(Hook):
    """Masks e-mail addresses, telephone numbers, payment cards (with a right check digit), bank accounts (IBAN) and
    keys in prompts and answers, and refuses what it is told to. What it does is an event, `guarded`.

    A streamed answer is held back as far as what comes next may change what is found: a word or a number that has not
    ended, and as many characters as the longest pattern takes. Under a pattern without a bound, such as `a.*b` or
    `end$`, nothing of it is given out before it is whole.
    """

    @classmethod
    def create(cls, run: Run, options: dict[str, Any], script_class: ScriptClass | None) -> GuardHook:
        return cls(run, GuardHookOptions(**options))

    def __init__(self, run: Run, options: GuardHookOptions) -> None:
        """Raises ArgumentError for a pattern that is none."""
        self.site = run.site
        self._run = run
        self._options = options
        self._kinds: tuple[pii.Kind, ...] = pii.KINDS if options.pii is None else tuple(options.pii)
        self._lists = Lists({}, {"pattern": options.patterns}) if options.patterns else None
        self._masker = Masker({})

    def served(self) -> Served:
        options = self._options
        found: dict[str, Any] = {}
        if options.input:
            found["before_llm_call"] = (self._before, -10)
        if options.output:
            found["after_llm_call"] = (self._after, -10)
        if options.tools:
            found["before_tool_call"] = (self._values("before_tool_call", "params"), -10)
            found["after_tool_call"] = (self._values("after_tool_call", "result"), -10)
        return found

    def filtered(self) -> Mapping[str, Callable[[], Filter]]:
        return {"after_llm_call": lambda: _Answer(self)} if self._options.output else {}

    async def _before(self, context: Context) -> Context:
        """The user's turn, and whatever else in the conversation comes from people and tools."""
        messages: list[dict[str, Any]] = list(context["messages"])
        turn = max((i for i, each in enumerate(messages) if each["role"] == "user"), default=None)
        said = "" if turn is None else messages[turn]["content"]
        prompt = next((context[key] for key in ("prompt", "message") if context[key] != said), said)
        self._checked("prompt", str(prompt), self._options.max_input)
        counts: dict[str, int] = {}
        guarded = self._masked(str(prompt), counts)
        others = [
            each if index == turn else {**each, "content": self._masked(str(each["content"]), counts)}
            for index, each in enumerate(messages)
        ]
        self._told("before_llm_call", counts)
        if others == messages:
            return context if guarded == prompt else {**context, "prompt": guarded, "message": guarded}
        if turn is not None:
            others[turn] = {**messages[turn], "content": guarded}
        return {**context, "prompt": guarded, "message": guarded, "messages": others}

    async def _after(self, context: Context) -> Context:
        response, most = str(context["response"]), self._options.max_output
        self._checked("answer", response, most if self.blocks else None)
        counts: dict[str, int] = {}
        guarded = self._masked(response, counts)
        if most is not None and len(guarded) > most:
            counts["characters"] = len(guarded) - most
            guarded = guarded[:most]
        self._told("after_llm_call", counts)
        return {**context, "response": guarded}

    # -- an answer in pieces -------------------------------------------------------------------------------------

    @property
    def blocks(self) -> bool:
        return self._options.action == "block"

    def room(self, given: int) -> int | None:
        """How many more characters of an answer may be given out; None: any number."""
        most = self._options.max_output
        return None if most is None or self.blocks else most - given

    def settled(self, text: str) -> int:
        """How much of an answer's next text is looked over for good. Raises ContentViolationError."""
        cut = settled(text) if self._kinds else len(text)
        if self._lists is None:
            return cut
        found, open_end = self._lists.find_so_far(text)
        if found is not None:
            self._refuse("answer", found)
        reach = self._lists.reach
        return 0 if open_end or reach is None else min(cut, _held(text, reach + 2))

    def passed(self, text: str) -> str:
        """A settled part of an answer as it may be read. Raises ContentViolationError."""
        counts: dict[str, int] = {}
        guarded = self._masked(text, counts)
        if self.blocks:
            self._told("after_llm_call", counts)
        return guarded

    def check_length(self, length: int) -> None:
        """Raises ContentViolationError for an answer that is too long."""
        self._check_length("answer", length, self._options.max_output if self.blocks else None)

    def check_last(self, text: str) -> None:
        """Raises ContentViolationError for the end of an answer that has what may not be there."""
        self._checked("answer", text, None)

    # -- inside --------------------------------------------------------------------------------------------------

    def _values(self, point: str, field: str) -> Any:
        async def handle(context: Context) -> Context:
            counts: dict[str, int] = {}
            guarded = self._masked_in(context[field], counts)
            self._told(point, counts)
            return {**context, field: guarded} if counts else context

        return handle

    def _checked(self, what: str, text: str, most: int | None) -> None:
        """Raises ContentViolationError for what may not be there at all."""
        self._check_length(what, len(text), most)
        found = self._lists.find(text) if self._lists is not None else []
        if found:
            self._refuse(what, found[0])

    def _check_length(self, what: str, length: int, most: int | None) -> None:
        if most is not None and length > most:
            raise ContentViolationError(f"the {what} has {length} characters, more than {most}", source=self.site)

    def _refuse(self, what: str, found: Found) -> NoReturn:
        raise ContentViolationError(f"the {what} holds {found.text!r}, which is not allowed here", source=self.site)

    def _masked(self, text: str, counts: dict[str, int]) -> str:
        guarded, found = pii.masked(text, self._kinds, self._masker.text)
        for kind, count in found.items():
            counts[kind] = counts.get(kind, 0) + count
        return guarded

    def _masked_in(self, value: Any, counts: dict[str, int]) -> Any:
        match value:
            case str():
                return self._masked(value, counts)
            case list():
                return [self._masked_in(item, counts) for item in value]
            case dict():
                return {key: self._masked_in(item, counts) for key, item in value.items()}
            case _:
                return value

    def _told(self, point: str, counts: dict[str, int]) -> None:
        """The event; where it blocks, the error."""
        if not counts:
            return
        action = self._options.action
        self._run.emit("guarded", point, {"point": point, "found": counts, "action": action})
        if action == "block":
            what = ", ".join(_WORDS.get(kind, f"a {kind}") for kind in counts)
            raise ContentViolationError(f"the text holds {what}", hint="take it out, or let it be masked")


class _Answer:
    """One answer in pieces: what is given out of it is what the guard would leave of the whole."""

    __slots__ = ("_given", "_guard", "_held", "_length")

    def __init__(self, guard: GuardHook) -> None:
        self._guard = guard
        self._held = ""
        self._length = self._given = 0

    def feed(self, text: str) -> str:
        self._length += len(text)
        self._guard.check_length(self._length)
        self._held += text
        return self._out(self._guard.settled(self._held))

    def end(self) -> str:
        self._guard.check_last(self._held)
        return self._out(len(self._held))

    def _out(self, cut: int) -> str:
        text, self._held = self._held[:cut], self._held[cut:]
        passed = self._guard.passed(text)[: self._guard.room(self._given)] if text else ""
        self._given += len(passed)
        return passed


def _held(text: str, reach: int) -> int:
    """The place before which so many folded characters follow, at the beginning of a word."""
    cut = len(text)
    while cut and (missing := reach - len(folded_text(text[cut:]))) > 0:
        cut = max(0, cut - missing)
    return word_start(text, cut)
