"""Changing the status of orders that are in the ledger: the only place where that happens."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from inventory.services import Move, move_stock
from orders.domain import RELEASED
from orders.lifecycle import Change
from orders.task_names import SWEEP_RELEASES
from shop.core.stores import sql
from shop.core.tasks.dispatch import send_on_commit

from .events import Event, record_events

SQL = Path(__file__).parent / "sql"


class _Changed(NamedTuple):
    """A row of change_status.sql."""

    order_id: str
    sale_id: int
    events: int
    lines: str

    def moves(self, change: Change) -> list[Move]:
        numbers = [int(number) for number in self.lines.split(",")]
        return [
            Move(self.order_id, allocation_id, change.held * quantity, change.sold * quantity)
            for allocation_id, quantity in zip(numbers[::2], numbers[1::2], strict=True)
        ]


def change_status(change: Change, order_ids: Sequence[UUID | str]) -> list[UUID]:
    """Make `change` to those of these orders that it is open to. Returns their ids.

    Of several changes that compete for an order exactly one finds it in a status that it starts
    from. Stock, ledger and events go with it, in the caller's transaction; Redis follows by a task
    after it. A caller with several orders has locked their rows, in one order. Raises StockRefused
    where the ledger lacks the units; the caller then rolls back.
    """
    assert connection.in_atomic_block, "a change of status is part of a transaction"
    rows = sql.run(
        SQL / "change_status.sql",
        {
            "order_ids": sql.array(str(order_id) for order_id in order_ids),
            "sources": [status.value for status in change.sources],
            "target": change.target.value,
            "lets_go": change.target in RELEASED,
        },
    )
    changed = [_Changed(*row) for row in rows]
    if not changed:
        return []
    record_events([Event(each.order_id, each.events + 1, change.event) for each in changed])
    if change.target in RELEASED:
        send_on_commit(SWEEP_RELEASES)
    # Last: every order of a sale needs these rows, and has to wait until this transaction ends.
    if change.held or change.sold:
        move_stock([move for each in changed for move in each.moves(change)])
    return [UUID(each.order_id) for each in changed]
