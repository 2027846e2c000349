"""Files for editors that are not tested: they start the language server and nothing else, and their pages say so."""

from __future__ import annotations

import json

from tests.editors.found import EDITORS


def test_they_name_the_server_alone_and_say_that_they_are_untested() -> None:
    sublime = json.loads((EDITORS / "sublime" / "LSP.sublime-settings").read_text())
    assert [client["command"] for client in sublime["clients"].values()] == [["llmspell", "lsp"]]
    zed = json.loads((EDITORS / "zed" / "settings.json").read_text())
    started = [server["binary"] for server in zed["lsp"].values()]
    assert started == [{"path": "llmspell", "arguments": ["lsp"]}] * 2
    # Each language asks for a server that is there.
    assert [language["language_servers"][0] for language in zed["languages"].values()] == list(zed["lsp"])
    for name in ("sublime", "zed"):
        assert "**Untested.**" in (EDITORS / name / "README.md").read_text()
