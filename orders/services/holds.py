"""Ending the hold of unpaid orders: by their client, or by the clock."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from orders import lifecycle
from orders.domain import Status
from orders.errors import NotCancellable, OrderUnknown
from orders.models import Order
from shop.core import sql
from shop.core.limits import endless

from .transitions import change_status

SQL = Path(__file__).parent.parent / "sql"


def cancel_order(order_id: UUID, *, client_id: int) -> None:
    """Cancel an unpaid order of this client; nothing is left to do where it is cancelled already.

    Raises OrderUnknown where the client has no such order in the ledger, and NotCancellable.
    """
    with transaction.atomic():
        if not Order.objects.filter(pk=order_id, client=client_id).exists():
            raise OrderUnknown(order_id)
        if change_status(lifecycle.CANCEL, [order_id]):
            return
        status = Order.objects.values_list("status", flat=True).get(pk=order_id)
    if status != Status.CANCELLED:
        raise NotCancellable(status)


def expire_holds(*, now: datetime, out_of_time: Callable[[], bool] = endless) -> int:
    """Expire all unpaid orders whose hold ended before `now`. Returns how many.

    In batches; may run any number of times, also at once: what one has locked is left to it. Stops
    early when `out_of_time()`. An order with a payment that was received before the end of its hold
    and is not applied yet is left alone, however long that takes.
    """
    done = 0
    while not out_of_time():
        found, expired = _expire_some(now)
        done += expired
        if found < settings.EXPIRE_BATCH:
            break
    return done


def _expire_some(now: datetime) -> tuple[int, int]:
    """Expire a batch. Returns how many orders were found, and how many of them were expired."""
    with transaction.atomic():
        over = {"over_at": now, "most": settings.EXPIRE_BATCH}
        order_ids = [order_id for (order_id,) in sql.run(SQL / "lock_overdue_holds.sql", over)]
        if not order_ids:
            return 0, 0
        # Noting a payment shares the lock on its order's row. So what was noted since the first
        # look is seen by this one, and what is noted from now on waits for the end of this.
        again = sql.run(SQL / "paid_in_time.sql", {"order_ids": sql.array(order_ids)})
        paid = {order_id for (order_id,) in again}
        unpaid = [order_id for order_id in order_ids if order_id not in paid]
        return len(order_ids), len(change_status(lifecycle.EXPIRE, unpaid)) if unpaid else 0
