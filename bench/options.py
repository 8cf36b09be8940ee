"""The options of a run of the benchmark."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """The number and length of measurements; times in seconds, rates in orders a second."""

    state: Path  # everything that the servers and contestants write goes here
    scenarios: Sequence[str]
    contestants: Sequence[str]
    runs: int
    seconds: int  # whole ones, for wrk knows no others
    long_seconds: int  # of load in `end-to-end`
    warm_up_seconds: int
    rates: Sequence[float]  # that `sustained` tries
    rate: float | None  # that `latency` takes its shares of
    growth_to: int
    connections: int = 64
