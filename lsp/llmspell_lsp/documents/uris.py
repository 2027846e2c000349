"""URIs of documents: one spelling for each, whatever the client writes, and the way to a file's path and back.

`file:///a%20b` and `file:///a b`, `file:///C%3A/x` and `file:///c:/x` are the same document. Reads no file.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

_FILE = "file://"
#: What may stand in a path without being escaped.
_SAFE = "/~:@!$&'()*+,;="


@lru_cache(maxsize=4096)
def normal(uri: str) -> str:
    """The spelling that we keep a document under. Not a file's URI, or no URI at all: as it is."""
    path = path_of(uri)
    return uri if path is None else uri_of(path)


@lru_cache(maxsize=4096)
def path_of(uri: str) -> str | None:
    """The path of a file's URI, None of any other (`untitled:Untitled-1`, `git:/…`)."""
    if uri[: len(_FILE)].lower() != _FILE:
        return None
    host, slash, rest = uri[len(_FILE) :].partition("/")
    if not slash or host not in ("", "localhost"):
        return None
    raw = unquote_to_bytes("/" + rest.partition("#")[0].partition("?")[0])
    path = raw.decode("utf-8", "surrogateescape")
    if "\0" in path:
        return None
    if len(path) > 2 and path[0] == "/" and path[2] == ":" and path[1].isalpha():
        path = f"/{path[1].lower()}{path[2:]}"
    return path


@lru_cache(maxsize=4096)
def uri_of(path: str) -> str:
    """The URI of an absolute path."""
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate out of a text: no file is called so
        raw = path.encode("utf-8", "surrogatepass")
    return _FILE + quote(raw, safe=_SAFE)
