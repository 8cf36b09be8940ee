"""A payment that was received before the end of its hold never loses its unit, whoever is late."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import Settings

from orders.errors import NotCancellable
from orders.models import ApiClient, Order, PaymentNotice
from orders.services import holds
from orders.services.holds import cancel_order, expire_holds
from shop.core import clock, sql
from tests.conftest import MakeSale
from tests.life import events, placed, status
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
