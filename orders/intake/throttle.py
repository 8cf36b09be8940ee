"""How many orders a second a client may send to this process."""

from functools import lru_cache

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from .directory import Client

_limiter = FixedWindowRateLimiter(MemoryStorage())


@lru_cache(maxsize=1024)
def _per_second(amount: int) -> RateLimitItem:
    return RateLimitItemPerSecond(amount)


def allows(client: Client) -> bool:
    """Count a request of `client` and tell whether it is within its rate."""
    if client.rate_limit is None:
        return True
    return bool(_limiter.hit(_per_second(client.rate_limit), str(client.id)))
