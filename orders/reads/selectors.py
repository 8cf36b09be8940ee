"""Reads of orders: from PostgreSQL, and before they are there from the outbox."""

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import redis
from django.db import DatabaseError, OperationalError
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from inventory import counters, outbox
from inventory.errors import CountersLost
from inventory.money import to_minor
from inventory.selectors import sales_on_record
from orders.domain import OrderRecord, Status, decode_record, format_order_id, sale_id_of
from orders.errors import OrderLost
from orders.http.representation import OrderView, order_view
from orders.models import (
    DeadLetter,
    Delivery,
    LostOrder,
    Order,
    OrderLine,
    PaymentNotice,
    ProviderMessage,
)
from shop.core import clock

logger = logging.getLogger(__name__)

Asked = tuple[UUID, int]  # an order, and the client that asks for it


def find_order(order_id: UUID, *, client_id: int) -> OrderView | None:
    """Return an order of this client, wherever it is on its way; None if the client has none such.

    It is looked for in the ledger, then in the outbox, then once more in the ledger: between the
    two reads it may have been persisted. While PostgreSQL is away, the outbox alone may know.
    Raises OrderLost, and CountersLost while that is unknown; DatabaseError, redis.RedisError.
    """
    asked = order_id, client_id
    try:
        found = _persisted([asked]) or _in_outboxes([asked]) or _persisted([asked])
    except OperationalError:
        found = _in_outboxes([asked])
        if not found:
            raise
    return found.get(asked) or _dead_letter(order_id, client_id) or _nowhere(order_id, client_id)


def find_orders(asked: Collection[Asked]) -> dict[Asked, OrderView | Exception | None]:
    """Do as `find_order` for many; what it would raise for one of them is that one's value here.

    Where most are, in the ledger or in the outbox, costs one query for all; only what is in neither
    is looked for one by one.
    """
    found: dict[Asked, OrderView | Exception | None] = {}
    try:
        found.update(_persisted(asked))
        found.update(_in_outboxes([each for each in asked if each not in found]))
    except (DatabaseError, redis.RedisError) as error:
        logger.info("orders are looked for one by one: %s", error)
    for order_id, client_id in set(asked) - found.keys():
        try:
            found[order_id, client_id] = find_order(order_id, client_id=client_id)
        except Exception as error:
            found[order_id, client_id] = error
    return found


def statuses(order_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the status of those orders that are persisted."""
    return dict(Order.objects.filter(pk__in=order_ids).values_list("pk", "status"))


def waiting_for_a_person() -> dict[str, QuerySet[Any]]:
    """Return what no program can mend, by kind; each kind's rows have an index of their own."""
    return {
        "dead letters": DeadLetter.objects.filter(resolution=""),
        "lost orders": LostOrder.objects.filter(confirmed=True),
        "payment notices": PaymentNotice.objects.filter(
            state__in=PaymentNotice.NEEDS_ATTENTION, handled_at__isnull=True
        ),
        "provider messages": ProviderMessage.objects.filter(handled_at__isnull=True),
        "deliveries": Delivery.objects.filter(state=Delivery.State.DEAD),
    }


@dataclass(frozen=True, slots=True)
class WaitingPayments:
    """Money that came in and has had no effect yet, and money that has to go back."""

    count: int  # at most MOST_WAITING; their orders are in no dead letter
    oldest: datetime | None  # when the first of them was received
    due_back: dict[str, Decimal]  # by currency, of orders that got nothing for it

    def age_seconds(self, now: datetime) -> float:
        """Return how long the oldest has waited, 0.0 where none does."""
        return max(0.0, (now - self.oldest).total_seconds()) if self.oldest else 0.0


MOST_WAITING = 100_000  # payments that are counted one by one


def waiting_payments() -> WaitingPayments:
    """Return the payments that are noted and not applied, and what is to be paid back.

    Of dead letters a person decides, and of their payments with them: no duty is late for them.
    """
    letters = DeadLetter.objects.filter(resolution="", order_id=OuterRef("order_id"))
    waiting = PaymentNotice.objects.filter(
        Q(type=PaymentNotice.Type.SUCCEEDED) & ~Exists(letters), state=PaymentNotice.State.PENDING
    )
    oldest = waiting.order_by("received_at").values_list("received_at", flat=True).first()
    return WaitingPayments(
        count=waiting.order_by("received_at")[:MOST_WAITING].count() if oldest else 0,
        oldest=oldest,
        due_back=_due_back(),
    )


def payment_in_time(order: Order) -> bool:
    """Tell whether a payment of this order was received before its hold's end and is not applied.

    The payment then goes first: the order is neither cancelled nor expired.
    """
    return payments_in_time().filter(order_id=order.pk).exists()


def payments_in_time() -> QuerySet[PaymentNotice]:
    """Return the payments that wait for an order which still holds stock for them.

    Noted before the hold's end, by `received_at`; in whatever order they are applied.
    """
    held = Order.objects.filter(
        pk=OuterRef("order_id"),
        status=Status.AWAITING_PAYMENT,
        hold_expires_at__gt=OuterRef("received_at"),
    )
    return PaymentNotice.objects.filter(
        Exists(held), type=PaymentNotice.Type.SUCCEEDED, state=PaymentNotice.State.PENDING
    )


def _due_back() -> dict[str, Decimal]:
    """Return what is to be paid back by currency, also for orders that were given up."""
    due: dict[str, Decimal] = defaultdict(Decimal)
    orders = Order.objects.filter(refund_due__isnull=False).order_by()
    for currency, amount in orders.values_list("currency").annotate(Sum("refund_due")):
        due[currency] += amount
    given_up = PaymentNotice.objects.filter(
        ~Exists(Order.objects.filter(pk=OuterRef("order_id"))),
        state=PaymentNotice.State.REFUND_DUE,
        handled_at__isnull=True,
    ).order_by()
    for currency, amount in given_up.values_list("currency").annotate(Sum("amount")):
        due[currency] += amount
    return dict(due)


def record_on_its_way(order_id: UUID) -> OrderRecord | None:
    """Return an accepted order that is not in the ledger yet, of any client."""
    sale_id = sale_id_of(order_id)
    entry = outbox.find(sale_id, order_id.bytes) if sale_id else None
    if entry is not None:
        return decode_record(entry.payload)
    letter = DeadLetter.objects.filter(order_id=order_id, resolution="").first()
    return decode_record(bytes(letter.payload)) if letter else None


def is_given_up(order_id: UUID) -> bool:
    """Tell whether an accepted order became a dead letter that a person has rejected."""
    rejected = DeadLetter.Resolution.REJECTED
    return DeadLetter.objects.filter(order_id=order_id, resolution=rejected).exists()


_COLUMNS = (
    "pk",
    "client_id",
    "sale__slug",
    "customer",
    "email",
    "status",
    "currency",
    "accepted_at",
    "hold_expires_at",
    "metadata",
    "refund_due",
)


def _persisted(asked: Collection[Asked]) -> dict[Asked, OrderView]:
    """Return those of the orders that are in the ledger and belong to the client that asks."""
    ids = {order_id for order_id, _ in asked}
    rows = Order.objects.filter(pk__in=ids).order_by().values_list(*_COLUMNS, named=True)
    owned = [row for row in rows if (row.pk, row.client_id) in asked]
    lines = _lines([row.pk for row in owned])
    return {
        (row.pk, row.client_id): order_view(
            order_id=str(row.pk),
            sale=row.sale__slug,
            customer=row.customer,
            email=row.email,
            status=row.status,
            lines=[
                (sku, count, to_minor(price, row.currency)) for sku, count, price in lines[row.pk]
            ],
            currency=row.currency,
            accepted_at_ms=clock.to_ms(row.accepted_at),
            held_until_ms=clock.to_ms(row.hold_expires_at) if row.hold_expires_at else 0,
            metadata=row.metadata,
            refund_due=to_minor(row.refund_due, row.currency) if row.refund_due else 0,
        )
        for row in owned
    }


def _lines(order_ids: Sequence[UUID]) -> dict[UUID, list[tuple[str, int, Decimal]]]:
    lines: dict[UUID, list[tuple[str, int, Decimal]]] = defaultdict(list)
    columns = "order_id", "allocation__product__sku", "quantity", "unit_price"
    for order_id, sku, quantity, price in OrderLine.objects.filter(order__in=order_ids).values_list(
        *columns
    ):
        lines[order_id].append((sku, quantity, price))
    return lines


def _in_outboxes(asked: Collection[Asked]) -> dict[Asked, OrderView]:
    """Return those of the orders that wait to be persisted and belong to the client that asks."""
    ids = {order_id for order_id, _ in asked}
    of_sale = [(sale_id, each.bytes) for each in ids if (sale_id := sale_id_of(each))]
    found = {}
    for order_id, entry in outbox.find_all(of_sale).items():
        record = decode_record(entry.payload)
        each = UUID(bytes=order_id), record.client_id
        if each in asked:
            found[each] = accepted_view(
                record, entry.accepted_at_ms, entry.held_until_ms, Status.ACCEPTED
            )
    return found


def _dead_letter(order_id: UUID, client_id: int) -> OrderView | None:
    letter = DeadLetter.objects.filter(order_id=order_id, client_id=client_id).first()
    if letter is None:
        return None
    rejected = letter.resolution == DeadLetter.Resolution.REJECTED
    return accepted_view(
        decode_record(bytes(letter.payload)),
        letter.accepted_at_ms,
        letter.held_until_ms,
        Status.REJECTED if rejected else Status.ACCEPTED,
    )


def _nowhere(order_id: UUID, client_id: int) -> OrderView | None:
    """Return None for an order that never was; raise what else is to be said of one in no store."""
    if LostOrder.objects.filter(order_id=order_id, client=client_id, confirmed=True).exists():
        raise OrderLost(order_id)
    sale = sales_on_record(now=clock.now()).filter(pk=sale_id_of(order_id) or 0).first()
    if sale is not None and not counters.are_there(sale.pk, epoch=sale.epoch):
        raise CountersLost(sale.slug)
    return None


def accepted_view(
    record: OrderRecord, accepted_at_ms: int, held_until_ms: int, status: Status
) -> OrderView:
    """Return an order that is not in PostgreSQL, for the API."""
    return order_view(
        order_id=format_order_id(record.order_id),
        sale=record.sale,
        customer=record.customer,
        email=record.email,
        status=status.value,
        lines=[(line.sku, line.quantity, line.unit_price) for line in record.lines],
        currency=record.currency,
        accepted_at_ms=accepted_at_ms,
        held_until_ms=held_until_ms,
        metadata=record.metadata_as_given,
    )
