"""Code lenses. One that runs a command of the client is there only if the client has named that command."""

from __future__ import annotations

from typing import Any, Final

from llmspell_lsp.protocol import params as reading
from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.session import Session

FEATURES: Final = ("lenses",)

#: The commands that a client may name in `initializationOptions.commands`; each gets the path of a file.
COMMANDS_OF_CLIENTS: Final = {"run": "llmspell.run", "debug": "llmspell.debug", "trace": "llmspell.openTrace"}


def code_lens(session: Session, params: dict[str, Any]) -> list[dict[str, Any]] | None:
    snapshot = session.snapshot(reading.document_uri(params))
    if not snapshot.is_script:
        return None
    from llmspell_lsp.features.lenses import lenses

    found: list[dict[str, Any]] = []
    for each in lenses(snapshot):
        command = COMMANDS_OF_CLIENTS.get(each.act, "")
        known = command in session.client.commands
        if each.act in ("run", "debug") and not known:
            continue
        what: dict[str, Any] = {"title": each.text, "command": command if known else ""}
        if known:
            what["arguments"] = [each.subject]
        found.append({"range": session.range(snapshot, (each.line, 0, each.line, 0)), "command": what})
    return found


METHODS: Final = (Method("textDocument/codeLens", code_lens, options={"resolveProvider": False}),)
