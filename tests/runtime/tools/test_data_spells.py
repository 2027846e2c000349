"""Data and document tools as spells call them, in both languages: a pipeline, its replay, a model's own calls."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import SchemaError, ToolError

SPELLS = {
    "lua": """
        local table_ = CsvReader.new():execute{ file_path = "data.csv" }
        local cleaned = DataCleaner.new():execute(table_)
        local picture = ChartGenerator.new{ format = "svg", width = 300 }:execute{ operation = "visualize", rows = cleaned.rows }
        local sums = Sqlite.new():execute{ operation = "query", data = { sales = cleaned.rows },
          sql = "SELECT sum(price) AS total FROM sales WHERE price > ?", parameters = { 1 } }
        local files = FileWriter.new{ base_dir = "./output/r" }
        local written = files:execute{ path = "report.md", content = "# Sales\\n\\nTotal: " .. sums.rows[1].total .. "\\n" }
        local page = Markdown.new():execute{ operation = "to_html", path = written.path }
        local change = Diff.new():execute{ operation = "compare", old = "a\\n", new = "b\\n" }
        local feed = Xml.new():execute{ operation = "query", text = "<a><b id='1'/></a>", query = "b/@id" }
        return { cleaned.rows, picture.kind, picture.width, sums.rows, written, page.html, change.added, feed.matches }
    """,
    "js": """
        const table = await new CsvReader().execute({ filePath: "data.csv" });
        const cleaned = await new DataCleaner().execute(table);
        const picture = await new ChartGenerator({ format: "svg", width: 300 })
          .execute({ operation: "visualize", rows: cleaned.rows });
        const sums = await new Sqlite().execute({ operation: "query", data: { sales: cleaned.rows },
          sql: "SELECT sum(price) AS total FROM sales WHERE price > ?", parameters: [1] });
        const files = new FileWriter({ baseDir: "./output/r" });
        const written = await files.execute({ path: "report.md", content: `# Sales\\n\\nTotal: ${sums.rows[0].total}\\n` });
        const page = await new Markdown().execute({ operation: "to_html", path: written.path });
        const change = await new Diff().execute({ operation: "compare", old: "a\\n", new: "b\\n" });
        const feed = await new Xml().execute({ operation: "query", text: "<a><b id='1'/></a>", query: "b/@id" });
        return [cleaned.rows, picture.kind, picture.width, sums.rows, written, page.html, change.added, feed.matches];
    """,
}
both = pytest.mark.parametrize("language", ["lua", "js"])


@both
async def test_a_pipeline_of_data_tools_and_its_replay(cast: Any, language: str, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("city;price\nOslo; 5\nOslo;5\nRome;8\n")
    done = await cast(**{language: SPELLS[language]})
    rows, kind, width, sums, written, html, added, matches = done.value
    assert rows == [{"city": "Oslo", "price": 5}, {"city": "Rome", "price": 8}]
    assert (kind, width, sums, added, matches) == ("bar", 300, [{"total": 13}], 1, ["1"])
    assert written == {"path": "output/r/report.md", "size": 19, "created": True}
    assert html == "<h1>Sales</h1>\n<p>Total: 13</p>\n"
    (tmp_path / "data.csv").unlink()
    (tmp_path / "output/r/report.md").unlink()
    again = await cast(**{language: SPELLS[language]}, replay=done.recording)
    assert again.value == done.value, "a replay reads and writes no file"
    assert not (tmp_path / "output/r/report.md").exists()


@both
async def test_what_is_refused_is_told_to_the_script(cast: Any, language: str, tmp_path: Path) -> None:
    spell = {
        "lua": """
            local found = {}
            for _, call in ipairs{
              function() Sqlite.new():execute{ operation = "execute", sql = "DROP TABLE t", path = "a.db" } end,
              function() FileWriter.new{ base_dir = "elsewhere" }:execute{ path = "x", content = "" } end,
              function() Markdown.new():execute{ operation = "to_htm", text = "" } end,
              function() Xml.new():execute{ operation = "parse", text = "<a>" } end,
            } do
              local ok, problem = pcall(call)
              found[#found + 1] = problem.type
            end
            return found
        """,
        "js": """
            const found = [];
            for (const call of [
              () => new Sqlite().execute({ operation: "execute", sql: "DROP TABLE t", path: "a.db" }),
              () => new FileWriter({ baseDir: "elsewhere" }).execute({ path: "x", content: "" }),
              () => new Markdown().execute({ operation: "to_htm", text: "" }),
              () => new Xml().execute({ operation: "parse", text: "<a>" }),
            ]) {
              try { await call(); } catch (problem) { found.push(problem.type); }
            }
            return found;
        """,
    }[language]
    done = await cast(**{language: spell})
    assert done.value == ["permission", "permission", SchemaError.kind, ToolError.kind]


@both
async def test_a_time_limit_ends_the_work(cast: Any, language: str) -> None:
    query = "$" + "..*" * 12 + ".zzz"
    spell = {
        "lua": f"""
            local deep = 1
            for _ = 1, 60 do deep = {{ a = deep, b = {{ 1 }} }} end
            return Async.timeout(1000, function()
              return Json.new():execute{{ operation = "query", data = deep, query = "{query}" }}
            end)
        """,
        "js": f"""
            let deep = 1;
            for (let n = 0; n < 60; n++) deep = {{ a: deep, b: [1] }};
            return await Async.timeout(1000, () => new Json().execute({{ operation: "query", data: deep, query: "{query}" }}));
        """,
    }[language]
    done = await cast(**{language: spell})
    assert done.result.error is not None and done.result.error.type == "timeout"


async def test_a_chart_is_an_artifact(cast: Any, tmp_path: Path) -> None:
    done = await cast(
        lua="""
        return ChartGenerator.new():execute_detailed{ operation = "bar", path = "output/a.png",
          rows = { { city = "Oslo", n = 1 }, { city = "Rome", n = 2 } } }
        """
    )
    assert done.value["artifacts"] == [{"type": "image/png", "path": "output/a.png"}]
    assert (tmp_path / "output/a.png").read_bytes().startswith(base64.b64decode("iVBORw0K"))
