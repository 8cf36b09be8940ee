"""A payment that has come keeps its unit while it is not on record yet, however long that takes."""

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from inventory import outbox, paying
from inventory.counters.keys import Keys
from inventory.models import Sale
from orders.api import payment_callbacks
from orders.errors import NotCancellable
from orders.models import ApiClient, Order, PaymentNotice
from orders.payments import note
from orders.payments.late import settle_payments
from orders.reads.lateness import lateness
from orders.services.holds import cancel_order, expire_holds
from shop.core import clock
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.life import events, place, placed, status
from tests.persisting import persist
from tests.placing import Request
from tests.processes import await_condition
from tests.signing import STRIPE_SECRET, signed, signed_by_stripe
from tests.unit.orders.payments.stripe_events import intent

pytestmark = pytest.mark.django_db(transaction=True)

Meanwhile = Callable[[Callable[[], Any]], list[Any]]


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50})


@pytest.fixture
def order(sale: Sale, api_key: str) -> Order:
    """An order whose hold ends while its payment, which came in time, is under way."""
    [order] = placed(sale, api_key, Request("k"))
    return order


@pytest.fixture
def before_noting(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Do something after a payment was received and marked, and before it is noted."""
    note = payment_callbacks.note

    def install(work: Callable[[], Any]) -> list[Any]:
        done: list[Any] = []

        def noted_later(messages: Any) -> Any:
            done.append(work())
            return note(messages)

        monkeypatch.setattr(payment_callbacks, "note", noted_later)
        return done

    return install


def hold_ends(order: Order) -> None:
    """Let a hold end now."""
    Order.objects.filter(pk=order.pk).update(hold_expires_at=clock.now())


def expire() -> int:
    return expire_holds(now=clock.now() + timedelta(minutes=1))


def its_hold_ends(order: Order) -> Callable[[], int]:
    def work() -> int:
        hold_ends(order)
        return expire()

    return work


def call(order_id: UUID, **changes: str) -> HttpResponse:
    """Send the callback of a payment of one TEE."""
    data = {"order": str(order_id), "amount": "12.50", "currency": "EUR", "reference": "p"}
    body = json.dumps({"type": "payment.succeeded", "data": data | changes}).encode()
    return post("/api/v1/payments/callback", body, signed(body))


def post(url: str, body: bytes, headers: dict[str, str]) -> HttpResponse:
    answer: HttpResponse = Client().post(
        url, body, content_type="application/json", headers=headers
    )
    return answer


def by_callback(order: Order) -> HttpResponse:
    return call(order.pk)


def by_stripe(order: Order) -> HttpResponse:
    body = intent(metadata={"order": str(order.pk)}, amount_received=1250, currency="eur")
    return post("/api/v1/payments/stripe", body, signed_by_stripe(body))


def by_test_payment(order: Order) -> HttpResponse:
    answer: HttpResponse = Client().post(f"/test-payments/{order.pk}")
    return answer


def marks(sale: Sale) -> int:
    return int(client().zcard(Keys.of(sale.pk).paying))


def left_mark(sale: Sale, order: Order, *, age_ms: int = 0) -> None:
    """Leave a mark as a process does that was killed before it had noted the payment."""
    since = clock.to_ms(outbox.clock()) - age_ms
    client().zadd(Keys.of(sale.pk).paying, {order.pk.bytes + bytes(8): since})


@pytest.mark.parametrize("send", [by_callback, by_stripe, by_test_payment])
def test_a_hold_does_not_end_while_its_payment_is_being_noted(
    order: Order, sale: Sale, before_noting: Meanwhile, settings: Settings, send: Any
) -> None:
    settings.STRIPE_WEBHOOK_SECRET, settings.TEST_PAYMENTS = STRIPE_SECRET, True
    expired = before_noting(its_hold_ends(order))
    assert send(order).status_code == 200
    assert expired == [0]
    settle_payments()
    assert status(order) == "paid"
    assert events(order) == [(1, "order.placed"), (2, "order.paid")]
    await_condition("the mark is taken away", lambda: marks(sale) == 0)


def test_an_order_is_not_cancelled_while_its_payment_is_being_noted(
    order: Order, api_client: tuple[ApiClient, str], before_noting: Meanwhile
) -> None:
    def cancel() -> None:
        with pytest.raises(NotCancellable) as caught:
            cancel_order(order.pk, client_id=api_client[0].pk)
        assert caught.value.status == "awaiting_payment"

    assert before_noting(cancel) == []
    assert call(order.pk).status_code == 200
    settle_payments()
    assert status(order) == "paid"


def test_an_order_that_is_persisted_while_its_payment_is_being_noted_is_not_expired(
    sale: Sale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its price is read from the outbox, so no row is locked."""
    [order_id] = place(api_key, Request("k"))
    in_outboxes, expired = note._in_outboxes, list[int]()

    def persisted_and_over(ids: Any) -> Any:
        prices = in_outboxes(ids)
        if prices:
            with_another_connection(lambda: persist(sale))
            with_another_connection(
                lambda: expired.append(its_hold_ends(Order.objects.get(pk=order_id))())
            )
        return prices

    monkeypatch.setattr(note, "_in_outboxes", persisted_and_over)
    assert call(order_id).status_code == 200
    settle_payments()
    assert expired == [0]
    assert Order.objects.get(pk=order_id).status == "paid"


def with_another_connection(work: Callable[[], Any]) -> None:
    """Work as another process would, in the midst of a transaction of this one."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    thread.join()


def test_a_payment_that_is_marked_after_its_order_was_expired_does_not_count_as_in_time(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, expired = paying.mark, list[int]()

    def late(*given: Any) -> int:
        with_another_connection(lambda: expired.append(its_hold_ends(order)()))
        return mark(*given)

    monkeypatch.setattr(paying, "mark", late)
    assert call(order.pk).status_code == 200
    assert expired == [1]
    order.refresh_from_db()
    assert PaymentNotice.objects.get().received_at > order.hold_expires_at
    settle_payments()
    assert status(order) == "paid"  # its unit was not sold yet, and is taken once more


def test_a_payment_whose_mark_was_lost_with_redis_promises_nothing(
    order: Order, before_noting: Meanwhile
) -> None:
    def lose() -> int:
        client().delete(Keys.of(order.sale_id).paying)
        return its_hold_ends(order)()

    assert before_noting(lose) == []
    assert call(order.pk).status_code == 200
    order.refresh_from_db()
    assert order.status == "expired"
    assert PaymentNotice.objects.get().received_at > order.hold_expires_at


def test_a_payment_after_a_cancellation_keeps_the_time_at_which_it_came(
    order: Order, api_client: tuple[ApiClient, str]
) -> None:
    cancel_order(order.pk, client_id=api_client[0].pk)
    before = clock.now()
    assert call(order.pk).status_code == 200
    assert before < PaymentNotice.objects.get().received_at < order.hold_expires_at


def test_what_cannot_be_noted_holds_no_unit_longer(
    order: Order, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        raise OperationalError("PostgreSQL is away")

    monkeypatch.setattr(payment_callbacks, "note", fail)
    assert call(order.pk).status_code == 503
    await_condition("the mark is taken away", lambda: marks(sale) == 0)
    assert its_hold_ends(order)() == 1


def test_one_of_two_payments_that_is_refused_leaves_the_mark_of_the_other(
    order: Order, sale: Sale
) -> None:
    left_mark(sale, order)
    assert call(order.pk, amount="1.00").status_code == 422
    await_condition("one mark is taken away", lambda: marks(sale) == 1)
    assert its_hold_ends(order)() == 0


def test_a_mark_that_nobody_takes_away_ends_after_a_minute(order: Order, sale: Sale) -> None:
    left_mark(sale, order, age_ms=59_000)
    hold_ends(order)
    assert expire() == 0
    left_mark(sale, order, age_ms=61_000)
    assert expire() == 1


def test_a_hold_that_a_mark_keeps_is_not_late(order: Order, sale: Sale) -> None:
    Order.objects.filter(pk=order.pk).update(hold_expires_at=clock.now() - timedelta(seconds=50))
    assert lateness().holds >= 50
    left_mark(sale, order)
    assert lateness().holds == 0


def test_many_that_are_marked_keep_no_other_hold_from_its_end(
    sale: Sale, api_key: str, settings: Settings
) -> None:
    settings.EXPIRE_BATCH = 3
    orders = placed(sale, api_key, *(Request(f"k-{n}") for n in range(14)))
    for order in orders:
        hold_ends(order)
    for order in orders[:10]:
        left_mark(sale, order)
    assert expire() == 4
    assert [status(order) for order in orders[:10]] == ["awaiting_payment"] * 10


@pytest.fixture
def _redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise redis.ConnectionError("it is away")

    for name in ("mark", "take_away", "being_paid"):
        monkeypatch.setattr(paying, name, away)


@pytest.mark.usefixtures("_redis_away")
def test_without_redis_a_payment_of_an_order_with_a_row_is_noted(order: Order) -> None:
    before = clock.now()
    assert call(order.pk).status_code == 200
    assert before < PaymentNotice.objects.get().received_at


@pytest.mark.usefixtures("_redis_away", "sale")
def test_without_a_mark_a_payment_ahead_of_its_order_is_to_be_sent_again(api_key: str) -> None:
    [order_id] = place(api_key, Request("k"))
    answer = call(order_id)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert not PaymentNotice.objects.exists()


@pytest.mark.usefixtures("_redis_away")
def test_without_redis_no_hold_is_ended_and_the_command_says_so(order: Order) -> None:
    hold_ends(order)
    with pytest.raises(redis.ConnectionError):
        expire()
    with pytest.raises(CommandError, match="no hold is ended without it") as caught:
        call_command("expire_holds")
    assert caught.value.returncode == 2
    assert status(order) == "awaiting_payment"


def test_there_are_only_so_many_marks_of_a_sale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paying, "MOST", 3)
    members = [bytes([number]) * 24 for number in range(5)]
    assert paying.mark(7, members[:2]) == 2
    assert paying.mark(7, members[2:]) == 1
    assert paying.being_paid([7, 8]) == {member[:16] for member in members[:3]}
    assert 0 < client().pttl(Keys.of(7).paying) <= paying.KEPT_MS
    paying.take_away(7, members)
    assert not client().exists(Keys.of(7).paying)


def test_marks_that_are_too_old_or_from_a_clock_that_was_put_back_make_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paying, "MOST", 1)
    now = clock.to_ms(outbox.clock())
    client().zadd(Keys.of(7).paying, {"a" * 24: now - 70_000, "b" * 24: now + 3_600_000})
    assert paying.being_paid([7]) == set()
    assert paying.mark(7, [b"c" * 24]) == 1
