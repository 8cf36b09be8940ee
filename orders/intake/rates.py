"""Rates of requests, by the generic cell rate algorithm (ITU-T I.371, annex A).

Each caller has one moment: when it will have paid for all that it has sent, at one request per
interval. A request is taken while that moment is less than a whole burst ahead.

    >>> two_a_minute = Rate("address", amount=2, seconds=60)
    >>> paid_until, wait = take(two_a_minute, paid_until=0.0, now=1000.0)
    >>> paid_until, wait = take(two_a_minute, paid_until, now=1000.0)
    >>> wait
    0.0
    >>> take(two_a_minute, paid_until, now=1010.0)
    (1060.0, 20.0)
"""

from math import ceil
from typing import NamedTuple


class Rate(NamedTuple):
    """So many requests in so many seconds, all of them at once if need be."""

    name: str  # of the policy, for the caller
    amount: int
    seconds: int

    @property
    def policy(self) -> bytes:
        """The value of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10)."""
        return b'"%b";q=%d;w=%d' % (self.name.encode(), self.amount, self.seconds)

    def exhausted(self, wait: float) -> bytes:
        """Return the value of RateLimit where the next request is taken in `wait` seconds."""
        return b'"%b";r=0;t=%d' % (self.name.encode(), max(1, ceil(wait)))


def take(rate: Rate, paid_until: float, now: float) -> tuple[float, float]:
    """Count one request. Returns until when is paid then, and how many seconds it has to wait.

    A wait of 0 means that it is taken; otherwise nothing is counted.
    """
    interval = rate.seconds / rate.amount
    paid_until = max(paid_until, now)
    wait = paid_until - now - (rate.seconds - interval)
    if wait > 1e-9:
        return paid_until, wait
    return paid_until + interval, 0.0
