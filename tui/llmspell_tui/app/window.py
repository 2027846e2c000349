"""The window: all that its parts can do, and what a person opens from one screen in another."""

from __future__ import annotations

from llmspell_tui.app.switching import Switching
from llmspell_tui.messages import ShowSpans
from llmspell_tui.screens.runs import CompareRuns, ShowRun


class Window(Switching):
    """Each class it is made of is one subject: ordering, shell, taking, jumping, finding, reading, exporting,
    working, travelling, controlling, breaking, forking, switching."""

    async def on_show_run(self, event: ShowRun) -> None:
        event.stop()
        await self.show_run(event.run.path)
        await self.action_screen("trace")

    async def on_show_spans(self, event: ShowSpans) -> None:
        event.stop()
        await self.action_screen("trace")
        self.set_filter(event.query)

    async def on_compare_runs(self, event: CompareRuns) -> None:
        """The older one stands at the left."""
        event.stop()
        from llmspell_tui.screens.diff import DiffView  # only for who compares

        found = {run.meta.id: run for run in self.desk.runs}
        pair = sorted(
            (found[each] for each in (event.one, event.other) if each in found), key=lambda run: run.meta.started
        )
        await self.action_screen("diff")
        if isinstance(self.view, DiffView) and len(pair) == 2:
            self.view.compare(pair[0].path, pair[1].path)
