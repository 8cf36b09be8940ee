"""A client's rate: the orders a second that it may send to this process."""

import time
from collections.abc import Callable
from functools import lru_cache

from orders.http import problems
from orders.http.problems import Problem, Refused
from orders.reads.reference_cache import Client

from .rates import Rate, take


class Throttle:
    """Counts the requests of clients that have a limit; there are as many as there are clients."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the time, in seconds, from `clock`."""
        self._clock = clock
        self._paid_until: dict[int, float] = {}

    def count(self, client: Client) -> None:
        """Count a request of `client`: once for each. Raises Refused where it is over its rate."""
        if client.rate_limit is None:
            return
        rate = _per_second(client.rate_limit)
        paid_until, wait = take(rate, self._paid_until.get(client.id, 0.0), self._clock())
        if wait:
            raise over(rate, wait, "Too many orders a second.")
        self._paid_until[client.id] = paid_until


def over(rate: Rate, wait: float, detail: str) -> Refused:
    """Return the refusal of a request that is over a rate by `wait` seconds."""
    return Refused(
        Problem(
            problems.RATE_LIMITED,
            detail,
            retry_after=max(1, -int(-wait // 1)),
            headers=(
                (b"ratelimit-policy", rate.policy),
                (b"ratelimit", rate.exhausted(wait)),
            ),
        )
    )


@lru_cache(maxsize=1024)
def _per_second(amount: int) -> Rate:
    return Rate("client", amount, 1)
