"""What we say of ourselves without pygls is what pygls would say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsprotocol import converters, types
from pygls.capabilities import ServerCapabilitiesBuilder
from pytest_lsp import client_capabilities

from llmspell_lsp.protocol import capabilities, requests
from llmspell_lsp.protocol.client import Client
from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.server import options_of

CONVERTER = converters.get_converter()
EDITORS = ("neovim", "neovim@v0.6.1", "visual-studio-code", "emacs")

LEGEND = {"tokenTypes": ["variable"], "tokenModifiers": []}
#: Methods with options worth comparing.
OPTIONS: dict[str, Any] = {
    "textDocument/completion": {"triggerCharacters": ["."], "resolveProvider": True},
    "textDocument/signatureHelp": {"triggerCharacters": ["("], "retriggerCharacters": [","]},
    "textDocument/codeAction": {"codeActionKinds": ["quickfix"]},
    "textDocument/diagnostic": {"identifier": "llmspell", "interFileDependencies": True, "workspaceDiagnostics": True},
    "textDocument/semanticTokens/full": LEGEND,
    "textDocument/semanticTokens/range": LEGEND,
    "textDocument/didSave": {"includeText": True},
    "workspace/willRenameFiles": {"filters": [{"pattern": {"glob": "**/*.lua"}}]},
}
REQUESTS = sorted(
    method
    for method, (kind, *_) in types.METHOD_TO_TYPES.items()
    if kind is not None
    and method.startswith(("textDocument/", "workspace/", "codeLens/", "inlayHint/", "documentLink/"))
)


def handler(session: object, params: object) -> None: ...


def builtin() -> set[str]:
    """What pygls says it does in any case: it follows documents."""
    return {"textDocument/didOpen", "textDocument/didChange", "textDocument/didClose"}


def of_pygls(client: dict[str, Any], methods: dict[str, Method], commands: list[str]) -> Any:
    chosen = Client({"capabilities": client})
    options = {name: options_of(CONVERTER, name, method.options) for name, method in methods.items() if method.options}
    built = ServerCapabilitiesBuilder(
        CONVERTER.structure(client, types.ClientCapabilities),
        set(methods) | builtin(),
        options,
        commands,
        types.TextDocumentSyncKind.Incremental,
        None,
        chosen.encoding,
    ).build()
    return CONVERTER.unstructure(built)


def ours(client: dict[str, Any], methods: dict[str, Method], commands: list[str]) -> Any:
    """Through lsprotocol once: a name that it does not know would be lost, and so be seen."""
    with_documents = methods | {name: Method(name, handler) for name in builtin() - set(methods)}
    built = capabilities.build(Client({"capabilities": client}), with_documents, commands)
    assert CONVERTER.unstructure(CONVERTER.structure(built, types.ServerCapabilities)) == built
    return built


def profile(editor: str) -> dict[str, Any]:
    return CONVERTER.unstructure(client_capabilities(editor))


@pytest.mark.parametrize("editor", EDITORS)
def test_every_editor_is_told_what_pygls_would_tell_it(editor: str) -> None:
    client = Client({"capabilities": profile(editor)})
    methods = {method.name: method for method in requests.methods() if method.wanted is None or method.wanted(client)}
    commands = [command.name for command in requests.commands()]
    assert ours(client.capabilities, methods, commands) == of_pygls(client.capabilities, methods, commands)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from((*EDITORS, "")),
    st.sets(st.sampled_from(REQUESTS)),
    st.lists(st.sampled_from(["llmspell.run", "llmspell.trace"]), unique=True),
)
def test_so_it_is_with_any_methods(editor: str, names: set[str], commands: list[str]) -> None:
    client = profile(editor) if editor else {}
    methods = {name: Method(name, handler, OPTIONS.get(name)) for name in names}
    assert ours(client, methods, commands) == of_pygls(client, methods, commands)


def test_every_method_of_ours_is_one_of_the_protocol() -> None:
    for method in requests.methods():
        assert method.name in types.METHOD_TO_TYPES
