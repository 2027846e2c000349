"""The files in `generated/` are those that the registry gives."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmspell.api import event_kinds, fields, hook_points
from llmspell.api.gen import drift
from llmspell.api.registry import GENERATED
from llmspell.api.stubs import reference


def test_no_generated_file_has_drifted() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "llmspell.api.gen", "--check"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"run `make gen` and commit what it writes:\n{done.stderr}"


def test_a_changed_a_missing_and_a_forgotten_file_are_drift(tmp_path: Path) -> None:
    same, changed, missing, forgotten = (tmp_path / f"{name}.gen.md" for name in ("same", "changed", "missing", "old"))
    same.write_text("text")
    changed.write_text("other")
    forgotten.write_text("text")
    (tmp_path / "notes.md").write_text("not generated")
    expected = {same: "text", changed: "text", missing: "text"}
    assert drift(expected, tmp_path) == [changed, missing, forgotten]


def test_generating_twice_gives_the_same(described: dict[str, Any]) -> None:
    assert reference.pages(described) == reference.pages(described)


def test_every_field_of_hooks_and_events_is_described() -> None:
    for point in hook_points.POINTS:
        for name in (*point.writable, *point.readable):
            assert fields.schema(point.name, name)["description"]
    for kind in event_kinds.KINDS:
        for name in kind.fields:
            assert fields.schema(kind.name, name)["description"]


def test_what_changes_case_at_run_time_is_what_is_described() -> None:
    """The schemas that name a context's and a payload's keys, against the described fields."""
    for schema in (hook_points.CONTEXT_SCHEMA, event_kinds.PAYLOAD_SCHEMA):
        for name, inner in schema["properties"].items():
            known = fields.FIELDS.get(name)
            assert known is not None, name
            declared = inner.get("items", inner).get("properties", {})
            assert declared.keys() <= known.get("items", known).get("properties", {}).keys(), name


def test_links_between_pages_lead_somewhere(described: dict[str, Any]) -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in (GENERATED / "reference").glob("*.md")}
    for pages in (reference.pages(described), written):
        for name, text in pages.items():
            headings = {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings_of(text)}
            for page, anchor in re.findall(r"\]\(([\w.]*)#?([\w-]*)\)", text):
                assert not page or page in pages, f"{name} links to {page}"
                assert not anchor or anchor in headings, f"{name} links to #{anchor}"


def headings_of(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.M)


@pytest.mark.mission(161)
def test_every_class_has_a_page_that_shows_both_languages(described: dict[str, Any]) -> None:
    pages = reference.pages(described)
    for name, owner in described["classes"].items():
        if owner["tool"] is None:
            page = pages[f"{name}.gen.md" if name[0].isupper() else f"{name}_.gen.md"]
            for member in (*owner["methods"], *owner["statics"]):
                assert f"`{member}`" in page
    assert "agent:chat(message: string" in pages["Agent.gen.md"]
    assert "agent.chat(message: string" in pages["Agent.gen.md"]
    assert "CalculatorTool.new():execute({ expression = " in pages["tools.gen.md"]
    assert "await new CalculatorTool().execute({ expression: " in pages["tools.gen.md"]
