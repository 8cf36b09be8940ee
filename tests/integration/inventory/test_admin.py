"""Sales, stock and products in the admin."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from inventory import counters, services
from inventory.counters import lua
from inventory.counters.keys import Keys
from inventory.domain import SaleState
from inventory.models import Product, Sale
from inventory.selectors import state_of
from shop.core import clock
from shop.core.stores.redis import client as redis_client
from tests.conftest import MakeSale

pytestmark = pytest.mark.django_db

LIST = "/admin/inventory/sale/"


def close(client: Client, *sales: Sale) -> str:
    data = {"action": "close", "_selected_action": [str(sale.pk) for sale in sales]}
    return client.post(LIST, data, follow=True).content.decode()


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def _redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def script(path: Path) -> Any:
        return redis.Redis(port=1, protocol=2).register_script(path.read_text())

    monkeypatch.setattr(lua, "script", script)


def state_in_redis(sale: Sale) -> bytes | None:
    state: Any = redis_client().hget(Keys.of(sale.pk).config, "state")
    return bytes(state) if state is not None else None


def test_the_list_shows_each_sale_with_its_state_and_how_to_make_one(
    admin_client: Client, make_sale: MakeSale
) -> None:
    make_sale("drop", {"TEE": 5})
    services.close_sale(make_sale("over", {"CAP": 5}), now=clock.now())
    page = admin_client.get(LIST).content.decode()
    assert re.findall(r"field-state[^>]*>(\w+)</td>", page) == ["closed", "open"]
    assert "manage.py create_sale" in page
    assert admin_client.get(f"{LIST}add/").status_code == 403


def test_the_page_shows_the_ledger_beside_what_is_available(
    admin_client: Client, make_sale: MakeSale
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    counters.adjust_available(sale.pk, sale.allocations.get().pk, -7, server=counters.server())
    page = admin_client.get(f"{LIST}{sale.pk}/change/").content.decode()
    row = "".join(f"<td>{cell}</td>" for cell in ("TEE", "12.50 EUR", 50, 0, 0, 43))
    assert row in page
    assert f"/admin/orders/order/?sale={sale.pk}" in page


def test_the_page_says_when_the_counters_are_lost(
    admin_client: Client, make_sale: MakeSale
) -> None:
    sale = make_sale()
    redis_client().flushdb()
    page = admin_client.get(f"{LIST}{sale.pk}/change/").content.decode()
    assert "<td>unknown</td>" in page
    assert "manage.py rebuild_stock drop" in page


def test_counters_of_an_older_epoch_count_as_lost(
    admin_client: Client, make_sale: MakeSale
) -> None:
    sale = make_sale()
    Sale.objects.update(epoch=2)
    assert "<td>unknown</td>" in admin_client.get(f"{LIST}{sale.pk}/change/").content.decode()


@pytest.mark.usefixtures("_redis_away")
def test_the_page_says_when_redis_is_away(admin_client: Client) -> None:
    sale = Sale.objects.create(slug="drop", name="drop", opens_at=clock.now())
    product = Product.objects.create(sku="TEE", name="Tee", price=1)
    sale.allocations.create(product=product, unit_price=1, allocated=3)
    page = admin_client.get(f"{LIST}{sale.pk}/change/").content.decode()
    assert "<td>unknown</td>" in page
    assert "What is available is not known" in page


def test_sales_are_closed_and_each_says_how_it_went(
    admin_client: Client, make_sale: MakeSale
) -> None:
    one, over = make_sale("one", {"TEE": 5}), make_sale("over", {"TEE": 5})
    lost = make_sale("lost", {"TEE": 5})
    services.close_sale(over, now=clock.now())
    redis_client().delete(*Keys.of(lost.pk))

    page = close(admin_client, one, over, lost)

    assert "Sale one: Closed." in page
    assert "Sale over: It was closed already." in page
    assert "Sale lost: Closed in PostgreSQL, but Redis does not know of it yet" in page
    assert {state_of(sale, clock.now()) for sale in Sale.objects.all()} == {SaleState.CLOSED}
    assert state_in_redis(one) == b"closed"
    assert LogEntry.objects.count() == 3


def test_whoever_may_close_sales_closes_them_from_the_list(make_sale: MakeSale) -> None:
    sale = make_sale()
    assert "Sale drop: Closed." in close(staff("view_sale", "close_sale"), sale)


def test_a_viewer_cannot_close_a_sale(make_sale: MakeSale) -> None:
    sale = make_sale()
    viewer = staff("view_sale")
    assert "Close the selected sales" not in viewer.get(LIST).content.decode()
    close(viewer, sale)
    assert state_in_redis(sale) == b"open"
    assert not LogEntry.objects.exists()


def test_a_products_name_and_price_change_and_its_sku_and_currency_do_not(
    admin_client: Client,
) -> None:
    product = Product.objects.create(sku="TEE", name="Tee", price=1, currency="EUR")
    form = {"sku": "CAP", "currency": "USD", "name": "Shirt", "price": "12.50"}
    admin_client.post(f"/admin/inventory/product/{product.pk}/change/", form)
    product.refresh_from_db()
    assert (product.sku, product.currency) == ("TEE", "EUR")
    assert (product.name, product.price) == ("Shirt", Decimal("12.50"))


@pytest.mark.parametrize(
    ("currency", "price", "complaint"),
    [
        ("EUR", "1.005", "more decimal places"),
        ("JPY", "1.5", "more decimal places"),
        ("EUR", "100000000", "at most"),
        ("EUR", "-1", "greater than or equal to 0"),
        ("eur", "1", "is no currency"),
        ("EUE", "1", "is no currency"),
        *(
            ("EUR", price, "Write an amount like")
            for price in ("1e3", "1_000", "١٢", "-0", "NaN", "1e99999999", "9" * 5000)
        ),
    ],
)
def test_a_price_that_no_sale_could_offer_is_refused(
    currency: str, price: str, complaint: str, admin_client: Client
) -> None:
    form = {"sku": "TEE", "name": "Tee", "currency": currency, "price": price}
    page = admin_client.post("/admin/inventory/product/add/", form).content.decode()
    assert complaint in page
    assert not Product.objects.exists()


def test_a_product_is_added(admin_client: Client) -> None:
    form = {"sku": "TEE", "name": "Tee", "currency": "JPY", "price": "1500"}
    assert admin_client.post("/admin/inventory/product/add/", form).status_code == 302
    assert "1500 JPY" in admin_client.get("/admin/inventory/product/").content.decode()
