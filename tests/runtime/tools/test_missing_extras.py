"""A tool whose library is not installed says so in one error that names the command to run, whoever imports it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import ToolError
from llmspell.tools.catalog import TOOLS
from llmspell.tools.extras import EXTRAS

KEY = "00" * 32
#: By tool: the library it needs, and a call that needs it. `{url}` is a server that has a page and a feed.
CALLS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "json": ("jsonpath", {"operation": "query", "text": '{"a":1}', "query": "$.a"}, {}),
    "xml": ("defusedxml", {"operation": "parse", "text": "<a/>"}, {}),
    "web_scraper": ("bs4", {"operation": "text", "url": "{url}/page"}, {}),
    "rss_feed": ("feedparser", {"url": "{url}/page"}, {}),
    "email": (
        "aiosmtplib",
        {"to": "a@example.org", "body": "x"},
        {"smtp_server": "127.0.0.1:1", "from_address": "b@example.org"},
    ),
    "linear_algebra": ("numpy", {"operation": "transpose", "a": [[1, 2]]}, {}),
    "symbolic_math": ("sympy", {"operation": "simplify", "expression": "x + x"}, {}),
    "scheduler": ("cronsim", {"operation": "next", "cron": "0 9 * * *"}, {}),
    "encryption": ("cryptography", {"operation": "encrypt", "text": "a", "passphrase": "a long secret"}, {}),
    "signature": (
        "cryptography",
        {"operation": "verify", "text": "a", "public_key": "x", "sig": "eA==", "algorithm": "ed25519"},
        {},
    ),
    "markdown": ("markdown_it", {"operation": "to_html", "text": "# a"}, {}),
    "pdf_reader": ("pypdf", {"operation": "text", "path": "a.pdf"}, {}),
    "chart_generator": ("matplotlib", {"operation": "bar", "rows": [{"a": "x", "b": 1}], "x": "a", "y": ["b"]}, {}),
}
#: Tools whose own tests show it, beside the services that they stand for.
ELSEWHERE = {"aws", "kubernetes", "embedding", "vector_search", "image_generation", "audio_transcribe"}


def test_every_tool_with_an_extra_is_in_the_table() -> None:
    assert {entry.name for entry in TOOLS if entry.extra} - ELSEWHERE == set(CALLS)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """`without(library)`: as if it were not installed, here and in every process that is given this one's path."""

    def hidden(library: str) -> None:
        folder = tmp_path / "hidden" / library
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(
            f"raise ModuleNotFoundError(\"No module named '{library}'\", name='{library}')\n"
        )
        for name in [name for name in sys.modules if name.partition(".")[0] == library]:
            monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setitem(sys.modules, library, None)
        monkeypatch.syspath_prepend(str(folder.parent))

    return hidden


@pytest.mark.parametrize("name", CALLS)
async def test_a_missing_library_is_one_error_that_says_what_to_install(
    call: Any, without: Any, serving: str, project: Path, name: str
) -> None:
    library, params, options = CALLS[name]
    entry = next(entry for entry in TOOLS if entry.name == name)
    module, _, kind = entry.target.partition(":")
    tool = getattr(importlib.import_module(module), kind)
    (project / "a.pdf").write_bytes(b"%PDF-1.4\n")
    asked = {key: value.format(url=serving) if key == "url" else value for key, value in params.items()}
    without(library)
    with pytest.raises(ToolError) as error:
        await call(tool, asked, options=options, net=["127.0.0.1"])
    assert error.value.hint == f"pip install 'llmspell[{entry.extra}]'"
    assert library in error.value.message
    assert "Traceback" not in error.value.message
    assert name == "linear_algebra" or EXTRAS[library] == entry.extra


@pytest.fixture
async def serving() -> Any:
    from aiohttp import web

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<rss version='2.0'><channel/></rss>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/page", page)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
