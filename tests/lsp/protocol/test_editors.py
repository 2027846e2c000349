"""Every feature for every editor: the editors' own capability profiles, in both languages, each request through
pytest-lsp's client, which holds the shape of what is answered against what the profile says that it can show."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.capabilities import get_capability
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from llmspell_lsp.protocol import requests

EDITORS = ("neovim@v0.6.1", "neovim@v0.11.0", "visual-studio-code@v1.65.2", "emacs@v29.1")

LUA = """local lib = require("lib")
Agent.new({ name = "writer", system_prompt = "Be brief." })
local flow = Workflow.sequential({ steps = {
  { name = "plan", agent = "writer", input = "On {{topic}}", output = "text" },
  { agent = "writer", input = "Use {{text}} and {{text}}" },
} })
local function greet(name)
  return name
end
print(greet("x"))
Hooks.register("before_tool_call", function(context) print(context.tool_name) end)
flow:run({ topic = "x" })
lib.load(1)
Agent.new({ sistem_prompt = "x" })
"""
JAVASCRIPT = """import { load } from "./lib.js";
new Agent({ name: "writer", systemPrompt: "Be brief." });
const flow = Workflow.sequential({ steps: [
  { name: "plan", agent: "writer", input: "On {{topic}}", output: "text" },
  { agent: "writer", input: "Use {{text}} and {{text}}" },
] });
function greet(name) {
  return name;
}
console.log(greet("x"));
Hooks.register("beforeToolCall", (context) => { console.log(context.toolName); });
await flow.run({ topic: "x" });
load(1);
new Agent({ sistemPrompt: "x" });
"""
LIBRARIES = {
    "lua": "local M = {}\nfunction M.load(size) return size end\nreturn M\n",
    "js": "export function load(size) { return size; }\n",
}


@dataclass
class Bench:
    """An editor with a spell open."""

    client: LanguageClient
    can: types.ServerCapabilities
    folder: Path
    suffix: str
    text: str
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.folder / f"spell.{self.suffix}"

    @property
    def library(self) -> Path:
        return self.folder / f"lib.{self.suffix}"

    @property
    def document(self) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.path.as_uri())

    def has(self, capability: str) -> bool:
        return bool(get_capability(self.client.capabilities, capability, False))  # type: ignore[arg-type]

    def at(self, needle: str, after: str = "") -> types.Position:
        """Where a piece of the text stands; `after`: behind this beginning of it. All of the text is ASCII."""
        offset = self.text.index(needle) + len(after)
        assert needle.startswith(after)
        before = self.text[:offset]
        return types.Position(before.count("\n"), offset - before.rfind("\n") - 1)

    @property
    def everything(self) -> types.Range:
        return types.Range(types.Position(0, 0), types.Position(self.text.count("\n"), 0))


Feature = Callable[[Bench], Awaitable[None]]
FEATURES: dict[str, Feature] = {}


def feature(check: Feature) -> Feature:
    FEATURES[check.__name__] = check
    return check


def lines(found: Any) -> list[int]:
    """Of locations and links, in one file."""
    assert found
    return sorted((each.target_range if hasattr(each, "target_range") else each.range).start.line for each in found)


def uris(found: Any) -> set[str]:
    assert found
    several = found if isinstance(found, list) else [found]
    return {each.target_uri if hasattr(each, "target_uri") else each.uri for each in several}


@feature
async def diagnostics(bench: Bench) -> None:
    if bench.can.diagnostic_provider is not None:
        params = types.DocumentDiagnosticParams(bench.document)
        report = await bench.client.text_document_diagnostic_async(params)
        assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
        found = [*report.items]
        whole = await bench.client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams([]))
        assert bench.path.as_uri() in {each.uri for each in whole.items}
    else:
        while bench.path.as_uri() not in bench.client.diagnostics:
            await asyncio.wait_for(bench.client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS), 30)
        found = [*bench.client.diagnostics[bench.path.as_uri()]]
    assert [each.code for each in found] == ["unknown-option"]
    bench.seen["mistake"] = found[0]


@feature
async def completion(bench: Bench) -> None:
    params = types.CompletionParams(bench.document, bench.at("Hooks.register", "Hooks."))
    found = await bench.client.text_document_completion_async(params)
    items = found.items if isinstance(found, types.CompletionList) else found or []
    item = next(each for each in items if each.label == "register")
    assert item.documentation is None
    resolved = await bench.client.completion_item_resolve_async(item)
    assert resolved.documentation
    if not bench.has("text_document.completion.completion_item.snippet_support"):
        assert all(each.insert_text_format != types.InsertTextFormat.Snippet for each in items)


@feature
async def hover(bench: Bench) -> None:
    found = await bench.client.text_document_hover_async(types.HoverParams(bench.document, bench.at("register")))
    assert found is not None and isinstance(found.contents, types.MarkupContent)
    assert "handler" in found.contents.value


@feature
async def signature_help(bench: Bench) -> None:
    place = bench.at("Hooks.register(", "Hooks.register(")
    found = await bench.client.text_document_signature_help_async(types.SignatureHelpParams(bench.document, place))
    assert found is not None and found.signatures[0].label.startswith("Hooks.register(")


@feature
async def definition(bench: Bench) -> None:
    for needle, name in (('greet("x")', bench.path.name), ("load(1)", bench.library.name), ("register", ".gen.")):
        params = types.DefinitionParams(bench.document, bench.at(needle))
        found = await bench.client.text_document_definition_async(params)
        assert all(name in uri for uri in uris(found))


@feature
async def type_definition(bench: Bench) -> None:
    params = types.TypeDefinitionParams(bench.document, bench.at("flow"))
    assert all(".gen." in uri for uri in uris(await bench.client.text_document_type_definition_async(params)))


@feature
async def references(bench: Bench) -> None:
    params = types.ReferenceParams(types.ReferenceContext(True), bench.document, bench.at("greet"))
    assert lines(await bench.client.text_document_references_async(params)) == [6, 9]


@feature
async def highlights(bench: Bench) -> None:
    params = types.DocumentHighlightParams(bench.document, bench.at("{{text}}", "{{"))
    assert lines(await bench.client.text_document_document_highlight_async(params)) == [3, 4, 4]


@feature
async def rename(bench: Bench) -> None:
    place = bench.at("{{text}}", "{{")
    ready = await bench.client.text_document_prepare_rename_async(types.PrepareRenameParams(bench.document, place))
    assert ready is not None
    edit = await bench.client.text_document_rename_async(types.RenameParams(bench.document, place, "words"))
    assert edit is not None
    assert [each.new_text for each in edits(edit, bench)] == ["words"] * 3


def edits(edit: types.WorkspaceEdit, bench: Bench) -> list[Any]:
    """Those of the spell, in the form that the editor understands."""
    if bench.has("workspace.workspace_edit.document_changes"):
        assert edit.document_changes and not edit.changes
        return [
            each
            for change in edit.document_changes
            if isinstance(change, types.TextDocumentEdit) and change.text_document.uri == bench.path.as_uri()
            for each in change.edits
        ]
    assert edit.changes and not edit.document_changes
    return [*edit.changes[bench.path.as_uri()]]


@feature
async def linked_editing(bench: Bench) -> None:
    params = types.LinkedEditingRangeParams(bench.document, bench.at("{{text}}", "{{"))
    found = await bench.client.text_document_linked_editing_range_async(params)
    assert found is not None and len(found.ranges) > 1


@feature
async def document_symbols(bench: Bench) -> None:
    found = await bench.client.text_document_document_symbol_async(types.DocumentSymbolParams(bench.document))
    assert found and {"flow", "greet"} <= {each.name for each in found}
    nested = bench.has("text_document.document_symbol.hierarchical_document_symbol_support")
    assert all(isinstance(each, types.DocumentSymbol if nested else types.SymbolInformation) for each in found)


@feature
async def workspace_symbols(bench: Bench) -> None:
    found = await bench.client.workspace_symbol_async(types.WorkspaceSymbolParams("load"))
    assert found and bench.library.as_uri() in {each.location.uri for each in found}


@feature
async def folding(bench: Bench) -> None:
    found = await bench.client.text_document_folding_range_async(types.FoldingRangeParams(bench.document))
    assert found and {2, 6} <= {each.start_line for each in found}


@feature
async def selection(bench: Bench) -> None:
    params = types.SelectionRangeParams(bench.document, [bench.at("greet")])
    found = await bench.client.text_document_selection_range_async(params)
    assert found and found[0].range.start == bench.at("greet") and found[0].parent is not None


@feature
async def semantic_tokens(bench: Bench) -> None:
    whole = await bench.client.text_document_semantic_tokens_full_async(types.SemanticTokensParams(bench.document))
    assert whole is not None and whole.data and whole.result_id is not None
    params = types.SemanticTokensDeltaParams(bench.document, whole.result_id)
    delta = await bench.client.text_document_semantic_tokens_full_delta_async(params)
    assert isinstance(delta, types.SemanticTokensDelta) and not delta.edits
    first = types.Range(types.Position(0, 0), types.Position(1, 0))
    part = await bench.client.text_document_semantic_tokens_range_async(
        types.SemanticTokensRangeParams(bench.document, first)
    )
    assert part is not None and part.data == whole.data[: len(part.data)] and part.data


@feature
async def code_actions(bench: Bench) -> None:
    mistake = bench.seen["mistake"]
    params = types.CodeActionParams(bench.document, mistake.range, types.CodeActionContext([mistake]))
    found = await bench.client.text_document_code_action_async(params)
    fix = next(each for each in found or () if isinstance(each, types.CodeAction) and each.kind == "quickfix")
    if fix.edit is None:
        assert bench.has("text_document.code_action.resolve_support")
        fix = await bench.client.code_action_resolve_async(fix)
    assert fix.edit is not None
    assert [each.new_text for each in edits(fix.edit, bench)] == [
        "system_prompt" if bench.suffix == "lua" else "systemPrompt"
    ]


@feature
async def code_lenses(bench: Bench) -> None:
    found = await bench.client.text_document_code_lens_async(types.CodeLensParams(bench.document))
    assert [each.command.command for each in found or () if each.command] == ["llmspell.run"], "the one that is named"


@feature
async def inlay_hints(bench: Bench) -> None:
    params = types.InlayHintParams(bench.document, bench.everything)
    found = await bench.client.text_document_inlay_hint_async(params)
    assert found and any("size" in str(each.label) for each in found)


@feature
async def document_links(bench: Bench) -> None:
    found = await bench.client.text_document_document_link_async(types.DocumentLinkParams(bench.document))
    assert found and {each.target for each in found} == {bench.library.as_uri()}
    tooltips = bench.has("text_document.document_link.tooltip_support")
    assert tooltips or all(each.tooltip is None for each in found)


@feature
async def formatting(bench: Bench) -> None:
    """There is no formatter here: it is not offered, so that the editor's own is asked."""
    assert not bench.can.document_formatting_provider
    assert not bench.can.document_range_formatting_provider


@feature
async def call_hierarchy(bench: Bench) -> None:
    params = types.CallHierarchyPrepareParams(bench.document, bench.at("greet"))
    found = await bench.client.text_document_prepare_call_hierarchy_async(params)
    assert found and found[0].name == "greet"
    called = await bench.client.call_hierarchy_incoming_calls_async(types.CallHierarchyIncomingCallsParams(found[0]))
    assert called
    params = types.CallHierarchyPrepareParams(bench.document, bench.at("flow"))
    found = await bench.client.text_document_prepare_call_hierarchy_async(params)
    assert found
    calls = await bench.client.call_hierarchy_outgoing_calls_async(types.CallHierarchyOutgoingCallsParams(found[0]))
    assert calls and [each.to.name for each in calls] == ["plan", "step_2"]


@feature
async def file_rename(bench: Bench) -> None:
    other = bench.folder / f"other.{bench.suffix}"
    moved = types.FileRename(bench.library.as_uri(), other.as_uri())
    edit = await bench.client.workspace_will_rename_files_async(types.RenameFilesParams([moved]))
    assert edit is not None
    assert ["other" in each.new_text for each in edits(edit, bench)] == [True]


@feature
async def incremental_changes(bench: Bench) -> None:
    """The last of all: the text is another then."""
    start, end = bench.at("sistem"), bench.at("sistem", "sistem")
    change = types.TextDocumentContentChangePartial(range=types.Range(start, end), text="system")
    document = types.VersionedTextDocumentIdentifier(uri=bench.path.as_uri(), version=2)
    bench.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
    if bench.can.diagnostic_provider is not None:
        report = await bench.client.text_document_diagnostic_async(types.DocumentDiagnosticParams(bench.document))
        assert isinstance(report, types.RelatedFullDocumentDiagnosticReport) and not report.items
    else:
        while bench.client.diagnostics[bench.path.as_uri()]:
            await asyncio.wait_for(bench.client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS), 30)


@pytest_asyncio.fixture(params=[(editor, suffix) for editor in EDITORS for suffix in LIBRARIES], ids="-".join)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    editor, suffix = request.param
    text = LUA if suffix == "lua" else JAVASCRIPT
    (tmp_path / "llmspell.toml").write_text("")
    # Programs that format are found in PATH; there is none.
    empty = tmp_path / "bin"
    empty.mkdir()
    environ = {**os.environ, "PATH": str(empty), "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    config = ClientServerConfig([sys.executable, "-m", "llmspell", "lsp"], server_env=environ)
    client = await config.start()
    assert isinstance(client, LanguageClient)
    folder = types.WorkspaceFolder(uri=tmp_path.as_uri(), name="project")
    params = types.InitializeParams(
        client_capabilities(editor),
        workspace_folders=[folder],
        root_uri=tmp_path.as_uri(),
        initialization_options={"commands": ["llmspell.run"]},
    )
    result = await client.initialize_session(params)
    made = Bench(client, result.capabilities, tmp_path, suffix, text)
    made.library.write_text(LIBRARIES[suffix])
    made.path.write_text(text)
    language = "lua" if suffix == "lua" else "javascript"
    document = types.TextDocumentItem(made.path.as_uri(), language, 1, text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(document))
    yield made
    await client.shutdown_session()
    await client.stop()
    assert client.error is None


async def test_every_feature_works_as_the_editor_can_show_it(bench: Bench) -> None:
    failed: dict[str, str] = {}
    for name, check in FEATURES.items():
        try:
            await check(bench)
        except (AssertionError, KeyError, StopIteration, ValueError, RuntimeError) as error:
            failed[name] = f"{type(error).__name__}: {error}"[:600]
    assert failed == {}


def test_every_request_of_the_server_is_asked_here() -> None:
    """By the names of pygls's own methods, in this file's text."""
    text = Path(__file__).read_text(encoding="utf-8")
    asked = {method.name for method in requests.methods()} - APART
    unasked = {name for name in asked if f".{spelled(name)}_async(" not in text and f".{spelled(name)}(" not in text}
    assert unasked == set()


#: The session's own, and what is tested where it has an effect: `test_synchronization`, `test_workspace`,
#: `test_formatting`.
APART = {
    *("initialize", "initialized", "shutdown", "exit", "$/setTrace"),
    *("textDocument/didSave", "textDocument/didClose"),
    *(f"workspace/didChange{each}" for each in ("Configuration", "WatchedFiles", "WorkspaceFolders")),
    *("textDocument/formatting", "textDocument/rangeFormatting"),
}


def spelled(method: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in method.replace("/", "_"))
