"""Help while writing: completion with its later documentation, signatures of calls, hover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from llmspell_lsp.protocol.items import Items, Profile, fill
from llmspell_lsp.protocol.methods import Encoded, Method
from llmspell_lsp.protocol.params import member
from llmspell_lsp.protocol.positions import length
from llmspell_lsp.protocol.session import Session, Silent, encode

if TYPE_CHECKING:
    from llmspell_lsp.features.candidates import Completion
    from llmspell_lsp.features.signatures import Signature
    from llmspell_lsp.protocol.client import Client
    from llmspell_lsp.workspace.snapshot import Snapshot

#: What is typed between a name and what may follow it. A blank is not among them: it would ask at every word.
_TRIGGERS: Final = [".", ":", '"', "'", "{", "`", "/", "@"]

_items: Final[WeakKeyDictionary[Client, Items]] = WeakKeyDictionary()


def completion(session: Session, params: dict[str, Any]) -> Encoded | None:
    snapshot, line, column = session.place(params)
    if snapshot.is_script:
        from llmspell_lsp.features.completion import complete
    else:
        from llmspell_lsp.features.files import complete
    found = complete(snapshot, line, column)
    return None if found is None else _listed(session, snapshot, found, column)


def _listed(session: Session, snapshot: Snapshot, found: Completion, column: int) -> Encoded:
    items = _items.get(session.client)
    if items is None:
        items = _items[session.client] = Items(Profile.of(session.client))
    language = snapshot.document.language
    parts: list[bytes] = []
    for each in found.candidates:
        if each.kind == "snippet" and not items.profile.snippets:
            continue
        earlier = None if each.earlier is None else session.range(snapshot, each.earlier[0])
        item = items.item(each, [language, each.about] if each.about else None, earlier)
        parts.append(encode(item).encode())
    parts += items.far(found.far)
    parts += [part for block in found.blocks if (part := items.block(block, found.without))]
    span = found.span
    whole = session.range(snapshot, span)
    end = max(span.column, min(column, span.end_column))
    insert = session.range(snapshot, (span.line, span.column, span.line, end))
    mark = session.range(snapshot, (span.line, max(0, span.column - 1), span.line, span.column))
    body = fill(b",".join(parts), insert if items.profile.replaces else whole, whole, mark)
    head = b'{"isIncomplete":false,' if found.complete else b'{"isIncomplete":true,'
    if items.profile.defaults:
        place = {"insert": insert, "replace": whole} if items.profile.replaces else whole
        head += b'"itemDefaults":{"editRange":%b},' % encode(place).encode()
    return Encoded(b'%b"items":[%b]}' % (head, body))


def resolve(session: Session, params: dict[str, Any]) -> dict[str, Any]:
    """The item with its documentation."""
    member(params, "label", str)
    from llmspell_lsp.features.documented import documented, of_block

    match params.get("data"):
        case [("lua" | "javascript") as language, str(about)]:
            text = documented(language, about)
        case [int(number), int(index)]:
            text = of_block(number, index)
        case _:
            text = ""
    if not text:
        return params
    if not session.client.prefers_markdown("textDocument.completion.completionItem.documentationFormat"):
        return {**params, "documentation": text}
    return {**params, "documentation": {"kind": "markdown", "value": text}}


def signature_help(session: Session, params: dict[str, Any]) -> dict[str, Any] | None:
    from llmspell_lsp.features.signatures import signatures

    snapshot, line, column = session.place(params)
    if not snapshot.is_script:
        raise Silent(snapshot.document.uri)
    found = signatures(snapshot, line, column)
    if found is None:
        return None
    information = "textDocument.signatureHelp.signatureInformation."
    offsets = session.client.has(information + "parameterInformation.labelOffsetSupport")
    markdown = session.client.prefers_markdown(information + "documentationFormat")
    forms = [_signature(form, offsets=offsets, markdown=markdown) for form in found.forms]
    active = _still_chosen(params.get("context"), forms)
    active = found.active if active is None else active
    return {"signatures": forms, "activeSignature": active, "activeParameter": found.forms[active].active}


def _signature(form: Signature, *, offsets: bool, markdown: bool) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = []
    for part in form.parts:
        text = form.label[part.start : part.end]
        start = length(form.label[: part.start], "utf-16")
        told: dict[str, Any] = {"label": [start, start + length(text, "utf-16")] if offsets else text}
        if part.doc:
            told["documentation"] = {"kind": "markdown", "value": part.doc} if markdown else part.doc
        parameters.append(told)
    made: dict[str, Any] = {"label": form.label, "parameters": parameters, "activeParameter": form.active}
    if form.doc:
        made["documentation"] = {"kind": "markdown", "value": form.doc} if markdown else form.doc
    return made


def _still_chosen(context: Any, forms: list[dict[str, Any]]) -> int | None:
    """The form that the person has turned to in the help that is still shown, if it is the help for the same call."""
    match context:
        case {"isRetrigger": True, "activeSignatureHelp": {"signatures": [*shown], "activeSignature": int(chosen)}}:
            labels = [each.get("label") for each in shown if isinstance(each, dict)]
            same = labels == [form["label"] for form in forms] and len(forms) > 1
            return chosen if same and 0 <= chosen < len(forms) else None
        case _:
            return None


def hover(session: Session, params: dict[str, Any]) -> dict[str, Any] | None:
    snapshot, line, column = session.place(params)
    if snapshot.is_script:
        from llmspell_lsp.features.hover import hover
    else:
        from llmspell_lsp.features.files import hover
    found = hover(snapshot, line, column)
    if found is None:
        return None
    return {
        "contents": {"kind": "markdown", "value": found.markdown},
        "range": session.range(snapshot, found.span),
    }


FEATURES: Final = ("completion", "documented", "signatures", "hover")

METHODS: Final = (
    Method(
        "textDocument/completion",
        completion,
        options={"triggerCharacters": _TRIGGERS, "resolveProvider": True},
        newest=True,
    ),
    Method("completionItem/resolve", resolve),
    Method(
        "textDocument/signatureHelp",
        signature_help,
        options={"triggerCharacters": ["(", ",", "{"], "retriggerCharacters": [")", "}", "="]},
        newest=True,
    ),
    Method("textDocument/hover", hover, newest=True),
)
