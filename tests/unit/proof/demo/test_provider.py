"""The demo's payment provider and customers: what they send, and to what they hold on."""

import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from proof import calls
from proof.calls import Caller, RequestCounts
from proof.demo.account.follow_ups import Action, FollowUps
from proof.demo.people import customers
from proof.demo.people.customers import Customers
from proof.demo.people.order_plans import Behaviour, PlannedOrder
from proof.demo.people.provider import Provider, has_no_answer, message_ids
from proof.waiting import until
from shop.local.signed_payments import CALLBACK, Message

from .cases import BOTH, TWO
from .servers import Handler, clock, served

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = Message("payment.succeeded", "id-two", "50.00", "EUR", "charge-two")
DOCUMENT = {"id": "id-two", "total": "50.00", "currency": "EUR"}


def told(handler: Handler, *, twice: bool = False) -> FollowUps:
    """Return what a provider was told that tells of MESSAGE."""

    async def send(url: str) -> FollowUps:
        follow_ups = FollowUps()
        async with caller(url, follow_ups.calls) as client:
            provider = Provider(
                client, secret=SECRET, follow_ups=follow_ups, ids=message_ids("drop")
            )
            await provider.send(MESSAGE, twice=twice)
        return follow_ups

    return served(handler, send)


def caller(url: str, counts: RequestCounts) -> Caller:
    return Caller(url, counts=counts, elapsed=clock, has_no_answer=has_no_answer)


def applied() -> web.Response:
    return web.json_response({"notice": "drop-payment-1", "state": "applied"})


def test_a_message_is_signed_and_says_which_payment_of_which_order() -> None:
    seen: list[tuple[str, Any]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        body = Webhook(SECRET).verify(await request.read(), dict(request.headers))
        seen.append((request.path, body))
        return applied()

    follow_ups = told(handler)
    data = {"order": "id-two", "amount": "50.00", "currency": "EUR", "reference": "charge-two"}
    assert seen == [(CALLBACK, {"type": "payment.succeeded", "data": data})]
    [follow_up] = follow_ups.accepted("id-two")
    assert (follow_up.action, follow_up.status, follow_up.state) == (Action.PAYMENT, 200, "applied")
    assert follow_ups.message_ids() == {"drop-payment-1": "id-two"}


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_message_is_sent_until_it_is_answered_under_one_id(status: int) -> None:
    ids = []

    async def handler(request: web.Request) -> web.StreamResponse:
        ids.append(request.headers["webhook-id"])
        if len(ids) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status) if len(ids) < 4 else applied()

    follow_ups = told(handler)
    assert ids == ["drop-payment-1"] * 4
    assert follow_ups.calls.sent_again == {"no answer": 1, str(status): 2}
    assert not follow_ups.unexpected


@pytest.mark.parametrize("status", [401, 404, 422])
def test_a_refusal_is_an_answer_that_nobody_expects(status: int) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"type": "/problems/not-found"}, status=status)

    follow_ups = told(handler)
    assert follow_ups.unexpected == {f"payment.succeeded answered {status} not-found": 1}
    assert follow_ups.calls.sent == 1
    assert follow_ups.accepted("id-two") == []


def test_a_server_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "PATIENCE_SECONDS", -1.0)

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    assert told(handler).unexpected == {"payment.succeeded given up after 500": 1}


def test_a_message_told_twice_is_the_same_message() -> None:
    seen = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append((request.headers["webhook-id"], await request.read()))
        return applied()

    follow_ups = told(handler, twice=True)
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert len(follow_ups.of_order["id-two"]) == 2
    assert len(follow_ups.message_ids()) == 1


# --- Customers ----------------------------------------------------------------------------------

Seen = list[tuple[str, Mapping[str, str], Any]]


def lived(order: PlannedOrder) -> tuple[Seen, FollowUps]:
    """Return what reached the server in the life of `order`, and how it was booked."""
    seen: Seen = []

    async def handler(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        seen.append((request.path, request.headers, json.loads(body) if body else None))
        return applied()

    async def live(customers: Customers, follow_ups: FollowUps) -> None:
        customers.holds_have_ended.set()
        customers.take(order, DOCUMENT)
        await customers.finish()

    return seen, with_customers(handler, live)


def with_customers(
    handler: Handler, work: Callable[[Customers, FollowUps], Coroutine[Any, Any, None]]
) -> FollowUps:
    """Return what is booked while `work` is done with customers of a server with this handler."""

    async def run(url: str) -> FollowUps:
        follow_ups = FollowUps()
        async with caller(url, follow_ups.calls) as client:
            provider = Provider(
                client, secret=SECRET, follow_ups=follow_ups, ids=message_ids("drop")
            )
            async with Customers(
                provider, client, {"app": "secret"}, follow_ups=follow_ups
            ) as people:
                await work(people, follow_ups)
        return follow_ups

    return served(handler, run)


@pytest.mark.parametrize(
    ("behaviour", "deeds"),
    [
        (Behaviour.PAYS, [Action.PAYMENT]),
        (Behaviour.PAYS_AT_LAST, [Action.FAILED_PAYMENT, Action.PAYMENT]),
        (Behaviour.GIVES_UP, [Action.FAILED_PAYMENT, Action.CANCELLATION]),
        (Behaviour.CANCELS, [Action.CANCELLATION]),
        (Behaviour.FORGETS, []),
        (Behaviour.PAYS_LATE, [Action.PAYMENT]),
        (Behaviour.GETS_MONEY_BACK, [Action.PAYMENT, Action.REFUND]),
    ],
)
def test_each_behaviour_takes_its_course(behaviour: Behaviour, deeds: list[Action]) -> None:
    _, follow_ups = lived(replace(TWO, behaviour=behaviour))
    assert [follow_up.action for follow_up in follow_ups.accepted("id-two")] == deeds


def test_who_pays_late_does_nothing_before_the_holds_have_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(customers, "AT_THE_SAME_TIME", 1)  # who is ready first goes first
    paid: list[list[str]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        return applied()

    async def work(people: Customers, follow_ups: FollowUps) -> None:
        people.take(replace(TWO, behaviour=Behaviour.PAYS_LATE), DOCUMENT)
        people.take(replace(BOTH, behaviour=Behaviour.PAYS), {**DOCUMENT, "id": "id-both"})

        async def somebody_has_paid() -> bool:
            return bool(follow_ups.of_order)

        assert await until(somebody_has_paid, seconds=20, every=0.01)
        paid.append([*follow_ups.of_order])
        people.holds_have_ended.set()
        await people.finish()
        paid.append([*follow_ups.of_order])

    with_customers(handler, work)
    assert paid == [["id-both"], ["id-both", "id-two"]]


def test_who_still_waits_at_the_end_waits_no_longer() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return applied()

    async def work(people: Customers, follow_ups: FollowUps) -> None:
        people.take(replace(TWO, behaviour=Behaviour.PAYS_LATE), DOCUMENT)

    assert with_customers(handler, work).calls.sent == 0


def test_a_refund_names_the_payment_that_it_gives_back_and_a_failure_does_not() -> None:
    seen, _ = lived(replace(TWO, behaviour=Behaviour.GETS_MONEY_BACK))
    paid, refunded = [body["data"] for _, _, body in seen]
    assert paid == refunded
    seen, _ = lived(replace(TWO, behaviour=Behaviour.PAYS_AT_LAST))
    failed, paid = [body["data"] for _, _, body in seen]
    assert failed["reference"] != paid["reference"]
    assert (failed["amount"], failed["currency"]) == ("50.00", "EUR")


def test_a_client_cancels_with_its_own_key() -> None:
    [(path, headers, _)], _ = lived(replace(BOTH, behaviour=Behaviour.CANCELS))
    assert path == "/api/v1/orders/id-two/cancel"
    assert headers["Authorization"] == "Bearer secret"


def test_some_messages_are_told_twice() -> None:
    _, follow_ups = lived(replace(TWO, behaviour=Behaviour.PAYS, sent_twice=True))
    assert follow_ups.calls.sent == 2
    assert len(follow_ups.message_ids()) == 1
