"""Hints between the words of a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from llmspell_lsp.protocol.methods import Method
from llmspell_lsp.protocol.positions import position
from llmspell_lsp.protocol.session import Session, Silent

if TYPE_CHECKING:
    from llmspell_lsp.features.inlays import Shown

_KINDS: Final = {"type": 1, "parameter": 2}


def inlay_hint(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    from llmspell_lsp.features.inlays import inlays

    snapshot, (first, _, last, _) = session.span(params)
    if not snapshot.is_script:
        raise Silent(snapshot.document.uri)
    lines, encoding = snapshot.document.lines, session.client.encoding
    found: list[dict[str, Any]] = []
    for each in inlays(snapshot, first, last, shown({**session.client.options, **session.configuration})):
        hint: dict[str, Any] = {"position": position(lines, each.line, each.column, encoding), "label": each.label}
        if each.kind in _KINDS:
            hint["kind"] = _KINDS[each.kind]
        if each.tooltip:
            hint["tooltip"] = {"kind": "markdown", "value": each.tooltip}
        if each.before:
            hint["paddingLeft"] = True
        if each.after:
            hint["paddingRight"] = True
        found.append(hint)
    return found


def shown(configuration: dict[str, Any]) -> Shown:
    """The setting `inlayHints`: `{"parameterNames": true, "types": false, "lastValues": true}`, or true or false."""
    from llmspell_lsp.features.inlays import Shown

    said = configuration.get("inlayHints")
    if isinstance(said, bool):
        return Shown() if said else Shown(parameters=False, types=False, values=False)
    listed = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    usual = Shown()
    return Shown(
        listed.get("parameterNames", usual.parameters) is True,
        listed.get("types", usual.types) is True,
        listed.get("lastValues", usual.values) is True,
    )


FEATURES: Final = ("inlays",)

METHODS: Final = (Method("textDocument/inlayHint", inlay_hint, newest=True),)
