"""What the demo prints of a sale, and what it reads to do so."""

import re

import pytest
from rich.console import Console

from proof.demo import summary
from proof.demo.account.ledger import Deliveries
from proof.demo.account.records import Records
from proof.demo.figures import figures
from proof.demo.invariants.verdict import verdict
from proof.demo.progress import Progress
from proof.demo.sampler import Sampler
from proof.percentiles import percentile
from proof.reconciliation import Balance, DriftCheck, read_reconciliation

from .cases import DRIFT_CHECKS, PLANNED, ROWS, TOLD, book, event_messages, evidence, inbox, row

DELIVERIES = [
    Deliveries("webhook", "delivered", 4, 3),
    Deliveries("email", "delivered", 2, 1),
    Deliveries("email", "dead", 5, 0),
]


def test_the_summary_has_every_figure() -> None:
    found = {name: value for name, value, _ in figures(evidence(deliveries=DELIVERIES))}
    assert found == {
        "offered": "4",
        "sent": "0",
        "accepted": "2",
        "sold out": "1",
        "over the limit": "1",
        "looked up": "0",
        "replayed": "2",
        "persisted": "2",
        "rejected": "0",
        "paid": "1",
        "failed": "0",
        "cancelled": "1",
        "expired": "0",
        "refunded": "0",
        "paid late": "0",
        "events": "4",
        "delivered": "4",
        "notified": "2",
        "mails": "2",
        "oversold": "0",
        "drift": "0",
        "accept p50/p99": "10.0 / 10.0",
        "refuse p50/p99": "20.0 / 20.0",
        "orders/s": "1",
        "accepted/s": "1",
    }


@pytest.mark.parametrize(
    ("status", "types", "meaning"),
    [
        ("paid", ("expired", "paid"), "1 got stock again, 0 to be refunded"),
        ("refunded", ("expired", "paid", "refunded"), "1 got stock again, 0 to be refunded"),
        ("expired", ("expired", "owing"), "0 got stock again, 1 to be refunded"),
    ],
)
def test_late_payments_are_told_by_what_became_of_them(
    status: str, types: tuple[str, ...], meaning: str
) -> None:
    found = figures(evidence(rows=[row("two", status, *types), ROWS[1]]))
    assert ("paid late", "1", meaning) in found


def shown(**changes: object) -> str:
    found = evidence(**changes)
    found.book.calls.sent_again.update({"no answer": 2, "503": 7})
    console = Console(record=True, width=80)
    summary.show(console, found, verdict(found))
    summary.conclude(console, verdict(found))
    return console.export_text()


def test_the_summary_shows_what_went_wrong_and_what_was_restarted() -> None:
    text = shown(
        rows=[ROWS[0]],
        arrived=event_messages(ROWS[:1]),
        drift_checks=[DriftCheck(during=True, drift=-3)],
        restarted={"web": 2, "redis": 1},
    )
    for line in (
        r"sent +0 +requests, again after no answer \(2\), 503 \(7\)",
        r"drift +3 +units; looked 1 × during the sale, 0 × after",
        r"persisted +1 +not all in time",
        r"restarted +3 +2 × web, redis",
        r"✓ Nothing is oversold",
        r"✗ Every accepted order is in the ledger exactly once\n +accepted orders missing: 1",
        r"✗ Redis and PostgreSQL agreed.*\n +units off during the sale: -3",
        r"[34] of 13 invariants were broken",
    ):
        assert re.search(line, text), line


def test_the_summary_shows_where_every_unit_is_on_a_narrow_terminal() -> None:
    check = DriftCheck(
        during=False, drift=1, balances=[Balance("TEE-BLACK", 12_345, 4, 0, 1, 12_340)]
    )
    lines = shown(drift_checks=[DRIFT_CHECKS[0], check]).splitlines()
    [header] = [line for line in lines if "SKU" in line]
    columns = ("SKU", "allocated", "= available", "+ held", "+ sold", "returned", "oversold")
    assert all(column in header for column in (*columns, "drift"))
    [values] = [line.split() for line in lines if "TEE-BLACK" in line]
    assert values == ["TEE-BLACK", "12,345", "4", "1", "12,340", "0", "0", "0"]


def test_a_percentile_is_the_nearest_rank() -> None:
    values = [float(value) for value in range(200, 0, -1)]
    assert [percentile(values, percent) for percent in (50, 99, 100)] == [100, 198, 200]
    assert percentile([7.0], 50) == 7
    assert percentile([], 50) == 0


SKU = '{"sku":"TEE","allocated":3,"available":1,"in_flight":0,"held":0,"sold":2,"drift":0}'
TEE = Balance("TEE", 3, 1, 0, 0, 2)


@pytest.mark.parametrize(
    ("output", "drift", "balances"),
    [
        ('{"sales": [], "drift": 0}\n', 0, []),
        (f'warned first\n{{"sales": [{{"skus": [{SKU}]}}], "drift": 3}}\n', 3, [TEE]),
        ("CommandError: Redis does not answer\n", None, []),
        ('[]\n7\nnull\n{"sales": []}\n{"drift": 0}\n', None, []),
    ],
)
def test_drift_and_balances_are_read_from_what_reconcile_prints(
    output: str, drift: int | None, balances: list[Balance]
) -> None:
    assert read_reconciliation(output) == (drift, balances)


def test_progress_tells_of_orders_their_ends_and_notifications() -> None:
    sampler = Sampler(lambda: "", "drop", webhook_url="", elapsed=lambda: 0.0)
    sampler.statuses.update({"paid": 1, "cancelled": 1, "awaiting_payment": 3})
    records = Records(inbox=inbox(event_messages(ROWS)), sampler=sampler, book=book(TOLD))
    console = Console(record=True, width=200)
    progress = Progress(console, PLANNED, records)
    line = progress._line()
    for part in ("4 of 4 orders", "accepted 2", "sold out 1", "persisted 5", "paid 1"):
        assert part in line
    for part in ("cancelled 1", "expired 0", "refunded 0", "notified 4"):
        assert part in line
    console.print(progress._frame())
    text = console.export_text()
    assert re.search(r"at their end +\S+ +2 of 2 orders", text)
    assert "notified of 4 events" in text


def test_a_sampler_knows_when_so_many_orders_were_seen_first() -> None:
    sampler = Sampler(lambda: "", "drop", webhook_url="", elapsed=lambda: 0.0)
    sampler._persisted += [(1.0, 0), (2.0, 5), (3.0, 7)]
    assert [sampler.reached(orders) for orders in (0, 5, 6, 8)] == [1.0, 2.0, 3.0, None]
