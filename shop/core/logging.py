"""What the log leaves out."""

import logging


class WithoutAnsweredUnavailability(logging.Filter):
    """Drops Django's line about a 503 that was answered on purpose.

    Those are answers, not faults: a part is away, which its own log line has said, and whoever
    asks for readiness asks often. A 503 that an exception led to is kept.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 503 or record.exc_info is not None
