"""Percentiles by the nearest rank. Pure."""

from collections.abc import Iterable


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the value that `percent` of `values` do not exceed (nearest rank), 0 of none."""
    ranked = sorted(values)
    rank = -int(-len(ranked) * percent // 100)  # rounded up
    return ranked[max(0, rank - 1)] if ranked else 0.0
