"""Ending the hold of unpaid orders: by their client, or by the clock."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from inventory import outbox, paying
from orders import lifecycle
from orders.domain import Status
from orders.errors import NotCancellable, OrderUnknown
from orders.reads.selectors import Asked
from shop.core import clock
from shop.core.stores import sql
from shop.core.time_limits import endless

from .transitions import change_status

SQL = Path(__file__).parent / "sql"
# Of a payment that is received in the last moment of a hold, its order is marked as being paid some
# milliseconds later. For so long it is waited for: it is worth more than the moment in which the
# unit could be bought.
MARKING = timedelta(seconds=0.4)


def cancel_order(order_id: UUID, *, client_id: int) -> None:
    """Cancel an unpaid order of this client; nothing is left to do where it is cancelled already.

    Raises OrderUnknown where the client has no such order in the ledger, and NotCancellable.
    """
    asked = order_id, client_id
    if error := cancel_orders([asked])[asked]:
        raise error


def cancel_orders(asked: Collection[Asked]) -> dict[Asked, NotCancellable | OrderUnknown | None]:
    """Do as `cancel_order` for many, in one transaction; what it would raise is each one's value.

    An order with a payment that has come and is not applied is as good as paid, and is not
    cancelled. Raises redis.RedisError where Redis cannot say whether one has come.
    """
    ids = sql.array({str(order_id) for order_id, _ in asked})
    with transaction.atomic():
        waiting = sql.run(SQL / "lock_unpaid_orders.sql", {"order_ids": ids})
        paid = _being_paid(
            [(str(pk), sale_id) for pk, _, sale_id in waiting], SQL / "paid_orders.sql"
        )
        to_cancel = [
            pk for pk, client, _ in waiting if (pk, client) in asked and str(pk) not in paid
        ]
        found = sql.run(SQL / "statuses.sql", {"order_ids": ids})
        # Last, since it takes the rows of the stock.
        cancelled = set(change_status(lifecycle.CANCEL, to_cancel)) if to_cancel else set()
    statuses = {
        (pk, client): Status.CANCELLED if pk in cancelled else status
        for pk, client, status in found
    }
    return {each: _refusal(each[0], statuses.get(each)) for each in asked}


def _refusal(order_id: UUID, status: str | None) -> NotCancellable | OrderUnknown | None:
    if status is None:
        return OrderUnknown(order_id)
    return None if status == Status.CANCELLED else NotCancellable(status)


def over_for_certain() -> datetime:
    """Return the latest end of a hold that may be acted on now. Raises redis.RedisError.

    A hold begins by Redis' clock. Where that is behind ours, it ends by it, too: late rather than
    early.
    """
    return min(clock.now(), outbox.clock()) - MARKING


def expire_holds(*, now: datetime, out_of_time: Callable[[], bool] = endless) -> int:
    """Expire all unpaid orders whose hold ended before `now`. Returns how many.

    In batches; may run any number of times, also at once: what one has locked is left to it. Stops
    early when `out_of_time()`. An order with a payment that was received before the end of its hold
    and is not applied yet is left alone, however long that takes. Raises redis.RedisError where
    Redis cannot say of which orders a payment has come: then none of the rest is expired.
    """
    done, left = 0, set[str]()
    while not out_of_time():
        found, paid, expired = _expire_some(now, left)
        left |= paid
        done += expired
        if found < settings.EXPIRE_BATCH:
            break
    return done


def _expire_some(now: datetime, left: Collection[str]) -> tuple[int, set[str], int]:
    """Expire a batch, but for orders that were `left` alone before.

    Returns how many orders were found, which of them are being paid, and how many were expired.
    """
    over = {"over_at": now, "most": settings.EXPIRE_BATCH, "left": sql.array(left)}
    with transaction.atomic():
        found = sql.run(SQL / "lock_overdue_holds.sql", over)
        if not found:
            return 0, set(), 0
        paid = _being_paid(found, SQL / "paid_in_time.sql")
        unpaid = [order_id for order_id, _ in found if order_id not in paid]
        expired = change_status(lifecycle.EXPIRE, unpaid) if unpaid else ()
        return len(found), paid, len(expired)


def _being_paid(orders: Sequence[tuple[str, int]], noted: Path) -> set[str]:
    """Return which of these orders (id, sale), whose rows are locked, a payment has come for.

    `noted` looks for payments on record. Noting shares the lock on its order's row: what is noted
    from now on waits for the end of this. A mark is there before the noting begins, and until it
    has ended. So marks are looked for after the locks, and before what is on record: a payment that
    is in neither of the two has not come in time.
    """
    if not orders:
        return set()
    marked = paying.being_paid({sale_id for _, sale_id in orders})
    ids = [order_id for order_id, _ in orders]
    on_record = sql.run(noted, {"order_ids": sql.array(ids)})
    found = {order_id for (order_id,) in on_record}
    if marked:
        found |= {order_id for order_id in ids if UUID(order_id).bytes in marked}
    return found
