"""The public API key: strict rates per address and per customer, over all processes.

It stands in the drop page (docs/adr/0017). Two hundred requests under fresh names would take a
whole sale in less than a second; so their address counts first.
"""

import asyncio
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import redis.asyncio
from django.conf import settings

from orders.errors import Undecided

from .rates import Rate
from .throttle import over

SCRIPT = (Path(__file__).parent / "take_rates.lua").read_text()
AT_ONCE = 8  # calls under way, each with a connection
DETAIL = {
    "address": "Too many orders from one address.",
    "customer": "Too many orders of one customer.",
}


class PublicKeyThrottle:
    """Counts orders that come with the public key, in Redis. Belongs to one event loop."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        """Count in the Redis that `client` speaks to."""
        self._take = client.register_script(SCRIPT)
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def count(self, address: str, customer: str) -> None:
        """Count one order. Raises Refused over a rate, and Undecided where Redis does not answer.

        An order that is refused for its address does not count for its customer.
        """
        rates = _rates()
        keys = [f"{{public}}:address:{address}", f"{{public}}:customer:{_digest(customer)}"]
        try:
            async with self._at_once:
                reply: Sequence[Any] = await self._take(keys=keys, args=_arguments(rates))
        except redis.RedisError as error:
            raise Undecided("Redis did not answer.") from error
        if exhausted := int(reply[0]):
            rate = rates[exhausted - 1]
            raise over(rate, int(reply[1]) / 1000, DETAIL[rate.name])


def _rates() -> tuple[Rate, Rate]:
    return (
        Rate("address", settings.DROP_PAGE_ORDERS_PER_ADDRESS, 60),
        Rate("customer", settings.DROP_PAGE_ORDERS_PER_CUSTOMER, 60),
    )


def _arguments(rates: Sequence[Rate]) -> list[int]:
    found = []
    for rate in rates:
        interval = rate.seconds * 1000 // rate.amount
        found += [interval, rate.seconds * 1000 - interval]
    return found


def _digest(customer: str) -> str:
    """Return a name of fixed length, so that no customer chooses how much room a key takes."""
    return blake2b(customer.encode("utf-8", "replace"), digest_size=12).hexdigest()
