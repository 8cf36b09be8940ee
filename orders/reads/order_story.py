"""An order's story: all that the ledger knows to have happened to it, in the order of time.

The admin's timeline and `manage.py show_order` both render the entries of this one module. Every
source is read in a query of its own, and of each only so many rows that no order can make a story
without an end: an order has a handful of everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db.models import Model

from inventory.models import StockMovement
from inventory.money import with_currency
from inventory.reservation import entry_id_of
from orders.models import DeadLetter, Delivery, Order, OrderEvent, PaymentNotice

MAX_PER_SOURCE = 200  # entries of a source
_EVENTS = {
    "order.placed": "Placed",
    "order.paid": "Paid",
    "order.cancelled": "Cancelled",
    "order.expired": "Expired: the hold ended without a payment",
    "order.rejected": "Rejected",
    "order.refunded": "Refunded",
}
_DELIVERIES = {"pending": "Waits to be told:", "delivered": "Told:", "dead": "Gave up telling:"}
_RESOLUTIONS = {"persisted": "A dead letter was persisted after all", "rejected": "Given up"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One named detail of an entry, and the row that it names, if it names one."""

    name: str
    text: str  # may be empty: then there is nothing to show
    row: Model | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to an order."""

    at: datetime
    kind: str  # "accepted", "order.paid", "stock.hold", "delivery.dead", …
    title: str  # the kind as a sentence
    detail: str  # what distinguishes it from others of its kind, as one line
    facts: tuple[Fact, ...] = ()  # the same at length
    needs_attention: bool = False  # a person may have to do something about it


@dataclass(frozen=True, slots=True)
class Story:
    """An order's story, the oldest entry first, at most `MAX_PER_SOURCE` of a source."""

    entries: list[Entry]
    is_cut: bool  # whether a source holds more than is here


def story_of(order_id: UUID, order: Order | None) -> Story:
    """Return what happened to an order; `order` is its row, None where there is none (yet).

    Makes five queries; the client of `order` is read, too, unless it came with its row.
    """
    acceptance = _acceptance(order) if order else ()
    read = [
        list(islice(source, MAX_PER_SOURCE + 1))
        for source in (
            _dead_letters(order_id),
            _payments(order_id),
            _movements(order_id),
            _events(order) if order else iter(()),
            _deliveries(order_id),
        )
    ]
    entries = [*acceptance, *(entry for source in read for entry in source[:MAX_PER_SOURCE])]
    # Entries of one transaction have one time: the sort keeps the sequence of the sources.
    entries.sort(key=lambda entry: entry.at)
    return Story(entries, is_cut=any(len(source) > MAX_PER_SOURCE for source in read))


def _acceptance(order: Order) -> Iterator[Entry]:
    yield Entry(
        order.accepted_at,
        "accepted",
        "Accepted: its stock is held in Redis",
        f"request {order.request_key}",
        (
            Fact("Client", str(order.client), order.client),
            Fact("Request id", order.request_key),
            Fact("X-Request-ID", order.http_request_id),
            Fact("Outbox entry", entry_id_of(order.position).decode()),
            Fact("Epoch", str(order.epoch)),
        ),
    )
    took = max(order.persisted_at - order.accepted_at, timedelta(0))
    after = Fact("After", f"{took.total_seconds() * 1000:,.0f} ms")
    yield Entry(order.persisted_at, "persisted", "Persisted in PostgreSQL", "", (after,))


def _dead_letters(order_id: UUID) -> Iterator[Entry]:
    rows = DeadLetter.objects.filter(order_id=order_id).defer("payload").order_by("pk")
    for letter in rows[: MAX_PER_SOURCE + 1]:
        yield Entry(
            letter.created_at,
            "dead_letter",
            "Became a dead letter",
            letter.reason,
            _facts_of_letter(letter),
            needs_attention=True,
        )
        if letter.resolved_at:
            yield Entry(
                letter.resolved_at,
                "dead_letter.resolved",
                _RESOLUTIONS[letter.resolution],
                letter.resolution,
                _facts_of_letter(letter),
            )


def _facts_of_letter(letter: DeadLetter) -> tuple[Fact, ...]:
    return Fact("Reason", letter.reason), Fact("Letter", letter.entry_id, letter)


def _payments(order_id: UUID) -> Iterator[Entry]:
    rows = PaymentNotice.objects.filter(order_id=order_id).order_by("pk")
    for notice in rows[: MAX_PER_SOURCE + 1]:
        amount = with_currency(notice.amount, notice.currency)
        explanation = f" ({notice.detail})" if notice.detail else ""
        yield Entry(
            notice.received_at,
            f"payment.{notice.type}",
            f"{notice.get_type_display()}: {amount}",
            f"{amount}, {notice.reference}: {notice.state}{explanation}",
            (
                Fact("State", notice.get_state_display()),
                Fact("Detail", notice.detail),
                Fact("Provider", notice.provider),
                Fact("Reference", notice.reference, notice),
            ),
            needs_attention=notice.state in PaymentNotice.NEEDS_ATTENTION,
        )


def _movements(order_id: UUID) -> Iterator[Entry]:
    """Yield movements, those of one change of the order side by side."""
    rows = StockMovement.objects.filter(order_id=order_id).order_by("created_at", "kind", "pk")
    for row in rows.select_related("allocation__product")[: MAX_PER_SOURCE + 1]:
        sku = row.allocation.product.sku
        changes = [(row.held, "held"), (row.sold, "sold")]
        units = ", ".join(f"{count:+} {state}" for count, state in changes if count)
        yield Entry(
            row.created_at,
            f"stock.{row.kind}",
            f"Ledger: {row.get_kind_display().lower()}",
            f"{sku}: {row.held:+} held, {row.sold:+} sold",
            (Fact(sku, units),),
        )


def _events(order: Order) -> Iterator[Entry]:
    for event in order.events.order_by("sequence")[: MAX_PER_SOURCE + 1]:
        yield Entry(
            event.created_at,
            event.type,
            _EVENTS.get(event.type, event.type),
            f"event {event.sequence}",
            _facts_of_event(event, order),
        )


def _facts_of_event(event: OrderEvent, order: Order) -> tuple[Fact, ...]:
    due = with_currency(event.refund_due, order.currency) if event.refund_due else ""
    return (
        Fact("Event", f"{event.type} #{event.sequence}", event),
        Fact("Because", order.rejection if event.type == "order.rejected" else ""),
        Fact("To be refunded", due),
    )


def _deliveries(order_id: UUID) -> Iterator[Entry]:
    rows = Delivery.objects.filter(order_id=order_id).order_by("endpoint", "sequence")
    for delivery in rows.select_related("endpoint__client", "event")[: MAX_PER_SOURCE + 1]:
        answer = delivery.last_error or delivery.last_status or _without_answer(delivery)
        yield Entry(
            delivery.last_attempt_at or delivery.created_at,
            f"delivery.{delivery.state}",
            f"{_DELIVERIES[delivery.state]} {delivery.event.type}",
            f"{delivery.event.type} to {delivery.endpoint}, attempt {delivery.attempts}: {answer}",
            (
                Fact("To", str(delivery.endpoint)),
                Fact("Attempts", str(delivery.attempts)),
                Fact("Answer", answer_to(delivery)),
                Fact("Delivery", str(delivery.pk), delivery),
            ),
            needs_attention=delivery.state == Delivery.State.DEAD,
        )


def answer_to(delivery: Delivery) -> str:
    """Return the receiver's last answer, or the error in its place; "" where there is neither."""
    if delivery.last_error:
        return delivery.last_error
    return f"HTTP {delivery.last_status}" if delivery.last_status else ""


def _without_answer(delivery: Delivery) -> str:
    """Return how a delivery stands that has neither a status nor an error.

    A mail that the server took has neither.
    """
    if delivery.state == Delivery.State.DELIVERED:
        return "taken"
    return "no answer yet" if delivery.attempts else "not tried yet"
