"""Help while writing: completion with its later documentation, hover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.params import member
from llmspell_lsp.protocol.session import Session, Silent

if TYPE_CHECKING:
    from llmspell_lsp.features.completion import Candidate, CandidateKind

#: CompletionItemKind of the protocol.
_KINDS: Final[dict[CandidateKind, int]] = {
    "class": 7,
    "namespace": 9,
    "method": 2,
    "function": 3,
    "property": 10,
    "field": 5,
    "variable": 6,
    "constant": 21,
    "keyword": 14,
    "value": 12,
    "event": 23,
    "hook": 23,
    "tool": 12,
    "reference": 18,
    "snippet": 15,
    "file": 17,
}
_SNIPPET: Final = 2
#: What is typed between a name and what may follow it.
_TRIGGERS: Final = [".", ":", '"', "'", "{", "`", "/"]


def completion(session: Session, params: dict[str, Any]) -> dict[str, Any] | None:
    from llmspell_lsp.features.completion import complete

    snapshot, line, column = session.place(params)
    if not snapshot.is_script:
        raise Silent(snapshot.document.uri)
    found = complete(snapshot, line, column)
    if found is None:
        return None
    language = snapshot.document.language
    snippets = session.client.has("textDocument.completion.completionItem.snippetSupport")
    replaced = session.range(snapshot, found.span)
    items = [_item(each, language, replaced, snippets=snippets) for each in found.candidates]
    for each, item in zip(found.candidates, items, strict=True):
        if each.earlier is not None:
            span, text = each.earlier
            item["additionalTextEdits"] = [{"range": session.range(snapshot, span), "newText": text}]
    return {"isIncomplete": False, "items": items}


def _item(candidate: Candidate, language: str, replaced: dict[str, Any], *, snippets: bool) -> dict[str, Any]:
    insert = candidate.insert or candidate.label
    stops = "$0" in insert
    item: dict[str, Any] = {
        "label": candidate.label,
        "kind": _KINDS[candidate.kind],
        "sortText": f"{candidate.group}{candidate.label}",
        "textEdit": {"range": replaced, "newText": insert if snippets or not stops else insert.partition("$0")[0]},
    }
    if stops and snippets:
        item["insertTextFormat"] = _SNIPPET
    if candidate.detail:
        item["detail"] = candidate.detail
    if candidate.about:
        item["data"] = [language, candidate.about]
    return item


def resolve(session: Session, params: dict[str, Any]) -> dict[str, Any]:
    """The item with its documentation."""
    member(params, "label", str)
    match params.get("data"):
        case [("lua" | "javascript") as language, str(about)]:
            from llmspell_lsp.features.hover import described

            text = described(language, about)
            if text:
                return {**params, "documentation": {"kind": "markdown", "value": text}}
        case _:
            pass
    return params


def hover(session: Session, params: dict[str, Any]) -> dict[str, Any] | None:
    from llmspell_lsp.features.hover import hover

    snapshot, line, column = session.place(params)
    if not snapshot.is_script:
        raise Silent(snapshot.document.uri)
    found = hover(snapshot, line, column)
    if found is None:
        return None
    return {
        "contents": {"kind": "markdown", "value": found.markdown},
        "range": session.range(snapshot, found.span),
    }


FEATURES: Final = ("completion", "hover")

METHODS: Final = (
    Method(
        "textDocument/completion",
        completion,
        options={"triggerCharacters": _TRIGGERS, "resolveProvider": True},
        newest=True,
    ),
    Method("completionItem/resolve", resolve),
    Method("textDocument/hover", hover, newest=True),
)
