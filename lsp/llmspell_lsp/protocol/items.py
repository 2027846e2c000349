"""Completion candidates as the protocol's items, in bytes. What stays the same is written once and kept.

An item has gaps where ranges of the document belong; they are put in at the end. Knows what the client can do with an
item, and no document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llmspell_lsp.protocol.session import encode

if TYPE_CHECKING:
    from llmspell_lsp.features.candidates import Block, Candidate, CandidateKind
    from llmspell_lsp.protocol.client import Client

#: CompletionItemKind of the protocol.
KINDS: Final[dict[CandidateKind, int]] = {
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
    "folder": 19,
}
#: Gaps, as no candidate has them in it: the range of the word up to the place, of all of it, of the mark before it.
WORD: Final = "\x00W"
WHOLE: Final = "\x00R"
MARK: Final = "\x00M"

_SNIPPET: Final = 2
_MOST_FAR: Final = 20_000
_DEPRECATED: Final = 1
_TRIGGERS: Final = {"call": "editor.action.triggerParameterHints", "more": "editor.action.triggerSuggest"}


@dataclass(slots=True, frozen=True)
class Profile:
    """What a client can do with an item.

    defaults: the range of the word may stand once for all items. replaces: it wants to choose between putting in and
    replacing. triggers: commands that it carries out once an item is put in.
    """

    snippets: bool
    defaults: bool
    replaces: bool
    labels: bool
    struck: bool
    commits: bool
    triggers: frozenset[str]

    @staticmethod
    def of(client: Client) -> Profile:
        item = "textDocument.completion.completionItem."
        listed = client.get("textDocument.completion.completionList.itemDefaults")
        tags = client.get(item + "tagSupport.valueSet")
        return Profile(
            client.snippets,
            isinstance(listed, list) and "editRange" in listed,
            client.has(item + "insertReplaceSupport"),
            client.has(item + "labelDetailsSupport"),
            isinstance(tags, list) and _DEPRECATED in tags,
            client.has(item + "commitCharactersSupport"),
            frozenset(_TRIGGERS.values()) & client.commands,
        )


class Items:
    """Writes candidates for one client."""

    __slots__ = ("_blocks", "_far", "profile")

    def __init__(self, profile: Profile) -> None:
        self.profile: Final = profile
        self._far: dict[tuple[str, CandidateKind], bytes] = {}
        self._blocks: dict[int, tuple[bytes, list[tuple[str, bytes]]]] = {}

    def block(self, block: Block, without: frozenset[str]) -> bytes:
        """The items of a block, with gaps."""
        known = self._blocks.get(block.number)
        if known is None:
            parts = [
                (each.label, encode(self.item(each, [block.number, index])).encode())
                for index, each in enumerate(block.candidates)
                if self.profile.snippets or each.kind != "snippet"
            ]
            known = self._blocks[block.number] = (b",".join(part for _, part in parts), parts)
        whole, parts = known
        if without and any(label in without for label, _ in parts):
            return b",".join(part for label, part in parts if label not in without)
        return whole

    def far(self, names: Sequence[tuple[str, CandidateKind]]) -> list[bytes]:
        """The items of variables far away, with gaps: the same ones at each key."""
        from llmspell_lsp.features.candidates import far  # with the registry 20 ms, once something is completed

        if len(self._far) > _MOST_FAR:
            self._far.clear()
        known = self._far
        for each in names:
            if each not in known:
                known[each] = encode(self.item(far(*each), None)).encode()
        return [known[each] for each in names]

    def item(self, candidate: Candidate, data: list[Any] | None, earlier: Any = None) -> dict[str, Any]:
        """An item. earlier: the range of the edit that goes with it."""
        profile = self.profile
        snippet = candidate.is_snippet and profile.snippets
        if snippet:
            text = candidate.insert
        else:
            text = candidate.plain or (candidate.label if candidate.is_snippet else candidate.insert or candidate.label)
        item: dict[str, Any] = {
            "label": candidate.label,
            "kind": KINDS[candidate.kind],
            "sortText": f"{candidate.group}{candidate.rank:03}",
        }
        if not profile.defaults:
            where = {"insert": WORD, "replace": WHOLE} if profile.replaces else {"range": WORD}
            item["textEdit"] = {"newText": text, **where}
        elif text != candidate.label:
            item["textEditText"] = text
        if snippet:
            item["insertTextFormat"] = _SNIPPET
        if candidate.filter:
            item["filterText"] = candidate.filter
        self._shown(item, candidate)
        if candidate.deprecated and profile.struck:
            item["tags"] = [_DEPRECATED]
        if candidate.colon:
            item["additionalTextEdits"] = [{"range": MARK, "newText": ":"}]
        elif candidate.earlier is not None:
            item["additionalTextEdits"] = [{"range": earlier, "newText": candidate.earlier[1]}]
        if profile.commits and candidate.kind in ("namespace",):
            item["commitCharacters"] = ["."]
        command = _TRIGGERS.get(candidate.goes_on, "")
        if snippet and command in profile.triggers:
            item["command"] = {"title": "", "command": command}
        if data is not None:
            item["data"] = data
        return item

    def _shown(self, item: dict[str, Any], candidate: Candidate) -> None:
        detail = candidate.detail
        if candidate.note and not self.profile.labels:
            detail = f"{detail} · {candidate.note}" if detail else candidate.note
        if detail and self.profile.labels and detail.startswith("("):
            item["labelDetails"] = {"detail": detail}
        elif detail:
            item["detail"] = detail
        if candidate.note and self.profile.labels:
            item.setdefault("labelDetails", {})["description"] = candidate.note


def fill(items: bytes, insert: Any, whole: Any, mark: Any) -> bytes:
    """The ranges put into the gaps."""
    for gap, place in ((WORD, insert), (WHOLE, whole), (MARK, mark)):
        name = encode(gap).encode()
        if name in items:
            items = items.replace(name, encode(place).encode())
    return items
