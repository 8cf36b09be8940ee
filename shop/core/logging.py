"""What the log leaves out."""

import logging
import time


class WithoutAnsweredUnavailability(logging.Filter):
    """Drops Django's line about a 503 that was answered on purpose.

    Those are answers, not faults: a part is away, which its own log line has said, and whoever
    asks for readiness asks often. A 503 that an exception led to is kept.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 503 or record.exc_info is not None


class AtMostEverySecond(logging.Filter):
    """Lets through one line a second of each kind, so that a cause is told and not drowned."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}  # by message before formatting: there are only so many

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now - self._told.get(str(record.msg), now - 1.0) < 1.0:
            return False
        self._told[str(record.msg)] = now
        return True
