"""Payments that had to wait: for their order to be persisted, or for stock of an order let go."""

from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from inventory import counters
from inventory.models import Sale
from inventory.reservation import Release
from inventory.services import lock_free_units
from orders import lifecycle
from orders.models import Order, OrderLine, PaymentNotice
from orders.task_names import SWEEP_RELEASES
from shop.core import clock
from shop.core.dispatch import send_on_commit
from shop.core.limits import endless

from .attest import on_compared_server
from .payments import LET_GO, apply, awaits_stock, owe, settle
from .transitions import change_status


def settle_payments(*, out_of_time: Callable[[], bool] = endless) -> int:
    """Settle each waiting payment whose order is in the ledger. Returns how many were looked at.

    May run any number of times, also at once; stops early when `out_of_time()`. Raises
    CountersLost, CountersUnavailable where a late payment cannot be settled now; it waits on.
    """
    done = 0
    for pk in _waiting():
        if out_of_time():
            break
        with transaction.atomic():
            waiting = PaymentNotice.objects.select_for_update(skip_locked=True)
            if notice := waiting.filter(pk=pk, state=PaymentNotice.State.PENDING).first():
                _settle(notice)
                done += 1
    return done


def _waiting() -> Iterator[int]:
    in_ledger = Exists(Order.objects.filter(pk=OuterRef("order_id")))
    waiting = PaymentNotice.objects.filter(in_ledger, state=PaymentNotice.State.PENDING)
    last = 0
    while page := list(
        waiting.filter(pk__gt=last)
        .order_by("pk")
        .values_list("pk", flat=True)[: settings.SETTLE_BATCH]
    ):
        yield from page
        last = page[-1]


def _settle(notice: PaymentNotice) -> None:
    order = Order.objects.get(pk=notice.order_id)
    lets_retake = notice.type == PaymentNotice.Type.SUCCEEDED and order.status in LET_GO
    if lets_retake and order.gap_end is None and notice.amount == order.total:
        _settle_late(notice, order)
    else:
        settle(notice)


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
    taken = Release(order.pk.bytes, order.customer, lines)
    gap = on_compared_server(
        lambda server: counters.retake(
            *(sale.pk, sale.slug),
            epoch=sale.epoch,
            server=server,
            order=taken,
            place=order.release_place,
        )
    )
    if gap is None:
        owe(notice, order, "The hold had ended, and the stock is sold.")
        return
    order.gap_start, order.gap_end, order.release_place = gap.start, gap.end, None
    order.let_go_at = clock.now()  # its second life; the first one's units are back
    order.save(update_fields=["gap_start", "gap_end", "release_place", "let_go_at"])
    if all(free[allocation_id] >= quantity for allocation_id, quantity in lines):
        change_status(lifecycle.PAY_LATE, [order.pk])
        apply(notice, order, "The hold had ended; the stock was taken once more.")
    else:  # Redis had more than the ledger: what it just gave goes back
        owe(notice, order, "The hold had ended, and the ledger has no stock left.")
        send_on_commit(SWEEP_RELEASES)
