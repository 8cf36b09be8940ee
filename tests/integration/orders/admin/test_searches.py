"""Orders are found by what people have in hand, each through an index."""

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.test import Client

from inventory.models import StockMovement
from orders.admin.filters import matching
from orders.models import Delivery, Order, OrderEvent, OrderLine
from orders.services.clients import create_client
from tests.factories import persisted_order

from .conftest import Sold


def found(client: Client, query: str, model: str = "orders/order") -> list[str]:
    response = client.get(f"/admin/{model}/?{query}")
    assert response.status_code == 200
    return [str(row.pk) for row in response.context["cl"].result_list]


@pytest.fixture(autouse=True)
def _others(sold: Sold) -> None:
    partner, _ = create_client(name="partner")
    for n in range(3):
        persisted_order(sold.sale, partner, {"TEE": 1}, key=f"k-1{n}", customer=f"ada-{n}")


def test_an_order_is_found_by_its_id(sold: Sold, admin_client: Client) -> None:
    assert found(admin_client, f"q={sold.order.pk}") == [str(sold.order.pk)]
    assert found(admin_client, f"q=+{str(sold.order.pk).upper()}+") == [str(sold.order.pk)]


def test_an_order_is_found_by_its_request_id(sold: Sold, admin_client: Client) -> None:
    assert found(admin_client, "q=k-1") == [str(sold.order.pk)]


def test_a_request_id_that_two_clients_use_finds_both_orders(
    sold: Sold, admin_client: Client
) -> None:
    other, _ = create_client(name="other")
    twin = persisted_order(sold.sale, other, {"TEE": 1}, key="k-1", customer="bob")
    assert found(admin_client, "q=k-1") == [str(twin.pk), str(sold.order.pk)]


def test_a_request_id_that_looks_like_an_order_id_is_found_too(
    sold: Sold, admin_client: Client
) -> None:
    key = "0190b5f2-7c00-4000-8000-0123456789ab"
    order = persisted_order(sold.sale, sold.client, {"TEE": 1}, key=key)
    assert found(admin_client, f"q={key}") == [str(order.pk)]


def test_an_order_is_found_by_its_customer(sold: Sold, admin_client: Client) -> None:
    assert found(admin_client, "q=ada") == [str(sold.order.pk)]


def test_nothing_is_found_by_a_part_of_it(sold: Sold, admin_client: Client) -> None:
    assert found(admin_client, f"q={str(sold.order.pk)[:8]}") == []
    assert found(admin_client, "q=ad") == []


def test_orders_are_filtered_by_sale_and_status_newest_first(
    sold: Sold, admin_client: Client
) -> None:
    newest_first = [str(pk) for pk in Order.objects.order_by("-pk").values_list("pk", flat=True)]
    Order.objects.filter(pk=sold.order.pk).update(status="paid")

    assert found(admin_client, f"sale={sold.sale.pk}") == newest_first
    assert found(admin_client, f"sale={sold.sale.pk}&status__exact=paid") == [str(sold.order.pk)]
    assert found(admin_client, "sale=999999") == []


@pytest.mark.parametrize("model", [OrderLine, OrderEvent, StockMovement])
def test_what_belongs_to_an_order_is_found_by_its_id_only(
    model: type[OrderLine | OrderEvent | StockMovement], sold: Sold, admin_client: Client
) -> None:
    of_order = model._default_manager.filter(order_id=sold.order.pk).order_by("-pk")
    path = model._meta.label_lower.replace(".", "/")

    assert found(admin_client, f"q={sold.order.pk}", path) == [str(row.pk) for row in of_order]
    assert found(admin_client, "q=ada", path) == []


@pytest.mark.parametrize("term", ["ada", "0190b5f2-7c00-8000-8000-0123456789ab"])
def test_each_way_to_search_has_its_index(term: str, sold: Sold) -> None:
    search = Order.objects.filter(matching(term)).order_by()
    with transaction.atomic(), connection.cursor() as cursor:
        # In a small table reading all of it is cheaper; what is asked is whether it needs to be.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        # Of a sale with one order this index is as good as the one on requests.
        cursor.execute("DROP INDEX order_sale_position")
        plan = search.explain()
        transaction.set_rollback(True)
    assert "Seq Scan" not in plan
    assert "order_customer" in plan
    assert "order_once_per_sale_and_request" in plan
    assert ("orders_order_pkey" in plan) == ("-" in term)


def test_the_lists_offer_no_search_that_reads_the_whole_table() -> None:
    for model in (Order, OrderLine, OrderEvent, StockMovement):
        model_admin = admin.site._registry[model]
        assert type(model_admin).get_search_results is not admin.ModelAdmin.get_search_results


def test_the_log_of_an_endpoint_is_read_through_its_index(sold: Sold) -> None:
    log = Delivery.objects.filter(endpoint=1).order_by("-pk")[:50]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        plan = log.explain()
    assert "delivery_log" in plan
    assert "Sort" not in plan
