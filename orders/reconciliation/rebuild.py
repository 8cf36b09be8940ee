"""Rebuilding a sale's Redis side from PostgreSQL, behind a fence."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, Sum

from inventory import counters
from inventory.errors import CountersUnavailable
from inventory.models import Allocation, Sale
from inventory.money import to_minor
from inventory.selectors import rules_of
from inventory.services import lock_free_units
from orders.domain import HOLDING, RELEASED, SELLING, Rejection, request_digest
from orders.models import DeadLetter, Order, OrderLine
from orders.persistence.drain import drain
from orders.services.dead_letters import record_of
from orders.services.release_places import last_place
from shop.core import clock

from . import checkpoints
from .lost_orders import resolve_suspects

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The amount that a rebuild wrote, for the command's output."""

    sale: str
    epoch: int
    persisted: int  # orders that were still in the outbox
    requests: int  # request records written back
    lost: list[str]  # orders that somebody remembers, and no store has


def rebuild_stock(sale_id: int) -> Rebuilt:
    """Rebuild counters, limits and request records of a sale from its ledger.

    Meanwhile orders are answered 503, from the fence until the new counters are loaded; if this
    fails half way, the fence stays and it can be run again. Entries still in the outbox are
    persisted first. Raises redis.RedisError, django.db.OperationalError, and CountersUnavailable
    where another Redis takes over meanwhile.
    """
    server = counters.server()
    counters.fence(sale_id)
    # Also entries that other consumers have taken and not finished, without waiting for them.
    persisted = drain(sale_id, consumer="rebuild", out_of_time=_never, idle_ms=0)
    counters.clear(sale_id)
    with transaction.atomic():
        # Every change of an order's stock needs these rows, so nothing moves until the commit.
        allocation_ids = list(Allocation.objects.filter(sale=sale_id).values_list("pk", flat=True))
        free = lock_free_units(allocation_ids)
        allocated = dict(Allocation.objects.filter(sale=sale_id).values_list("pk", "allocated"))
        Sale.objects.filter(pk=sale_id).update(epoch=F("epoch") + 1)
        sale = Sale.objects.get(pk=sale_id)
        releases = _count_in_all_releases(sale)
        checkpoints.begin_anew(sale, releases=releases)
        in_letters, letter_limits = _dead_letter_units(sale)
        position = Order.objects.filter(sale=sale).aggregate(last=Max("position"))["last"] or 0
    requests = _restore_requests(sale)
    _restore_limits(sale, letter_limits)
    available = {pk: units - in_letters[pk] for pk, units in free.items()}
    loaded = counters.load(
        sale.pk,
        epoch=sale.epoch,
        version=sale.version,
        rules=rules_of(sale),
        stock=[(pk, units, allocated[pk] - units) for pk, units in available.items()],
        after_position=position,
        releases=releases,
    )
    if not loaded or counters.server() != server:
        counters.fence(sale_id)  # half of it may be on the one server, half on the other
        raise CountersUnavailable("Another Redis has taken over meanwhile. Rebuild it again.")
    return Rebuilt(sale.slug, sale.epoch, persisted, requests, resolve_suspects(sale.pk))


def _never() -> bool:
    return False


def _count_in_all_releases(sale: Sale) -> int:
    """Mark what the ledger has released as released in Redis: the new counters include it."""
    orders, letters = Order.objects.filter(sale=sale), DeadLetter.objects.filter(sale=sale)
    last = last_place(sale)
    orders.filter(status__in=RELEASED, release_place__isnull=True).update(release_place=last)
    letters.filter(resolution=DeadLetter.Resolution.REJECTED, release_place__isnull=True).update(
        release_place=last
    )
    return last


def _dead_letter_units(sale: Sale) -> tuple[Counter[int], Counter[str]]:
    """Return the units that were promised to dead letters, by allocation and by customer."""
    units: Counter[int] = Counter()
    customers: Counter[str] = Counter()
    # One that was persisted after all, by another delivery of its entry, is counted as an order.
    is_order = Exists(Order.objects.filter(pk=OuterRef("order_id")))
    for letter in DeadLetter.objects.filter(~is_order, sale=sale, resolution=""):
        units.update({int(allocation): count for allocation, count in letter.units.items()})
        if record := record_of(letter):
            customers[record.customer] += sum(line.quantity for line in record.lines)
    return units, customers


def _restore_requests(sale: Sale) -> int:
    """Write back a record for each request that was accepted. Returns how many."""
    total = 0
    for page in _pages(sale):
        notes: dict[UUID, list[bytes]] = {order.pk: [] for order in page}
        lines = OrderLine.objects.filter(order__in=page).order_by("pk")
        for order_id, price in lines.values_list("order_id", "unit_price"):
            notes[order_id].append(b"%d" % to_minor(price, sale.currency))
        records = {
            request_digest(order.client_id, order.request_key): counters.request_record(
                fingerprint=bytes(order.request_fingerprint),
                order_id=order.pk.bytes,
                now_ms=clock.to_ms(order.accepted_at),
                held_until_ms=clock.to_ms(order.hold_expires_at) if order.hold_expires_at else 0,
                note=b",".join(notes[order.pk]),
                persisted=False,
            )
            for order in page
        }
        counters.restore_requests(sale.pk, records, {})
        total += len(records)
    return total


def _restore_limits(sale: Sale, extra: Counter[str]) -> None:
    """Write back how many units each customer has, from orders that hold or have bought them."""
    if not sale.limit:
        return
    sums = (
        OrderLine.objects.filter(order__sale=sale, order__status__in=(*HOLDING, *SELLING))
        .order_by()
        .values_list("order__customer")
        .annotate(units=Sum("quantity"))
    )
    page: dict[str, int] = dict(extra)
    for customer, units in sums.iterator(chunk_size=PAGE):
        page[customer] = page.get(customer, 0) + units
        if len(page) >= PAGE:
            counters.restore_requests(sale.pk, {}, page)
            page = {}
    counters.restore_requests(sale.pk, {}, page)


def _pages(sale: Sale) -> Iterator[list[Order]]:
    """Yield the orders whose request stands, in pages by position."""
    # A repetition under another id was rejected; the record of its request is the first one's.
    standing = Order.objects.filter(sale=sale).exclude(
        Q(status="rejected") & Q(rejection=Rejection.REQUEST_REUSED)
    )
    last = -1
    while page := list(standing.filter(position__gt=last).order_by("position")[:PAGE]):
        yield page
        last = page[-1].position
