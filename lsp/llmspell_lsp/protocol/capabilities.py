"""The server's capabilities as plain JSON, from the methods that are registered and what the client can do.

pygls would build the same from the same registrations, once it is imported (0.4 s); a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmspell_lsp.protocol.client import Client
from llmspell_lsp.protocol.methods import Method

INCREMENTAL: Final = 2

#: Method -> the capability that announces it, and what it says where the method has no options.
_PROVIDERS: Final[Mapping[str, tuple[str, Any]]] = {
    "textDocument/completion": ("completionProvider", {}),
    "textDocument/hover": ("hoverProvider", True),
    "textDocument/signatureHelp": ("signatureHelpProvider", {}),
    "textDocument/declaration": ("declarationProvider", True),
    "textDocument/definition": ("definitionProvider", True),
    "textDocument/typeDefinition": ("typeDefinitionProvider", True),
    "textDocument/implementation": ("implementationProvider", True),
    "textDocument/references": ("referencesProvider", True),
    "textDocument/documentHighlight": ("documentHighlightProvider", True),
    "textDocument/documentSymbol": ("documentSymbolProvider", True),
    "textDocument/codeAction": ("codeActionProvider", True),
    "textDocument/documentColor": ("colorProvider", True),
    "textDocument/formatting": ("documentFormattingProvider", True),
    "textDocument/rangeFormatting": ("documentRangeFormattingProvider", True),
    "textDocument/onTypeFormatting": ("documentOnTypeFormattingProvider", None),
    "textDocument/foldingRange": ("foldingRangeProvider", True),
    "textDocument/selectionRange": ("selectionRangeProvider", True),
    "textDocument/prepareCallHierarchy": ("callHierarchyProvider", True),
    "textDocument/prepareTypeHierarchy": ("typeHierarchyProvider", True),
    "textDocument/linkedEditingRange": ("linkedEditingRangeProvider", True),
    "textDocument/moniker": ("monikerProvider", True),
    "textDocument/inlineValue": ("inlineValueProvider", True),
    "textDocument/inlineCompletion": ("inlineCompletionProvider", None),
}

#: Those that say of themselves whether another method completes their items.
_RESOLVED: Final[Mapping[str, tuple[str, str]]] = {
    "textDocument/inlayHint": ("inlayHintProvider", "inlayHint/resolve"),
    "textDocument/codeLens": ("codeLensProvider", "codeLens/resolve"),
    "textDocument/documentLink": ("documentLinkProvider", "documentLink/resolve"),
    "workspace/symbol": ("workspaceSymbolProvider", "workspaceSymbol/resolve"),
}

_FILE_OPERATIONS: Final = {
    "workspace/willCreateFiles": "willCreate",
    "workspace/didCreateFiles": "didCreate",
    "workspace/willDeleteFiles": "willDelete",
    "workspace/didDeleteFiles": "didDelete",
    "workspace/willRenameFiles": "willRename",
    "workspace/didRenameFiles": "didRename",
}


def build(client: Client, methods: Mapping[str, Method], commands: list[str]) -> dict[str, Any]:
    """`ServerCapabilities` for this client."""
    built: dict[str, Any] = {
        "positionEncoding": client.encoding,
        "textDocumentSync": _synchronization(client, methods),
        "executeCommandProvider": {"commands": commands},
        "workspace": {
            "workspaceFolders": {"supported": True, "changeNotifications": True},
            "fileOperations": _file_operations(client, methods),
        },
    }
    for name, (provider, default) in _PROVIDERS.items():
        if name in methods:
            value = methods[name].options or default
            if value is not None:
                built[provider] = value
    for name, (provider, resolve) in _RESOLVED.items():
        if name in methods:
            built[provider] = {**(methods[name].options or {}), "resolveProvider": resolve in methods}
    if "textDocument/rename" in methods:
        prepares = client.has("textDocument.rename.prepareSupport")
        built["renameProvider"] = {"prepareProvider": "textDocument/prepareRename" in methods} if prepares else True
    if "textDocument/diagnostic" in methods:
        default = {"interFileDependencies": False}
        workspace = {"workspaceDiagnostics": "workspace/diagnostic" in methods}
        built["diagnosticProvider"] = {**(methods["textDocument/diagnostic"].options or default), **workspace}
    tokens = _semantic_tokens(methods)
    if tokens is not None:
        built["semanticTokensProvider"] = tokens
    return built


def _synchronization(client: Client, methods: Mapping[str, Method]) -> dict[str, Any]:
    saved = methods.get("textDocument/didSave")
    known: dict[str, Any] = {
        "openClose": "textDocument/didOpen" in methods or "textDocument/didClose" in methods,
        "change": INCREMENTAL,
        "save": False if saved is None else saved.options or True,
    }
    for name in ("willSave", "willSaveWaitUntil"):
        offered = client.get(f"textDocument.synchronization.{name}")
        if offered is not None:
            known[name] = bool(offered) and f"textDocument/{name}" in methods
    return known


def _file_operations(client: Client, methods: Mapping[str, Method]) -> dict[str, Any]:
    return {
        name: methods[method].options
        for method, name in _FILE_OPERATIONS.items()
        if client.has(f"workspace.fileOperations.{name}") and method in methods and methods[method].options
    }


def _semantic_tokens(methods: Mapping[str, Method]) -> dict[str, Any] | None:
    """The legend is the options of whichever of the three methods has it."""
    full, delta, part = (f"textDocument/semanticTokens/{name}" for name in ("full", "full/delta", "range"))
    legend = next(
        (methods[name].options for name in (full, delta, part) if name in methods and methods[name].options), None
    )
    if legend is None:
        return None
    provider: dict[str, Any] = {"legend": legend}
    if delta in methods:
        provider["full"] = {"delta": True}
    elif full in methods:
        provider["full"] = True
    if part in methods:
        provider["range"] = True
    return provider
