"""The demo's verdict on the ordering: no broken promise gets past it, and no kept one fails it."""

from dataclasses import replace

import pytest

from proof.answers import OVER_LIMIT, SOLD_OUT
from proof.demo.account.evidence import Evidence
from proof.demo.invariants.verdict import verdict
from proof.reconciliation import DriftCheck

from .cases import (
    AGREED,
    ANSWERED,
    BALANCES,
    BOTH,
    DRIFT_CHECKS,
    ENDED,
    FOUND,
    LAST,
    LIMITED,
    NOT_OVERSOLD,
    ON_SALE_AGAIN,
    ONCE,
    PAID_ONCE,
    PLACED,
    PLANNED,
    REPLAYED,
    ROWS,
    SOLD_OUT_RIGHTLY,
    TOLD,
    TOLD_OF,
    TWO,
    accepted,
    broken,
    changed,
    events,
    evidence,
    order,
    refused,
    row,
)


def test_a_sale_that_came_out_right_passes() -> None:
    assert broken(evidence()) == set()


def test_these_are_all_invariants() -> None:
    assert [check.invariant for check in verdict(evidence())] == [
        *(ANSWERED, ONCE, FOUND, PLACED, NOT_OVERSOLD, SOLD_OUT_RIGHTLY, LIMITED, REPLAYED),
        *(AGREED, ENDED, ON_SALE_AGAIN, PAID_ONCE, TOLD_OF),
    ]


# What else is broken by the same evidence is not the point here.
WRONG: dict[str, tuple[Evidence, str]] = {
    "an order without an answer": (evidence({**TOLD, "last": []}), ANSWERED),
    "a server error": (
        changed(lambda it: it.book.unexpected.update(["requests answered 500"])),
        ANSWERED,
    ),
    "a payment that was not taken": (
        changed(lambda it: it.follow_ups.unexpected.update(["payment.succeeded answered 404"])),
        ANSWERED,
    ),
    "an accepted order that is not found": (
        changed(lambda it: it.book.not_found.update(["looks answered 404"])),
        FOUND,
    ),
    "a lost order": (evidence(rows=ROWS[:1]), ONCE),
    "an order written down twice": (
        evidence(rows=[*ROWS, row("two", "rejected", events=[])]),
        ONCE,
    ),
    "an order rejected after the yes": (
        evidence(rows=[ROWS[0], replace(ROWS[1], status="rejected", events=[])]),
        ONCE,
    ),
    "an order under another id": (
        evidence(rows=[ROWS[0], replace(ROWS[1], order_id="id-other")]),
        ONCE,
    ),
    "an order with other lines": (
        evidence(rows=[ROWS[0], replace(ROWS[1], lines={"TEE": 1})]),
        ONCE,
    ),
    "an order that was refused and written down": (
        evidence(rows=[*ROWS, row("third", "expired", "expired")]),
        ONCE,
    ),
    "an order without its first event": (
        evidence(rows=[ROWS[0], replace(ROWS[1], events=events("cancelled"))]),
        PLACED,
    ),
    "an order with its first event twice": (
        evidence(rows=[ROWS[0], replace(ROWS[1], events=events("placed", "placed"))]),
        PLACED,
    ),
    "an order with its first event late": (
        evidence(rows=[ROWS[0], replace(ROWS[1], events=events("cancelled", "placed"))]),
        PLACED,
    ),
    "one yes too many": (
        evidence({**TOLD, "last": [accepted("last")]}, rows=[*ROWS, row("last", "paid", "paid")]),
        NOT_OVERSOLD,
    ),
    "more units in the ledger than there are": (
        evidence(rows=[replace(ROWS[0], lines={"TEE": 4}), ROWS[1]]),
        NOT_OVERSOLD,
    ),
    "a unit given back that was sold again before": (
        evidence(
            {**TOLD, "last": [accepted("last", sent=5.4, at=5.5)]},
            rows=[*ROWS, row("last", "paid", "paid", lines={"CAP": 1})],
        ),
        NOT_OVERSOLD,
    ),
    "stock taken again that was sold meanwhile": (
        evidence(
            {**TOLD, "last": [accepted("last", sent=6.4, at=6.5)]},
            rows=[
                ROWS[0],
                row("both", "paid", "expired", "paid", lines={"TEE": 1, "CAP": 1}),
                row("last", "paid", "paid", lines={"CAP": 1}),
            ],
        ),
        NOT_OVERSOLD,
    ),
    "stock taken again that was sold meanwhile to an order that is lost": (
        evidence(
            {**TOLD, "last": [accepted("last", sent=6.4, at=6.5)]},
            rows=[ROWS[0], row("both", "paid", "expired", "paid", lines={"TEE": 1, "CAP": 1})],
        ),
        NOT_OVERSOLD,
    ),
    "sold out with stock left": (
        evidence(plan=replace(PLANNED, stock={"TEE": 3, "CAP": 2})),
        SOLD_OUT_RIGHTLY,
    ),
    "sold out before anybody could have bought it": (
        evidence({**TOLD, "last": [refused(SOLD_OUT, sent=0.1, at=0.5)]}),
        SOLD_OUT_RIGHTLY,
    ),
    "more than the limit": (
        evidence(
            {**TOLD, "third": [accepted("third")]},
            rows=[*ROWS, row("third", "paid", "paid", lines={"TEE": 1})],
            plan=replace(PLANNED, stock={"TEE": 4, "CAP": 1}),
        ),
        LIMITED,
    ),
    "refused within the limit": (evidence({**TOLD, "last": [refused(OVER_LIMIT)]}), LIMITED),
    "a replay with another body": (
        evidence(
            {**TOLD, "two": [accepted("two"), accepted("two", digest=b"else", replayed=True)]}
        ),
        REPLAYED,
    ),
    "a replay with another status": (
        evidence({**TOLD, "two": [accepted("two"), accepted("two", status=201, replayed=True)]}),
        REPLAYED,
    ),
    "a repetition judged anew": (
        evidence({**TOLD, "last": [refused(SOLD_OUT), refused(SOLD_OUT)]}),
        REPLAYED,
    ),
    "drift during the sale": (
        evidence(drift_checks=[DriftCheck(during=True, drift=1), *DRIFT_CHECKS]),
        AGREED,
    ),
    "drift after the sale": (
        evidence(
            drift_checks=[DRIFT_CHECKS[0], DriftCheck(during=False, drift=-1, balances=BALANCES)]
        ),
        AGREED,
    ),
    "no look during the sale": (evidence(drift_checks=DRIFT_CHECKS[1:]), AGREED),
    "no look after the sale": (evidence(drift_checks=DRIFT_CHECKS[:1]), AGREED),
    "a look that could not tell": (
        evidence(
            drift_checks=[
                DRIFT_CHECKS[0],
                DriftCheck(during=False, drift=None, reason="Redis is away"),
            ]
        ),
        AGREED,
    ),
}


@pytest.mark.parametrize(("found", "expected"), WRONG.values(), ids=WRONG.keys())
def test_each_way_of_going_wrong_breaks_its_invariant(found: Evidence, expected: str) -> None:
    assert expected in broken(found)


def test_a_lost_first_answer_is_no_broken_replay() -> None:
    lost = [accepted("two", replayed=True), accepted("two", replayed=True)]
    assert broken(evidence({**TOLD, "two": lost})) == set()


def test_a_unit_that_was_sold_given_back_and_sold_again_is_not_oversold() -> None:
    again = row("last", "paid", "paid", lines={"CAP": 1}, events=events("placed", first_at=8.0))
    found = evidence({**TOLD, "last": [accepted("last", sent=7.0, at=7.5)]}, rows=[*ROWS, again])
    assert not broken(found) & {NOT_OVERSOLD, SOLD_OUT_RIGHTLY, LIMITED}


def test_who_cancels_may_buy_again_within_the_limit() -> None:
    later = order("later", "bob", TEE=1, CAP=1)
    found = evidence(
        {**TOLD, "later": [accepted("later", sent=7.0, at=7.5)]},
        plan=replace(PLANNED, orders=[*PLANNED.orders, later]),
        rows=[*ROWS, row("later", "paid", "paid", lines=later.lines)],
    )
    assert LIMITED not in broken(found)


def test_a_late_payment_counts_although_its_customer_has_bought_something_else_since() -> None:
    later = order("later", "bob", TEE=1)
    found = evidence(
        {**TOLD, "later": [accepted("later", sent=7.0, at=7.5)]},
        plan=replace(PLANNED, stock={"TEE": 9, "CAP": 9}, orders=[BOTH, later]),
        rows=[
            row("both", "paid", "expired", "paid", lines=BOTH.lines),
            row("later", "paid", "paid", lines=later.lines),
        ],
    )
    assert LIMITED not in broken(found)


def test_sold_out_may_be_said_rightly_although_units_are_left_at_the_end() -> None:
    assert broken(evidence()) == set()
    assert sum(each.available for each in BALANCES) == LAST.units + TWO.lines["TEE"] - 1
