"""Actions of the window that are about no screen: help, palette, theme, zoom, copy, edit, export, asking for a line."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from textual.app import SuspendNotSupported, SystemCommand
from textual.screen import Screen
from textual.widget import Widget

from llmspell_tui.actions import actions, key_text
from llmspell_tui.app.shell import Shell, panel_of
from llmspell_tui.messages import Pressed


class Taking(Shell):
    asked_from: Widget | None = None

    async def on_pressed(self, event: Pressed) -> None:
        """A word of a bar was clicked."""
        event.stop()
        await self.take(event.action, event.argument, event.by)

    async def action_help(self) -> None:
        from llmspell_tui.screens.help import HelpView  # 2 ms, when it is asked for

        panel = panel_of(self.focused)
        await self.action_screen("help")
        view = self.view
        if isinstance(view, HelpView):
            view.tell(panel)

    def action_theme(self) -> None:
        if self.desk.palette.mode == "plain":
            self.notice("NO_COLOR is set")
        else:
            self.set_mode("light" if self.desk.palette.mode == "dark" else "dark")

    def action_zoom(self) -> None:
        if self.view is not None and not self.view.zoom():
            self.notice("this panel has the screen to itself")

    def action_copy(self) -> None:
        text = self.view.copied() if self.view is not None else ""
        if text:
            self.copy_to_clipboard(text)
            self.notice(f"copied {len(text):,} characters")
        else:
            self.notice("there is nothing to copy here")

    def action_edit(self) -> None:
        """Open $VISUAL or $EDITOR at the line, and come back when it ends."""
        site = self.view.site() if self.view is not None else ""
        file, _, line = site.rpartition(":")
        path = self.desk.path_of(file)
        if path is None:
            self.notice("this row has no line in the spell" if not file else f"{file!r} is not there any more")
            return
        self._in_editor(lambda editor: at_line(editor, path, line), "y copies the place")

    def _in_editor(self, arguments: Callable[[str], list[str]], instead: str) -> bool:
        """Give the terminal to $EDITOR until it ends; whether it did without fault."""
        command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
        done = False
        try:
            with self.suspend():
                done = subprocess.run([*command, *arguments(command[0])], check=False).returncode == 0
        except SuspendNotSupported:
            self.notice(f"an editor cannot be opened from a browser; {instead}")
        except OSError as error:
            self.notice(f"{command[0]!r} does not start: {error.strerror}; set $EDITOR")
        self.refresh()
        return done

    def edited(self, text: str, suffix: str) -> str | None:
        """The text as $EDITOR left it; None where it was not opened, or failed."""
        with tempfile.TemporaryDirectory(prefix="llmspell-") as folder:
            path = Path(folder, f"edit{suffix}")
            try:
                path.write_text(text, encoding="utf-8")
                if not self._in_editor(lambda editor: [*_waiting(editor), str(path)], "type it here"):
                    return None
                return path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                self.notice(f"the text could not be given to an editor: {error}")
                return None

    async def ask(
        self,
        purpose: str,
        title: str,
        text: str = "",
        *,
        check: Callable[[str], str] | None = None,
        hint: str = "",
        replaced: bool = False,
    ) -> None:
        """Have a line typed at the bottom. The answer comes to `on_asked`; what is no search to `answered`."""
        from llmspell_tui.widgets.prompt import Prompt  # with Textual's Input: 17 ms

        await self.end_asking()
        self.asked_from = self.focused
        await self.mount(Prompt(purpose, title, text, check, hint, replaced), before="#footer")

    async def end_asking(self) -> None:
        await self.take_away(*self.query("#prompt"))

    async def answered(self, purpose: str, text: str) -> None:
        """What was typed for a purpose that the window itself does not know."""

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every action that can be taken where the focus is."""
        for action in actions(panel_of(screen.focused)):
            if self.taker(action.name) is None:
                continue
            keys = self.desk.keys.get(action.name, action.keys)
            said = f"{action.help}  ({key_text(keys[0])})"
            yield SystemCommand(self.titled(action), said, lambda name=action.name: self.call_later(self.take, name))


def _waiting(editor: str) -> list[str]:
    """What makes an editor with a window of its own wait until the file is closed."""
    return ["--wait"] if Path(editor).name in ("code", "codium", "cursor", "windsurf", "subl", "zed") else []


def at_line(editor: str, path: Path, line: str) -> list[str]:
    """How editors are told a line."""
    match Path(editor).name:
        case "code" | "codium" | "cursor" | "windsurf":
            return ["--wait", "--goto", f"{path}:{line}"]
        case "hx" | "subl" | "zed":
            return [f"{path}:{line}"]
        case _:
            return [f"+{line}", str(path)]
