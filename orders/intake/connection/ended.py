"""Connections that were ended because of their clients' doing: counted, and seldom logged."""

import logging
from collections import Counter

from orders.intake.placing import intake

logger = logging.getLogger(__name__)

LOG_SECONDS = 10.0  # between two lines: a flood is one cause, however many connections it has


class Ended:
    """The connections that were ended and are not reported yet. False where there are none."""

    def __init__(self) -> None:
        self._to_count: Counter[str] = Counter()
        self._to_log: Counter[str] = Counter()
        self._last = ""
        self._next_line = 0.0

    def __bool__(self) -> bool:
        return bool(self._to_count or self._to_log)

    def note(self, reason: str, example: str = "") -> None:
        """Note one. `example` says of one of them what was wrong."""
        self._to_count[reason] += 1
        self._to_log[reason] += 1
        self._last = example or self._last

    def report(self, now: float) -> None:
        """Add to the figures what is new, and log it if the last line is long ago."""
        if self._to_count:
            intake().count_ended(self._to_count)
            self._to_count = Counter()
        if self._to_log and now >= self._next_line:
            counts = ", ".join(f"{reason} {count}" for reason, count in self._to_log.most_common())
            logger.warning(
                "connections were ended: %s%s", counts, self._last and f" ({self._last})"
            )
            self._next_line = now + LOG_SECONDS
            self._to_log, self._last = Counter(), ""
