"""What `text:` terms find in the payloads of a run's spans, on and on as the run grows. Blocks: call it in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmspell_tui.feed.payload import Payloads


class Texts:
    """asked: the texts. upto: the last event that was looked through."""

    def __init__(self, payloads: Payloads, texts: Sequence[str]) -> None:
        self.payloads = payloads
        self.asked = tuple(texts)
        self.upto = 0

    def more(self, report: Callable[[int, int], bool] = lambda done, total: True) -> dict[str, set[int]]:
        """For each text the spans that it has been found in since the last time. report: as of `Payloads.search`; where
        it stopped, the same is looked through again. Raises StoreError."""
        last, going = self.payloads.last(), True

        def told(done: int, total: int) -> bool:
            nonlocal going
            going = going and report(done, total)
            return going

        found = {text: self.payloads.search(text, told, after=self.upto, last=last) for text in self.asked}
        if going:
            self.upto = last
        return found
