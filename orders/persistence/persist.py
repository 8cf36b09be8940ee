"""From the outbox into the ledger: a batch of accepted orders becomes rows, each exactly once."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from inventory.errors import StockRefused
from inventory.money import from_minor
from inventory.outbox import Entry
from inventory.services import Move, lock_free_units, move_stock
from orders import lifecycle
from orders.domain import OrderRecord, Rejection, format_order_id
from orders.lifecycle import Change
from orders.models import Order
from orders.payments.late import payments_of, settle_those
from orders.services.events import Event, record_events
from orders.task_names import SWEEP_RELEASES
from shop.core.stores import sql
from shop.core.tasks.dispatch import send_on_commit

from .batch_spans import batch_persisted

logger = logging.getLogger(__name__)

SQL = Path(__file__).parent / "sql"
ORDER_COLUMNS = (
    "id client_id request_key fingerprint http_request_id customer email status rejection currency "
    "total metadata accepted_at_ms held_until_ms epoch position traceparent"
).split()


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """An outbox entry and the order that it holds."""

    entry: Entry
    record: OrderRecord

    @property
    def id(self) -> str:
        """Its order id as the API writes it."""
        return format_order_id(self.record.order_id)

    @property
    def change(self) -> Change:
        """The change that makes it an order, if the ledger has the units."""
        return lifecycle.HOLD if self.entry.held_until_ms else lifecycle.SELL


def persist_batch(sale_id: int, batch: Sequence[AcceptedOrder]) -> None:
    """Insert orders, lines, movements and events, and move the stock rows, in one transaction.

    Orders that are there already are left alone. An order that the ledger has no units for, or that
    repeats a request under another id, becomes `rejected`, and a task releases its stock in
    Redis.
    """
    with batch_persisted(sale_id, len(batch), (order.record for order in batch)):
        _persist(sale_id, batch)


def _persist(sale_id: int, batch: Sequence[AcceptedOrder]) -> None:
    try:
        with transaction.atomic():
            _write(sale_id, batch, refused={})
    except StockRefused:
        logger.error("sale %s: the ledger has too few units for a batch; judging each", sale_id)
        with transaction.atomic():
            _write(sale_id, batch, refused=_find_oversold(batch))


def _write(
    sale_id: int, batch: Sequence[AcceptedOrder], *, refused: Mapping[str, Rejection]
) -> None:
    inserted = _insert_orders(sale_id, batch, refused)
    left_out = [order for order in batch if order.id not in inserted]
    if left_out:
        existing = _existing(left_out)
        again = [order for order in left_out if order.id not in existing]
        repeated = dict.fromkeys((order.id for order in again), Rejection.REQUEST_REUSED)
        inserted |= _insert_orders(sale_id, again, repeated)
        refused = {**refused, **repeated}
    fresh = [order for order in batch if order.id in inserted]
    _insert_lines(fresh)
    standing = [order for order in fresh if order.id not in refused]
    record_events([Event(order.id, 1, _first_change(order, refused).event) for order in fresh])
    if len(standing) < len(fresh):
        send_on_commit(SWEEP_RELEASES)
    payments = payments_of([order.id for order in fresh])
    # Last: ends of holds, cancellations and payments wait for the rows of the stock until the
    # commit, and this process is the first to get less of the processor.
    move_stock(
        [
            Move(
                order_id=order.id,
                allocation_id=line.allocation_id,
                held=order.change.held * line.quantity,
                sold=order.change.sold * line.quantity,
            )
            for order in standing
            for line in order.record.lines
        ]
    )
    settle_those(payments)


def _find_oversold(batch: Sequence[AcceptedOrder]) -> dict[str, Rejection]:
    """Lock the stock rows and return the orders they lack units for; first come, first served."""
    free = lock_free_units(sorted(_units(batch)))
    existing, refused = _existing(batch), {}
    for order in batch:
        if order.id in existing:
            continue
        lines = order.record.lines
        if all(free[line.allocation_id] >= line.quantity for line in lines):
            for line in lines:
                free[line.allocation_id] -= line.quantity
        else:
            refused[order.id] = Rejection.OVERSOLD
    return refused


def _existing(orders: Sequence[AcceptedOrder]) -> set[str]:
    found = Order.objects.filter(pk__in=[order.id for order in orders])
    return {str(pk) for pk in found.values_list("pk", flat=True)}


def _units(orders: Iterable[AcceptedOrder]) -> dict[int, int]:
    units: dict[int, int] = defaultdict(int)
    for order in orders:
        for line in order.record.lines:
            units[line.allocation_id] += line.quantity
    return units


def _insert_orders(
    sale_id: int, orders: Sequence[AcceptedOrder], refused: Mapping[str, Rejection]
) -> set[str]:
    rows = [
        (
            order.id,
            order.record.client_id,
            order.record.request_key,
            order.record.fingerprint.hex(),
            order.record.http_request_id,
            order.record.customer,
            order.record.email,
            _first_change(order, refused).target.value,
            refused.get(order.id, ""),
            order.record.currency,
            from_minor(order.record.total, order.record.currency),
            order.record.metadata_as_given,
            order.entry.accepted_at_ms,
            order.entry.held_until_ms or None,
            order.entry.epoch,
            order.entry.position,
            order.record.traceparent or None,
        )
        for order in orders
    ]
    parameters = {"sale_id": sale_id, **sql.columns(ORDER_COLUMNS, rows)}
    return {row[0] for row in sql.run(SQL / "insert_orders.sql", parameters)}


def _insert_lines(orders: Sequence[AcceptedOrder]) -> None:
    rows = [
        (
            order.id,
            line.allocation_id,
            line.quantity,
            from_minor(line.unit_price, order.record.currency),
        )
        for order in orders
        for line in order.record.lines
    ]
    names = ["order_id", "allocation_id", "quantity", "unit_price"]
    sql.run(SQL / "insert_lines.sql", sql.columns(names, rows))


def _first_change(order: AcceptedOrder, refused: Mapping[str, Rejection]) -> Change:
    return lifecycle.REJECT if order.id in refused else order.change
