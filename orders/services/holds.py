"""Ending the hold of unpaid orders: by their client, or by the clock."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from orders import lifecycle
from orders.domain import Status
from orders.errors import NotCancellable, OrderUnknown
from orders.models import Order

from .transitions import change_status


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


def expire_holds(*, now: datetime) -> int:
    """Expire all unpaid orders whose hold ended before `now`. Returns how many.

    In batches; may run any number of times, also at once: what one has locked is left to it.
    """
    done = 0
    while expired := _expire_some(now):
        done += expired
    return done


def _expire_some(now: datetime) -> int:
    with transaction.atomic():
        # A row that is locked is being paid, cancelled or expired at this moment.
        over = (
            Order.objects.select_for_update(skip_locked=True)
            .filter(status=Status.AWAITING_PAYMENT, hold_expires_at__lte=now)
            .order_by("hold_expires_at")
            .values_list("pk", flat=True)[: settings.EXPIRE_BATCH]
        )
        order_ids = list(over)
        return len(change_status(lifecycle.EXPIRE, order_ids)) if order_ids else 0
