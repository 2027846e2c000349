"""What a spell will ask for and may not do: hosts and commands that stand in it as text, against `[permissions]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from llmspell_lsp.analysis.sites import absolute
from llmspell_lsp.analysis.tools import tool_class
from llmspell_lsp.checks.chunked import View, by_chunk
from llmspell_lsp.checks.codes import found
from llmspell_lsp.checks.finding import Finding
from llmspell_lsp.checks.flows import flows
from llmspell_lsp.checks.project import settings_of
from llmspell_lsp.checks.tool_names import executed
from llmspell_lsp.syntax.nodes import Call, Entry, Table, Text

#: The argument that says what is asked for, by permission.
_ARGUMENTS: Final = {"url": "net", "command": "exec"}


def permissions(view: View) -> Iterator[Finding]:
    settings = settings_of(view.snapshot)
    granted = {
        "net": settings.permissions.net if settings is not None else (),
        "exec": settings.permissions.exec if settings is not None else (),
    }
    for start, entry, needs in _given(view):
        permission = _ARGUMENTS.get(entry.key or "")
        if permission is None or permission not in needs or not isinstance(entry.value, Text) or not entry.value.value:
            continue
        asked = _asked(permission, entry.value.value)
        if not asked or _is_granted(asked, granted[permission], permission):
            continue
        span = absolute(start, entry.value.content)
        message = f"a run may not do this yet: [permissions] {permission} in llmspell.toml needs {asked!r}"
        yield found("permission-needed", span, message, data=["permission", permission, asked])


def _given(view: View) -> Iterator[tuple[int, Entry, list[str]]]:
    """Each argument of a built-in tool, with the line its chunk begins at and what the tool needs."""
    classes = view.infer.words.registry.classes
    for call in view.nodes(Call):
        name = executed(view, call)
        given = call.arguments[0] if name is not None and call.arguments else None
        if name is not None and isinstance(given, Table):
            for entry in given.entries:
                yield view.placed.start, entry, classes[name]["tool"]["permissions"]
    for flow in flows(view):
        for step in flow.steps():
            text, params = step.text("tool"), step.entries.get("params")
            name = tool_class(view.infer.words, text.value or "") if text is not None else None
            if name is not None and params is not None and isinstance(params.value, Table):
                for entry in params.value.entries:
                    yield step.site.placed.start, entry, classes[name]["tool"]["permissions"]


def _asked(permission: str, text: str) -> str:
    """The host, or the command's first word; "" where it is not settled."""
    if "{{" in text:
        return ""
    if permission == "exec":
        return text.split()[0] if text.split() else ""
    try:
        return urlsplit(text).hostname or ""
    except ValueError:
        return ""


def _is_granted(asked: str, granted: tuple[str, ...], permission: str) -> bool:
    for each in granted:
        name = each.split(":")[0] if permission == "net" else each
        if name in {"*", asked} or (name.startswith("*.") and asked.endswith(name[1:])):
            return True
    return False


FAMILY = by_chunk(permissions)
