"""Changing the status of orders that are in the ledger: the only place where that happens."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from django.db import connection

from inventory.services import Move, move_stock
from orders.domain import RELEASED
from orders.lifecycle import Change
from orders.models import OrderLine
from orders.task_names import RELEASE_STOCK
from shop.core import sql
from shop.core.dispatch import send_on_commit

from .events import Event, record_events

SQL = Path(__file__).parent.parent / "sql"


def change_status(change: Change, order_ids: Sequence[UUID]) -> list[UUID]:
    """Make `change` to those of these orders that it is open to. Returns their ids.

    Of several changes that compete for an order exactly one finds it in a status that it starts
    from. Stock, ledger and events go with it, in the caller's transaction; Redis follows by a task
    after it. Who changes several orders has locked their rows, in one order. Raises StockRefused
    where the ledger lacks the units; the caller then rolls back.
    """
    assert connection.in_atomic_block, "a change of status is part of a transaction"
    changed = sql.run(
        SQL / "change_status.sql",
        {
            "order_ids": [str(order_id) for order_id in order_ids],
            "sources": [status.value for status in change.sources],
            "target": change.target.value,
            "lets_go": change.target in RELEASED,
        },
    )
    if not changed:
        return []
    ids = [order_id for order_id, _, _ in changed]
    if change.held or change.sold:
        move_stock(_moves(change, ids))
    record_events([Event(order_id, last + 1, change.event) for order_id, _, last in changed])
    if change.target in RELEASED:
        for sale_id in sorted({sale_id for _, sale_id, _ in changed}):
            send_on_commit(RELEASE_STOCK, sale_id)
    return ids


def _moves(change: Change, order_ids: Sequence[UUID]) -> list[Move]:
    lines = OrderLine.objects.filter(order__in=order_ids).order_by("pk")
    return [
        Move(
            order_id=str(order_id),
            allocation_id=allocation_id,
            held=change.held * quantity,
            sold=change.sold * quantity,
        )
        for order_id, allocation_id, quantity in lines.values_list(
            "order_id", "allocation_id", "quantity"
        )
    ]
