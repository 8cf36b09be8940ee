"""The figures that most people ask for, as one picture (SVG)."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.errors import NotMeasured
from bench.result import Result

WIDTH, HEIGHT = 12.0, 3.6  # inches
BAR = 0.14  # thickness for each bar there is, so that two are not fat
OURS, OTHERS = "#2563eb", "#94a3b8"
BARS: Mapping[str, tuple[str, str]] = {  # scenario: the figure, and what it is called
    "accept": ("accepted/s", "orders accepted a second"),
    "end-to-end": ("persisted/s", "orders persisted a second"),
}
LATENCY = "latency"
LATENCIES = {"answer, p50": "p50 ms", "answer, p99": "p99 ms", "row, p99": "to row p99 ms"}


def draw(file: Path, results: Mapping[str, Result]) -> None:
    """Draw what `results` have of accepting, persisting and latency, a panel each.

    Raises NotMeasured where there is nothing to draw, or nothing to draw it with.
    """
    panels = [results[name] for name in (*BARS, LATENCY) if name in results and results[name].rows]
    if not panels:
        raise NotMeasured(f"no chart: it shows {', '.join([*BARS, LATENCY])}, none was measured")
    if find_spec("matplotlib") is None:
        raise NotMeasured("no chart: it needs matplotlib: make bench installs it")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    for axes, result in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _draw_latency(axes, result) if result.scenario == LATENCY else _draw_bars(axes, result)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, format="svg", metadata={"Date": None})


def _draw_bars(axes: Any, result: Result) -> None:
    figure, title = BARS[result.scenario]
    names = [*reversed(result.rows)]  # the first one is on top
    values = [result.median(name, figure) or 0.0 for name in names]
    colours = [OURS if name == "product" else OTHERS for name in names]
    bars = axes.barh(names, values, height=BAR * len(names), color=colours)
    axes.bar_label(bars, [f"{value:,.0f}" for value in values], padding=3)
    axes.margins(x=0.25)
    axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    _finish(axes, title, result)


def _draw_latency(axes: Any, result: Result) -> None:
    rows: Sequence[str] = [*result.rows]
    for label, figure in LATENCIES.items():
        values = [result.median(row, figure) for row in rows]
        axes.plot([row.replace(", ", "\n") for row in rows], values, marker="o", label=label)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")  # ten labels a decade would stand on one another
    axes.legend(frameon=False)
    _finish(axes, "milliseconds, by share of the sustained rate", result)


def _finish(axes: Any, title: str, result: Result) -> None:
    axes.set_title(f"{result.scenario}: {title}", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
