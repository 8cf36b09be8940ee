"""What happened to an order, from its yes to its end, as one list in the order of time.

The sources are read in a query each, and of each source only so much that no order can make the
page long: an order has a handful of everything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from inventory.models import StockMovement
from inventory.money import with_currency
from inventory.reservation import entry_id_of
from orders.domain import Status
from orders.models import DeadLetter, Delivery, Order, PaymentNotice
from orders.reads.selectors import payment_in_time

from .badges import TONES, Tone, link_to, link_to_pk, moment
from .deliveries import answer_of

OF_EACH = 200  # rows of a source
MEANT = {
    "order.placed": "Placed",
    "order.paid": "Paid",
    "order.cancelled": "Cancelled",
    "order.expired": "Expired: the hold ended without a payment",
    "order.rejected": "Rejected",
    "order.refunded": "Refunded",
}
_STATES = {"pending": "Waits to be told:", "delivered": "Told:", "dead": "Gave up telling:"}
_TONES_OF_DELIVERY: dict[str, Tone] = {"pending": "waits", "delivered": "good", "dead": "bad"}
_LETTERS = {"persisted": "A dead letter was persisted after all", "rejected": "Given up"}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, or is to happen."""

    at: datetime
    icon: str  # of Material Symbols
    title: str
    tone: Tone = "plain"
    facts: Sequence[tuple[str, Any]] = field(default_factory=tuple)  # name, value
    is_to_come: bool = False

    @property
    def when(self) -> str:
        return moment(self.at)


@dataclass(frozen=True, slots=True)
class Timeline:
    """An order's story, the oldest moment first, with a bound of `OF_EACH` moments of a kind."""

    moments: list[Moment]
    is_cut: bool  # whether a source holds more than is shown


def timeline_of(order: Order, *, now: datetime) -> Timeline:
    """Return what happened to `order`, which comes with its client, in at most seven queries."""
    sources = [
        list(islice(source, OF_EACH + 1))
        for source in (
            _letters(order),
            _payments(order),
            _movements(order),
            _events(order),
            _deliveries(order),
            _people(order),
        )
    ]
    told = [each for source in sources for each in source[:OF_EACH]]
    moments = [*_acceptance(order), *told, *_end_of_hold(order, now)]
    # What one transaction did has one time; the sort keeps the sources in their sequence.
    moments.sort(key=lambda each: each.at)
    return Timeline(moments, is_cut=any(len(source) > OF_EACH for source in sources))


def _acceptance(order: Order) -> Iterator[Moment]:
    yield Moment(
        order.accepted_at,
        "check_circle",
        "Accepted: its stock is held in Redis",
        "good",
        [
            ("Client", link_to(order.client)),
            ("Request id", order.request_key),
            ("X-Request-ID", order.http_request_id),
            ("Outbox entry", entry_id_of(order.position).decode()),
            ("Epoch", order.epoch),
        ],
    )
    took = max(order.persisted_at - order.accepted_at, timedelta(0))
    yield Moment(
        order.persisted_at,
        "database",
        "Persisted in PostgreSQL",
        facts=[("After", f"{took.total_seconds() * 1000:,.0f} ms")],
    )


def _end_of_hold(order: Order, now: datetime) -> Iterator[Moment]:
    if order.status == Status.AWAITING_PAYMENT and order.hold_expires_at:
        over = order.hold_expires_at <= now
        if payment_in_time(order):
            title = "The hold ends: a payment was received before, and is being applied"
        elif over:
            title = "The hold has ended: it is about to expire"
        else:
            title = "The hold ends, unless paid"
        yield Moment(order.hold_expires_at, "timer", title, "waits", is_to_come=not over)


def _events(order: Order) -> Iterator[Moment]:
    for event in order.events.order_by("sequence")[: OF_EACH + 1]:
        due = with_currency(event.refund_due, order.currency) if event.refund_due else ""
        reason = order.rejection if event.type == "order.rejected" else ""
        yield Moment(
            event.created_at,
            "flag",
            MEANT.get(event.type, event.type),
            TONES.get(event.type.removeprefix("order."), "plain"),
            [
                ("Event", link_to(event, f"{event.type} #{event.sequence}")),
                ("Because", reason),
                ("To be refunded", due),
            ],
        )


def _movements(order: Order) -> Iterator[Moment]:
    rows = StockMovement.objects.filter(order_id=order.pk).order_by("created_at", "kind", "pk")
    found = rows.select_related("allocation__product")[: OF_EACH + 1]
    for (at, kind), some in groupby(found, key=lambda row: (row.created_at, row.kind)):
        yield Moment(
            at,
            "inventory_2",
            f"Ledger: {StockMovement.Kind(kind).label.lower()}",
            facts=[(row.allocation.product.sku, _units(row)) for row in some],
        )


def _units(row: StockMovement) -> str:
    changes = [(row.held, "held"), (row.sold, "sold")]
    return ", ".join(f"{units:+} {what}" for units, what in changes if units)


def _deliveries(order: Order) -> Iterator[Moment]:
    rows = Delivery.objects.filter(order_id=order.pk).order_by("endpoint", "sequence")
    for delivery in rows.select_related("endpoint__client", "event")[: OF_EACH + 1]:
        yield Moment(
            delivery.last_attempt_at or delivery.created_at,
            "send",
            f"{_STATES[delivery.state]} {delivery.event.type}",
            _TONES_OF_DELIVERY[delivery.state],
            [
                ("To", delivery.endpoint),
                ("Attempts", delivery.attempts),
                ("Answer", answer_of(delivery)),
                ("Delivery", link_to_pk("orders.delivery", delivery.pk, delivery.pk)),
            ],
        )


def _payments(order: Order) -> Iterator[Moment]:
    rows = PaymentNotice.objects.filter(order_id=order.pk).order_by("pk")
    for notice in rows[: OF_EACH + 1]:
        needs_attention = notice.state in PaymentNotice.NEEDS_ATTENTION
        yield Moment(
            notice.received_at,
            "payments",
            f"{notice.get_type_display()}: {with_currency(notice.amount, notice.currency)}",
            "bad" if needs_attention else "plain",
            [
                ("State", notice.get_state_display()),
                ("Detail", notice.detail),
                ("Provider", notice.provider),
                ("Reference", link_to(notice, notice.reference)),
            ],
        )


def _letters(order: Order) -> Iterator[Moment]:
    rows = DeadLetter.objects.filter(order_id=order.pk).defer("payload").order_by("pk")
    for letter in rows[: OF_EACH + 1]:
        facts = [("Reason", letter.reason), ("Letter", link_to(letter, letter.entry_id))]
        yield Moment(letter.created_at, "report", "Became a dead letter", "bad", facts)
        if letter.resolved_at:
            yield Moment(letter.resolved_at, "task_alt", _LETTERS[letter.resolution], facts=facts)


def _people(order: Order) -> Iterator[Moment]:
    """Yield what people did to the order here, from the log of the admin."""
    content_type = ContentType.objects.get_for_model(Order)  # kept in memory
    entries = LogEntry.objects.filter(content_type=content_type, object_id=str(order.pk))
    for entry in entries.select_related("user").order_by("pk")[: OF_EACH + 1]:
        yield Moment(
            entry.action_time,
            "person",
            entry.get_change_message(),
            facts=[("By", entry.user.get_username())],
        )
