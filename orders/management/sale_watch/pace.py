"""The pace of a sale: rates and waiting times from live stats, second by second."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from orders.reads.live_stats import SETTLED_SECONDS, Stats

RECENT_SECONDS = 10  # that rates and waiting times are taken over
SHOWN_SECONDS = 60
_NOTHING = Stats(outcomes={}, latency=[], latency_ms=0, batches=[], batched=0, persisted=0)


@dataclass(frozen=True, slots=True)
class Pace:
    """Counts per second, on average over the last RECENT_SECONDS."""

    answers: float
    accepted: float
    replayed: float
    rejected: dict[str, float]  # by outcome, the most frequent first
    persisted: float
    p50_ms: float | None  # an upper bound, infinite beyond the last; None without answers
    p99_ms: float | None
    last_minute: list[int]  # orders accepted in each second, the oldest first


def wanted_seconds(now: float) -> tuple[int, int]:
    """Return the Unix seconds after which and until which a pace at `now` is taken."""
    until = int(now) - SETTLED_SECONDS
    return until - SHOWN_SECONDS, until


def pace_of(counted: Mapping[int, Stats], *, until: int) -> Pace:
    """Return the pace at second `until`; seconds that are not counted were quiet."""
    minute = [
        counted.get(second, _NOTHING) for second in range(until - SHOWN_SECONDS + 1, until + 1)
    ]
    recent = _summed(minute[-RECENT_SECONDS:])
    rates = {name: n / RECENT_SECONDS for name, n in Counter(recent.outcomes).most_common()}
    return Pace(
        answers=sum(rates.values(), 0.0),
        accepted=rates.get("accepted", 0.0),
        replayed=rates.get("replayed", 0.0),
        rejected={name: rate for name, rate in rates.items() if name in recent.refused},
        persisted=recent.persisted / RECENT_SECONDS,
        p50_ms=recent.latency_quantile_ms(0.5),
        p99_ms=recent.latency_quantile_ms(0.99),
        last_minute=[figures.accepted for figures in minute],
    )


def _summed(seconds: list[Stats]) -> Stats:
    outcomes: Counter[str] = Counter()
    for figures in seconds:
        outcomes.update(figures.outcomes)
    latencies = [figures.latency for figures in seconds if figures.latency]
    return Stats(
        outcomes=outcomes,
        latency=[sum(bucket) for bucket in zip(*latencies, strict=True)],
        latency_ms=sum(figures.latency_ms for figures in seconds),
        batches=[],
        batched=sum(figures.batched for figures in seconds),
        persisted=sum(figures.persisted for figures in seconds),
    )
