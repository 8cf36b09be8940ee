"""The demo's verdict on the life of orders after the yes."""

from dataclasses import replace

import pytest

from proof.demo.account.evidence import Evidence
from proof.demo.account.follow_ups import Action, FollowUp
from proof.demo.account.inbox import EventMessage, Inbox
from proof.demo.account.ledger import Payment, Row
from proof.demo.invariants.fulfilment import notified
from proof.demo.people.endings import is_as_promised
from proof.reconciliation import Balance, DriftCheck

from .cases import (
    DONE,
    DRIFT_CHECKS,
    ENDED,
    ON_SALE_AGAIN,
    PAID_ONCE,
    PAYMENTS,
    ROWS,
    TOLD_OF,
    broken,
    changed,
    event_messages,
    evidence,
    paid,
    row,
)

CANCELLED = FollowUp(Action.CANCELLATION, 200)
TOO_LATE_TO_CANCEL = FollowUp(Action.CANCELLATION, 409, "not-cancellable")
FAILED = FollowUp(Action.FAILED_PAYMENT, 200, state="applied", message_id="msg-1")
PAID = paid("two")
PAID_LATE = paid("two", state="pending", at=20.0)
REFUNDED = FollowUp(Action.REFUND, 200, state="applied", message_id="msg-2")

# What was done about an order, its status, its events after the first.
PROMISED: dict[str, tuple[list[FollowUp], str, tuple[str, ...]]] = {
    "nobody paid": ([], "expired", ("expired",)),
    "the payment failed": ([FAILED], "expired", ("expired",)),
    "paid": ([PAID], "paid", ("paid",)),
    "paid at the second try": ([FAILED, PAID], "paid", ("paid",)),
    "given up after a failed payment": ([FAILED, CANCELLED], "cancelled", ("cancelled",)),
    "cancelled": ([CANCELLED], "cancelled", ("cancelled",)),
    "cancelled too late": ([TOO_LATE_TO_CANCEL], "expired", ("expired",)),
    "refunded": ([PAID, REFUNDED], "refunded", ("paid", "refunded")),
    "paid late": ([PAID_LATE], "paid", ("expired", "paid")),
    "paid too late": ([PAID_LATE], "expired", ("expired", "owing")),
    "paid late, then refunded": (
        [PAID_LATE, REFUNDED],
        "refunded",
        ("expired", "paid", "refunded"),
    ),
    "paid back": ([PAID_LATE, REFUNDED], "refunded", ("expired", "owing", "refunded")),
}
NOT_PROMISED: dict[str, tuple[list[FollowUp], str, tuple[str, ...]]] = {
    "paid by nobody": ([], "paid", ("paid",)),
    "paid by a failed payment": ([FAILED], "paid", ("paid",)),
    "expired though paid in time": ([PAID], "expired", ("expired", "owing")),
    "taken again though paid in time": ([PAID], "paid", ("expired", "paid")),
    "the payment was forgotten": ([PAID_LATE], "expired", ("expired",)),
    "paid twice": ([PAID], "paid", ("paid", "paid")),
    "cancelled by nobody": ([FAILED], "cancelled", ("cancelled",)),
    "the cancellation was forgotten": ([CANCELLED], "expired", ("expired",)),
    "paid though cancelled": ([CANCELLED], "paid", ("paid",)),
    "refunded by nobody": ([PAID], "refunded", ("paid", "refunded")),
    "the refund was forgotten": ([PAID, REFUNDED], "paid", ("paid",)),
    "another status than its events": ([PAID], "expired", ("paid",)),
    "still held": ([], "awaiting_payment", ()),
}


def told(status: str, types: tuple[str, ...], **changes: object) -> Row:
    owes = types[-1:] == ("owing",)
    made = row("two", status, *types, lines={"TEE": 2}, hold_ends_at=6.5, owes=owes)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("done", "status", "types"), PROMISED.values(), ids=PROMISED.keys())
def test_an_order_may_end_where_its_customer_put_it(
    done: list[FollowUp], status: str, types: tuple[str, ...]
) -> None:
    accepted = [follow_up for follow_up in done if follow_up.was_accepted]
    assert is_as_promised(told(status, types), accepted)


@pytest.mark.parametrize(
    ("done", "status", "types"), NOT_PROMISED.values(), ids=NOT_PROMISED.keys()
)
def test_an_order_may_not_end_anywhere_else(
    done: list[FollowUp], status: str, types: tuple[str, ...]
) -> None:
    ended = told(status, types)
    assert not is_as_promised(ended, done)
    found = evidence(rows=[ended, ROWS[1]], done={**DONE, "id-two": done})
    assert ENDED in broken(found)


def test_no_order_may_expire_before_its_hold_has_ended() -> None:
    assert is_as_promised(told("expired", ("expired",), hold_ends_at=6.0), [])
    assert not is_as_promised(told("expired", ("expired",), hold_ends_at=60.0), [])


def test_money_that_has_to_go_back_is_said_by_order_and_event_alike() -> None:
    assert not is_as_promised(told("expired", ("expired", "owing"), owes=False), [PAID_LATE])
    assert not is_as_promised(told("paid", ("expired", "paid"), owes=True), [PAID_LATE])


def test_a_slow_machine_may_take_a_payment_late_that_was_not_meant_so() -> None:
    late = paid("two", state="pending", at=7.0)
    assert is_as_promised(told("paid", ("expired", "paid")), [late])


def test_a_payment_that_was_taken_in_time_never_loses_its_order() -> None:
    waited = paid("two", state="pending", at=6.0)
    assert is_as_promised(told("paid", ("paid",)), [waited])
    assert not is_as_promised(told("paid", ("expired", "paid")), [waited])


GONE = DriftCheck(
    during=False, drift=0, balances=[Balance("TEE", 3, 0, 0, 0, 2), DRIFT_CHECKS[1].balances[1]]
)
HELD = DriftCheck(
    during=False, drift=0, balances=[Balance("TEE", 3, 0, 0, 1, 2), DRIFT_CHECKS[1].balances[1]]
)
UNBOUGHT = DriftCheck(during=False, drift=0, balances=[Balance("TEE", 3, 0, 0, 0, 3)])
KEPT_TWICE = [*PAYMENTS, *PAYMENTS]
UNSENT = [*PAYMENTS, Payment("msg-x", "id-two", "failed", "applied")]
TOLD = event_messages(ROWS)

WRONG: dict[str, tuple[Evidence, str]] = {
    "a unit that is nowhere": (evidence(drift_checks=[DRIFT_CHECKS[0], GONE]), ON_SALE_AGAIN),
    "a unit that is still held": (evidence(drift_checks=[DRIFT_CHECKS[0], HELD]), ON_SALE_AGAIN),
    "a unit sold to nobody": (evidence(drift_checks=[DRIFT_CHECKS[0], UNBOUGHT]), ON_SALE_AGAIN),
    "nobody has seen where the units are": (evidence(drift_checks=DRIFT_CHECKS[:1]), ON_SALE_AGAIN),
    "a payment that is not kept": (evidence(payments=[]), PAID_ONCE),
    "a payment kept twice": (evidence(payments=KEPT_TWICE), PAID_ONCE),
    "a payment that nobody sent": (evidence(payments=UNSENT), PAID_ONCE),
    **{
        f"a payment of a paid order that is {state}": (
            evidence(payments=[PAYMENTS[0]._replace(state=state)]),
            PAID_ONCE,
        )
        for state in ("pending", "refused", "unmatched", "refund_due", "repeated")
    },
    "a payment of another order": (
        evidence(payments=[PAYMENTS[0]._replace(order_id="id-other")]),
        PAID_ONCE,
    ),
    "a refund that waits": (
        evidence(
            done={**DONE, "id-two": [PAID, REFUNDED]},
            payments=[*PAYMENTS, Payment("msg-2", "id-two", "refunded", "pending")],
        ),
        PAID_ONCE,
    ),
    "an event that was not told": (evidence(arrived=TOLD[1:]), TOLD_OF),
    "events told in the wrong order": (evidence(arrived=[TOLD[1], TOLD[0], *TOLD[2:]]), TOLD_OF),
    "an event told under two ids": (
        evidence(arrived=[TOLD[0], *TOLD[1:], TOLD[0]._replace(message_id="evt-other")]),
        TOLD_OF,
    ),
    "another event told under the same id": (
        evidence(arrived=[*TOLD, TOLD[0]._replace(type="order.paid")]),
        TOLD_OF,
    ),
    "an event of an order that there is not": (
        evidence(arrived=[*TOLD, EventMessage("evt-9", "id-9", 1, "order.placed")]),
        TOLD_OF,
    ),
    "a message with a wrong signature": (
        changed(lambda it: it.inbox.refused.update(["messages not signed as they should be"])),
        TOLD_OF,
    ),
}


@pytest.mark.parametrize(("found", "expected"), WRONG.values(), ids=WRONG.keys())
def test_each_way_of_going_wrong_breaks_its_invariant(found: Evidence, expected: str) -> None:
    assert expected in broken(found)


@pytest.mark.parametrize(
    ("status", "types", "states"),
    [
        ("paid", ("expired", "paid"), ["applied"]),
        ("expired", ("expired", "owing"), ["refund_due"]),
        ("refunded", ("expired", "owing", "refunded"), ["paid_back", "applied"]),
        ("refunded", ("paid", "refunded"), ["paid_back", "applied"]),
    ],
)
def test_a_payment_has_the_state_that_its_order_ended_with(
    status: str, types: tuple[str, ...], states: list[str]
) -> None:
    done = [PAID_LATE, REFUNDED][: len(states)]
    payments = [
        Payment(follow_up.message_id, "id-two", follow_up.action.removeprefix("payment."), state)
        for follow_up, state in zip(done, states, strict=True)
    ]
    found = evidence(
        rows=[told(status, types), ROWS[1]],
        done={**DONE, "id-two": done},
        payments=payments,
    )
    assert not broken(found) & {ENDED, PAID_ONCE}


def test_a_message_may_come_twice_and_is_counted_as_a_duplicate() -> None:
    found = evidence(arrived=[TOLD[0], TOLD[0], *TOLD[1:], TOLD[1]])
    assert TOLD_OF not in broken(found)
    assert found.inbox.duplicates == 2
    assert found.inbox.events.total() == len(TOLD)


def test_notified_are_the_orders_of_which_everything_was_told() -> None:
    assert notified(evidence()) == 2
    assert notified(evidence(arrived=TOLD[1:])) == 1
    assert notified(evidence(arrived=[])) == 0


def test_an_unknown_order_has_no_arrivals() -> None:
    assert Inbox().first_arrivals("id-9") == []


def test_only_promised_answers_are_expected() -> None:
    found = evidence(
        done={"id-two": [FollowUp(Action.PAYMENT, 422, "wrong-amount"), TOO_LATE_TO_CANCEL]}
    )
    assert found.follow_ups.unexpected == {"payment.succeeded answered 422 wrong-amount": 1}
    assert found.follow_ups.accepted("id-two") == []
    assert found.follow_ups.message_ids() == {}
