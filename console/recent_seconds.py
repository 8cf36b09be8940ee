"""The last five minutes of a sale, second by second, as its charts show them."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from orders.reads import live_stats
from orders.reads.live_stats import LATENCY_MS, SETTLED_SECONDS, Stats

SHOWN_SECONDS = 300
_BEYOND_MS = LATENCY_MS[-1] * 2  # how an answer beyond the last bound is drawn


class Second(NamedTuple):
    """One second of a sale, in the sequence in which its parts are sent to the page."""

    at: int  # Unix time
    accepted: int
    refused: dict[str, int]  # by outcome
    persisted: int
    backlog: int
    p50_ms: float | None
    p99_ms: float | None


class RecentSeconds:
    """The last minutes of one sale. A read asks Redis only for seconds that are not known yet."""

    def __init__(self, sale_id: int) -> None:
        self._sale_id = sale_id
        self._known: dict[int, Stats] = {}
        self._until = 0

    def read(self, *, now: int, backlog: int) -> list[Second]:
        """Return each second up to the last settled one; `backlog` is the count of now.

        Raises redis.RedisError; what was known stays known.
        """
        oldest = now - SHOWN_SECONDS
        after = max(self._until - SETTLED_SECONDS - 1, oldest)
        found = live_stats.seconds(self._sale_id, after=after, until=now)
        kept = {at: each for at, each in self._known.items() if oldest < at <= after}
        self._known, self._until = {**kept, **found}, now
        seconds = list(self._backwards(now, oldest, backlog))
        return [each for each in reversed(seconds) if each.at <= now - SETTLED_SECONDS]

    def _backwards(self, now: int, oldest: int, backlog: int) -> Iterator[Second]:
        """Yield the seconds, newest first: a backlog follows from the next one and its orders."""
        for at in range(now, oldest, -1):
            each = self._known.get(at)
            if each is None:
                yield Second(at, 0, {}, 0, backlog, None, None)
                continue
            quantiles = _drawn(each, 0.5), _drawn(each, 0.99)
            yield Second(at, each.accepted, each.refused, each.persisted, backlog, *quantiles)
            backlog = max(0, backlog - each.accepted + each.persisted)


def _drawn(each: Stats, share: float) -> float | None:
    quantile = each.latency_quantile_ms(share)
    return _BEYOND_MS if quantile == math.inf else quantile
