"""Payments that had to wait: for their order to be persisted, for a worker, or for stock.

Next to all of them are the first and only payment of an order that awaits it. Those are applied
together, by the batch; the rest is decided one by one, and one that fails costs itself alone.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import QuerySet

from inventory import counters
from inventory.errors import InventoryError
from inventory.models import Sale
from inventory.reservation import Gap, Release
from inventory.services import lock_free_units
from orders import lifecycle
from orders.models import Order, OrderLine, PaymentNotice
from orders.services.transitions import change_status
from orders.services.verify_counters import on_compared_server
from orders.task_names import SWEEP_RELEASES
from shop.core import clock
from shop.core.stores import sql
from shop.core.tasks.dispatch import send_on_commit
from shop.core.time_limits import endless

from .settle import alone_and_late, apply, awaits_stock, conclude_all, owe, settle, settle_all

logger = logging.getLogger(__name__)

SQL = Path(__file__).parent / "sql"
LATE_BATCH = 50  # each asks Redis, while all that are sold of the same stock wait
TAKEN_AGAIN = "The hold had ended; the stock was taken once more."


class _Waiting(NamedTuple):
    """A row of waiting_payments.sql."""

    pk: int
    received_at: datetime
    needs_stock: bool  # its order has let go of it


_FIRST = _Waiting(0, datetime.min.replace(tzinfo=UTC), needs_stock=False)


def settle_payments(*, out_of_time: Callable[[], bool] = endless) -> int:
    """Settle each waiting notice whose order is in the ledger. Returns how many were looked at.

    May run any number of times, also at once; stops early when `out_of_time()`. Those that need
    stock again come after all others. A notice that cannot be settled now waits on and delays no
    other; raises CountersLost, CountersUnavailable at the end where stock could not be asked for.
    """
    done, after, late = 0, _FIRST, list[int]()
    while not out_of_time() and (page := _page(after)):
        after = page[-1]
        done += _settle_together([each.pk for each in page if not each.needs_stock])
        late += [each.pk for each in page if each.needs_stock]
    return done + _settle_late_ones(late, out_of_time)


def payments_of(order_ids: Sequence[str]) -> list[int]:
    """Return the payments that wait for these orders. Costs one look at the index of such."""
    found = sql.run(SQL / "payments_of_orders.sql", {"order_ids": sql.array(order_ids)})
    return [pk for (pk,) in found]


def settle_those(pks: Sequence[int]) -> None:
    """Settle what has been paid for orders that the caller's transaction has just inserted.

    So a payment that came before its order is applied when the order is there for the first time.
    What fails is left to `settle_payments`.
    """
    if pks:
        _settle_or_leave(pks)


def _page(after: _Waiting) -> list[_Waiting]:
    rows = sql.run(
        SQL / "waiting_payments.sql",
        {"pk": after.pk, "received_at": after.received_at, "most": settings.SETTLE_BATCH},
    )
    return [_Waiting(*row) for row in rows]


def _settle_together(pks: Sequence[int]) -> int:
    """Settle notices in one transaction, or each in its own where that fails."""
    if not pks:
        return 0
    done = _settle_or_leave(pks)
    if done is None:
        return sum(_settle_or_leave([pk]) or 0 for pk in pks)
    return done


def _settle_or_leave(pks: Sequence[int]) -> int | None:
    """Settle notices, all or none of them. Returns how many; None where one could not be.

    Raises OperationalError: a server that is away is no notice's fault.
    """
    try:
        with transaction.atomic():
            notices = list(_lock_waiting(pks))
            settle_all(notices)
            return len(notices)
    except OperationalError:
        raise
    except Exception:
        logger.exception("%d payments cannot be settled, the first is %d", len(pks), pks[0])
        return None


def _settle_late_ones(pks: Sequence[int], out_of_time: Callable[[], bool]) -> int:
    done, trouble = 0, None
    for start in range(0, len(pks), LATE_BATCH):
        if out_of_time():
            break
        some = pks[start : start + LATE_BATCH]
        settled = _retake_or_leave(some)
        done += len(settled)
        for pk in some:
            if pk in settled or out_of_time():
                continue
            try:
                done += _settle_late_one(pk)
            except InventoryError as error:
                trouble = error
    if trouble:
        raise trouble
    return done


def _retake_or_leave(pks: Sequence[int]) -> set[int]:
    """Do `_retake_all` in a transaction. Where that fails nothing is settled: each is, by itself.

    Raises OperationalError.
    """
    try:
        with transaction.atomic():
            return _retake_all(pks)
    except OperationalError:
        raise
    except Exception as error:
        logger.info("%d late payments are settled one by one: %r", len(pks), error)
        return set()


def _settle_late_one(pk: int) -> int:
    """Settle a late notice in a transaction of its own. Returns 1, 0 where it failed.

    Raises OperationalError and InventoryError.
    """
    try:
        with transaction.atomic():
            for notice in _lock_waiting([pk]):
                _settle_late(notice, Order.objects.get(pk=notice.order_id))
                return 1
    except (OperationalError, InventoryError):
        raise
    except Exception:
        logger.exception("late payment %d cannot be settled", pk)
    return 0


def _lock_waiting(pks: Sequence[int]) -> QuerySet[PaymentNotice]:
    rows = PaymentNotice.objects.select_for_update(skip_locked=True)
    return rows.filter(pk__in=pks, state=PaymentNotice.State.PENDING).order_by("pk")


def _retake_all(pks: Sequence[int]) -> set[int]:
    """Take the stock once more for those notices which are all that was said of their orders.

    In a transaction of the caller's. Returns which ones are settled: the others need a look of
    their own, and so do those that nothing is left for. The locks are those of `_settle_late`.
    """
    notices = list(_lock_waiting(pks))
    ids = [notice.order_id for notice in notices]
    lines = _lines_of(ids)
    free = lock_free_units(sorted({each for of_order in lines.values() for each, _ in of_order}))
    sale_ids = Order.objects.filter(pk__in=ids).values("sale")
    locked_sales = Sale.objects.select_for_update(no_key=True).filter(pk__in=sale_ids)
    sales = {sale.pk: sale for sale in locked_sales.order_by("pk")}
    locked = Order.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    orders = {order.pk: order for order in locked}
    retaken: list[tuple[PaymentNotice, Gap]] = []
    for notice in alone_and_late(notices, orders):
        order, wanted = orders[notice.order_id], lines[notice.order_id]
        if not all(free[allocation_id] >= quantity for allocation_id, quantity in wanted):
            continue
        if gap := _reacquire(sales[order.sale_id], order, wanted):
            retaken.append((notice, gap))
            for allocation_id, quantity in wanted:
                free[allocation_id] -= quantity
    _note_gaps(retaken)
    settled = [notice for notice, _ in retaken]
    if settled:
        conclude_all(settled, TAKEN_AGAIN)
        change_status(lifecycle.PAY_LATE, sorted(notice.order_id for notice in settled))
    return {notice.pk for notice in settled}


def _lines_of(order_ids: Sequence[UUID]) -> dict[UUID, list[tuple[int, int]]]:
    """Return each order's allocations and quantities."""
    lines = defaultdict(list)
    rows = OrderLine.objects.filter(order__in=order_ids).order_by("pk")
    for order_id, *line in rows.values_list("order", "allocation_id", "quantity"):
        lines[order_id].append((line[0], line[1]))
    return lines


def _note_gaps(retaken: Sequence[tuple[PaymentNotice, Gap]]) -> None:
    rows = [(str(notice.order_id), gap.start, gap.end) for notice, gap in retaken]
    if rows:
        columns = sql.columns(["order_id", "gap_start", "gap_end"], rows)
        # From now on in their second life; the first one's units are back.
        sql.run(SQL / "note_gaps.sql", {**columns, "now": clock.now()})


def _reacquire(sale: Sale, order: Order, lines: list[tuple[int, int]]) -> Gap | None:
    """Take an order's stock in Redis once more; None where it is not there."""
    return on_compared_server(
        lambda server: counters.reacquire(
            *(sale.pk, sale.slug),
            epoch=sale.epoch,
            server=server,
            order=Release(order.pk.bytes, order.customer, lines),
            place=order.release_place,
        )
    )


def _settle_late(notice: PaymentNotice, order: Order) -> None:
    """Take the stock of an order once more, first in Redis, or flag its payment for a refund.

    The locks are held during the call to Redis: neither a rebuild of the counters nor another
    notice comes in between. A crash in between leaves the notice waiting, and Redis gives the same
    answer again.
    """
    lines = list(OrderLine.objects.filter(order=order).values_list("allocation_id", "quantity"))
    # In the order in which a rebuild takes them: stock rows, sale, order.
    free = lock_free_units([allocation_id for allocation_id, _ in lines])
    sale = Sale.objects.select_for_update(no_key=True).get(pk=order.sale_id)
    order = Order.objects.select_for_update().get(pk=order.pk)
    if not awaits_stock(notice, order):
        settle(notice)
        return
    gap = _reacquire(sale, order, lines)
    if gap is None:
        owe(notice, order, "The hold had ended, and the stock is sold.")
        return
    _note_gaps([(notice, gap)])
    if all(free[allocation_id] >= quantity for allocation_id, quantity in lines):
        change_status(lifecycle.PAY_LATE, [order.pk])
        apply(notice, order, TAKEN_AGAIN)
    else:  # Redis had more than the ledger: what it just gave goes back
        owe(notice, order, "The hold had ended, and the ledger has no stock left.")
        send_on_commit(SWEEP_RELEASES)
