"""A payment that was received before the end of its hold never loses its unit, whoever is late."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import Settings

from orders.domain import PaymentMessageType
from orders.errors import NotCancellable
from orders.models import ApiClient, Order, PaymentNotice
from orders.payments import late
from orders.payments.late import settle_payments
from orders.payments.note import Noted, note, note_payment
from orders.payments.provider_message import PaymentMessage
from orders.reconciliation.compare import reconcile
from orders.services import holds
from orders.services.holds import cancel_order, expire_holds
from shop.core import clock
from shop.core.stores import sql
from tests.conftest import MakeSale
from tests.life import events, news, place, placed, status
from tests.persisting import persist
from tests.placing import Request

pytestmark = pytest.mark.django_db(transaction=True)

MOMENT = timedelta(milliseconds=1)
_numbers = itertools.count(1)


@pytest.fixture
def order(make_sale: MakeSale, api_key: str) -> Order:
    """An order whose hold is over."""
    [order] = placed(make_sale("drop", {"TEE": 50}), api_key, Request("k"))
    return over(order)


@pytest.fixture
def other() -> Iterator[BaseDatabaseWrapper]:
    """Another connection, as another process has it."""
    with closing(connection.copy()) as other:
        other.set_autocommit(False)
        yield other


def over(order: Order) -> Order:
    order.hold_expires_at = clock.now() - timedelta(seconds=5)
    order.save(update_fields=["hold_expires_at"])
    return order


def end_of(order: Order) -> datetime:
    assert order.hold_expires_at is not None
    return order.hold_expires_at


def noted(order: Order, received_at: datetime, **changes: Any) -> PaymentNotice:
    """A payment that was answered 200 and that nobody has applied yet."""
    fields: dict[str, Any] = {
        "provider": "standard",
        "notice_id": f"m-{next(_numbers)}",
        "type": "succeeded",
        "order_id": order.pk,
        "amount": order.total,
        "currency": order.currency,
        "reference": f"p-{next(_numbers)}",
        "state": "pending",
    }
    return PaymentNotice.objects.create(received_at=received_at, **fields | changes)


def news_of(order_id: UUID) -> PaymentMessage:
    """What a provider says of an order over one TEE, wherever that is on its way."""
    return PaymentMessage(
        provider="standard",
        notice_id=f"m-{next(_numbers)}",
        type=PaymentMessageType.SUCCEEDED,
        order_id=order_id,
        amount=1250,
        currency="EUR",
        reference=f"p-{next(_numbers)}",
    )


def expire() -> int:
    return expire_holds(now=clock.now())


@pytest.mark.parametrize(
    ("after", "expired"), [(-MOMENT, 0), (timedelta(0), 0), (MOMENT, 1)], ids=str
)
def test_what_counts_is_when_it_was_received(order: Order, after: timedelta, expired: int) -> None:
    noted(order, end_of(order) + after)
    assert expire() == expired
    assert status(order) == ("expired" if expired else "awaiting_payment")
    assert len(events(order)) == 1 + expired  # nobody is told "expired" who has paid in time


@pytest.mark.parametrize(
    "changes",
    [{"type": "failed"}, {"type": "refunded"}, {"state": "refused"}, {"state": "repeated"}],
    ids=str,
)
def test_other_news_and_refused_payments_keep_no_unit(
    order: Order, changes: dict[str, str]
) -> None:
    noted(order, end_of(order) - MOMENT, **changes)
    assert expire() == 1


def test_the_command_leaves_it_alone(order: Order, capsys: pytest.CaptureFixture[str]) -> None:
    noted(order, end_of(order) - MOMENT)
    call_command("expire_holds")
    assert capsys.readouterr().out == "0 unpaid orders expired.\n"
    assert status(order) == "awaiting_payment"


def test_many_that_are_paid_keep_no_other_hold_from_its_end(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    settings.EXPIRE_BATCH = 3
    sale = make_sale("drop", {"TEE": 50})
    orders = placed(sale, api_key, *(Request(f"k-{n}") for n in range(14)))
    for order in orders:
        over(order)
    for order in orders[:10]:
        noted(order, end_of(order) - MOMENT)
    assert expire() == 4
    assert [status(order) for order in orders[:10]] == ["awaiting_payment"] * 10


def test_a_payment_that_is_being_noted_is_waited_for(
    order: Order, other: BaseDatabaseWrapper
) -> None:
    with other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM orders_order WHERE id = %s FOR KEY SHARE", [order.pk])
    assert expire() == 0
    other.rollback()
    assert expire() == 1


def test_a_payment_that_is_noted_between_the_two_looks_is_seen(
    order: Order, other: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sql.run

    def noted_meanwhile(path: Path, parameters: Any) -> list[tuple[Any, ...]]:
        rows = run(path, parameters)
        if path.name == "lock_overdue_holds.sql" and rows:
            with other.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO orders_paymentnotice (provider, notice_id, type, order_id, amount,"
                    " currency, reference, state, detail, received_at) VALUES"
                    " ('x', 'm', 'succeeded', %s, 12.5, 'EUR', 'p', 'pending', '', %s)",
                    [order.pk, end_of(order) - MOMENT],
                )
            other.commit()
        return rows

    monkeypatch.setattr(holds.sql, "run", noted_meanwhile)
    assert expire() == 0
    assert status(order) == "awaiting_payment"


def test_an_order_whose_payment_waits_to_be_applied_cannot_be_cancelled(
    order: Order, api_client: tuple[ApiClient, str]
) -> None:
    notice = noted(order, end_of(order) - MOMENT)
    with pytest.raises(NotCancellable) as caught:
        cancel_order(order.pk, client_id=api_client[0].pk)
    assert caught.value.status == "awaiting_payment"
    notice.state = "refused"
    notice.save(update_fields=["state"])
    cancel_order(order.pk, client_id=api_client[0].pk)
    assert status(order) == "cancelled"


def test_a_payment_that_is_noted_while_its_hold_ends_comes_too_late(
    order: Order, other: BaseDatabaseWrapper
) -> None:
    """Noting waits for an expiry under way, and sees what it has done: one of the two wins."""
    with other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM orders_order WHERE id = %s FOR UPDATE", [order.pk])
        with connection.cursor() as impatient:
            impatient.execute("SET lock_timeout = '50ms'")
            try:
                with pytest.raises(OperationalError, match="lock timeout"):
                    note([replace(news(order), received_at=end_of(order) - MOMENT)])
            finally:
                impatient.execute("SET lock_timeout = '10s'")
    other.rollback()


def test_a_payment_that_came_before_its_order_is_applied_by_the_transaction_that_persists_it(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    paid, unpaid = place(api_key, Request("k-1"), Request("k-2"))
    [answer] = note([news_of(paid)])
    assert isinstance(answer, Noted)
    assert answer.state == "pending"
    assert PaymentNotice.objects.get().state == "pending"
    persist(sale)
    order = Order.objects.get(pk=paid)
    assert (order.status, Order.objects.get(pk=unpaid).status) == ("paid", "awaiting_payment")
    assert events(order) == [(1, "order.placed"), (2, "order.paid")]
    assert PaymentNotice.objects.get().state == "applied"
    row = sale.allocations.get()
    assert (row.held, row.sold) == (1, 1)
    assert reconcile(sale.pk, "drop").drift == 0


def test_a_payment_says_nothing_of_its_orders_way_that_is_not_so_later(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    [order_id] = place(api_key, Request("k"))
    note_payment(news_of(order_id))  # as what a person tries again: it is judged at once
    for state in ("pending", "applied"):
        found = PaymentNotice.objects.get()
        assert (found.state, found.detail) == (state, "")
        persist(sale)


def test_an_order_that_is_persisted_after_the_end_of_its_hold_is_paid_and_never_expired(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 1}, hold_seconds=1)
    [order_id] = place(api_key, Request("k"))
    note([news_of(order_id)])
    persist(sale)
    assert expire_holds(now=clock.now() + timedelta(seconds=60)) == 0
    assert Order.objects.get(pk=order_id).status == "paid"


def test_a_wrong_payment_ahead_of_its_order_costs_no_other_order_anything(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    first, second = place(api_key, Request("k-1"), Request("k-2"))
    note([news_of(first), news_of(second)])
    PaymentNotice.objects.filter(order_id=first).update(amount=1)  # as an older version kept it
    persist(sale)
    assert Order.objects.get(pk=first).status == "awaiting_payment"
    assert Order.objects.get(pk=second).status == "paid"
    assert expire_holds(now=clock.now() + timedelta(days=1)) == 1  # the refused one, in its time


def test_settling_that_fails_leaves_the_orders_persisted_and_the_payments_waiting(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    [order_id] = place(api_key, Request("k"))
    note([news_of(order_id)])

    def broken(_: object) -> None:
        raise ValueError("a notice that nobody foresaw")

    with monkeypatch.context() as patch:
        patch.setattr(late, "settle_all", broken)
        persist(sale)
        assert settle_payments() == 0
    assert Order.objects.get(pk=order_id).status == "awaiting_payment"
    assert settle_payments() == 1
    assert Order.objects.get(pk=order_id).status == "paid"


def test_one_payment_that_cannot_be_settled_keeps_no_other_one_waiting(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = placed(make_sale("drop", {"TEE": 50}), api_key, *(Request(f"k-{n}") for n in range(5)))
    note([news(order, reference=f"p-{order.pk}") for order in orders])
    whole = late.settle_all

    def settle_but_one(notices: Sequence[PaymentNotice]) -> None:
        if orders[2].pk in {notice.order_id for notice in notices}:
            raise ValueError("a notice that nobody foresaw")
        whole(notices)

    monkeypatch.setattr(late, "settle_all", settle_but_one)
    assert settle_payments() == 4
    assert [status(order) for order in orders].count("paid") == 4
    assert expire_holds(now=clock.now() + timedelta(days=1)) == 0  # its unit is kept for it


def test_payments_are_settled_in_batches_with_few_statements(
    make_sale: MakeSale, api_key: str, django_assert_max_num_queries: Any
) -> None:
    orders = placed(
        make_sale("drop", {"TEE": 50}), api_key, *(Request(f"k-{n}") for n in range(30))
    )
    note([news(order, reference=f"p-{order.pk}") for order in orders])
    with django_assert_max_num_queries(25):
        assert settle_payments() == 30
    assert {status(order) for order in orders} == {"paid"}


def test_tries_that_failed_cost_no_statements_of_their_own(
    make_sale: MakeSale, api_key: str, django_assert_max_num_queries: Any
) -> None:
    orders = placed(
        make_sale("drop", {"TEE": 50}), api_key, *(Request(f"k-{n}") for n in range(30))
    )
    failed = [noted(order, clock.now(), type="failed", reference="") for order in orders]
    note([news(order, reference=f"p-{order.pk}") for order in orders[:20]])
    wrong = noted(orders[29], clock.now(), type="failed", amount=1)
    with django_assert_max_num_queries(30):
        assert settle_payments() == 51
    assert [status(order) for order in orders].count("paid") == 20
    for notice in failed:
        notice.refresh_from_db()
    wrong.refresh_from_db()
    assert {(notice.state, notice.detail) for notice in failed} == {
        ("applied", "The order keeps its hold to its end.")
    }
    assert wrong.state == "refused"
