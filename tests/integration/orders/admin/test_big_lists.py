"""Lists cost the same however many rows there are."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inventory.models import StockMovement
from orders.admin.orders import OrderAdmin
from orders.models import Delivery, Order, OrderEvent, OrderLine
from orders.persistence.drain import persist_entries
from shop.core.admin import lists as core_admin
from shop.core.admin.lists import BoundedPaginator
from tests.factories import accepted_entry

from .conftest import Sold

BIG = [Order, OrderLine, OrderEvent, StockMovement, Delivery]
LISTS = [
    "/admin/orders/order/",
    "/admin/orders/order/?status__exact=paid",
    "/admin/orders/order/?sale=1",
    "/admin/orders/order/?q=ada",
    "/admin/orders/orderline/",
    "/admin/orders/orderevent/",
    "/admin/inventory/stockmovement/",
    "/admin/inventory/stockmovement/?q=0190b5f2-7c00-8000-8000-0123456789ab",
    "/admin/inventory/sale/",
    "/admin/inventory/allocation/",
    "/admin/orders/apiclient/",
    "/admin/orders/deadletter/",
    "/admin/orders/endpoint/",
    "/admin/orders/delivery/",
    "/admin/orders/delivery/?state__exact=dead",
    "/admin/orders/delivery/?endpoint__id__exact=1&state__exact=pending",
    "/admin/orders/delivery/?q=0190b5f2-7c00-8000-8000-0123456789ab",
]


@pytest.fixture
def _many(sold: Sold) -> None:
    sale, client = sold.sale, sold.client
    persist_entries(sale.pk, [accepted_entry(sale, client, {"TEE": 1}) for _ in range(40)])


@pytest.fixture
def _counts_to_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_admin, "COUNTED_EXACTLY", 10)


@pytest.mark.usefixtures("_many")
@pytest.mark.parametrize("path", LISTS)
def test_a_list_asks_few_questions_and_counts_within_bounds(
    path: str, admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(8) as captured:
        assert admin_client.get(path).status_code == 200
    counts = [query["sql"] for query in captured.captured_queries if "COUNT(" in query["sql"]]
    assert all("LIMIT" in count for count in counts)


def test_the_order_page_asks_few_questions(
    sold: Sold, admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(14):
        admin_client.get(f"/admin/orders/order/{sold.order.pk}/change/")


@pytest.mark.usefixtures("_many")
@pytest.mark.parametrize("model", BIG)
def test_no_address_makes_a_big_list_sort_by_anything_but_its_key(
    model: Any, admin_client: Client
) -> None:
    table = model._meta.db_table
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(f"/admin/{model._meta.label_lower.replace('.', '/')}/?o=-3.4")
    selects = [q["sql"] for q in captured if q["sql"].startswith(f'SELECT "{table}"."id", ')]
    assert [select.partition("ORDER BY ")[2] for select in selects] == [f'"{table}"."id" DESC']


@pytest.mark.usefixtures("_many")
def test_few_rows_are_counted_exactly(sold: Sold) -> None:
    assert BoundedPaginator(Order.objects.all(), 50).count == 41
    assert BoundedPaginator(Order.objects.filter(customer="nobody"), 50).count == 0


@pytest.mark.usefixtures("_many", "_counts_to_ten")
def test_many_rows_are_estimated_from_the_statistics() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE orders_order")
    paginator = BoundedPaginator(Order.objects.all(), 5)
    with CaptureQueriesContext(connection) as captured:
        assert paginator.count == 41
    assert "LIMIT 11" in captured[0]["sql"]
    assert captured[1]["sql"].startswith("EXPLAIN")


@pytest.mark.usefixtures("_many", "_counts_to_ten")
def test_an_estimate_is_never_less_than_what_was_counted() -> None:
    # The planner has no idea that these two conditions go together.
    rows = Order.objects.filter(customer="ada", request_key__startswith="key-")
    assert BoundedPaginator(rows, 5).count >= 11


@pytest.mark.usefixtures("_many", "_counts_to_ten")
def test_only_the_first_pages_can_be_opened(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OrderAdmin, "list_per_page", 4)
    monkeypatch.setattr(core_admin, "estimate", lambda _: 41)
    last = admin_client.get("/admin/orders/order/?p=3")
    beyond = admin_client.get("/admin/orders/order/?p=4")
    assert len(last.context["cl"].result_list) == 4
    assert (beyond.status_code, beyond["Location"]) == (302, "/admin/orders/order/?e=1")


@pytest.mark.parametrize("model", BIG)
def test_a_big_list_neither_facets_nor_counts_nor_shows_all(model: Any) -> None:
    model_admin = admin.site._registry[model]
    assert model_admin.show_facets == admin.ShowFacets.NEVER
    assert not model_admin.show_full_result_count
    assert model_admin.list_max_show_all == 0
    assert model_admin.date_hierarchy is None
