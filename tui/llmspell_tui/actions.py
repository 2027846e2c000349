"""Everything a person can do, once: footer, `?`, palette, README's table and `[tui] keys` are all read from here.

A panel is what has the focus. `app` holds everywhere, `rows` in every list. An action that a panel names itself wins
over the same key of `rows`, and that over `app`. Knows no widget; what an action does is the method `action_<name>` of
the panel, of the screen it lies in, or of the window: the first that has one, from the inside out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """name: as in `[tui] keys`. keys: Textual's names, the first is shown. foot: its place in the footer, 0 for none,
    small numbers first. group: the heading it stands under in the help.
    """

    name: str
    keys: tuple[str, ...]
    title: str
    help: str
    panels: tuple[str, ...] = ("app",)
    foot: int = 0
    group: str = ""


def _a(
    name: str, keys: str, title: str, help: str, panels: str = "app", *, foot: int = 0, group: str = "General"
) -> Action:
    return Action(name, tuple(keys.split()), title, help, tuple(panels.split()), foot, group)


_SCREENS: Final = "Screens"
_MOVE: Final = "Move"
_RUN: Final = "Run"
_TIME: Final = "Time travel"
_SHEETS: Final = "waiting breaks editor chat choices"

ACTIONS: Final[tuple[Action, ...]] = (
    _a("screen_trace", "1", "Trace", "the tree of what happened, with times and figures", group=_SCREENS),
    _a("screen_runs", "2", "Runs", "every run, live ones first; open one, mark two to compare", group=_SCREENS),
    _a("screen_diff", "3", "Diff", "two runs side by side from where they part", group=_SCREENS),
    _a("screen_state", "4", "State", "state at the moment shown, and who changed it", group=_SCREENS),
    _a("screen_hooks", "5", "Hooks", "which hooks fired, what each changed, how long it took", group=_SCREENS),
    _a("screen_events", "6", "Events", "every event, output and warning, in order", group=_SCREENS),
    _a("screen_metrics", "7", "Metrics", "where time, tokens and money went", group=_SCREENS),
    _a(
        "screen_source",
        "8",
        "Source",
        "the spell with the line under execution and what each line cost",
        group=_SCREENS,
    ),
    _a("screen_help", "9", "Help", "every key of every panel", group=_SCREENS),
    _a("help", "question_mark f1", "Help", "the keys of the panel that has the focus", foot=90),
    _a("command_palette", "ctrl+p", "Commands", "find any action by name", foot=91),
    _a("quit", "q ctrl+c", "Quit", "leave; a spell that was started here is ended", foot=92),
    _a("focus_next", "tab", "Next panel", "give the next panel the focus", group=_MOVE),
    _a("focus_previous", "shift+tab", "Previous panel", "give the panel before it the focus", group=_MOVE),
    _a("jump", "semicolon", "Jump", "show a letter on each panel and screen; press it to go there", group=_MOVE),
    _a("search", "slash", "Search", "find text in the panel", foot=40),
    _a("search_next", "n", "Next match", "go to the next match"),
    _a("search_previous", "N", "Previous match", "go to the match before"),
    _a("filter", "f", "Filter", "show only what matches, as kind:tool status:error cost>0.01 text:rain", foot=41),
    _a("clear", "escape", "Clear", "leave the prompt, then the search, the zoom, the filter, the moment"),
    _a("copy", "y", "Copy", "copy what the cursor is on to the clipboard", foot=50),
    _a("edit", "e", "Edit", "open $EDITOR at the line of the spell", foot=51),
    _a("export", "ctrl+e", "Export", "write the run as JSON lines, OTLP or Chrome trace, or the screen as SVG"),
    _a("theme", "t", "Theme", "change between dark and light"),
    _a("zoom", "z", "Zoom", "give the panel the place of all, and back"),
    _a("log", "L", "Log", "show or hide the log strip"),
    _a("rerun", "r", "Run again", "start the spell again", group=_RUN, foot=60),
    _a("replay", "ctrl+r", "Replay", "repeat the run from its recording, asking nobody", group=_RUN),
    _a("from_here", "R", "Re-run from here", "start again, answered from the recording up to this span", group=_RUN),
    _a("prefix", "P", "Replay prefix", "on save, answer the unchanged beginning from the recording", group=_RUN),
    _a("keep_state", "S", "State on save", "keep, reset or fork the state for the next run", group=_RUN),
    _a("pause", "p", "Pause", "pause the run, or let it go on", group=_RUN, foot=6),
    _a("step", "s", "Step", "go on to the next model or tool call", group=_RUN, foot=7),
    _a("breakpoint", "b", "Break", "stop at a hook, tool, agent or cost", group=_RUN),
    _a("cancel", "x", "Cancel", "end the run", group=_RUN),
    _a("approve", "a", "Look", "go to the tool call or question that waits, to decide it", group=_RUN, foot=5),
    _a("chat", "c", "Chat", "talk with an agent of the run, or answer the spell's question", group=_RUN),
    _a("spells", "ctrl+o", "Spells", "choose which of this window's spells is shown", group=_RUN),
    _a("spell_next", "full_stop", "Next spell", "show the next spell of this window", group=_RUN, foot=8),
    _a("spell_previous", "comma", "Spell before", "show the spell before it", group=_RUN),
    _a("moment_back", "left_square_bracket", "Back", "one event back in time", group=_TIME),
    _a("moment_forward", "right_square_bracket", "Forward", "one event forward in time", group=_TIME),
    _a(
        "moment_back_far",
        "left_curly_bracket",
        "Back a step",
        "back to the span edge or state change before",
        group=_TIME,
    ),
    _a("moment_forward_far", "right_curly_bracket", "On a step", "to the next span edge or state change", group=_TIME),
    _a("moment_here", "m", "Moment of this row", "show everything as of the row under the cursor", group=_TIME),
    _a("moment_now", "0", "Now", "back to the end of the run", group=_TIME),
    _a("up", "up k", "Up", "one row up", "rows", group=_MOVE),
    _a("down", "down j", "Down", "one row down", "rows", group=_MOVE),
    _a("page_up", "pageup ctrl+b", "Page up", "one page up", "rows", group=_MOVE),
    _a("page_down", "pagedown ctrl+f", "Page down", "one page down", "rows", group=_MOVE),
    _a("first", "home g", "First", "to the first row", "rows", group=_MOVE),
    _a("last", "end G", "Last", "to the last row", "rows", group=_MOVE),
    _a(
        "follow",
        "F",
        "Follow",
        "stay at the newest row as the run goes on",
        "tree log events hooks source",
        foot=30,
        group=_MOVE,
    ),
    _a("open", "enter", "Open", "look into what the cursor is on", "rows", foot=10),
    _a("fold", "left h", "Fold", "fold the row, or go to the row around it", "tree document", foot=21, group="Tree"),
    _a(
        "unfold",
        "right l",
        "Unfold",
        "unfold the row, or go to its first child",
        "tree document",
        foot=22,
        group="Tree",
    ),
    _a("fold_toggle", "space", "Fold/unfold", "fold or unfold the row", "tree document", group="Tree"),
    _a("fold_all", "minus", "Fold all", "fold one level more", "tree document", group="Tree"),
    _a("unfold_all", "plus equals_sign", "Unfold all", "unfold everything", "tree document", group="Tree"),
    _a("axis", "w", "Time axis", "fit the bars to the rows on screen, or to the whole run", "tree", group="Tree"),
    _a(
        "tab_next",
        "greater_than_sign i",
        "Next tab",
        "the inspector's next tab",
        "tree document",
        foot=25,
        group="Inspector",
    ),
    _a(
        "tab_previous",
        "less_than_sign I",
        "Previous tab",
        "the inspector's tab before",
        "tree document",
        group="Inspector",
    ),
    _a("mark", "space", "Mark", "mark the run; two marked runs can be compared", "runs", foot=11, group="Runs"),
    _a(
        "compare",
        "d",
        "Compare",
        "compare the marked runs, or this one with the one shown",
        "runs",
        foot=12,
        group="Runs",
    ),
    _a("settle", "enter", "Approve/answer", "let the call happen, or answer", "waiting", foot=1, group="What waits"),
    _a("change", "e", "Edit", "edit the call's arguments, or type the answer", "waiting", foot=2, group="What waits"),
    _a("refuse", "d", "Refuse", "refuse the call, with a reason", "waiting", foot=3, group="What waits"),
    _a("leave_sheet", "escape", "Leave", "back to the screen", _SHEETS, foot=9, group="Sheets"),
    _a("add", "plus a", "Add", "type another one", "breaks", foot=1, group="Breakpoints"),
    _a("remove", "d delete minus", "Remove", "take the row away", "breaks", foot=2, group="Breakpoints"),
    _a("alter", "enter e", "Change", "type the row anew", "breaks", foot=3, group="Breakpoints"),
    _a("pick", "enter", "Choose", "take the row", "choices", foot=1, group="Sheets"),
    _a("run_edited", "ctrl+s f2", "Run", "start with what was edited", "editor", foot=1, group="Editor"),
    _a("next_field", "tab", "Next field", "the next part", "editor chat", foot=2, group="Editor"),
    _a("previous_field", "shift+tab", "Field before", "the part before", "editor chat", group="Editor"),
    _a("in_editor", "ctrl+o", "$EDITOR", "edit the text in $EDITOR", "editor", foot=3, group="Editor"),
    _a("send", "enter", "Send", "say it to the agent", "chat", foot=1, group="Chat"),
    _a("apply", "enter", "Apply", "take what is typed", "prompt", foot=1, group="Prompt"),
    _a("leave", "escape", "Leave", "leave it as it was", "prompt", foot=2, group="Prompt"),
    _a("next_difference", "d", "Next difference", "the next row that differs", "diff pair", foot=20, group="Diff"),
    _a("previous_difference", "D", "Difference before", "the row before that differs", "diff pair", group="Diff"),
    _a("only", "o", "Only differences", "show only what differs, or everything again", "diff", foot=21, group="Diff"),
    _a(
        "measure",
        "v",
        "Measure",
        "have the widths stand for time, tokens or cost",
        "flame metrics",
        foot=20,
        group="Metrics",
    ),
    _a("box_left", "left h", "Left", "the box at the left", "flame", group="Metrics"),
    _a("box_right", "right l", "Right", "the box at the right", "flame", group="Metrics"),
    _a("wider", "backspace", "Wider", "show what is around the box that fills the view", "flame", group="Metrics"),
    _a(
        "logs",
        "l",
        "Logs only",
        "what was printed, logged, warned of and failed with",
        "events",
        foot=20,
        group="Events",
    ),
)

#: Panels whose lists have the keys of `rows` too.
LISTS: Final = (
    *("tree", "document", "log", "runs", "state", "hooks", "events", "diff", "metrics", "flame", "source"),
    *("help", "lines", "pair", "waiting", "breaks", "choices"),
)


#: Panels in which letters are typed: the keys of the window do not hold there.
TYPED: Final = ("app", "prompt", "editor", "chat")


def belongs(panel: str) -> tuple[str, ...]:
    """The panels whose actions hold in a panel, its own first."""
    return (panel, "rows", "app") if panel in LISTS else (panel,) if panel in TYPED else (panel, "app")


@cache
def actions(panel: str) -> tuple[Action, ...]:
    """What can be done in a panel, its own actions first; an action hidden by another's key keeps its other keys."""
    order = belongs(panel)
    return tuple(action for name in order for action in ACTIONS if name in action.panels)


def named(name: str) -> Action | None:
    return next((action for action in ACTIONS if action.name == name), None)


def bindings(panel: str) -> list[BindingType]:
    """Textual's bindings for a panel's own actions."""
    from textual.binding import Binding  # only where there is a screen

    return [_binding(Binding, action) for action in ACTIONS if panel in action.panels]


def _binding(made: type[Binding], action: Action) -> Binding:
    return made(",".join(action.keys), f"app.do({action.name!r})", action.title, show=False, id=action.name)


@dataclass(frozen=True, slots=True)
class Collision:
    """Two actions of a panel that share a key."""

    panel: str
    key: str
    names: tuple[str, str]


def collisions(keys: Mapping[str, Iterable[str]] | None = None) -> list[Collision]:
    """`keys` are in the place of the default ones. A panel's own action may hide one of `rows` or `app`."""
    chosen = keys or {}
    found: list[Collision] = []
    for panel in dict.fromkeys(name for action in ACTIONS for name in action.panels):
        seen: dict[str, str] = {}
        for action in ACTIONS:
            if panel in action.panels:
                for key in chosen.get(action.name, action.keys):
                    if key in seen and seen[key] != action.name:
                        found.append(Collision(panel, key, (seen[key], action.name)))
                    seen[key] = action.name
    return found


def key_of(text: str) -> str:
    """A key as a person writes it, `/` or `ctrl+l`, as Textual names it: `slash`, `ctrl+l`; "" for what is none."""
    held, _, key = (text[:-2], "", "+") if text.endswith("+") else text.rpartition("+")
    if not all(each in ("ctrl", "shift", "alt", "super") for each in held.split("+") if held):
        return ""
    name = key if len(key) == 1 and key.isalnum() else next((name for name, sign in _SIGNS.items() if sign == key), key)
    known = len(name) == 1 or name in _SIGNS or name in _NAMED or (name[:1] == "f" and name[1:].isdecimal())
    return f"{held}+{name}" if known and held else name if known else ""


#: Keys with names that are written as they are.
_NAMED: Final = frozenset({"tab", "space", "backspace", "delete", "insert", "home", "end"})
#: How keys are written for a person.
_SIGNS: Final = {
    "question_mark": "?",
    "slash": "/",
    "semicolon": ";",
    "minus": "-",
    "plus": "+",
    "equals_sign": "=",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "enter": "⏎",
    "escape": "esc",
    "backspace": "⌫",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "shift+tab": "⇧tab",
    "delete": "del",
    **dict(
        zip(
            (
                "comma full_stop colon quotation_mark apostrophe exclamation_mark at number_sign dollar_sign "
                "percent_sign ampersand asterisk left_parenthesis right_parenthesis underscore vertical_line "
                "backslash tilde grave_accent circumflex_accent"
            ).split(),
            ",.:\"'!@#$%&*()_|\\~`^",
        )
    ),
}


def markdown() -> str:
    """The table of keys for a README. `action` is what `[tui.keys]` calls it."""
    lines = ["| key | action | does |", "|---|---|---|"]
    for action in ACTIONS:
        keys = " ".join(f"`{key_text(key)}`" for key in action.keys)
        panels = "" if set(action.panels) & {"app", "rows"} else f"{', '.join(action.panels)}: "
        lines.append(f"| {keys} | `{action.name}` | {panels}{action.help} |")
    return "\n".join(lines) + "\n"


def into(text: str) -> str:
    """A README with the table of now between its marks."""
    before, begin, rest = text.partition("<!-- keys -->\n")
    _, end, after = rest.partition("\n<!-- /keys -->")
    return f"{before}{begin}\n{markdown()}{end}{after}"


def key_text(key: str) -> str:
    """`ctrl+p` as `^p`, `slash` as `/`."""
    if key in _SIGNS:
        return _SIGNS[key]
    return f"^{key[5:]}" if key.startswith("ctrl+") else key


if __name__ == "__main__":  # `make gen`
    readme = Path("README.md")
    readme.write_text(into(readme.read_text(encoding="utf-8")), encoding="utf-8")
