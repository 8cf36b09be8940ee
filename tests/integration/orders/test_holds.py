"""Cancelling and expiring: an unpaid order's stock is on sale again, on both sides, once."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from pytest_django import Settings

from inventory import outbox
from inventory.counters import snapshot
from inventory.models import Allocation, Sale, StockMovement
from orders.errors import NotCancellable, OrderUnknown
from orders.models import ApiClient, Order
from orders.reconciliation.compare import reconcile
from orders.services.holds import cancel_order, expire_holds
from orders.services.release import release_stock
from shop.core import clock
from tests.conftest import MakeSale
from tests.life import events, pay, placed, refund, status
from tests.placing import Request
from workers.tasks import expire_unpaid_orders

pytestmark = pytest.mark.django_db(transaction=True)


def available(sale: Sale) -> int:
    [sku] = snapshot(sale.pk, sale.slug).skus.values()
    return sku.available


def held_and_sold(sale: Sale) -> tuple[int, int]:
    row = Allocation.objects.get(sale=sale)
    return row.held, row.sold


def after_the_hold(order: Order) -> datetime:
    assert order.hold_expires_at is not None
    return order.hold_expires_at + timedelta(milliseconds=1)


def test_a_cancelled_order_gives_its_stock_back_on_both_sides(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    sale = make_sale("drop", {"TEE": 50}, limit=3)
    [order] = placed(sale, key, Request("k", lines={"TEE": 3}))
    cancel_order(order.pk, client_id=client.pk)
    release_stock(sale.pk)

    assert status(order) == "cancelled"
    assert events(order) == [(1, "order.placed"), (2, "order.cancelled")]
    assert held_and_sold(sale) == (0, 0)
    assert available(sale) == 50
    assert reconcile(sale.pk, "drop").drift == 0
    # The customer's share of the limit is free again, too.
    assert len(placed(sale, key, Request("again", lines={"TEE": 3}))) == 1


def test_cancelling_twice_changes_nothing_more(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    sale = make_sale("drop", {"TEE": 50})
    [order] = placed(sale, key, Request("k"))
    for _ in range(2):
        cancel_order(order.pk, client_id=client.pk)
        release_stock(sale.pk)
    assert len(events(order)) == 2
    assert available(sale) == 50


def test_another_clients_order_cannot_be_cancelled_nor_one_that_is_not_there(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    sale = make_sale("drop", {"TEE": 50})
    [order] = placed(sale, key, Request("k"))
    for order_id, client_id in ((order.pk, client.pk + 1), (UUID(int=7), client.pk)):
        with pytest.raises(OrderUnknown):
            cancel_order(order_id, client_id=client_id)
    assert status(order) == "awaiting_payment"


def test_a_paid_an_expired_a_refunded_and_a_confirmed_order_cannot_be_cancelled(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    sale, free = make_sale("drop", {"TEE": 50}), make_sale("free", {"CAP": 5}, payment="none")
    paid, refunded, expired = placed(sale, key, *(Request(f"k-{n}") for n in range(3)))
    [confirmed] = placed(free, key, Request("c", sale="free", lines={"CAP": 1}))
    for order in (paid, refunded):
        pay(order)
    refund(refunded)
    expire_holds(now=after_the_hold(expired))
    for order in (paid, refunded, expired, confirmed):
        with pytest.raises(NotCancellable) as caught:
            cancel_order(order.pk, client_id=client.pk)
        assert caught.value.status == status(order)
    assert held_and_sold(sale) == (0, 1)


def test_a_hold_ends_at_its_time_and_not_before(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 50})
    [order] = placed(sale, api_key, Request("k", lines={"TEE": 2}))
    assert order.hold_expires_at is not None
    assert expire_holds(now=order.hold_expires_at - timedelta(milliseconds=1)) == 0
    assert expire_holds(now=order.hold_expires_at) == 1
    assert expire_holds(now=order.hold_expires_at) == 0
    assert events(order) == [(1, "order.placed"), (2, "order.expired")]


def test_many_holds_end_in_batches_each_exactly_once(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    settings.EXPIRE_BATCH = 7
    sale = make_sale("drop", {"TEE": 30})
    orders = placed(sale, api_key, *(Request(f"k-{n}", customer=f"c-{n}") for n in range(30)))
    assert expire_holds(now=after_the_hold(orders[-1])) == 30
    release_stock(sale.pk)
    release_stock(sale.pk)
    assert available(sale) == 30
    released = StockMovement.objects.filter(kind="release")
    assert sorted(released.values_list("order_id", flat=True)) == sorted(o.pk for o in orders)
    assert reconcile(sale.pk, "drop").drift == 0


def test_an_order_that_is_being_paid_at_this_moment_is_left_alone(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    being_paid, unpaid = placed(sale, api_key, Request("k-1"), Request("k-2"))
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM orders_order WHERE id = %s FOR UPDATE", [being_paid.pk])
        assert expire_holds(now=after_the_hold(unpaid)) == 1
    finally:
        other.close()
    assert status(being_paid) == "awaiting_payment"
    assert status(unpaid) == "expired"


def test_a_change_of_status_that_fails_half_way_leaves_nothing_behind(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    sale = make_sale("drop", {"TEE": 50})
    [order] = placed(sale, key, Request("k"))
    with transaction.atomic():
        cancel_order(order.pk, client_id=client.pk)
        transaction.set_rollback(True)  # as after a crash
    release_stock(sale.pk)
    assert (status(order), len(events(order)), held_and_sold(sale)) == (
        "awaiting_payment",
        1,
        (1, 0),
    )
    assert available(sale) == 49


def test_the_command_puts_stock_back_on_sale_on_both_sides(
    make_sale: MakeSale, api_key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    over, _ = placed(sale, api_key, Request("k-1"), Request("k-2"))
    Order.objects.filter(pk=over.pk).update(hold_expires_at=clock.now())
    call_command("expire_holds")
    assert capsys.readouterr().out == "1 unpaid orders expired.\n"
    assert available(sale) == 49
    assert reconcile(sale.pk, "drop").drift == 0


def test_a_hold_lasts_its_time_by_the_clock_that_it_began_by(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale("drop", {"TEE": 50}, hold_seconds=600)
    [order] = placed(sale, api_key, Request("k-1"))
    began = order.accepted_at

    def read_at(redis: timedelta, own: timedelta) -> str:
        monkeypatch.setattr(outbox, "clock", lambda: began + redis)
        monkeypatch.setattr(clock, "now", lambda: began + own)
        expire_unpaid_orders()
        return status(order)

    soon, late, hour = timedelta(seconds=5), timedelta(seconds=601), timedelta(hours=1)
    assert read_at(redis=soon, own=soon + hour) == "awaiting_payment"
    assert read_at(redis=soon + hour, own=soon) == "awaiting_payment"
    assert read_at(redis=late, own=late + hour) == "expired"
