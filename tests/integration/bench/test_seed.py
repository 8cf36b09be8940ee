"""Seeded orders are like those that the product has taken: no part of it can tell them apart."""

import os
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from bench.seed import seed
from inventory import counters
from inventory.models import Allocation, Sale, StockMovement
from orders.domain import Status, request_digest
from orders.models import ApiClient, Order, OrderEvent, OrderLine
from orders.reads.selectors import find_order
from orders.reconciliation.compare import reconcile
from orders.services.verify_counters import verify_counters
from tests.conftest import MakeSale
from tests.persisting import persist
from tests.placing import Request, place_all

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = 2_500  # more than one command's worth


@pytest.fixture
def seeded(make_sale: MakeSale, api_client: tuple[ApiClient, str]) -> Sale:
    """A sale with orders of the past, and 50 units left."""
    sale = make_sale("drop", {"TEE": 50})
    name = connection.settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    seed(url, settings.REDIS_URL, "drop", ORDERS)
    return sale


def test_each_seeded_order_has_its_four_rows(seeded: Sale) -> None:
    assert Order.objects.filter(sale=seeded).count() == ORDERS
    assert OrderLine.objects.count() == OrderEvent.objects.count() == ORDERS
    assert StockMovement.objects.filter(order_id__isnull=False).count() == ORDERS


def test_both_sides_agree_on_seeded_orders_and_on_those_that_come_after(
    seeded: Sale, api_key: str
) -> None:
    place_all(api_key, [Request(f"k-{number}", customer=f"c-{number}") for number in range(20)])
    (sku,) = reconcile(seeded.pk, "drop").skus
    assert (sku.available, sku.in_flight, sku.sold, sku.drift) == (30, 20, ORDERS, 0)
    persist(seeded)
    (sku,) = reconcile(seeded.pk, "drop").skus
    assert (sku.available, sku.in_flight, sku.held, sku.drift) == (30, 0, 20, 0)
    row = Allocation.objects.get(sale=seeded)
    assert (row.allocated, row.held, row.sold) == (ORDERS + 50, 20, ORDERS)


def test_counters_with_seeded_orders_are_not_taken_for_an_older_copy(seeded: Sale) -> None:
    assert verify_counters().closed == []


def test_redis_remembers_the_requests_of_the_rows(
    seeded: Sale, api_client: tuple[ApiClient, str]
) -> None:
    recorded = set(counters.accepted_orders(seeded.pk))
    assert recorded == {order_id.bytes for order_id in Order.objects.values_list("pk", flat=True)}
    digests = [request_digest(api_client[0].pk, f"seed-{number}") for number in (1, ORDERS)]
    assert counters.on_record(seeded.pk, digests) == [True, True]


def test_a_seeded_order_is_found_as_any_other(
    seeded: Sale, api_client: tuple[ApiClient, str]
) -> None:
    order = Order.objects.order_by("-id")[0]
    view = find_order(order.pk, client_id=api_client[0].pk)
    assert view is not None
    assert view.status == Status.CONFIRMED
    assert Order.objects.order_by("position").last() == order
