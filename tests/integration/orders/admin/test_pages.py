"""Every page of the admin opens, with its data, and most of them only for reading."""

import json

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from orders.models import Order

from .conftest import Sold

OF_MACHINES = ["orders.reconciliationcheckpoint"]  # sums that can be made anew
MODELS = [
    model
    for app in ("inventory", "orders")
    for model in apps.get_app_config(app).get_models()
    if model._meta.label_lower not in OF_MACHINES
]
READ_ONLY = [
    "inventory.sale",
    "inventory.allocation",
    "inventory.stockmovement",
    "orders.order",
    "orders.orderline",
    "orders.orderevent",
    "orders.deadletter",
    "orders.delivery",
    "orders.lostorder",
    "orders.paymentnotice",
    "orders.reconciliationrecord",
]


def url(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_every_model_has_a_list_and_a_page_with_its_data(
    model: type[Model], sold: Sold, admin_client: Client
) -> None:
    row = model._default_manager.latest("pk")
    listed = admin_client.get(url(model, "changelist"))
    page = admin_client.get(url(model, "change", row.pk))

    assert model in admin.site._registry
    assert listed.status_code == page.status_code == 200
    assert url(model, "change", row.pk) in listed.content.decode()
    assert str(row) in page.content.decode()


@pytest.mark.parametrize("label", READ_ONLY)
def test_rows_that_services_write_cannot_be_added_changed_or_deleted_by_hand(
    label: str, sold: Sold, admin_client: Client
) -> None:
    model = apps.get_model(label)
    row = model._default_manager.latest("pk")
    before = model._default_manager.filter(pk=row.pk).values().get()

    answers = [
        admin_client.post(url(model, "add"), {}),
        admin_client.post(url(model, "change", row.pk), {"status": "paid", "name": "x"}),
        admin_client.post(url(model, "delete", row.pk), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert model._default_manager.filter(pk=row.pk).values().get() == before


def test_the_order_page_shows_lines_events_ledger_and_dead_letters(
    sold: Sold, admin_client: Client
) -> None:
    page = admin_client.get(url(Order, "change", sold.order.pk)).content.decode()
    for shown in ("TEE", "CAP", "37.50 EUR", "order.placed", "held for an order", "+2 held", "b-7"):
        assert shown in page
    assert "What happened" in page


def test_what_a_storefront_sends_is_escaped(sold: Sold, admin_client: Client) -> None:
    Order.objects.update(
        customer="<script>alert(1)</script>", metadata=json.dumps({"a": "</pre><script>"})
    )
    for page in (url(Order, "changelist"), url(Order, "change", sold.order.pk)):
        body = admin_client.get(page).content.decode()
        assert "<script>alert(1)" not in body
        assert "</pre><script>" not in body


def test_the_admin_comes_with_its_looks(admin_client: Client) -> None:
    assert admin_client.get("/static/admin/css/base.css").status_code == 200
