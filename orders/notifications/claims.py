"""Claims of deliveries: the endpoints with work, and the deliveries that are due there."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from django.db import connection

from orders.models import Endpoint
from shop.core.stores import sql

from .backoff import MAX_ATTEMPTS

SQL = Path(__file__).parent / "sql"
# Longer than any attempt. A worker that holds a claim for longer is taken for dead.
LEASE_SECONDS = 60.0


class Claim(NamedTuple):
    """One attempt to deliver; `attempt` counts from 1 up and is what makes a late result void."""

    delivery_id: int
    event_id: int
    attempt: int

    @property
    def is_beyond_the_last(self) -> bool:
        """The worker that made the last attempt died before it recorded a result."""
        return self.attempt > MAX_ATTEMPTS


class Claimed(NamedTuple):
    """The deliveries that one call took to send."""

    claims: list[Claim]
    more: bool  # whether more may be due


NOTHING = Claimed([], more=False)


def endpoints_with_work(
    channel: Endpoint.Channel, *, limit: int, leave_out: Collection[int] = ()
) -> list[int]:
    """Return active endpoints that deliveries are due for, the longest waiting first."""
    parameters = {"channel": channel.value, "leave_out": list(leave_out), "limit": limit}
    return [pk for (pk,) in sql.run(SQL / "endpoints_with_deliveries.sql", parameters)]


def lock_endpoint(pk: int) -> Endpoint:
    """Lock an endpoint's row and return it, as it is now, in the caller's transaction.

    Claims and results of one endpoint are written under this lock, so that no claim overlooks what
    a result has just set free. Deliveries can be added meanwhile: those take a weaker lock.
    """
    assert connection.in_atomic_block, "a lock lasts as long as its transaction"
    return Endpoint.objects.select_for_update(no_key=True, of=("self",)).get(pk=pk)


def claim_due(endpoint: Endpoint, limit: int) -> Claimed:
    """Claim up to `limit` deliveries that are due at an endpoint, which the caller has locked.

    Each is the caller's for LEASE_SECONDS. Gives none where the endpoint is off, rests, or waits
    for its client.
    """
    if limit <= 0 or not endpoint.takes_deliveries:
        return NOTHING
    parameters = {"endpoint": endpoint.pk, "limit": limit, "lease_seconds": LEASE_SECONDS}
    rows = sql.run(SQL / "claim_deliveries.sql", parameters)
    claims = [Claim(pk, event, attempt) for pk, event, attempt, put_off in rows if not put_off]
    return Claimed(claims, more=len(rows) == limit)
