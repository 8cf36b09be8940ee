"""A small sale that came out right, to be changed by tests: four orders, two of them accepted.

"two" is paid in time; "both" is cancelled by its customer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from proof.answers import ACCEPTED, OVER_LIMIT, SOLD_OUT, Answer
from proof.demo.account.book import Book
from proof.demo.account.evidence import Evidence
from proof.demo.account.follow_ups import Action, FollowUp, FollowUps
from proof.demo.account.inbox import EventMessage, Inbox
from proof.demo.account.ledger import Event, Ledger, Payment, Row
from proof.demo.invariants.verdict import verdict
from proof.demo.people.order_plans import PlannedOrder
from proof.demo.people.plan import Plan
from proof.reconciliation import Balance, DriftCheck


def order(key: str, customer: str, **lines: int) -> PlannedOrder:
    return PlannedOrder(key=key, client="app", customer=customer, lines=lines)


def accepted(key: str, **changes: Any) -> Answer:
    return replace(
        Answer(202, ACCEPTED, digest=b"yes", order_id=f"id-{key}", sent=1.0, at=2.0, took=0.01),
        **changes,
    )


def refused(outcome: str, **changes: Any) -> Answer:
    return replace(Answer(409, outcome, digest=b"no", sent=3.0, at=4.0, took=0.02), **changes)


def events(*types: str, first_at: float = 5.0) -> list[Event]:
    """Events a second apart; "owing" is an expiry that tells of money that has to go back."""
    return [
        Event(number, f"order.{type_}", first_at + number - 1)
        if type_ != "owing"
        else Event(number, "order.expired", first_at + number - 1, owes=True)
        for number, type_ in enumerate(types, 1)
    ]


def row(key: str, status: str, *types: str, **changes: Any) -> Row:
    return replace(Row(key, f"id-{key}", status, {}, events("placed", *types)), **changes)


def paid(key: str, *, state: str = "applied", at: float = 6.0, name: str = "") -> FollowUp:
    return FollowUp(Action.PAYMENT, 200, state=state, message_id=name or f"msg-{key}", at=at)


TWO, BOTH, THIRD, LAST = (
    order("two", "ada", TEE=2),
    order("both", "bob", TEE=1, CAP=1),
    order("third", "ada", TEE=1),
    order("last", "eve", CAP=1),
)
PLANNED = Plan("drop", stock={"TEE": 3, "CAP": 1}, orders=[TWO, BOTH, THIRD, LAST], limit=2)
TOLD = {
    "two": [accepted("two"), accepted("two", replayed=True)],
    "both": [accepted("both")],
    "third": [refused(OVER_LIMIT)],
    "last": [refused(SOLD_OUT), refused(SOLD_OUT, replayed=True)],
}
ROWS = [
    row("two", "paid", "paid", lines={"TEE": 2}, hold_ends_at=15.0),
    row("both", "cancelled", "cancelled", lines={"TEE": 1, "CAP": 1}, hold_ends_at=15.0),
]
DONE = {"id-two": [paid("two")], "id-both": [FollowUp(Action.CANCELLATION, 200)]}
PAYMENTS = [Payment("msg-two", "id-two", "succeeded", "applied")]
BALANCES = [Balance("TEE", 3, 1, 0, 0, 2), Balance("CAP", 1, 1, 0, 0, 0)]
DRIFT_CHECKS = [
    DriftCheck(during=True, drift=0),
    DriftCheck(during=False, drift=0, balances=BALANCES),
]


def book(told: Mapping[str, list[Answer]], planned: Plan = PLANNED) -> Book:
    written = Book()
    for each in planned.orders:
        for answer in told.get(each.key, []):
            written.note(each, answer)
    return written


def follow_ups(done: Mapping[str, Sequence[FollowUp]]) -> FollowUps:
    written = FollowUps()
    for order_id, follow_ups_of_order in done.items():
        for follow_up in follow_ups_of_order:
            written.note(order_id, follow_up)
    return written


def event_messages(rows: Sequence[Row]) -> list[EventMessage]:
    """What a receiver is told of these orders, one order after the other."""
    return [
        EventMessage(f"evt-{row.key}-{event.sequence}", row.order_id, event.sequence, event.type)
        for row in rows
        for event in row.events
    ]


def inbox(arrived: Sequence[EventMessage]) -> Inbox:
    written = Inbox()
    for message in arrived:
        written.note(message)
    return written


def evidence(told: Mapping[str, list[Answer]] = TOLD, **changes: Any) -> Evidence:
    planned = changes.pop("plan", PLANNED)
    rows = changes.pop("rows", ROWS)
    return Evidence(
        plan=planned,
        book=book(told, planned),
        follow_ups=follow_ups(changes.pop("done", DONE)),
        inbox=inbox(changes.pop("arrived", event_messages(rows))),
        ledger=Ledger(
            rows=rows,
            payments=changes.pop("payments", PAYMENTS),
            deliveries=changes.pop("deliveries", ()),
        ),
        drift_checks=changes.pop("drift_checks", DRIFT_CHECKS),
        **changes,
    )


def changed(change: Callable[[Evidence], object]) -> Evidence:
    """Return the good evidence after `change` has spoiled its accounts."""
    found = evidence()
    change(found)
    return found


def broken(found: Evidence) -> set[str]:
    return {check.invariant for check in verdict(found) if check.broken}


ANSWERED = "Every request got an answer that the API promises"
ONCE = "Every accepted order is in the ledger exactly once"
FOUND = "Every accepted order that was looked up at once was found"
PLACED = "Every accepted order has one event order.placed, its first"
NOT_OVERSOLD = "Nothing is oversold, at any moment"
SOLD_OUT_RIGHTLY = "Sold out was said only when the stock was gone"
LIMITED = "The limit of 2 units a customer was held"
REPLAYED = "Every repeated request got its first answer again"
AGREED = "Redis and PostgreSQL agreed, during the sale and after it"
ENDED = "Every order ended where its customer put it"
ON_SALE_AGAIN = "Every unit that came back was on sale again"
PAID_ONCE = "Every payment was applied exactly once"
TOLD_OF = "Every event was told in sequence, and rightly signed"
