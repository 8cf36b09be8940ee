"""Accounting for orders that only a lost Redis knew, as far as anybody remembers them."""

import logging
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from inventory import outbox
from orders.domain import sale_id_of
from orders.models import DeadLetter, LostOrder, Order, PaymentNotice
from orders.payments.settle import settle

MOST = 100_000  # payments for orders that are not in the ledger
logger = logging.getLogger(__name__)


def mark_suspect(sale_id: int, accepted: Iterable[tuple[bytes, int]]) -> int:
    """Note orders (id, client) that were accepted by counters which are lost. Returns how many.

    Those that are in the ledger are in no doubt; the rest is decided once the sale is rebuilt.
    """
    clients = {UUID(bytes=order_id): client_id for order_id, client_id in accepted}
    doubtful = set(clients) - _known(clients)
    LostOrder.objects.bulk_create(
        [LostOrder(order_id=pk, client_id=clients[pk], sale_id=sale_id) for pk in doubtful],
        ignore_conflicts=True,
        batch_size=1000,
    )
    return len(doubtful)


def resolve_suspects(sale_id: int) -> list[str]:
    """Decide about a sale's doubtful orders, now that its outbox is empty and its counters rebuilt.

    Returns the ids of those that turned out to be lost. Their requests may be placed again, with
    the same key; what was paid for any that is nowhere is flagged. Raises redis.RedisError.
    """
    _flag_payments_for_nothing(sale_id)
    doubtful = LostOrder.objects.filter(sale=sale_id, confirmed=False)
    ids = list(doubtful.values_list("order_id", flat=True))
    if not ids:
        return []
    waiting = outbox.still_waiting(sale_id, [order_id.bytes for order_id in ids])
    known = _known(ids) | {UUID(bytes=order_id) for order_id in waiting}
    LostOrder.objects.filter(order_id__in=known).delete()
    lost = sorted(set(ids) - known)
    LostOrder.objects.filter(order_id__in=lost).update(confirmed=True)
    for order_id in lost:
        logger.error("order %s was accepted and is lost: Redis had it, and nothing else", order_id)
    return [str(order_id) for order_id in lost]


def _flag_payments_for_nothing(sale_id: int) -> None:
    """Judge payments that wait for an order of this sale which is in no store, now that it is sure.

    Nobody may remember the order; its customer has paid all the same.
    """
    in_ledger = Exists(Order.objects.filter(pk=OuterRef("order_id")))
    waiting = PaymentNotice.objects.filter(~in_ledger, state=PaymentNotice.State.PENDING)
    for pk, order_id in waiting.order_by("received_at").values_list("pk", "order_id")[:MOST]:
        if sale_id_of(order_id) != sale_id:
            continue
        with transaction.atomic():
            rows = PaymentNotice.objects.select_for_update()
            if notice := rows.filter(pk=pk, state=PaymentNotice.State.PENDING).first():
                settle(notice)


def _known(order_ids: Iterable[UUID]) -> set[UUID]:
    ids = list(order_ids)
    known = set(Order.objects.filter(pk__in=ids).values_list("pk", flat=True))
    letters = DeadLetter.objects.filter(order_id__in=ids).values_list("order_id", flat=True)
    return known | {order_id for order_id in letters if order_id}
