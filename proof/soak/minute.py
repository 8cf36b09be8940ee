"""The figures of a soak's minute, and whether every duty was on time. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proof.percentiles import percentile

DUTIES = ("orders", "holds", "releases", "payments", "deliveries")
USUAL_SECONDS = 2.0  # 99 of 100 readings find nothing that is later
MOST_SECONDS = 5.0  # and none finds anything that is later than this
MEGABYTE = 1_000_000

Lateness = Mapping[str, float]  # seconds, by duty


@dataclass(frozen=True, slots=True)
class Stores:
    """Sizes of the stores, as their servers report them."""

    redis_bytes: int = 0
    database_bytes: int = 0
    dead_rows: int = 0  # not vacuumed yet
    dead_share: float = 0.0  # of the rows of the table that has most of them


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute; `readings` are what /readyz said of each duty, once a second."""

    seconds: float
    done: Mapping[str, int]  # by what was done
    latencies: Sequence[float]  # of orders, seconds
    readings: Sequence[Lateness]
    memory: Mapping[str, int]  # bytes by process, with all that it has started
    stores: Stores
    restarts: int  # in all
    discarded: int  # hints that were too old when a worker came to them, in all

    def rate(self, what: str) -> float:
        """Return how often something was done a second."""
        return self.done.get(what, 0) / self.seconds if self.seconds else 0.0

    def latest(self, duty: str) -> float:
        """Return the most that a duty was late, in seconds."""
        return max((reading.get(duty, 0.0) for reading in self.readings), default=0.0)


def late(minutes: Sequence[Minute]) -> dict[str, str]:
    """Return the duties that were not on time, each with how late it was."""
    found = {}
    for duty in DUTIES:
        seconds = [reading.get(duty, 0.0) for minute in minutes for reading in minute.readings]
        usual, most = percentile(seconds, 99), max(seconds, default=0.0)
        if usual > USUAL_SECONDS or most > MOST_SECONDS:
            found[duty] = f"{usual:.1f} s late (p99), {most:.1f} s at the most"
    return found


def growth(minutes: Sequence[Minute]) -> dict[str, float]:
    """Return by how many megabytes a minute each process grew since the end of the first one."""
    if len(minutes) < 3:  # while everything warms up, it says nothing
        return {}
    first, last = minutes[1].memory, minutes[-1].memory
    span = len(minutes) - 2
    return {name: (last[name] - first[name]) / MEGABYTE / span for name in last if name in first}
