"""Moving units between free, held and sold, with each move in the ledger."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from django.db import transaction
from django.db.models import F

from inventory import errors
from inventory.models import Allocation, StockMovement
from shop.core.stores import sql

SQL = Path(__file__).parent / "sql"


class Move(NamedTuple):
    """The units that one line of an order adds to the columns of its stock row; both may be < 0."""

    order_id: str
    allocation_id: int
    held: int
    sold: int

    @property
    def kind(self) -> str:
        """Its kind, as the ledger names it."""
        if self.held > 0:
            return StockMovement.Kind.HOLD.value
        return (StockMovement.Kind.SELL if self.sold > 0 else StockMovement.Kind.RELEASE).value

    @property
    def released(self) -> int:
        """The units that it makes free again."""
        return max(0, -self.held - self.sold)


def move_stock(moves: Sequence[Move]) -> None:
    """Move units of orders between free, held and sold, with a line in the ledger for each move.

    The second insurance against overselling: each stock row moves under a condition, in primary-key
    order so that two transactions cannot lock each other out. Raises StockRefused where a row does
    not have the units; the caller then rolls back.
    """
    totals: dict[int, tuple[int, int, int]] = {}
    for move in moves:
        held, sold, released = totals.get(move.allocation_id, (0, 0, 0))
        totals[move.allocation_id] = (
            held + move.held,
            sold + move.sold,
            released + move.released,
        )
    rows = [(move.order_id, move.allocation_id, move.kind, move.held, move.sold) for move in moves]
    names = ["order_id", "allocation_id", "kind", "held", "sold"]
    sql.run(SQL / "insert_movements.sql", sql.columns(names, rows))
    # Last: other sales, ends and releases of the same stock wait for these rows until the commit.
    for allocation_id, (held, sold, released) in sorted(totals.items()):
        _move_row(allocation_id, held=held, sold=sold, released=released)


def correct_stock(allocation_id: int, *, held: int = 0, sold: int = 0, counter: int = 0) -> None:
    """Write a repair into the ledger, and move the stock row by it; all in units, relative.

    `counter` is what is added to Redis' counter, which the caller does. Raises StockRefused where
    the row would then be oversold.
    """
    with transaction.atomic():
        _move_row(allocation_id, held=held, sold=sold)
        StockMovement.objects.create(
            allocation_id=allocation_id,
            kind=StockMovement.Kind.CORRECT,
            held=held,
            sold=sold,
            counter=counter or None,
        )


def lock_free_units(allocation_ids: Sequence[int]) -> dict[int, int]:
    """Lock these stock rows until the transaction ends. Returns the units free in each."""
    rows = (
        Allocation.objects.select_for_update()
        .filter(pk__in=allocation_ids)
        .order_by("pk")
        .values_list("pk", "allocated", "held", "sold")
    )
    return {pk: allocated - held - sold for pk, allocated, held, sold in rows}


def _move_row(allocation_id: int, *, held: int, sold: int, released: int = 0) -> None:
    moved = Allocation.objects.filter(
        pk=allocation_id,
        held__gte=-held,
        sold__gte=-sold,
        allocated__gte=F("held") + F("sold") + (held + sold),
    ).update(
        held=F("held") + held,
        sold=F("sold") + sold,
        released=F("released") + released,
    )
    if moved != 1:
        raise errors.StockRefused(allocation_id)
