"""Filters for lines that the log leaves out."""

import logging
import time


class WithoutAnsweredUnavailability(logging.Filter):
    """Drops Django's line about a 503 that was answered on purpose.

    Those are answers, not faults: a part is away, which its own log line has said, and whoever
    asks for readiness asks often. A 503 that an exception led to is kept.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is to be written."""
        return getattr(record, "status_code", None) != 503 or record.exc_info is not None


class AtMostEverySecond(logging.Filter):
    """Lets through one line a second of each kind, so that a cause is told and not drowned."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is to be written."""
        now, kind = time.monotonic(), self._kind(record)
        if now - self._told.get(kind, now - 1.0) < 1.0:
            return False
        self._told[kind] = now
        return True

    def _kind(self, record: logging.LogRecord) -> str:
        return str(record.msg)  # before formatting: there are only so many


class StrangersAtMostEverySecond(AtMostEverySecond):
    """Lets through one line a second of each logger below django.security, and all other lines.

    Anybody can send an unknown host, or a form without its token, as often as he likes, and what
    he sent is in the message. The filter belongs to a handler: loggers have none for those below.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is to be written."""
        return not record.name.startswith("django.security") or super().filter(record)

    def _kind(self, record: logging.LogRecord) -> str:
        return record.name
