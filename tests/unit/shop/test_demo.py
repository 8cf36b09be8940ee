"""The demo: what it plans, how its clients behave, and that no broken promise gets past it."""

import argparse
import asyncio
import json
import re
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from rich.console import Console

from shop.local.demo import command, shoppers, summary
from shop.local.demo.book import ACCEPTED, OVER_LIMIT, SOLD_OUT, Answer, Book, percentile
from shop.local.demo.ledger import Look, Row, read_drift
from shop.local.demo.plan import Order, Plan, Repeat, Request, plan_sale, requests, share_out
from shop.local.demo.shoppers import Reply, Shoppers, is_same_order, read_answer
from shop.local.demo.verdict import Check, Evidence, verdict
from shop.local.errors import PortTaken
from shop.local.ports import is_free

# --- The plan -----------------------------------------------------------------------------------

PLAN = plan_sale("demo", orders=2000, stock=1000)


def test_more_is_wanted_of_every_sku_than_there_is() -> None:
    wanted: Counter[str] = Counter()
    for order in PLAN.orders:
        wanted.update(order.lines)
    assert sum(PLAN.stock.values()) == 1000
    assert all(wanted[sku] > units for sku, units in PLAN.stock.items())


def test_the_plan_has_orders_of_every_kind() -> None:
    orders = PLAN.orders
    assert len({order.key for order in orders}) == len(orders) == 2000
    assert {len(order.lines) for order in orders} == {1, 2, 3}
    assert {order.client for order in orders} == {"storefront", "app", "partner"}
    assert {order.repeat for order in orders} == {None, *Repeat}
    assert any(order.waits for order in orders)
    assert any(order.looks for order in orders)
    units: Counter[str] = Counter()
    for order in orders:
        units[order.customer] += order.units
    assert max(units.values()) > PLAN.limit


def test_an_order_whose_first_answer_is_waited_for_is_not_repeated_at_once() -> None:
    assert not any(order.waits and order.repeat is Repeat.AT_ONCE for order in PLAN.orders)


def test_the_same_arguments_give_the_same_plan() -> None:
    assert plan_sale("demo", orders=2000, stock=1000) == PLAN
    assert plan_sale("other", orders=2000, stock=1000).orders != PLAN.orders


@pytest.mark.parametrize("stock", [1, 2, 3, 4, 7, 10, 5000])
def test_stock_is_shared_out_to_the_last_unit_and_no_sku_goes_without(stock: int) -> None:
    shares = share_out(stock)
    assert sum(shares.values()) == stock
    assert min(shares.values()) >= 1
    assert len(shares) == min(stock, 3)


@pytest.mark.parametrize("count", [1, 50, 2000])
def test_every_order_is_sent_once_and_the_late_repetitions_follow_it(count: int) -> None:
    orders = PLAN.orders[:count]
    sent = [*requests(orders)]
    assert [order for order, again in sent if not again] == orders
    late = [order for order, again in sent if again]
    assert late == [order for order in orders if order.repeat is Repeat.LATER]
    assert all(sent.index(Request(order)) < sent.index(Request(order, True)) for order in late)


# --- The verdict --------------------------------------------------------------------------------


def order(key: str, customer: str, **lines: int) -> Order:
    return Order(key=key, client="app", customer=customer, lines=lines)


def yes(key: str, **changes: Any) -> Answer:
    return replace(Answer(202, ACCEPTED, digest=b"yes", order_id=f"id-{key}", took=0.01), **changes)


def no(outcome: str, **changes: Any) -> Answer:
    return replace(Answer(409, outcome, digest=b"no", took=0.02), **changes)


def row(key: str, **changes: Any) -> Row:
    return replace(Row(key, f"id-{key}", "awaiting_payment", {}, events=1), **changes)


TWO, BOTH, THIRD, LAST = (
    order("two", "ada", TEE=2),
    order("both", "bob", TEE=1, CAP=1),
    order("third", "ada", TEE=1),
    order("last", "eve", CAP=1),
)
PLANNED = Plan("drop", stock={"TEE": 3, "CAP": 1}, orders=[TWO, BOTH, THIRD, LAST], limit=2)
TOLD = {
    "two": [yes("two"), yes("two", replayed=True)],
    "both": [yes("both")],
    "third": [no(OVER_LIMIT)],
    "last": [no(SOLD_OUT), no(SOLD_OUT, replayed=True)],
}
ROWS = [row("two", lines={"TEE": 2}), row("both", lines={"TEE": 1, "CAP": 1})]
LOOKS = [Look(during=True, drift=0), Look(during=False, drift=0)]


def book(told: Mapping[str, list[Answer]], planned: Plan = PLANNED) -> Book:
    written = Book()
    for each in planned.orders:
        for answer in told.get(each.key, []):
            written.note(each, answer)
    return written


def evidence(told: Mapping[str, list[Answer]] = TOLD, **changes: Any) -> Evidence:
    planned = changes.pop("plan", PLANNED)
    return Evidence(
        plan=planned,
        book=book(told, planned),
        rows=changes.pop("rows", ROWS),
        looks=changes.pop("looks", LOOKS),
        **changes,
    )


def with_book(change: Callable[[Book], object]) -> Evidence:
    found = evidence()
    change(found.book)
    return found


def broken(found: Evidence) -> set[str]:
    return {check.invariant for check in verdict(found) if check.broken}


ANSWERED = "Every request got an answer that the API promises"
ONCE = "Every accepted order is in the ledger exactly once"
FOUND = "Every accepted order that was looked up at once was found"
EVENTS = "Every accepted order has exactly one event, order.placed"
NOT_OVERSOLD = "Nothing is oversold"
SOLD_OUT_RIGHTLY = "Sold out was said exactly when the stock was gone"
LIMITED = "The limit of 2 units a customer was held"
REPLAYED = "Every repeated request got its first answer again"
AGREED = "Redis and PostgreSQL agreed, during the sale and after it"


def test_a_sale_that_came_out_right_passes() -> None:
    assert broken(evidence()) == set()


def test_these_are_all_invariants() -> None:
    assert [check.invariant for check in verdict(evidence())] == [
        *(ANSWERED, ONCE, FOUND, EVENTS, NOT_OVERSOLD),
        *(SOLD_OUT_RIGHTLY, LIMITED, REPLAYED, AGREED),
    ]


WRONG: dict[str, tuple[Evidence, set[str]]] = {
    "an order without an answer": (evidence({**TOLD, "last": []}), {ANSWERED}),
    "a server error": (
        with_book(lambda it: it.unexpected.update(["requests answered 500"])),
        {ANSWERED},
    ),
    "an accepted order that is not found": (
        with_book(lambda it: it.not_found.update(["looks answered 404"])),
        {FOUND},
    ),
    "a lost order": (evidence(rows=ROWS[:1]), {ONCE, EVENTS}),
    "an order written down twice": (
        evidence(rows=[*ROWS, row("two", status="rejected", events=0)]),
        {ONCE},
    ),
    "an order rejected after the yes": (
        evidence(rows=[ROWS[0], replace(ROWS[1], status="rejected", events=0)]),
        {ONCE, EVENTS},
    ),
    "an order under another id": (
        evidence(rows=[ROWS[0], replace(ROWS[1], order_id="id-other")]),
        {ONCE},
    ),
    "an order with other lines": (
        evidence(rows=[ROWS[0], replace(ROWS[1], lines={"TEE": 1})]),
        {ONCE},
    ),
    "an order that was refused and written down": (
        evidence(rows=[*ROWS, row("third", lines={})]),
        {ONCE, EVENTS},
    ),
    "an order without its event": (
        evidence(rows=[ROWS[0], replace(ROWS[1], events=0)]),
        {EVENTS},
    ),
    "an order with its event twice": (
        evidence(rows=[ROWS[0], replace(ROWS[1], events=2)]),
        {EVENTS},
    ),
    "one yes too many": (
        evidence({**TOLD, "last": [yes("last")]}, rows=[*ROWS, row("last", lines={"CAP": 1})]),
        {NOT_OVERSOLD},
    ),
    "more units in the ledger than there are": (
        evidence(rows=[replace(ROWS[0], lines={"TEE": 3}), ROWS[1]]),
        {NOT_OVERSOLD, ONCE},
    ),
    "sold out with stock left": (
        evidence(plan=replace(PLANNED, stock={"TEE": 3, "CAP": 2})),
        {SOLD_OUT_RIGHTLY},
    ),
    "more than the limit": (
        evidence(
            {**TOLD, "third": [yes("third")]},
            rows=[*ROWS, row("third", lines={"TEE": 1})],
            plan=replace(PLANNED, stock={"TEE": 4, "CAP": 1}),
        ),
        {LIMITED},
    ),
    "refused within the limit": (
        evidence({**TOLD, "last": [no(OVER_LIMIT)]}),
        {LIMITED},
    ),
    "a replay with another body": (
        evidence({**TOLD, "two": [yes("two"), yes("two", digest=b"else", replayed=True)]}),
        {REPLAYED},
    ),
    "a replay with another status": (
        evidence({**TOLD, "two": [yes("two"), yes("two", status=201, replayed=True)]}),
        {REPLAYED},
    ),
    "a repetition judged anew": (
        evidence({**TOLD, "last": [no(SOLD_OUT), no(SOLD_OUT)]}),
        {REPLAYED},
    ),
    "drift during the sale": (
        evidence(looks=[Look(during=True, drift=1), *LOOKS]),
        {AGREED},
    ),
    "drift after the sale": (
        evidence(looks=[LOOKS[0], Look(during=False, drift=-1)]),
        {AGREED},
    ),
    "no look during the sale": (evidence(looks=LOOKS[1:]), {AGREED}),
    "no look after the sale": (evidence(looks=LOOKS[:1]), {AGREED}),
    "a look that could not tell": (
        evidence(looks=[LOOKS[0], Look(during=False, drift=None, reason="Redis is away")]),
        {AGREED},
    ),
}


@pytest.mark.parametrize(("found", "expected"), WRONG.values(), ids=WRONG.keys())
def test_each_way_of_going_wrong_breaks_its_invariant(found: Evidence, expected: set[str]) -> None:
    assert broken(found) == expected


def test_a_lost_first_answer_is_no_broken_replay() -> None:
    lost = [yes("two", replayed=True), yes("two", replayed=True)]
    assert broken(evidence({**TOLD, "two": lost})) == set()


# --- The summary --------------------------------------------------------------------------------


def test_the_summary_has_every_figure() -> None:
    figures = {name: value for name, value, _ in summary.figures(evidence())}
    assert figures == {
        "offered": "4",
        "sent": "0",
        "accepted": "2",
        "sold out": "1",
        "over the limit": "1",
        "looked up": "0",
        "replayed": "2",
        "persisted": "2",
        "events": "2",
        "rejected": "0",
        "oversold": "0",
        "drift": "0",
        "accept p50/p99": "10.0 / 10.0",
        "refuse p50/p99": "20.0 / 20.0",
        "orders/s": "0",
        "accepted/s": "0",
    }


def test_the_summary_shows_what_went_wrong_and_what_was_restarted() -> None:
    found = evidence(
        rows=[ROWS[0]], looks=[Look(during=True, drift=-3)], restarted={"web": 2, "redis": 1}
    )
    found.book.sent_again.update({"no answer": 2, "503": 7})
    console = Console(record=True, width=100)
    summary.show(console, found, verdict(found))
    summary.conclude(console, verdict(found))
    text = console.export_text()
    for line in (
        r"sent +0 +requests, again after no answer \(2\), 503 \(7\)",
        r"drift +3 +units; looked 1 × during the sale, 0 × after",
        r"persisted +1 +not all in time",
        r"restarted +3 +2 × web, redis",
        r"✓ Nothing is oversold",
        r"✗ Every accepted order is in the ledger exactly once\n +accepted orders missing: 1",
        r"✗ Redis and PostgreSQL agreed.*\n +units off during the sale: -3",
        r"3 of 9 invariants were broken",
    ):
        assert re.search(line, text), line


def test_a_percentile_is_the_nearest_rank() -> None:
    values = [float(value) for value in range(200, 0, -1)]
    assert [percentile(values, percent) for percent in (50, 99, 100)] == [100, 198, 200]
    assert percentile([7.0], 50) == 7
    assert percentile([], 50) == 0


@pytest.mark.parametrize(
    ("output", "drift"),
    [
        ('{"sales": [], "drift": 0}\n', 0),
        ('warned first\n{"sales": [], "drift": 3}\n', 3),
        ("CommandError: Redis does not answer\n", None),
        ('[]\n7\nnull\n{"sales": []}\n', None),
    ],
)
def test_drift_is_read_from_what_reconcile_prints(output: str, drift: int | None) -> None:
    assert read_drift(output) == drift


# --- The clients --------------------------------------------------------------------------------


def reply(status: int, document: object, **headers: str) -> Reply:
    return Reply(status, headers, json.dumps(document).encode(), took=0.5)


def test_an_answer_is_read_with_its_outcome() -> None:
    accepted = read_answer(reply(202, {"id": "o-1"}), at=3.0, waited=False)
    assert accepted is not None
    assert (accepted.outcome, accepted.order_id, accepted.replayed) == (ACCEPTED, "o-1", False)
    assert (accepted.at, accepted.took) == (3.0, 0.5)
    waited = read_answer(reply(201, {"id": "o-1"}), at=3.0, waited=True)
    assert waited is not None
    assert waited.took is None
    refused = {"type": "/problems/sold-out"}
    sold_out = read_answer(
        reply(409, refused, **{"Idempotent-Replayed": "true"}), at=0, waited=False
    )
    assert sold_out is not None
    assert (sold_out.outcome, sold_out.replayed) == (SOLD_OUT, True)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (500, {}),
        (202, {}),
        (202, ["o-1"]),
        (409, {"type": "/problems/sale-closed"}),
        (500, {"type": "/problems/sold-out"}),
    ],
)
def test_what_is_no_judgement_is_no_answer(status: int, document: object) -> None:
    assert read_answer(reply(status, document), at=0, waited=False) is None
    assert read_answer(Reply(202, {}, b"<html>", 0.1), at=0, waited=False) is None


def test_only_the_status_of_an_order_may_change() -> None:
    accepted = {"id": "o-1", "status": "accepted", "total": "25.00"}
    assert is_same_order(accepted, {**accepted, "status": "awaiting_payment"})
    assert not is_same_order(accepted, {**accepted, "status": "rejected"})
    assert not is_same_order(accepted, {**accepted, "total": "50.00"})
    assert not is_same_order(accepted, {})


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def sent_to(handler: Handler, requested: list[Request]) -> Book:
    """Return the book of clients that send `requested` to a server with this handler."""

    async def send() -> Book:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
            clock = asyncio.get_running_loop().time
            async with Shoppers(
                PLANNED, f"http://127.0.0.1:{port}", {"app": "secret"}, book=Book(), elapsed=clock
            ) as clients:
                await clients.send(requested)
                return clients.book
        finally:
            await runner.cleanup()

    return asyncio.run(send())


def a_yes(request: web.Request) -> web.Response:
    key = request.headers["Idempotency-Key"]
    return web.json_response(
        {"id": f"id-{key}", "status": "accepted"}, status=202, headers={"Location": f"/o/{key}"}
    )


def test_an_order_is_sent_as_the_api_wants_it() -> None:
    seen: list[tuple[str, str, Mapping[str, str], Any]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, request.path, request.headers, await request.json()))
        return a_yes(request)

    assert sent_to(handler, [Request(replace(BOTH, waits=True))]).first == {ACCEPTED: 1}
    [(method, path, headers, body)] = seen
    assert (method, path) == ("POST", "/api/v1/orders")
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Idempotency-Key"] == "both"
    assert headers["Prefer"] == "wait=5"
    lines = [{"sku": "TEE", "quantity": 1}, {"sku": "CAP", "quantity": 1}]
    assert body == {"sale": "drop", "customer": "bob", "lines": lines}


@pytest.mark.parametrize("status", [429, 503])
def test_what_could_not_be_judged_is_sent_again_with_the_same_key(status: int) -> None:
    keys = []

    async def handler(request: web.Request) -> web.StreamResponse:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) < 3:
            return web.Response(status=status, headers={"Retry-After": "0"})
        return a_yes(request)

    told = sent_to(handler, [Request(BOTH)])
    assert keys == ["both"] * 3
    assert told.sent_again == {str(status): 2}
    assert told.first == {ACCEPTED: 1}


def test_an_order_whose_connection_broke_is_sent_again_with_the_same_key() -> None:
    keys = []

    async def handler(request: web.Request) -> web.StreamResponse:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            assert request.transport is not None
            request.transport.abort()
        return a_yes(request)

    told = sent_to(handler, [Request(BOTH)])
    assert keys == ["both"] * 2
    assert told.sent_again == {"no answer": 1}
    assert told.first == {ACCEPTED: 1}


def test_a_server_that_stays_away_is_given_up_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shoppers, "PATIENCE_SECONDS", -1.0)

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    told = sent_to(handler, [Request(BOTH), Request(TWO)])
    assert told.unexpected == {"requests given up after 503": 2}
    assert told.judged == 0


def test_an_error_of_the_server_is_booked_and_not_asked_for_again() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"type": "/problems/server-error"}, status=500)

    told = sent_to(handler, [Request(BOTH)])
    assert told.unexpected == {"requests answered 500 server-error": 1}
    assert told.sent == 1


def test_repetitions_use_another_connection_and_late_ones_wait_for_the_first_answer() -> None:
    seen: list[tuple[str, object]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        await request.read()
        seen.append((request.headers["Idempotency-Key"], request.transport))
        return a_yes(request)

    twice, later = replace(TWO, repeat=Repeat.AT_ONCE), replace(BOTH, repeat=Repeat.LATER)
    told = sent_to(handler, [Request(later), Request(later, again=True), Request(twice)])
    for key in ("two", "both"):
        first, second = [connection for seen_key, connection in seen if seen_key == key]
        assert first is not second
        assert len(told.answers[key]) == 2
    assert told.sent == 4


@pytest.mark.parametrize(
    ("status", "document", "not_found"),
    [
        (200, {"id": "id-both", "status": "confirmed"}, {}),
        (200, {"id": "id-other", "status": "confirmed"}, {"looks that found another order": 1}),
        (404, {"type": "/problems/not-found"}, {"looks answered 404 not-found": 1}),
    ],
)
def test_an_accepted_order_is_looked_up_at_once(
    status: int, document: object, not_found: Mapping[str, int]
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.method == "POST":
            return a_yes(request)
        assert request.path == "/o/both"
        return web.json_response(document, status=status)

    told = sent_to(handler, [Request(replace(BOTH, looks=True))])
    assert told.looked_up == 1
    assert told.not_found == not_found


# --- The command --------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "count"), [(None, 10_000), ("", 10_000), ("1", 1), ("250", 250)])
def test_the_size_of_the_sale_comes_from_the_environment(text: str | None, count: int) -> None:
    env = {} if text is None else {"DEMO_ORDERS": text}
    assert command.read_count(env, "DEMO_ORDERS", 10_000) == count


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "200001", "１", " 5"])
def test_a_size_that_is_none_ends_the_command_with_2(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEMO_STOCK", text)
    with pytest.raises(SystemExit) as ended:
        command.run(argparse.ArgumentParser())
    assert ended.value.code == 2
    assert f"DEMO_STOCK={text} is not a whole number from 1 to 200,000" in capsys.readouterr().err


def test_a_taken_port_that_nobody_asked_for_is_replaced_with_a_free_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(host: str, port: int, *, variable: str) -> None:
        raise PortTaken(port, variable, pid=None)

    monkeypatch.setattr(command, "require_free", refuse)
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("FLOWER_PORT", raising=False)
    console = Console(record=True)
    stack = command.stack_on_free_ports(tmp_path, console)
    text = console.export_text()
    for usual, port in ((8000, stack.web.port), (5555, stack.flower.port)):
        assert port != usual
        assert is_free("127.0.0.1", port)
        assert f"Port {usual} is taken; using {port}" in text


def test_a_taken_port_that_was_asked_for_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("PORT", str(taken.getsockname()[1]))
        with pytest.raises(PortTaken, match="set PORT to a free one"):
            command.stack_on_free_ports(tmp_path, Console(record=True))


@pytest.mark.parametrize(
    ("checks", "code"),
    [([Check("held", [])], 0), ([Check("held", []), Check("broken", ["it"])], 1)],
)
def test_the_exit_code_is_the_verdict(
    checks: list[Check], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run_and_judge(*_: object, **__: object) -> list[Check]:
        return checks

    monkeypatch.setattr(command, "_run_and_judge", run_and_judge)
    assert asyncio.run(command.demo(orders=1, stock=1)) == code
