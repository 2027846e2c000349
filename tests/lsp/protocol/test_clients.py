"""The editors' own capability profiles through pytest-lsp, whose client checks every shape against them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities, make_test_lsp_client

EDITORS = ("neovim@v0.6.1", "neovim@v0.9.1", "neovim@v0.11.0", "visual-studio-code@v1.65.2", "emacs@v29.1")

#: Units of "é🎉" in each encoding.
UNITS = {"utf-8": 6, "utf-16": 3, "utf-32": 2}


@dataclass
class Editor:
    client: LanguageClient
    capabilities: types.ServerCapabilities
    registered: list[str]

    @property
    def pulls(self) -> bool:
        return self.capabilities.diagnostic_provider is not None

    def open(self, path: Path, text: str) -> str:
        language = "lua" if path.suffix == ".lua" else "javascript"
        document = types.TextDocumentItem(uri=path.as_uri(), language_id=language, version=1, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        return path.as_uri()

    def change(self, uri: str, version: int, text: str) -> None:
        document = types.VersionedTextDocumentIdentifier(uri=uri, version=version)
        whole = types.TextDocumentContentChangeWholeDocument(text=text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))

    async def diagnostics(self, uri: str) -> list[types.Diagnostic]:
        """However this editor gets them."""
        if self.pulls:
            params = types.DocumentDiagnosticParams(types.TextDocumentIdentifier(uri))
            report = await self.client.text_document_diagnostic_async(params)
            assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
            return [*report.items]
        await asyncio.wait_for(self.client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS), 30)
        return [*self.client.diagnostics[uri]]


@pytest_asyncio.fixture(params=EDITORS)
async def editor(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Editor]:
    registered: list[str] = []

    def make() -> LanguageClient:
        client = make_test_lsp_client()

        @client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def register(params: types.RegistrationParams) -> None:
            registered.extend(each.method for each in params.registrations)

        return client

    config = ClientServerConfig([sys.executable, "-m", "llmspell", "lsp"], client_factory=make)
    client = await config.start()
    assert isinstance(client, LanguageClient)
    folder = types.WorkspaceFolder(uri=tmp_path.as_uri(), name="project")
    result = await client.initialize_session(
        types.InitializeParams(client_capabilities(request.param), workspace_folders=[folder])
    )
    yield Editor(client, result.capabilities, registered)
    await client.shutdown_session()
    await client.stop()
    assert client.error is None


@pytest.mark.parametrize(
    ("name", "bad", "good"), [("a.lua", "x = = 1", "x = 1"), ("a.js", "const = 1", "export let x = 1")]
)
async def test_a_mistake_is_shown_and_gone_when_it_is_mended(
    editor: Editor, tmp_path: Path, name: str, bad: str, good: str
) -> None:
    uri = editor.open(tmp_path / name, bad)
    assert [each.code for each in await editor.diagnostics(uri)] == ["syntax"]
    editor.change(uri, 2, good)
    assert await editor.diagnostics(uri) == []


async def test_a_place_is_in_the_units_that_the_editor_is_told(editor: Editor, tmp_path: Path) -> None:
    uri = editor.open(tmp_path / "a.lua", "--[[é🎉]] = 1")
    (found,) = await editor.diagnostics(uri)
    encoding = editor.capabilities.position_encoding
    assert encoding is not None
    assert found.range.start.character == 7 + UNITS[encoding]


async def test_what_the_editor_can_watch_it_is_asked_to_watch(editor: Editor, tmp_path: Path) -> None:
    watches = editor.client.capabilities and editor.client.capabilities.workspace
    dynamic = watches and watches.did_change_watched_files and watches.did_change_watched_files.dynamic_registration
    # An answer that comes after it: by then the request, sent before, has arrived.
    await editor.diagnostics(editor.open(tmp_path / "a.lua", "x = 1"))
    assert ("workspace/didChangeWatchedFiles" in editor.registered) == bool(dynamic)
