"""Counts of what is done often, for a log that tells of it seldom."""

import time
from collections import Counter

TELL_SECONDS = 10.0


class Tally:
    """Adds up by key. What comes first is told at once, what follows every TELL_SECONDS."""

    def __init__(self) -> None:
        """Begin with nothing; a key is kept for as long as its process lives."""
        self._untold: Counter[object] = Counter()
        self._told: dict[object, float] = {}

    def add(self, key: object, count: int) -> int:
        """Return how many to tell of now, those that were not told of before among them; or 0."""
        self._untold[key] += count
        now = time.monotonic()
        if now - self._told.get(key, now - TELL_SECONDS) < TELL_SECONDS:
            return 0
        self._told[key] = now
        return self._untold.pop(key)
