"""The lateness of each duty: how long work waits that should have been done by now.

A worker that shows a pulse may do nothing for all that; what is not done gets older. So this is
what `/readyz`, the metrics, the live page and the process manager look at.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec
import redis
from django.db import DatabaseError

from inventory import counters, outbox, paying
from inventory.selectors import sales_on_record
from shop.core import clock
from shop.core.processes.health import Finding, NotReady
from shop.core.stores import sql

SQL = Path(__file__).parent / "sql"
OLDEST_RELEASES = SQL / "oldest_releases.sql"
MARKS_MATTER_SECONDS = 1.0
LATE_SECONDS = 30.0  # what waits longer is named by /readyz; some two seconds are usual at most
# What keeps units from their buyers or from the ledger. People being told late is no reason to
# take a process out of service.
PRESSING = ("orders", "holds", "releases", "payments")


class Lateness(msgspec.Struct, frozen=True):
    """For how long, in seconds, the oldest piece of each duty's work waits; 0.0: none does.

    Left out is what no duty can do: units and late payments of a sale whose counters are lost (it
    is rebuilt first), and payments for an order that is a dead letter (a person decides).
    """

    orders: float  # an accepted order that is not in the ledger
    holds: float  # a unit whose hold is over, and that is still held
    releases: float  # a unit that no order holds, and that is not on sale again
    payments: float  # a payment that is not applied
    deliveries: float  # a notification that is due, to an endpoint that answers


def lateness() -> Lateness:
    """Read how late each duty is, from both stores, at the cost of a few index look-ups.

    Raises redis.RedisError and django.db.DatabaseError where one of them is away.
    """
    now = clock.now()
    hold, delivery = _hold_and_delivery(now)
    releases = sql.run(OLDEST_RELEASES, {})
    payments = sql.run(SQL / "oldest_payments.sql", {})
    there = _with_counters({(sale, epoch) for sale, epoch, _ in [*releases, *payments] if sale})
    return Lateness(
        orders=_oldest_order(now),
        holds=_age(now, [hold]),
        releases=_age(now, (since for sale, _, since in releases if sale in there)),
        payments=_age(now, (since for sale, _, since in payments if not sale or sale in there)),
        deliveries=_age(now, [delivery]),
    )


def check_duties() -> Finding:
    """Say how late each duty is. Raises NotReady where one is later than LATE_SECONDS."""
    try:
        found = lateness()
    except (DatabaseError, redis.RedisError):
        return Finding("unknown: a store does not answer")
    late = {name: round(seconds, 1) for name, seconds in msgspec.structs.asdict(found).items()}
    told = ", ".join(f"{name} {late[name]:g} s" for name in PRESSING if late[name] > LATE_SECONDS)
    if told:
        raise NotReady(f"what is due waits: {told}", late_seconds=late)
    return Finding(f"nothing waits longer than {max(late[name] for name in PRESSING):g} s", late)


def _hold_and_delivery(now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return since when the oldest of each is due.

    A process that died with payments keeps their orders marked as being paid for a minute: no duty
    is late by that. Marks are read only where a hold is late, which next to never happens.
    """
    [(hold, delivery)] = sql.run(SQL / "lateness.sql", {"now": now, "being_paid": "{}"})
    if _age(now, [hold]) < MARKS_MATTER_SECONDS:
        return hold, delivery
    marked = paying.being_paid(list(sales_on_record(now=now).values_list("pk", flat=True)))
    if marked:
        being_paid = sql.array(str(UUID(bytes=order_id)) for order_id in marked)
        [(hold, delivery)] = sql.run(SQL / "lateness.sql", {"now": now, "being_paid": being_paid})
    return hold, delivery


def _oldest_order(now: datetime) -> float:
    """Return how long the first order of all outboxes waits, by Redis' clock as by ours."""
    waiting = outbox.waiting(list(sales_on_record(now=now).values_list("pk", flat=True)))
    since = [since_ms for length, since_ms in waiting.values() if length]
    return max(0.0, clock.to_ms(now) - min(since)) / 1000 if since else 0.0


def _with_counters(sales: set[tuple[int, int]]) -> set[int]:
    """Return those of the sales (id, epoch) whose counters Redis has."""
    return {sale_id for sale_id, epoch in sales if counters.are_there(sale_id, epoch=epoch)}


def _age(now: datetime, moments: Iterable[datetime | None]) -> float:
    known = [moment for moment in moments if moment is not None]
    return max(0.0, (now - min(known)).total_seconds()) if known else 0.0
