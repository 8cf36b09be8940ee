"""The clock, in one place, so that who depends on time says so in its arguments."""

from datetime import UTC, datetime
from functools import lru_cache


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def to_ms(moment: datetime) -> int:
    """Return `moment` as Unix milliseconds, exact."""
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1000 + moment.microsecond // 1000


def from_ms(milliseconds: int) -> datetime:
    """Return Unix milliseconds as a moment in UTC, exact."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(
        microsecond=milliseconds % 1000 * 1000
    )


@lru_cache(maxsize=1024)  # the orders of a batch share their moments
def rfc3339(milliseconds: int) -> str:
    """Return Unix milliseconds as the API writes times: 2026-11-27T11:59:59.123Z (RFC 3339)."""
    return from_ms(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
