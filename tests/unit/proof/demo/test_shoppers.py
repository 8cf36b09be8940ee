"""The demo's clients: they ask as a correct client does, and book what they are told."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from proof import calls
from proof.answers import ACCEPTED, SOLD_OUT
from proof.calls import Reply
from proof.demo.account.book import Book
from proof.demo.people.order_plans import PlannedOrder, Repeat
from proof.demo.people.plan import Request
from proof.demo.people.shoppers import Shoppers, is_same_order, read_answer

from .cases import BOTH, PLANNED, TWO
from .servers import Handler, clock, served


def reply(status: int, document: object, **headers: str) -> Reply:
    return Reply(status, headers, json.dumps(document).encode(), took=0.5)


def test_an_answer_is_read_with_its_outcome() -> None:
    accepted = read_answer(reply(202, {"id": "o-1"}), sent=2.0, at=3.0, waited=False)
    assert accepted is not None
    assert (accepted.outcome, accepted.order_id, accepted.replayed) == (ACCEPTED, "o-1", False)
    assert (accepted.sent, accepted.at, accepted.took) == (2.0, 3.0, 0.5)
    waited = read_answer(reply(201, {"id": "o-1"}), sent=2.0, at=3.0, waited=True)
    assert waited is not None
    assert waited.took is None
    refused = {"type": "/problems/sold-out"}
    sold_out = read_answer(
        reply(409, refused, **{"Idempotent-Replayed": "true"}), sent=0, at=0, waited=False
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
    assert read_answer(reply(status, document), sent=0, at=0, waited=False) is None
    assert read_answer(Reply(202, {}, b"<html>", 0.1), sent=0, at=0, waited=False) is None


def test_an_order_is_the_same_wherever_it_is_in_its_life() -> None:
    accepted = {"id": "o-1", "status": "accepted", "total": "25.00"}
    for status in ("awaiting_payment", "confirmed", "paid", "expired"):
        assert is_same_order(accepted, {**accepted, "status": status})
    assert is_same_order(accepted, {**accepted, "status": "expired", "refund_due": "25.00"})
    assert not is_same_order(accepted, {**accepted, "status": "rejected"})
    assert not is_same_order(accepted, {**accepted, "total": "50.00"})
    assert not is_same_order(accepted, {})
    assert not is_same_order({}, {})


def sent_to(
    handler: Handler,
    requested: list[Request],
    accepted: Callable[[PlannedOrder, Mapping[str, Any]], None] = lambda order, document: None,
) -> Book:
    """Return the book of clients that send `requested` to a server with this handler."""

    async def send(url: str) -> Book:
        keys = {"app": "secret"}
        async with Shoppers(
            PLANNED, url, keys, book=Book(), elapsed=clock, accepted=accepted
        ) as clients:
            await clients.send(requested)
            return clients.book

    return served(handler, send)


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
    assert told.calls.sent_again == {str(status): 2}
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
    assert told.calls.sent_again == {"no answer": 1}
    assert told.first == {ACCEPTED: 1}


def test_a_server_that_stays_away_is_given_up_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "PATIENCE_SECONDS", -1.0)

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    told = sent_to(handler, [Request(BOTH), Request(TWO)])
    assert told.unexpected == {"requests given up after 503": 2}
    assert told.answered == 0


def test_an_error_of_the_server_is_booked_and_not_asked_for_again() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"type": "/problems/server-error"}, status=500)

    told = sent_to(handler, [Request(BOTH)])
    assert told.unexpected == {"requests answered 500 server-error": 1}
    assert told.calls.sent == 1


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
    assert told.calls.sent == 4


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

    told = sent_to(handler, [Request(replace(BOTH, is_looked_up=True))])
    assert told.looked_up == 1
    assert told.not_found == not_found


def test_an_order_with_an_address_brings_it_along() -> None:
    bodies = []

    async def handler(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.json())
        return a_yes(request)

    sent_to(handler, [Request(replace(BOTH, email="bob@mail.example")), Request(TWO)])
    assert {body["customer"]: body.get("email") for body in bodies} == {
        "bob": "bob@mail.example",
        "ada": None,
    }


def test_an_accepted_order_begins_its_life_once_however_often_it_is_asked_for() -> None:
    begun: list[tuple[str, str]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        return a_yes(request)

    twice, later = replace(TWO, repeat=Repeat.AT_ONCE), replace(BOTH, repeat=Repeat.LATER)
    sent_to(
        handler,
        [Request(twice), Request(later), Request(later, again=True)],
        lambda order, document: begun.append((order.key, document["id"])),
    )
    assert sorted(begun) == [("both", "id-both"), ("two", "id-two")]


def test_an_order_that_was_refused_has_no_life() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"type": "/problems/sold-out"}, status=409)

    begun: list[str] = []
    book = sent_to(handler, [Request(BOTH)], lambda order, document: begun.append(order.key))
    assert begun == []
    assert book.first == {SOLD_OUT: 1}


def test_an_answer_tells_when_it_was_asked_for_first() -> None:
    tries = []

    async def handler(request: web.Request) -> web.StreamResponse:
        tries.append(clock())
        if len(tries) == 1:
            return web.Response(status=503)
        return a_yes(request)

    [answer] = sent_to(handler, [Request(BOTH)]).answers["both"]
    assert answer.sent <= tries[0]
    assert tries[1] <= answer.at
