"""URIs of documents, for the families of requests."""

from llmspell_lsp.documents.uris import normal, path_of, uri_of

__all__ = ["normal", "path_of", "uri_of"]
