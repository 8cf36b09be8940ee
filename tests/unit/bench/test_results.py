"""What becomes of the runs' figures: medians, comparisons, tables, JSON and the chart."""

import json
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench.errors import NotMeasured
from bench.report.chart import draw
from bench.report.document import write
from bench.report.table import cell, show
from bench.result import Comparison, Result


def accept_result() -> Result:
    """Return three runs of two contestants; a third was left out."""
    result = Result("accept", "orders", Comparison("accepted/s", to="go"))
    for ours, theirs in ((100.0, 90.0), (120.0, 80.0), (90.0, 100.0)):
        result.record("product", {"accepted/s": ours, "errors": 0})
        result.record("go", {"accepted/s": theirs, "errors": 0})
    result.skipped["fastapi"] = "needs FastAPI"
    return result


def test_a_row_is_compared_by_the_medians() -> None:
    summary = accept_result().summary()
    assert summary["product"]["accepted/s ÷ go"] == pytest.approx(100 / 90)
    assert summary["go"]["accepted/s ÷ go"] == 1


def test_nothing_is_compared_with_a_row_that_is_not_there() -> None:
    result = Result("accept", "orders", Comparison("accepted/s", to="go"))
    result.record("product", {"accepted/s": 100.0})
    assert result.summary() == {"product": {"accepted/s": 100.0}}


def test_the_json_has_every_run_and_what_was_left_out(tmp_path: Path) -> None:
    file = tmp_path / "new" / "result.json"
    write(file, {"commit": "abc"}, {"accept": accept_result()})
    document = json.loads(file.read_text())
    assert document["commit"] == "abc"
    found = document["scenarios"]["accept"]
    assert [run["accepted/s"] for run in found["rows"]["product"]["runs"]] == [100, 120, 90]
    assert found["rows"]["product"]["median"]["accepted/s"] == 100
    assert found["skipped"] == {"fastapi": "needs FastAPI"}
    assert [each.name for each in file.parent.iterdir()] == ["result.json"]


def test_the_table_shows_medians_and_reasons_but_no_column_of_zeros() -> None:
    console = Console(width=132, record=True, file=StringIO())
    show(console, accept_result())
    text = console.export_text()
    assert "accepted/s ÷ go" in text
    assert "fastapi: needs FastAPI" in text
    assert "errors" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.0, "0"), (3.0, "3"), (0.987, "0.99"), (45.67, "45.7"), (12345.6, "12,346")],
)
def test_a_cell_has_the_decimals_that_its_size_has_use_for(value: float | None, text: str) -> None:
    assert cell(value) == text


def test_a_chart_of_nothing_says_what_it_would_show(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="accept, end-to-end, latency"):
        draw(tmp_path / "chart.svg", {})


@pytest.mark.skipif(find_spec("matplotlib") is not None, reason="matplotlib is installed")
def test_without_matplotlib_the_chart_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="it needs matplotlib: make bench installs it"):
        draw(tmp_path / "chart.svg", {"accept": accept_result()})


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="needs matplotlib")
def test_a_chart_names_the_contestants(tmp_path: Path) -> None:
    draw(tmp_path / "chart.svg", {"accept": accept_result()})
    assert "<svg" in (tmp_path / "chart.svg").read_text()
