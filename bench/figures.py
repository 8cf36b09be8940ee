"""Figures computed from measurements: medians, ratios, the sustained rate. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

SLACK_SECONDS = 1.0  # by which a queue may be longer than before and still not be growing

Figures = Mapping[str, float]  # what one run has measured, by name and unit


class Look(NamedTuple):
    """The backlog at one moment."""

    at: float  # seconds from the start of the load
    waiting: int  # orders accepted and not persisted


def medians(runs: Sequence[Figures]) -> dict[str, float]:
    """Return the median of each figure over the runs that have it."""
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: median(run[name] for run in runs if name in run) for name in names}


def is_sustained(
    looks: Sequence[Look], *, rate: float, seconds: float, p99: float, failed: int
) -> bool:
    """Return whether `rate` orders a second can go on for ever, as far as a load of it shows.

    Neither of the two queues may grow. That of accepted orders: its largest length in the last
    third of the `seconds` is at most that of the first two and what arrives in a second. That in
    front of the server: 99 % of the answers (`p99`, in seconds) come within a second of when their
    request was due. And nothing may have failed.
    """
    end = 2 * seconds / 3
    early = max((look.waiting for look in looks if look.at < end), default=0)
    late = max((look.waiting for look in looks if end <= look.at <= seconds), default=0)
    kept_up = late <= early + rate * SLACK_SECONDS and p99 <= SLACK_SECONDS
    return kept_up and failed == 0


def fall(first: float, last: float) -> float:
    """Return by how much a rate has fallen, in percent of the first; negative where it rose."""
    return 100 * (1 - last / first) if first else 0.0
