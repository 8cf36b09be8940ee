"""Replies and persisted orders, second by second, of all processes together, through Redis.

Every process counts for itself and adds what it counted once a second. So the figures are those of
all processes and machines together, and an order costs a few additions. They are for people and
alarms: a process that dies takes up to a second of them along, and where a connection breaks while
they are sent, that second may be counted twice. Exact numbers are in the ledger.
"""

import math
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import msgspec

from shop.core.stores.redis import client

LATENCY_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)  # upper bounds, and one without
BATCH_ORDERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)  # the same
OUTCOMES = (
    "accepted",
    "replayed",
    "sold-out",
    "purchase-limit",
    "sale-not-open",
    "sale-closed",
    "idempotency-key-reused",
    "unavailable",
)  # and, before a sale is known, the slugs of other problems
ENDED = (  # why connections were ended: slugs of problems that were answered, and silent ends
    "malformed-request",
    "target-too-long",
    "head-too-large",
    "unsupported-content-coding",
    "expectation-failed",
    "not-implemented",
    "version-not-supported",
    "request-timeout",
    "body-timeout",
    "unavailable",
    "too-many-connections",
    "silent",
    "not-reading",
    "no-place",
    "no-memory",
)
NO_SALE = 0  # requests that were refused before the counters of a sale were asked
KEPT_SECONDS = 900
SETTLED_SECONDS = 2  # by then every process has sent its counts
_YESES = ("accepted", "replayed")
_KEPT_TOTALS = 35 * 24 * 3600  # after the last order
_MOST_SECONDS = 300  # that wait for a Redis that is away, over all sales

_OUTCOME, _LATENCY, _BATCH, _ENDED = "o:", "l:", "b:", "c:"
_MICROSECONDS, _BATCHED, _PERSISTED = "us", "n", "p"


class Stats(msgspec.Struct, frozen=True):
    """The counts of a second, or of a sale since it began."""

    outcomes: dict[str, int]  # answers by outcome
    latency: list[int]  # answers per bucket of LATENCY_MS and beyond, each counted in one
    latency_ms: float  # all latencies together
    batches: list[int]  # script calls per bucket of BATCH_ORDERS and beyond
    batched: int  # orders in all script calls
    persisted: int  # orders that came into PostgreSQL
    ended: dict[str, int] = {}  # connections that were ended, by reason; of NO_SALE

    @property
    def accepted(self) -> int:
        """Orders that were accepted, repeated requests left out."""
        return self.outcomes.get("accepted", 0)

    @property
    def refused(self) -> dict[str, int]:
        """Replies other than acceptance, by outcome."""
        return {name: count for name, count in self.outcomes.items() if name not in _YESES}

    def latency_quantile_ms(self, share: float) -> float | None:
        """Return the upper bound of the bucket that `share` (0 to 1) of all answers stay within.

        Infinite where that is the last bucket; None where there was no answer.
        """
        wanted = share * sum(self.latency)
        if not wanted:
            return None
        reached = list(accumulate(self.latency))
        return (*LATENCY_MS, math.inf)[bisect_left(reached, wanted)]


class StatsDelta:
    """The counts that one process has not sent yet, by sale and Unix second."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, int], Counter[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def answered(self, sale_id: int, outcomes: Counter[str]) -> None:
        """Count answers by outcome."""
        counts = self._of_now(sale_id)
        for outcome, answers in outcomes.items():
            counts[_OUTCOME + outcome] += answers

    def decided(self, sale_id: int, since: Sequence[float], now: float) -> None:
        """Count a script call for orders that waited from `since`, oldest first, until `now`.

        Both are seconds of one monotonic clock.
        """
        counts = self._of_now(sale_id)
        counts[f"{_BATCH}{bisect_left(BATCH_ORDERS, len(since))}"] += 1
        counts[_BATCHED] += len(since)
        counts[_MICROSECONDS] += round(1e6 * (now * len(since) - sum(since)))
        youngest = len(since)
        for bucket, bound in enumerate(LATENCY_MS):
            first = bisect_left(since, now - bound / 1e3, 0, youngest)
            if first < youngest:
                counts[f"{_LATENCY}{bucket}"] += youngest - first
                youngest = first
            if not youngest:
                return
        counts[f"{_LATENCY}{len(LATENCY_MS)}"] += youngest

    def ended(self, reasons: Counter[str]) -> None:
        """Count connections that were ended because of what their clients did."""
        counts = self._of_now(NO_SALE)
        for reason, connections in reasons.items():
            counts[_ENDED + reason] += connections

    def persisted(self, sale_id: int, orders: int) -> None:
        """Count orders that came into PostgreSQL."""
        self._of_now(sale_id)[_PERSISTED] += orders

    def put_back(self, taken: "StatsDelta") -> None:
        """Take back counts that could not be sent. Of a long time, seconds become one."""
        for (sale_id, second), counts in taken._counts.items():
            crowded = len(self._counts) >= _MOST_SECONDS
            self._of(sale_id, int(time.time()) if crowded else second).update(counts)

    def write(self, pipe: Any) -> None:
        """Add everything to Redis by a pipeline, of threads or of an event loop."""
        for (sale_id, second), counts in self._counts.items():
            total, in_second = _total_key(sale_id), _second_key(sale_id, second)
            for field, amount in counts.items():
                pipe.hincrby(total, field, amount)
                pipe.hincrby(in_second, field, amount)
            pipe.expire(total, _KEPT_TOTALS)
            pipe.expire(in_second, KEPT_SECONDS)

    def _of_now(self, sale_id: int) -> Counter[str]:
        return self._of(sale_id, int(time.time()))

    def _of(self, sale_id: int, second: int) -> Counter[str]:
        counts = self._counts.get((sale_id, second))
        if counts is None:
            counts = self._counts[sale_id, second] = Counter()
        return counts


def record_persisted(sale_id: int, orders: int) -> None:
    """Count orders that came into PostgreSQL, at once. Raises redis.RedisError."""
    delta = StatsDelta()
    delta.persisted(sale_id, orders)
    with client().pipeline(transaction=False) as pipe:
        delta.write(pipe)
        pipe.execute()


def totals(sale_ids: Sequence[int]) -> dict[int, Stats]:
    """Return what ever happened in each of these sales. Raises redis.RedisError."""
    found = _read([_total_key(sale_id) for sale_id in sale_ids])
    return {sale_id: _figures(counts) for sale_id, counts in zip(sale_ids, found, strict=True)}


def seconds(sale_id: int, *, after: int, until: int) -> dict[int, Stats]:
    """Return what happened in each Unix second above `after` and up to `until`.

    Seconds without anything are left out, as are those of more than KEPT_SECONDS ago. The last two
    may still grow. Raises redis.RedisError.
    """
    wanted = range(max(after + 1, until - KEPT_SECONDS), until + 1)
    found = _read([_second_key(sale_id, second) for second in wanted])
    counted = zip(wanted, found, strict=True)
    return {second: _figures(counts) for second, counts in counted if counts}


def _total_key(sale_id: int) -> str:
    return f"{{sale:{sale_id}}}:figures"


def _second_key(sale_id: int, second: int) -> str:
    return f"{{sale:{sale_id}}}:figures:{second}"


def _read(keys: Sequence[str]) -> list[dict[str, int]]:
    with client().pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hgetall(key)
        found = pipe.execute()
    return [{field.decode(): int(value) for field, value in each.items()} for each in found]


def _figures(counts: dict[str, int]) -> Stats:
    return Stats(
        outcomes=_by_name(counts, _OUTCOME),
        latency=_buckets(counts, _LATENCY, len(LATENCY_MS) + 1),
        latency_ms=counts.get(_MICROSECONDS, 0) / 1e3,
        batches=_buckets(counts, _BATCH, len(BATCH_ORDERS) + 1),
        batched=counts.get(_BATCHED, 0),
        persisted=counts.get(_PERSISTED, 0),
        ended=_by_name(counts, _ENDED),
    )


def _by_name(counts: dict[str, int], prefix: str) -> dict[str, int]:
    return {
        field.removeprefix(prefix): count
        for field, count in counts.items()
        if field.startswith(prefix)
    }


def _buckets(counts: dict[str, int], prefix: str, number: int) -> list[int]:
    return [counts.get(f"{prefix}{bucket}", 0) for bucket in range(number)]
