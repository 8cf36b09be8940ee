"""Counts of frequent actions, for a log that reports them seldom."""

import time
from collections import Counter

REPORT_SECONDS = 10.0


class LogCounts:
    """Adds up by key. The first count is reported at once, later ones every REPORT_SECONDS."""

    def __init__(self) -> None:
        """Begin with nothing; a key is kept for as long as its process lives."""
        self._unreported: Counter[object] = Counter()
        self._reported_at: dict[object, float] = {}

    def add(self, key: object, count: int) -> int:
        """Return the count to report now, with all that was not reported before; or 0."""
        self._unreported[key] += count
        now = time.monotonic()
        if now - self._reported_at.get(key, now - REPORT_SECONDS) < REPORT_SECONDS:
            return 0
        self._reported_at[key] = now
        return self._unreported.pop(key)
