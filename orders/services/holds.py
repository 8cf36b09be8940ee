"""Ending the hold of unpaid orders: by their client, or by the clock."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from orders import lifecycle
from orders.domain import Status
from orders.errors import NotCancellable, OrderUnknown
from orders.selectors import Asked
from shop.core import sql
from shop.core.limits import endless

from .transitions import change_status

SQL = Path(__file__).parent.parent / "sql"
# A payment that is received in the last moment of a hold is noted some milliseconds later. For so
# long it is waited for: it is worth more than the moment in which the unit could be bought.
NOTING = timedelta(seconds=0.4)


def cancel_order(order_id: UUID, *, client_id: int) -> None:
    """Cancel an unpaid order of this client; nothing is left to do where it is cancelled already.

    Raises OrderUnknown where the client has no such order in the ledger, and NotCancellable.
    """
    asked = order_id, client_id
    if error := cancel_orders([asked])[asked]:
        raise error


def cancel_orders(asked: Collection[Asked]) -> dict[Asked, NotCancellable | OrderUnknown | None]:
    """Do as `cancel_order` for many, in one transaction; what it would raise is each one's value.

    An order with a payment that waits to be applied is as good as paid, and is not cancelled.
    """
    ids = sql.array({str(order_id) for order_id, _ in asked})
    with transaction.atomic():
        waiting = sql.run(SQL / "lock_unpaid_orders.sql", {"order_ids": ids})
        # After the locks: a payment that was noted meanwhile is seen.
        paid = {order_id for (order_id,) in sql.run(SQL / "paid_orders.sql", {"order_ids": ids})}
        to_cancel = [pk for pk, client in waiting if (pk, client) in asked and str(pk) not in paid]
        if to_cancel:
            change_status(lifecycle.CANCEL, to_cancel)
        found = sql.run(SQL / "statuses.sql", {"order_ids": ids})
    statuses = {(pk, client): status for pk, client, status in found}
    return {each: _refusal(each[0], statuses.get(each)) for each in asked}


def _refusal(order_id: UUID, status: str | None) -> NotCancellable | OrderUnknown | None:
    if status is None:
        return OrderUnknown(order_id)
    return None if status == Status.CANCELLED else NotCancellable(status)


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
