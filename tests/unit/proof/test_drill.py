"""The drill: its clients repeat themselves rightly, and no broken promise gets past its judge."""

import argparse
import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from time import monotonic

import pytest
from aiohttp import web
from rich.console import Console

from inventory.counters.keys import PERSIST_GROUP, Keys
from orders.task_names import PERSIST_ORDERS, PULSES, RECONCILE_SALES
from proof.answers import ACCEPTED, Answer
from proof.calls import Reply
from proof.drill import clients, command, fault_context
from proof.drill.book import Book
from proof.drill.clients import Clients, read_answer
from proof.drill.faults import FAULTS, hints, losses, processes
from proof.drill.findings import Findings, compare
from proof.drill.order_stream import PLENTY, SCARCE, DrillOrder, order_stream
from proof.drill.result import Result, skipped
from proof.drill.table import document, table, verdict
from proof.ledger import LedgerOrder
from proof.reconciliation import read_reconciliation
from shop.local.discovery import REPOSITORY
from shop.local.errors import LocalStackError
from shop.local.processes.procfile import read_procfile
from tests.processes import free_port

# --- The orders ---------------------------------------------------------------------------------


def test_the_stream_of_orders_has_a_key_for_each_and_both_sales() -> None:
    some = list(itertools.islice(order_stream("run", {PLENTY: "p", SCARCE: "s"}), 100))
    assert len({order.key for order in some}) == 100
    assert Counter(order.sale for order in some) == {"p": 80, "s": 20}
    assert {order.units for order in some if order.sale == "s"} == {1}
    assert sum(order.is_sent_twice for order in some) == 5


# --- The book -----------------------------------------------------------------------------------


def book_of(answers: Iterable[tuple[DrillOrder, Answer]]) -> Book:
    book = Book()
    for order, answer in answers:
        book.note(order, answer)
    return book


def accepted(order_id: str, at: float = 1.0) -> Answer:
    return Answer(202, ACCEPTED, order_id=order_id, at=at)


SOLD_OUT = Answer(409, "sold-out", at=1.0)


def test_the_longest_silence_is_between_answers_or_before_the_end_of_the_load() -> None:
    book = book_of([(DrillOrder("k", "s", 1), accepted("1", at)) for at in (0.5, 3.0, 3.5)])
    assert book.longest_silence == 2.5
    assert book.last_outage == 3.0
    book.silent_until(8.5)
    assert book.longest_silence == 5.0
    assert book.last_outage == 8.5


# --- The judge ----------------------------------------------------------------------------------

ORDERS = [DrillOrder(f"k{n}", "s", 2) for n in range(3)]


def row(n: int, *, order_id: str = "", status: str = "confirmed") -> LedgerOrder:
    return LedgerOrder(f"k{n}", order_id or f"id{n}", "s", status, 2)


ROWS = [row(n) for n in range(3)]


def found(
    answers: Iterable[tuple[DrillOrder, Answer]] = (),
    rows: Iterable[LedgerOrder] = ROWS,
    *,
    stock: int = 6,
    reported: Iterable[str] = (),
) -> Findings:
    """Judge three orders that were accepted and persisted, after `answers` beside theirs."""
    usual = [(order, accepted(f"id{n}")) for n, order in enumerate(ORDERS)]
    book = book_of([*usual, *answers])
    return compare(book, list(rows), stock={"s": stock}, reported_lost=set(reported))


FINE = Findings(
    accepted=3,
    persisted=3,
    reported_lost=0,
    lost=0,
    duplicated=0,
    oversold=0,
    wrongly_rejected=0,
)


def test_a_sale_in_which_all_is_well_has_nothing_but_accepted_orders() -> None:
    assert found() == FINE
    assert found([(ORDERS[0], accepted("id0"))]) == FINE
    assert found([(DrillOrder("late", "s", 1), SOLD_OUT)]) == FINE


def test_an_accepted_order_that_is_not_in_postgresql_is_lost() -> None:
    assert found(rows=ROWS[:2]) == replace(FINE, persisted=2, lost=1)


def test_an_order_that_the_product_has_named_as_lost_is_counted_apart() -> None:
    assert found(rows=ROWS[:2], reported=["id2", "never told"]) == replace(
        FINE, persisted=2, reported_lost=1
    )


def test_a_key_with_two_orders_is_duplicated() -> None:
    assert found(rows=[*ROWS, row(0, order_id="other")], stock=8).duplicated == 1


def test_a_key_that_was_told_two_ids_is_duplicated() -> None:
    assert found([(ORDERS[0], accepted("other"))], stock=8).duplicated == 1


def test_a_rejected_repetition_that_nobody_was_told_of_is_no_duplicate() -> None:
    assert found(rows=[*ROWS, row(0, order_id="other", status="rejected")]) == FINE


def test_a_lost_order_may_be_placed_again_with_its_key() -> None:
    again = [(ORDERS[2], accepted("new"))]
    rows = [*ROWS[:2], row(2, order_id="new")]
    assert found(again, rows, reported=["id2"]) == replace(FINE, reported_lost=1)


def test_units_beyond_the_allocation_are_oversold_in_rows_and_in_promises() -> None:
    assert found(stock=5).oversold == 1
    assert found(rows=[], stock=5).oversold == 1
    assert found(rows=[*ROWS, LedgerOrder("x", "idx", "s", "confirmed", 3)]).oversold == 3


def test_sold_out_is_wrong_while_there_are_units() -> None:
    assert found([(DrillOrder("late", "s", 1), SOLD_OUT)], stock=7).wrongly_rejected == 1


def test_units_of_a_lost_order_were_taken_when_sold_out_was_said() -> None:
    late = [(DrillOrder("late", "s", 1), SOLD_OUT)]
    assert found(late, ROWS[:2], reported=["id2"]).wrongly_rejected == 0


@pytest.mark.parametrize("problem", ["sale-closed", "purchase-limit", "unknown-sku", ""])
def test_any_other_refusal_is_wrong(problem: str) -> None:
    refusal = Answer(409, problem, at=1.0)
    assert found([(DrillOrder("late", "s", 1), refusal)]).wrongly_rejected == 1


def test_an_order_that_is_rejected_after_the_yes_is_wrongly_rejected() -> None:
    rows = [*ROWS[:2], row(2, status="rejected")]
    assert found(rows=rows) == replace(FINE, wrongly_rejected=1)


# --- The verdict --------------------------------------------------------------------------------

RESULT = Result(
    fault="web-killed",
    findings=FINE,
    unavailable=1.25,
    p99_ms=12.4,
    web_mib=140.2,
    catch_up=0.0,
    restarts=1,
    drift=0,
    settled=True,
    unanswered=0,
    tried_again={"503": 2},
)


def test_a_result_without_a_loss_has_held() -> None:
    assert RESULT.held
    assert verdict(RESULT).plain == "held"


@pytest.mark.parametrize(
    "broken",
    [
        replace(RESULT, drift=1),
        replace(RESULT, drift=None),
        replace(RESULT, settled=False),
        replace(RESULT, unanswered=1),
        *(
            replace(RESULT, findings=replace(FINE, **{name: 1}))
            for name in ("lost", "duplicated", "oversold", "wrongly_rejected")
        ),
    ],
)
def test_each_broken_promise_breaks_the_verdict(broken: Result) -> None:
    assert not broken.held
    assert verdict(broken).plain.startswith("BROKEN")
    assert document([RESULT, broken])["held"] is False


def test_a_loss_that_was_reported_is_no_broken_promise() -> None:
    assert replace(RESULT, findings=replace(FINE, reported_lost=3)).held


def test_a_fault_that_was_skipped_has_not_passed_and_fails_nothing() -> None:
    result = skipped("clock-jumps-in-redis", "there is no C compiler")
    assert not result.held
    assert verdict(result).plain == "skipped"
    assert document([RESULT, result])["held"] is True
    assert document([result])["drills"][0]["skipped"] == "there is no C compiler"


def test_a_fault_that_has_not_happened_proves_nothing() -> None:
    result = replace(RESULT, not_done="the clock has not jumped")
    assert not result.held
    assert verdict(result).plain == "BROKEN, no fault"
    assert document([RESULT, result])["held"] is False


def test_the_table_and_the_json_say_the_same() -> None:
    console = Console(width=160)
    with console.capture() as shown:
        console.print(table([RESULT]))
    row = shown.get().splitlines()[-2].split()
    assert row == ["web-killed", "3", "3", *["0"] * 6, "1.2", "0.0", "12", "140", "1", "held"]
    assert document([RESULT])["drills"][0]["findings"]["accepted"] == 3


@pytest.mark.parametrize(
    ("output", "drift"),
    [
        ('{"sales": [], "drift": 0}\n', 0),
        ('a warning\n{"sales": [], "drift": 7}\n', 7),
        ("cannot tell: the sale is being rebuilt", None),
        ("", None),
    ],
)
def test_the_drift_is_read_from_what_reconcile_prints(output: str, drift: int | None) -> None:
    assert read_reconciliation(output)[0] == drift


# --- The clients --------------------------------------------------------------------------------

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _load(handler: Handler, orders: list[DrillOrder]) -> Book:
    """Return what clients are told who place `orders` at a server of `handler`."""
    app, began, book = web.Application(), monotonic(), Book()
    app.router.add_post("/api/v1/orders", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        load = Clients(
            f"http://127.0.0.1:{port}", "key", book, rate=1000, elapsed=lambda: monotonic() - began
        )
        async with load:
            await load.place_all(orders)
    finally:
        await runner.cleanup()
    return book


def test_a_client_asks_with_the_same_key_until_it_has_an_answer() -> None:
    seen: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append((request.headers["Idempotency-Key"], (await request.json())["customer"]))
        if len(seen) == 1:
            return web.Response(status=503)
        if len(seen) == 2:
            request.transport.close()  # type: ignore[union-attr]
        if len(seen) == 3:
            return web.Response(status=429)
        return web.json_response({"id": "1"}, status=202)

    book = asyncio.run(_load(answer, [DrillOrder("k", "s", 1)]))
    assert seen == [("k", "k")] * 4
    assert book.tried_again == {"503": 1, "connection lost": 1, "429": 1}
    assert [answer.order_id for answer in book.answers["k"]] == ["1"]


def test_a_client_that_gets_no_answer_gives_up_and_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    monkeypatch.setattr(clients, "PATIENCE_SECONDS", 0.2)
    book = asyncio.run(_load(answer, [DrillOrder("k", "s", 1)]))
    assert (book.unanswered, book.answers) == (1, {})


def test_an_order_that_is_sent_twice_has_two_answers() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"id": "1"}, status=202)

    book = asyncio.run(
        _load(answer, [DrillOrder("a", "s", 1, is_sent_twice=True), DrillOrder("b", "s", 1)])
    )
    assert {key: len(answers) for key, answers in book.answers.items()} == {"a": 2, "b": 1}


def test_an_answer_is_read_as_an_order_or_a_problem() -> None:
    def read(status: int, body: bytes) -> Answer:
        return read_answer(Reply(status, {}, body, 0.1), at=2.0)

    assert read(202, b'{"id": "1"}') == Answer(202, ACCEPTED, order_id="1", at=2.0)
    problem = read(409, b'{"type": "/problems/sold-out", "id": "1"}')
    assert problem == Answer(409, "sold-out", at=2.0)
    assert read(404, b"<html>") == Answer(404, "", at=2.0)


# --- What the drill knows of the product, without importing it -----------------------------------


def test_keys_and_group_are_named_as_the_product_names_them() -> None:
    names = {"outbox": "outbox", "bell": "wakeup"}
    assert [fault_context.key(7, name) for name in names] == [
        getattr(Keys.of(7), field) for field in names.values()
    ]
    assert fault_context.CONSUMERS == PERSIST_GROUP


def test_the_queues_that_are_deleted_are_those_of_the_tasks() -> None:
    assert {*PULSES, PERSIST_ORDERS.queue, RECONCILE_SALES.queue} <= {*hints.QUEUES}


def test_the_processes_that_are_killed_are_those_of_the_procfile() -> None:
    assert {*processes.PRODUCT, "flower"} == {*read_procfile(REPOSITORY / "Procfile")}


def test_lost_orders_are_read_from_what_rebuild_stock_prints() -> None:
    printed = "drop: epoch 2, 0 orders persisted.\ndrop: order 0194-ab is lost.\n"
    assert losses.LOST.findall(printed) == ["0194-ab"]


# --- The command --------------------------------------------------------------------------------


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["drill", *words])


def test_every_fault_has_a_sentence_about_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(arguments("--list")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*FAULTS]
    assert all(line.endswith(".") for line in lines)


def test_servers_of_somebody_else_are_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://prod/shop")
    with pytest.raises(LocalStackError, match="DATABASE_URL"):
        command.run(arguments())


@pytest.mark.parametrize("words", [["--only", "earthquake"], ["--repeat", "0"]])
def test_what_cannot_be_done_is_a_usage_error(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        arguments(*words)
