"""Is this Redis the one that knew all that the ledger knows, or an older copy of it?"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar
from uuid import UUID

import redis
from django.db.models import Max, QuerySet

from inventory import counters, outbox
from inventory.errors import CountersLost, CountersUnavailable, ServerNotCompared
from inventory.models import Allocation, Sale
from inventory.reservation import CountersSnapshot
from inventory.selectors import sales_on_record
from inventory.services import sync_to_redis
from orders.models import Order
from shop.core import clock

from .dead_letters import record_in
from .release_places import last_place

logger = logging.getLogger(__name__)

T = TypeVar("T")
PAGE = 2000  # entries of an outbox that are looked for in the ledger at once
TRIES = 3  # servers that take over from one another while they are compared


@dataclass(frozen=True, slots=True)
class Verified:
    """A server that may be asked now."""

    server: bytes  # its replication id, another one after each start and each promotion
    closed: list[str]  # the sales that it does not hold as they are


def verify_counters() -> Verified:
    """Compare the counters of every sale with the ledger, and close those that are behind it.

    A closed sale answers 503 until `rebuild_stock`. Raises django.db.DatabaseError, and
    CountersUnavailable, also where another server takes over meanwhile.
    """
    server = counters.server()
    sales = sales_on_record(now=clock.now())
    return Verified(server, [sale.slug for sale in sales if not _verify(sale, server)])


_compared = b""  # the server that this process has compared last


def on_compared_server(work: Callable[[bytes], T]) -> T:
    """Do `work(server)` with the server that answers, once it is compared with the ledger.

    Raises what `work` raises, what `verify_counters` raises, and CountersUnavailable.
    """
    global _compared  # one for all threads: what one has compared serves them all
    for _ in range(TRIES):
        try:
            return work(_compared)
        except ServerNotCompared:
            _compared = verify_counters().server
    raise CountersUnavailable("Redis goes from one server to another.")


def _verify(sale: Sale, server: bytes) -> bool:
    # The ledger first: what it knows now, the counters have counted before.
    _forget_refusals_of_days_ago(sale)
    orders = Order.objects.filter(sale=sale)
    position = orders.aggregate(last=Max("position"))["last"] or 0
    releases = last_place(sale)
    seen = _look(sale, server)
    if seen is None or seen.epoch != sale.epoch:  # these do not answer anyway
        return False
    up_to_date = seen.position >= position and seen.releases >= releases
    if up_to_date and _has_counted_all(sale, seen):
        return _told_what_it_missed(sale, seen)
    logger.error(
        "Redis holds an older copy of sale %s, which is closed now. Rebuild it: "
        "manage.py rebuild_stock %s",
        *(sale.slug, sale.slug),
    )
    counters.fence_on(sale.pk, server)
    return False


def _forget_refusals_of_days_ago(sale: Sale) -> None:
    with suppress(redis.RedisError):  # they only take room, and end by themselves
        counters.shorten_refusals(sale.pk)


def _look(sale: Sale, server: bytes) -> CountersSnapshot | None:
    answering, seen = counters.server_and_snapshot(sale.pk)
    if answering != server:
        raise ServerNotCompared(answering)
    return seen


def _has_counted_all(sale: Sale, seen: CountersSnapshot) -> bool:
    """Tell whether the counters have counted each order that is in the ledger or in the outbox.

    A server that went on by itself after another one had taken over may have accepted the last
    order of all, and lack what the other one has accepted: then it has counted too few.
    """
    if seen.after is None:
        return True
    since_loaded = Order.objects.filter(sale=sale, position__gt=seen.after)
    # A dead letter of an earlier epoch may have become an order since: that costs a closer look.
    return any(
        _is_counted(sale, seen, orders)
        for orders in (since_loaded, since_loaded.filter(epoch=seen.epoch))
    )


def _is_counted(sale: Sale, before: CountersSnapshot, orders: QuerySet[Order]) -> bool:
    in_ledger = orders.count()
    # Read again, for orders came in while the ledger counted.
    seen = _look(sale, before.server)
    if seen is None or seen.epoch != before.epoch:  # it is being rebuilt: from this ledger
        return True
    room = seen.accepted - in_ledger  # for entries of the outbox that are not in the ledger
    return seen.waiting <= room or _not_in_ledger(sale, seen, room) <= room


def _not_in_ledger(sale: Sale, seen: CountersSnapshot, enough: int) -> int:
    """Return how many orders in the outbox are not in the ledger; at most that, once `enough`."""
    most, missing = seen.waiting, 0
    entries = outbox.entries_up_to(sale.pk, seen.position)
    while page := list(islice(entries, PAGE)):
        ids = [
            UUID(bytes=record.order_id)
            for entry in page
            if entry.epoch == seen.epoch and (record := record_in(entry)) is not None
        ]
        absent = len(ids) - Order.objects.filter(pk__in=ids).count()
        missing += absent
        most -= len(page) - absent
        if most <= enough:
            return most
    return missing


def _told_what_it_missed(sale: Sale, seen: CountersSnapshot) -> bool:
    """Bring rules and added stock that are newer than the copy. Returns whether that succeeded."""
    rows = Allocation.objects.filter(sale=sale).values_list("pk", "allocated")
    lacks_units = any(pk in seen.skus and units > seen.skus[pk].allocated for pk, units in rows)
    if seen.version >= sale.version and not lacks_units:
        return True
    try:
        sync_to_redis(sale)
    except CountersLost:
        return False
    return True
