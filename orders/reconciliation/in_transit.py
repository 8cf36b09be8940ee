"""Units that at Redis' watermark were on their way back: released in the ledger, not in Redis yet.

There are two ways to this sum. The orders on their way can be read, and Redis asked for each; that
costs as many orders as there are. Or it follows from running totals: what the stock rows have
`released`, and what Redis has released since a checkpoint; that costs what has changed. The first
way needs no checkpoint, so it decides wherever the second finds drift or cannot tell.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection

from inventory import counters
from inventory.reservation import CountersSnapshot
from orders.domain import HOLDING, RELEASED, SELLING, Status
from orders.models import Order, ReconciliationCheckpoint
from shop.core.stores import sql

SQL = Path(__file__).parent / "sql"
PAGE = 5000
FEW = 5000  # so many orders on their way are read in some ten milliseconds

Units = Counter[int]  # by allocation


@dataclass(frozen=True, slots=True)
class Later:
    """The ledger's units of orders that were accepted after the watermark."""

    held: Units = field(default_factory=Counter)
    sold: Units = field(default_factory=Counter)
    released: Units = field(default_factory=Counter)  # once for each time


@dataclass(frozen=True, slots=True)
class Reacquired:
    """Units that late payments took once more after the watermark, by where the ledger has them."""

    held: Units = field(default_factory=Counter)
    sold: Units = field(default_factory=Counter)
    released_later: Units = field(default_factory=Counter)  # held at the watermark, too


@dataclass(frozen=True, slots=True)
class OnTheirWay:
    """Units that the ledger has released, and Redis at its watermark had not."""

    held: Units = field(default_factory=Counter)
    rejected: Units = field(default_factory=Counter)  # of orders that were never in a stock row


def accepted_later(sale_id: int, seen: CountersSnapshot) -> Later:
    """Return what orders accepted after the watermark add to the ledger."""
    later = Later()
    parameters = {"sale_id": sale_id, "position": seen.position}
    for allocation_id, status, again, units in sql.run(
        SQL / "units_accepted_after.sql", parameters
    ):
        if status in HOLDING:
            later.held[allocation_id] += units
        if status in SELLING:
            later.sold[allocation_id] += units
        if status in RELEASED and status != Status.REJECTED:
            later.released[allocation_id] += units
        if again:
            later.released[allocation_id] += units
    return later


def reacquired_later(sale_id: int, seen: CountersSnapshot) -> Reacquired:
    """Return what late payments took once more after the watermark."""
    retaken = Reacquired()
    for allocation_id, status, in_gap, units in _run("units_taken_again_after.sql", sale_id, seen):
        if not in_gap:
            retaken.released_later[allocation_id] += units
        else:
            (retaken.sold if status in SELLING else retaken.held)[allocation_id] += units
    return retaken


def are_few(sale_id: int) -> bool:
    """Tell whether so few orders are on their way that they can be read each time."""
    return bool(_to_release(sale_id)[: FEW + 1].count() <= FEW)


def all_noted(sale_id: int, seen: CountersSnapshot, since: int) -> bool:
    """Tell whether the ledger has noted whose each release was that Redis has made since then."""
    between = {"sale_id": sale_id, "since": since, "until": seen.releases}
    [(noted,)] = sql.run(SQL / "releases_noted_between.sql", between)
    return bool(noted == seen.releases - since)


def by_orders(sale_id: int, seen: CountersSnapshot, *, ask: bool = True) -> OnTheirWay:
    """Return the units on their way by reading their orders, and asking Redis for each.

    Redis need not be asked where all its releases are noted.
    """
    found = OnTheirWay()
    _count(found, _run("units_released_after.sql", sale_id, seen), 1)
    _count(found, _run("units_to_release.sql", sale_id, seen), 1)
    for page in _released_unnoted(sale_id, seen) if ask else ():
        ids = sql.array(map(str, page))
        _count(found, sql.run(SQL / "units_of_orders.sql", {"order_ids": ids}), -1)
    return found


def by_totals(
    sale_id: int,
    seen: CountersSnapshot,
    checkpoint: ReconciliationCheckpoint,
    released: Mapping[int, int],
    later: Later,
    retaken: Reacquired,
) -> OnTheirWay:
    """Return the units on their way by what has changed since a checkpoint of this epoch.

    `released` are the stock rows' totals. All that Redis has released since then has to be noted.
    """
    between = {"sale_id": sale_id, "since": checkpoint.releases, "until": seen.releases}
    held: Units = Counter(dict(released))
    held.update({int(key): units for key, units in checkpoint.offsets.items()})
    held.subtract(dict(sql.run(SQL / "units_released_between.sql", between)))
    held.subtract(later.released)
    held.subtract(retaken.released_later)
    return OnTheirWay(held, Counter(dict(_run("units_rejected.sql", sale_id, seen))))


def offsets(
    found: OnTheirWay, released: Mapping[int, int], later: Later, retaken: Reacquired
) -> dict[str, int]:
    """Return what a checkpoint at this watermark keeps: the inverse of `by_totals`."""
    totals = Counter(found.held)
    totals.subtract(dict(released))
    totals.update(later.released)
    totals.update(retaken.released_later)
    return {str(key): totals[key] for key in released}


def _released_unnoted(sale_id: int, seen: CountersSnapshot) -> Iterator[list[UUID]]:
    """Yield orders whose release is not noted, and that Redis had made at the watermark all the
    same, in pages."""
    # A cursor of the server's lasts as long as its transaction, which is the caller's.
    with connection.chunked_cursor() as cursor:
        parameters = {"sale_id": sale_id, "position": seen.position}
        cursor.execute((SQL / "names_to_release.sql").read_text(), parameters)
        while rows := cursor.fetchmany(PAGE):
            names = [bytes(name) for (name,) in rows]
            places = counters.places_among_releases(sale_id, names)
            released = [
                UUID(bytes=name[:16])
                for name, place in zip(names, places, strict=True)
                if place is not None and place <= seen.releases
            ]
            if released:
                yield released


def _to_release(sale_id: int) -> Any:
    return Order.objects.filter(
        sale=sale_id, status__in=RELEASED, release_place__isnull=True
    ).order_by()


def _count(found: OnTheirWay, rows: list[tuple[Any, ...]], sign: int) -> None:
    for allocation_id, rejected, units in rows:
        (found.rejected if rejected else found.held)[allocation_id] += sign * units


def _run(name: str, sale_id: int, seen: CountersSnapshot) -> list[tuple[Any, ...]]:
    parameters = {"sale_id": sale_id, "position": seen.position, "releases": seen.releases}
    return sql.run(SQL / name, parameters)
