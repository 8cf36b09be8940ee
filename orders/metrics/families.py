"""Metric families from rows: the labels' values, and then the figure."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

Rows = Iterable[tuple[Any, ...]]


def gauge(name: str, text: str, labels: Sequence[str], rows: Rows) -> Metric:
    """Return figures that go up and down."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for *values, figure in rows:
        family.add_metric(values, figure)
    return family


def counter(name: str, text: str, labels: Sequence[str], rows: Rows) -> Metric:
    """Return figures that only grow. The name ends in _total."""
    family = CounterMetricFamily(name, text, labels=labels)
    for *values, figure in rows:
        family.add_metric(values, figure)
    return family


def histogram(
    name: str, text: str, labels: Sequence[str], bounds: Sequence[float], rows: Rows
) -> Metric:
    """Return distributions: each row ends with how many are in each bucket, and their sum.

    There is one bucket more than upper `bounds`; counts are not cumulative.
    """
    family = HistogramMetricFamily(name, text, labels=labels)
    edges = [*map(floatToGoString, bounds), "+Inf"]
    for *values, counts, total in rows:
        family.add_metric(values, list(zip(edges, accumulate(counts), strict=True)), total)
    return family
