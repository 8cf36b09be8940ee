"""What costs nothing needs no payment, also in a sale whose other orders wait for theirs."""

from datetime import timedelta
from uuid import UUID

import pytest

from inventory.models import Allocation, Sale
from orders.errors import NotCancellable
from orders.models import ApiClient, Order, PaymentNotice
from orders.reconciliation.compare import reconcile
from orders.reconciliation.rebuild import rebuild_stock
from orders.services.holds import cancel_order, expire_holds
from shop.core import clock
from tests.conftest import MakeSale
from tests.life import events, pay, refund, status
from tests.persisting import persist
from tests.placing import Request, document, header, place_all

pytestmark = pytest.mark.django_db(transaction=True)

FREE, PRICED, MIXED = {"PIN": 2}, {"TEE": 1}, {"PIN": 1, "TEE": 1}
REQUESTS = [
    Request("free", lines=FREE),
    Request("priced", lines=PRICED),
    Request("mixed", lines=MIXED),
    Request("free-too", customer="bob", lines=FREE),
]


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    """A sale with payment that has a TEE for 12.50 and a PIN for nothing."""
    sale = make_sale("drop", {"TEE": 20, "PIN": 20})
    Allocation.objects.filter(sale=sale, product__sku="PIN").update(unit_price=0)
    return sale


def test_a_batch_holds_what_costs_and_sells_what_costs_nothing(sale: Sale, api_key: str) -> None:
    placed = [document(reply) for reply in place_all(api_key, REQUESTS)]
    holds = [each["hold_expires_at"] is not None for each in placed]
    assert holds == [False, True, True, False]
    assert {each["status"] for each in placed} == {"accepted"}
    assert placed[0]["total"] == "0.00"
    persist(sale)
    orders = [Order.objects.get(pk=each["id"]) for each in placed]
    assert [order.status for order in orders] == [
        *("confirmed", "awaiting_payment", "awaiting_payment", "confirmed")
    ]
    assert [order.hold_expires_at is not None for order in orders] == holds
    assert events(orders[0]) == [(1, "order.placed")]
    found = reconcile(sale.pk, "drop")
    assert {sku.sku: (sku.held, sku.sold, sku.drift) for sku in found.skus} == {
        "TEE": (2, 0, 0),
        "PIN": (1, 4, 0),
    }


@pytest.mark.parametrize("when", ["before persistence", "after it", "after a rebuild"])
def test_a_repeated_request_is_answered_as_the_first_time(
    sale: Sale, api_key: str, when: str
) -> None:
    first = place_all(api_key, REQUESTS)
    if when != "before persistence":
        persist(sale)
    if when == "after a rebuild":
        rebuild_stock(sale.pk)
    again = place_all(api_key, REQUESTS)
    assert [header(reply, "idempotent-replayed") for reply in again] == ["true"] * len(REQUESTS)
    assert [reply.body for reply in again] == [reply.body for reply in first]


def test_no_clock_and_no_client_ends_what_is_confirmed(
    sale: Sale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    ids = [UUID(document(reply)["id"]) for reply in place_all(key, REQUESTS)]
    persist(sale)
    free, priced = Order.objects.get(pk=ids[0]), Order.objects.get(pk=ids[1])
    expire_holds(now=clock.now() + timedelta(days=1))
    assert (status(free), status(priced)) == ("confirmed", "expired")
    with pytest.raises(NotCancellable):
        cancel_order(free.pk, client_id=client.pk)


def test_money_that_comes_for_what_costs_nothing_changes_nothing(sale: Sale, api_key: str) -> None:
    [reply] = place_all(api_key, [Request("free", lines=FREE)])
    persist(sale)
    order = Order.objects.get(pk=document(reply)["id"])
    assert pay(order).state == "applied"  # of 0.00
    assert refund(order).state == "applied"
    order.refresh_from_db()
    assert (order.status, order.refund_due) == ("confirmed", None)
    assert len(events(order)) == 1
    assert not PaymentNotice.objects.filter(state__in=PaymentNotice.NEEDS_ATTENTION).exists()
