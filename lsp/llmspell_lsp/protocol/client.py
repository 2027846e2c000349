"""What the client said of itself at `initialize`. Knows what was said, not what we do with it."""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast

from llmspell_lsp.protocol.positions import Encoding, negotiate
from llmspell_lsp.protocol.uris import path_of, uri_of


class Client:
    def __init__(self, params: dict[str, Any]) -> None:
        """params: of `initialize`, of whatever shape."""
        capabilities = params.get("capabilities")
        self.capabilities: dict[str, Any] = capabilities if isinstance(capabilities, dict) else {}
        options = params.get("initializationOptions")
        self.options: dict[str, Any] = options if isinstance(options, dict) else {}
        info = params.get("clientInfo")
        self.name = str(info.get("name", "")) if isinstance(info, dict) else ""
        process = params.get("processId")
        self.process = process if isinstance(process, int) and process > 0 else None
        self.folders = _folders(params)
        self.encoding: Encoding = negotiate(self.get("general.positionEncodings"))

    def get(self, path: str, default: Any = None) -> Any:
        """A capability by its path: `textDocument.completion.contextSupport`."""
        value: Any = self.capabilities
        for name in path.split("."):
            if not isinstance(value, dict) or name not in value:
                return default
            value = cast("dict[str, Any]", value)[name]
        return default if value is None else value

    def has(self, path: str) -> bool:
        return self.get(path) is True

    def registers(self, path: str) -> bool:
        """Whether a method can be registered with it at run time: `workspace.didChangeWatchedFiles`."""
        return self.has(f"{path}.dynamicRegistration")

    @cached_property
    def pulls(self) -> bool:
        """It asks for diagnostics itself. To push them as well would show each twice."""
        return isinstance(self.get("textDocument.diagnostic"), dict)

    @cached_property
    def commands(self) -> frozenset[str]:
        """Commands that the client carries out, as `initializationOptions.commands` names them."""
        named = self.options.get("commands")
        return frozenset(name for name in named if isinstance(name, str)) if isinstance(named, list) else frozenset()

    @cached_property
    def snippets(self) -> bool:
        return self.has("textDocument.completion.completionItem.snippetSupport")

    def prefers_markdown(self, path: str) -> bool:
        """Whether texts at `path` (`textDocument.hover.contentFormat`) may be markdown, and not plain."""
        formats = self.get(path)
        return isinstance(formats, list) and "markdown" in formats


def _folders(params: dict[str, Any]) -> list[str]:
    """The paths of the folders that are open: `workspaceFolders`, else `rootUri`, else `rootPath`."""
    listed = params.get("workspaceFolders")
    if isinstance(listed, list):
        return folder_paths(cast("list[Any]", listed))
    root = params.get("rootUri")
    if not isinstance(root, str):
        path = params.get("rootPath")
        root = uri_of(path) if isinstance(path, str) and path.startswith("/") else ""
    path = path_of(root)
    return [] if path is None else [path]


def folder_paths(listed: list[Any]) -> list[str]:
    """The paths of `WorkspaceFolder[]`; what is no file's URI is left out."""
    uris = [folder.get("uri") for folder in listed if isinstance(folder, dict)]
    paths = [path_of(uri) for uri in uris if isinstance(uri, str)]
    return [path for path in paths if path is not None]
