"""Draws charts with matplotlib, without a screen and without a trace of the machine.

The only place that imports it. It is heavy, and comes with the extra ``report``.
"""

import io
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a first start has much to tell

from matplotlib import dates, rc_context  # noqa: E402  # it speaks while it is imported
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import (  # noqa: E402
    FuncFormatter,
    MaxNLocator,
    MultipleLocator,
    StrMethodFormatter,
)

from bulkpost.reporting.page.clock import clock_marks  # noqa: E402
from bulkpost.reporting.page.svg import INKS  # noqa: E402

_POINTS_PER_INCH: Final = 72
_DAY_S: Final = 86_400
_COLOR: Final = {ink: color for color, ink in INKS.items()}
_GAPS_NARROW_MAX: Final = 3
_GAPS_WIDE_MAX: Final = 7
_METADATA: Final = {"Date": None, "Creator": None, "Format": None, "Type": None}


@dataclass(frozen=True, slots=True)
class Size:
    """A drawing's size in units of its own, in which text is twelve high.

    Attributes:
        name: "wide" for a screen or paper, "narrow" for a telephone.
    """

    name: str
    width: int
    height: int

    @property
    def is_narrow(self) -> bool:
        """Whether there is room for little."""
        return self.name == "narrow"


SIZES: Final = (Size("wide", 760, 240), Size("narrow", 340, 220))


@dataclass(frozen=True, slots=True)
class Frame:
    """What is around a drawing.

    Attributes:
        name: No other drawing of the page may have it: its ids are made of it.
        unit: What the values are.
        size: How large it is.
        is_whole: The values are counts: nothing between them is marked.
    """

    name: str
    unit: str
    size: Size
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """The stretches of time that values are for.

    Attributes:
        starts_at: When each of them begins, UTC.
        length_s: How long each of them is.
    """

    starts_at: Sequence[datetime]
    length_s: float


@dataclass(frozen=True, slots=True)
class Line:
    """One row of values of a chart.

    Attributes:
        name: What the legend says.
        ink: Its colour, a name of ``INKS``.
        values: One for each stretch; None where there is none.
        dash: How the line is broken: told apart without colours, too.
        mark: What stands at its points.
    """

    name: str
    ink: str
    values: Sequence[float | None]
    dash: str = "-"
    mark: str = ""


def over_time(times: Times, lines: Sequence[Line], frame: Frame) -> str:
    """Draw values against the clock, UTC, as lines."""

    def draw(axes: Axes) -> None:
        half = timedelta(seconds=times.length_s / 2)
        middles = _numbers([start + half for start in times.starts_at])
        for line in lines:
            axes.plot(
                middles,
                [math.nan if value is None else value for value in line.values],
                color=_COLOR[line.ink],
                linestyle=line.dash,
                linewidth=1.8,
                marker=line.mark,
                markersize=4,
                label=line.name,
            )
        _clock(axes, times, frame.size)

    return _drawn(draw, frame, len(lines))


def piled_over_time(times: Times, lines: Sequence[Line], frame: Frame) -> str:
    """Draw values against the clock, UTC, as bars piled up."""

    def draw(axes: Axes) -> None:
        lefts = _numbers(times.starts_at)
        width = times.length_s / _DAY_S
        floor = [0.0] * len(lefts)
        for line in lines:
            heights = [value or 0.0 for value in line.values]
            axes.bar(lefts, heights, width, floor, align="edge", label=line.name, **_block(line))
            floor = [below + height for below, height in zip(floor, heights, strict=True)]
        _clock(axes, times, frame.size)

    return _drawn(draw, frame, len(lines))


def shares(names: Sequence[str], lines: Sequence[Line], frame: Frame) -> str:
    """Draw the shares of wholes as one bar for each name, the first on top."""

    def draw(axes: Axes) -> None:
        places = list(range(len(names)))
        floor = [0.0] * len(names)
        for line in lines:
            widths = [value or 0.0 for value in line.values]
            axes.barh(places, widths, 0.7, floor, label=line.name, **_block(line))
            floor = [below + width for below, width in zip(floor, widths, strict=True)]
        axes.set_yticks(places, list(names))
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_locator(MultipleLocator(0.25))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        axes.grid(visible=False, axis="y")

    size = frame.size
    rows = (2 if size.is_narrow else 1) + len(names)
    tall = replace(frame, size=replace(size, height=50 + 26 * rows))
    return _drawn(draw, tall, len(lines))


def _drawn(draw: Callable[[Axes], None], frame: Frame, lines: int) -> str:
    size, unit = frame.size, frame.unit
    with rc_context(_settings(f"{frame.name}-{size.name}")):
        figure = Figure(
            figsize=(size.width / _POINTS_PER_INCH, size.height / _POINTS_PER_INCH),
            layout="constrained",
        )
        axes = figure.add_subplot()
        draw(axes)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if unit:
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2, integer=frame.is_whole))
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            axes.set_title(unit, loc="left")
        if lines > 1:
            figure.legend(
                *axes.get_legend_handles_labels(),
                loc="outside upper left" if not unit else "outside lower left",
                ncols=lines if not size.is_narrow else 2,
            )
        file = io.StringIO()
        FigureCanvasSVG(figure).print_svg(file, metadata=_METADATA)
        return file.getvalue()


def _settings(salt: str) -> Any:
    ink, quiet, grid = _COLOR["ink"], _COLOR["quiet"], _COLOR["grid"]
    return {
        "axes.axisbelow": True,
        "axes.edgecolor": quiet,
        "axes.facecolor": "none",
        "axes.grid": True,
        "axes.labelcolor": ink,
        "axes.titlecolor": ink,
        "axes.titlesize": 12,
        "figure.facecolor": "none",
        "font.family": "DejaVu Sans",  # it comes with matplotlib, and is wider than most
        "font.size": 12,
        "grid.color": grid,
        "grid.linewidth": 0.8,
        "legend.fontsize": 12,
        "legend.frameon": False,
        "legend.handlelength": 2.4,
        "legend.labelcolor": ink,
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "text.color": ink,
        "timezone": "UTC",
        "xtick.color": quiet,
        "xtick.labelcolor": ink,
        "xtick.major.pad": 7,
        "ytick.color": quiet,
        "ytick.labelcolor": ink,
    }


def _block(line: Line) -> dict[str, Any]:
    return {"color": _COLOR[line.ink], "edgecolor": _COLOR["paper"], "linewidth": 0.5}


def _clock(axes: Axes, times: Times, size: Size) -> None:
    start_at = times.starts_at[0]
    whole_s = len(times.starts_at) * times.length_s
    axes.set_xlim(*_numbers([start_at, start_at + timedelta(seconds=whole_s)]))
    marks = clock_marks(start_at, whole_s, _GAPS_NARROW_MAX if size.is_narrow else _GAPS_WIDE_MAX)
    axes.set_xticks(_numbers([at for at, _ in marks]), [text for _, text in marks])


def _numbers(times: Sequence[datetime]) -> list[float]:
    return [float(number) for number in dates.date2num(times)]
