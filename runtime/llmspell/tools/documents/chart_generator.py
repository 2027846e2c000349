"""The chart generator: what it is asked and what it gives. `charting` draws, in a process that can be ended."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from llmspell.api.bounds import Bounds, FilePath
from llmspell.api.describe import Example, ToolMark, exposed
from llmspell.errors import ToolError
from llmspell.security import files
from llmspell.tools.base import ToolContext, ToolOutput
from llmspell.tools.builtin import BuiltinTool

Name = Annotated[str, Bounds(min_length=1, max_length=500)]
Label = Annotated[str, Bounds(max_length=200)]
Kind = Literal["line", "bar", "stacked_bar", "area", "scatter", "pie", "histogram", "box"]
#: Bytes of address space: numpy and matplotlib take 500 MB of it, a picture of 4000 by 4000 pixels 200 more.
_MEMORY: Final = 2 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartGeneratorOptions:
    format: Literal["png", "svg"] = "png"
    """The kind of picture where neither the call nor the path's end says it."""

    width: Annotated[int, Bounds(ge=100, le=4000)] = 800
    """Pixels from left to right where a call does not say."""

    height: Annotated[int, Bounds(ge=100, le=4000)] = 500
    """Pixels from top to bottom where a call does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartGeneratorParams:
    operation: Literal["visualize", "line", "bar", "stacked_bar", "area", "scatter", "pie", "histogram", "box"]
    """visualize: chooses the kind that suits the data. line, area: values over time or numbers. bar: values by name,
    side by side. stacked_bar: as parts of a sum. scatter: two numbers against each other. pie: parts of a whole.
    histogram: how often values occur. box: median, quartiles and outliers of columns."""

    rows: Annotated[list[dict[str, Any]], Bounds(min_items=1, max_items=50_000)]
    """The table, as objects by column, as csv_reader, data_cleaner and statistics_calculator give it."""

    x: Name | None = None
    """The column along the horizontal axis, or that names the bars and slices; the first that is not of numbers unless
    given."""

    y: Annotated[list[Name], Bounds(min_items=1, max_items=12)] | None = None
    """The columns of numbers to draw, each a series; all of them, at most 6, unless given; of statistics the mean."""

    columns: Annotated[list[Name], Bounds(max_items=1000)] | None = None
    """Columns to look at; all unless given."""

    title: Label = ""
    """Above the chart."""

    x_label: Label | None = None
    """Below the horizontal axis; the column's name unless given."""

    y_label: Label | None = None
    """Beside the vertical axis; the column's name, where there is one, unless given."""

    horizontal: bool = False
    """For bar: whether the bars lie; better for long names."""

    log_scale: bool = False
    """Whether values grow by powers of ten along the axis."""

    bins: Annotated[int, Bounds(ge=1, le=500)] | None = None
    """For histogram: number of bars; by the data unless given."""

    format: Literal["png", "svg"] | None = None
    """The kind of picture; by the end of `path` unless given."""

    width: Annotated[int, Bounds(ge=100, le=4000)] | None = None
    """Pixels from left to right."""

    height: Annotated[int, Bounds(ge=100, le=4000)] | None = None
    """Pixels from top to bottom."""

    path: FilePath | None = None
    """The file to write, for example `output/sales.png`. Without it the picture itself is given."""

    count: int | None = None
    """Of a table of statistics_calculator: how many rows it is of; shown below the chart."""

    skipped: Annotated[list[str], Bounds(max_items=1000)] | None = None
    """Of a table of statistics_calculator: the columns that it left out; not drawn."""


class ChartGeneratorResult(TypedDict):
    kind: Kind
    """What was drawn."""
    x: str | None
    """The column along the horizontal axis."""
    y: list[str]
    """The columns drawn."""
    points: int
    """Values drawn."""
    format: Literal["png", "svg"]
    """The kind of picture."""
    width: int
    """Pixels from left to right."""
    height: int
    """Pixels from top to bottom."""
    size: int
    """Bytes of the picture."""
    path: NotRequired[str]
    """The file that was written."""
    svg: NotRequired[str]
    """The picture, of format svg and without a path."""
    base64: NotRequired[str]
    """The picture, of format png and without a path."""


@exposed(
    aliases=("ChartGenerator",),
    options=ChartGeneratorOptions,
    tool=ToolMark(
        name="chart_generator",
        category="documents",
        params=ChartGeneratorParams,
        result=ChartGeneratorResult,
        examples=(
            Example(
                {
                    "operation": "bar",
                    "rows": [{"city": "Oslo", "sales": 5}, {"city": "Rome", "sales": 8}],
                    "title": "Sales by city",
                    "path": "output/sales.png",
                },
                note="a file",
            ),
            Example(
                {
                    "operation": "line",
                    "rows": [{"day": "2026-03-01", "visits": 10}, {"day": "2026-03-02", "visits": 14}],
                    "format": "svg",
                },
                note="the picture itself, as SVG",
            ),
        ),
        permissions=("write",),
        timeout=60_000,
        max_output=30_000_000,
    ),
)
class ChartGeneratorTool(BuiltinTool[ChartGeneratorOptions]):
    """Draws a table as a chart, PNG or SVG: lines, bars, areas, points, pies, histograms, boxes.

    Give the rows and, unless it is plain from the table, the columns in x and y. Give a path to save the picture.
    """

    async def perform(self, params: dict[str, Any], context: ToolContext) -> ToolOutput:
        from llmspell.tools import aside
        from llmspell.tools.documents import charting

        asked, options = ChartGeneratorParams(**params), self.options
        form = _format(asked) or options.format
        if asked.path is not None:  # what may not be written need not be drawn
            await asyncio.to_thread(_check, asked.path, context)
        shown = {
            "format": form,
            "width": asked.width or options.width,
            "height": asked.height or options.height,
        }
        found = await aside.work(
            charting.draw,
            context,
            aside.Limits(cpu=40, memory=_MEMORY, file=10 << 20),
            asked={**{name: getattr(asked, name) for name in charting.GIVEN}, **shown},
        )
        picture: bytes = found.pop("picture")
        content = {**found, **shown, "size": len(picture)}
        if asked.path is None:
            content |= {"svg": picture.decode()} if form == "svg" else {"base64": base64.b64encode(picture).decode()}
            return ToolOutput(content, {"kind": found["kind"]})
        await asyncio.to_thread(_write, asked.path, picture, context)
        artifact = {"type": "image/svg+xml" if form == "svg" else "image/png", "path": asked.path}
        return ToolOutput({**content, "path": asked.path}, {"kind": found["kind"]}, (artifact,))


def _format(asked: ChartGeneratorParams) -> Literal["png", "svg"] | None:
    end = (asked.path or "").lower().rpartition(".")[2]
    ends: dict[str, Literal["png", "svg"]] = {"png": "png", "svg": "svg"}
    by_path = ends.get(end) if "." in (asked.path or "") else None
    if by_path and asked.format and by_path != asked.format:
        raise ToolError(f"{asked.path!r} does not end in .{asked.format}", hint="change the path or the format")
    return asked.format or by_path


def _check(path: str, context: ToolContext) -> None:
    try:
        with files.place(path, context.permissions, "write") as found:
            if found.kind not in {"missing", "file"}:
                raise ToolError(f"{path!r} is a {found.kind}, not a file", hint="give the path of a file")
    except files.MissingFile:  # its folder is made when the picture is written
        pass


def _write(path: str, picture: bytes, context: ToolContext) -> None:
    try:
        with files.place(path, context.permissions, "write", make_folders=True) as found:
            files.write_bytes(found, picture)
    except OSError as error:
        raise files.refused(path, error) from None
