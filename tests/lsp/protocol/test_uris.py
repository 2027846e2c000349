"""One document, however its URI is spelt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell_lsp.protocol.session import language_of
from llmspell_lsp.protocol.uris import normal, path_of, uri_of


@pytest.mark.parametrize(
    "spellings",
    [
        ("file:///a%20b/x.lua", "file:///a b/x.lua", "FILE:///a%20b/x.lua", "file://localhost/a%20b/x.lua"),
        ("file:///C%3A/x.lua", "file:///c:/x.lua", "file:///c%3A/x.lua"),
        ("file:///%C3%A9.js", "file:///é.js", "file:///%c3%a9.js"),
        ("file:///x.lua", "file:///x.lua?a=1", "file:///x.lua#L3"),
    ],
)
def test_spellings_of_one_document_are_one(spellings: tuple[str, ...]) -> None:
    assert len({normal(uri) for uri in spellings}) == 1


@pytest.mark.parametrize(
    "uri", ["untitled:Untitled-1", "git:/x/y.lua?ref", "", ":", "file:", "file://host/x", "file:///%00"]
)
def test_what_is_no_file_keeps_its_uri_and_has_no_path(uri: str) -> None:
    assert path_of(uri) is None
    assert normal(uri) == uri


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_path_survives_its_uri(name: str) -> None:
    path = f"/x/{name}"
    assert path_of(uri_of(path)) == path


@given(st.text())
def test_any_text_is_taken_as_a_uri(uri: str) -> None:
    assert normal(normal(uri)) == normal(uri)


@pytest.mark.parametrize(
    ("uri", "said", "language"),
    [
        ("file:///a/b.lua", "plaintext", "lua"),
        ("file:///a/b.mjs", "javascript", "javascript"),
        ("file:///a/B.JS", None, "javascript"),
        ("file:///a/llmspell.toml", "toml", "toml"),
        ("file:///a/replies.json", "json", "json"),
        ("file:///a/other.toml", "toml", None),
        ("file:///a/package.json", "json", None),
        ("untitled:Untitled-1", "lua", "lua"),
        ("untitled:Untitled-1", "javascript", "javascript"),
        ("untitled:Untitled-1", "python", None),
    ],
)
def test_the_language_of_a_document(uri: str, said: str | None, language: str | None) -> None:
    assert language_of(uri, said) == language
