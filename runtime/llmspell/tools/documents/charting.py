"""Draws a table with matplotlib. Runs in the process of `aside`, whose memory and time are bounded. Knows no files.

Pictures are the same for the same table: no date is written into them, names within them are not random. Text is drawn
as it stands: `$` begins no formula. In SVG it stays text, so that every script's letters are shown by the viewer.
"""

from __future__ import annotations

import io
import logging
import math
import warnings
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from llmspell.errors import ToolError
from llmspell.settings.check import nearest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Parameters of the tool that this module draws by.
GIVEN: Final = (
    *("operation", "rows", "columns", "x", "y", "title", "x_label", "y_label"),
    *("horizontal", "log_scale", "bins", "count"),
)
_COLORS: Final = (
    *("#3366aa", "#dd7733", "#339966", "#bb4455", "#7755aa", "#997744"),
    *("#dd77aa", "#777777", "#99aa33", "#33aabb", "#224466", "#884411"),
)
_DPI: Final = 100
_MAX_POINTS: Final = 100_000
_MAX_BARS: Final = 200
_MAX_SLICES: Final = 24
_SERIES: Final = 6
_LABEL: Final = 40
_LARGEST: Final = 1e150
_STYLE: Final[Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titleweight": "bold",
    "font.size": 10,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "llmspell",
    "text.parse_math": False,
}


def draw(asked: dict[str, Any]) -> dict[str, Any]:
    """`picture` as bytes, and `kind`, `x`, `y`, `points`. Raises ToolError."""
    import matplotlib  # 300 ms, and figure 700 more
    from matplotlib.figure import Figure

    logging.disable()
    warnings.simplefilter("ignore")
    chart = _Chart(asked)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(
            figsize=(asked["width"] / _DPI, asked["height"] / _DPI), dpi=_DPI, layout="constrained", facecolor="white"
        )
        chart.draw(figure)
        out = io.BytesIO()
        made: dict[str, Any] = {"Software": None} if asked["format"] == "png" else {"Date": None, "Creator": "llmspell"}
        figure.savefig(out, format=asked["format"], metadata=made)
    return {"picture": out.getvalue(), "kind": chart.kind, "x": chart.x, "y": chart.y, "points": chart.points}


class _Chart:
    """One chart: what is drawn against what."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.rows: list[dict[str, Any]] = asked["rows"]
        self.columns = list(dict.fromkeys(name for row in self.rows for name in row))
        for name in (asked["columns"] or []) + (asked["y"] or []) + ([asked["x"]] if asked["x"] else []):
            if name not in self.columns:
                close = nearest(name, self.columns)
                hint = f"did you mean {close!r}?" if close else f"columns: {', '.join(self.columns[:30])}"
                raise ToolError(f"there is no column {name!r}", hint=hint)
        looked_at: list[str] = asked["columns"] or self.columns
        numeric = [name for name in looked_at if self._is_numeric(name)]
        self.x = self._horizontal(looked_at, numeric)
        self.y = asked["y"] or self._vertical(numeric)
        if not self.y:
            raise ToolError("the table has no column of numbers to draw", hint="clean it with data_cleaner first")
        self.kind: str = asked["operation"]
        if self.kind == "visualize":
            self.kind = self._suitable()
        if self.kind in {"histogram", "box"}:
            self.x = None
        self.series = {name: [_number(row.get(name), name) for row in self.rows] for name in self.y}
        self.points = sum(value is not None for values in self.series.values() for value in values)
        if self.points > _MAX_POINTS:
            raise ToolError(f"more than {_MAX_POINTS} values cannot be seen", hint="draw fewer columns, or averages")
        if not self.points:
            raise ToolError(f"the columns {', '.join(self.y)} are empty", hint="clean the table first")

    def _is_numeric(self, name: str) -> bool:
        cells = [row[name] for row in self.rows if row.get(name) is not None]
        return bool(cells) and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells)

    def _horizontal(self, looked_at: list[str], numeric: list[str]) -> str | None:
        if self.asked["x"]:
            return self.asked["x"]
        named = next((name for name in looked_at if name not in numeric), None)
        if named is None and self.asked["operation"] in {"line", "area", "scatter"} and len(numeric) > 1:
            return next((name for name in numeric if name not in (self.asked["y"] or ())), None)
        if named is None and self.asked["operation"] == "visualize" and len(numeric) == 2 and not self.asked["y"]:
            return numeric[0]
        return named

    def _vertical(self, numeric: list[str]) -> list[str]:
        left = [name for name in numeric if name != self.x]
        if "mean" in left and "standard_deviation" in left:  # a table of statistics: the rest are of other sizes
            return ["mean"]
        return left[: 1 if self.asked["operation"] == "pie" else _SERIES]

    def _suitable(self) -> str:
        if self.x is None:
            return "histogram" if len(self.y) == 1 and len(self.rows) > 12 else "box" if len(self.y) > 1 else "bar"
        if self._is_numeric(self.x):
            return "scatter"
        if self._moments() is not None:
            return "line"
        return "bar" if len(self.rows) <= _MAX_BARS else "histogram"

    def _moments(self) -> list[datetime] | None:
        """The horizontal values as moments, where all of them are."""
        if self.x is None:
            return None
        found: list[datetime] = []
        for row in self.rows:
            cell = row.get(self.x)
            if not isinstance(cell, str) or not 8 <= len(cell) <= 40:
                return None
            try:
                found.append(datetime.fromisoformat(cell).replace(tzinfo=None))
            except ValueError:
                return None
        return found

    def draw(self, figure: Figure) -> None:
        engine: Any = figure.get_layout_engine()
        engine.set(w_pad=0.12, h_pad=0.12)  # inches
        axes = figure.add_subplot()
        axes.set_prop_cycle(color=_COLORS)
        {
            "line": self._line,
            "area": self._line,
            "scatter": self._scatter,
            "bar": self._bar,
            "stacked_bar": self._bar,
            "pie": self._pie,
            "histogram": self._histogram,
            "box": self._box,
        }[self.kind](axes)
        if self.asked["title"]:
            axes.set_title(self.asked["title"], pad=12)
        if self.kind != "pie":
            self._label(axes)
        if self.asked["count"] is not None:
            figure.supxlabel(f"of {self.asked['count']} rows", fontsize=8, color="#777777", x=0.99, ha="right")

    def _label(self, axes: Axes) -> None:
        lies = self.kind == "bar" and self.asked["horizontal"]
        along = self.x or (self.y[0] if self.kind == "histogram" and len(self.y) == 1 else "")
        beside = "rows" if self.kind == "histogram" else self.y[0] if len(self.y) == 1 else ""
        labels = [
            _short(given if (given := self.asked[key]) is not None else own, 200)
            for key, own in (("x_label", along), ("y_label", beside))
        ]
        (axes.set_ylabel if lies else axes.set_xlabel)(labels[0])
        (axes.set_xlabel if lies else axes.set_ylabel)(labels[1])
        if self.asked["log_scale"]:
            if any(value is not None and value <= 0 for values in self.series.values() for value in values):
                raise ToolError("a logarithmic scale has no place for 0 and below", hint="leave log_scale out")
            (axes.set_xscale if lies else axes.set_yscale)("log")
        if len(self.y) > 1 and self.kind != "box":
            beside_bars: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1)}
            axes.legend(**(beside_bars if "bar" in self.kind else {"loc": "best"}))

    def _along(self, axes: Axes) -> list[Any]:
        """Where the values stand: at moments, at numbers, else one after the other with their names."""
        moments = self._moments()
        if moments is not None:
            from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

            locator = AutoDateLocator()
            axes.xaxis.set_major_locator(locator)
            axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
            return list(moments)
        if self.x is not None and self._is_numeric(self.x):
            return [_nan(_number(row.get(self.x), self.x)) for row in self.rows]
        if self.x is not None:
            self._name(axes, lies=False)
        return list(range(len(self.rows)))

    def _name(self, axes: Axes, *, lies: bool) -> None:
        """Names along the axis, as many as can be read."""
        names = [_short(row.get(self.x) if self.x else number, _LABEL) for number, row in enumerate(self.rows, 1)]
        step = math.ceil(len(names) / 40)
        places = list(range(0, len(names), step))
        longest = max(len(names[place]) for place in places)
        if lies:
            axes.set_yticks(places, [names[place] for place in places])
            axes.invert_yaxis()
            return
        crowded = longest * len(places) * 8 > self.asked["width"] * 0.85
        axes.set_xticks(
            places,
            [names[place] for place in places],
            rotation=45 if crowded else 0,
            ha="right" if crowded else "center",
        )

    def _line(self, axes: Axes) -> None:
        along = self._along(axes)
        order = sorted(range(len(along)), key=lambda place: _order(along[place]))
        for name, values in self.series.items():
            places = [along[place] for place in order]
            heights = [_nan(values[place]) for place in order]
            (drawn,) = axes.plot(places, heights, label=_short(name, _LABEL), linewidth=2, solid_capstyle="round")
            if len(order) <= 40:
                drawn.set_marker("o")
                drawn.set_markersize(4)
            if self.kind == "area":
                axes.fill_between(places, heights, alpha=0.25, color=drawn.get_color(), linewidth=0)
        axes.margins(x=0.02)

    def _scatter(self, axes: Axes) -> None:
        along = self._along(axes)
        size = 36 if len(along) <= 200 else 12
        for name, values in self.series.items():
            heights = [_nan(value) for value in values]
            axes.scatter(along, heights, label=_short(name, _LABEL), s=size, alpha=0.75, linewidths=0)

    def _bar(self, axes: Axes) -> None:
        if len(self.rows) > _MAX_BARS:
            raise ToolError(f"more than {_MAX_BARS} bars cannot be read", hint="use line or histogram, or fewer rows")
        lies = self.kind == "bar" and self.asked["horizontal"]
        self._name(axes, lies=lies)
        axes.grid(visible=False, axis="y" if lies else "x")
        count = len(self.series)
        width = 0.8 if self.kind == "stacked_bar" else 0.8 / count
        above, below = [0.0] * len(self.rows), [0.0] * len(self.rows)
        for number, (name, values) in enumerate(self.series.items()):
            heights = [0.0 if value is None else value for value in values]
            label = _short(name, _LABEL)
            if self.kind == "stacked_bar":
                feet = [up if height >= 0 else down for height, up, down in zip(heights, above, below)]
                axes.bar(range(len(heights)), heights, width, bottom=feet, label=label)
                above = [up + max(height, 0) for up, height in zip(above, heights)]
                below = [down + min(height, 0) for down, height in zip(below, heights)]
                continue
            places = [place + (number - (count - 1) / 2) * width for place in range(len(heights))]
            if lies:
                axes.barh(places, heights, width, label=label)
            else:
                axes.bar(places, heights, width, label=label)
        if any(value is not None and value < 0 for values in self.series.values() for value in values):
            (axes.axvline if lies else axes.axhline)(0, color="#888888", linewidth=0.8)

    def _pie(self, axes: Axes) -> None:
        values = self.series[self.y[0]]
        parts = [(value, row) for value, row in zip(values, self.rows) if value]
        if len(self.y) > 1 or any(value < 0 for value, _ in parts) or not parts:
            raise ToolError("a pie needs one column of numbers above 0", hint="name it in `y`, or use bar")
        if len(parts) > _MAX_SLICES:
            raise ToolError(f"more than {_MAX_SLICES} slices cannot be read", hint="use bar, or sum up the smallest")
        names = [_short(row.get(self.x) if self.x else number, _LABEL) for number, (_, row) in enumerate(parts, 1)]
        colors = [_COLORS[place % len(_COLORS)] for place in range(len(parts))]
        axes.pie(
            [value for value, _ in parts],
            labels=names,
            colors=colors,
            autopct="%1.0f%%",
            pctdistance=0.8,
            startangle=90,
            counterclock=False,
            wedgeprops={"linewidth": 1, "edgecolor": "white"},
        )

    def _histogram(self, axes: Axes) -> None:
        together = [value for values in self.series.values() for value in values if value is not None]
        bins = self.asked["bins"] or min(100, max(5, math.ceil(2 * len(together) ** (1 / 3))))
        low, high = min(together), max(together)
        widest = max(abs(low), abs(high))
        if high - low <= widest * bins * 1e-14 or high - low < 1e-300:  # narrower bars than there are numbers
            low, high = low - max(0.5, widest * 0.01), high + max(0.5, widest * 0.01)
        for name, values in self.series.items():
            shown = [value for value in values if value is not None]
            faint = 0.6 if len(self.series) > 1 else 1
            axes.hist(shown, bins=bins, range=(low, high), label=_short(name, _LABEL), alpha=faint, edgecolor="white")

    def _box(self, axes: Axes) -> None:
        shown = [[value for value in values if value is not None] for values in self.series.values()]
        drawn = axes.boxplot(shown, patch_artist=True, widths=0.5, medianprops={"color": "#222222"})
        for place, box in enumerate(drawn["boxes"]):
            box.set_facecolor(_COLORS[place % len(_COLORS)] + "88")
        axes.set_xticks(range(1, len(shown) + 1), [_short(name, _LABEL) for name in self.series])


def _number(cell: Any, column: str) -> float | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        try:
            value = float(cell)
        except OverflowError:
            value = math.inf
        if abs(value) <= _LARGEST:
            return value
        if math.isnan(value):
            return None
        raise ToolError(f"a number in column {column!r} is too large to draw", hint=f"the most is {_LARGEST:g}")
    raise ToolError(f"{str(cell)[:80]!r} in column {column!r} is not a number", hint="clean it with data_cleaner first")


def _nan(value: float | None) -> float:
    """A gap in a line is not a number."""
    return math.nan if value is None else value


def _order(place: Any) -> Any:
    return (1, 0) if isinstance(place, float) and math.isnan(place) else (0, place)


def _short(value: Any, most: int) -> str:
    text = " ".join("".join(each if each.isprintable() else " " for each in str(value)[: most * 2]).split())
    return text if len(text) <= most else text[: most - 1] + "…"
