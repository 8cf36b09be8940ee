"""A value that does not fit is the request's fault: 400, whichever page it is brought to."""

from itertools import product
from urllib.parse import quote

import pytest
from django.db import DataError, OperationalError
from django.test import Client, RequestFactory

from inventory.models import Sale
from orders.models import DeadLetter
from shop.core.admin.wrong_values import WrongValuesMiddleware
from tests.conftest import MakeSale

pytestmark = pytest.mark.django_db

LISTS = [
    "inventory/product",
    "inventory/sale",
    "inventory/allocation",
    "inventory/stockmovement",
    "orders/order",
    "orders/orderline",
    "orders/orderevent",
    "orders/deadletter",
    "orders/delivery",
    "orders/endpoint",
    "orders/apiclient",
    "orders/lostorder",
    "orders/paymentnotice",
    "orders/reconciliationrecord",
]
HUGE = "9" * 5000
VALUES = ["abc", "\0", HUGE]


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50})


@pytest.fixture
def careless(admin_client: Client) -> Client:
    """An administrator's browser, in which a fault of ours is an answer and no exception."""
    admin_client.raise_request_exception = False
    return admin_client


def test_no_filter_and_no_id_of_a_list_is_a_fault_of_ours(careless: Client) -> None:
    asked = [(model, quote(value)) for model in LISTS for value in VALUES]
    for model, value in asked:
        for lookup in ("pk__in", "q", "state"):
            answer = careless.get(f"/admin/{model}/?{lookup}={value}")
            assert answer.status_code in (200, 302, 400), (model, lookup, value[:20])
        answer = careless.get(f"/admin/{model}/{value}/change/")
        assert answer.status_code in (302, 400, 404), (model, value[:20])


WRONG = [
    "inventory/sale/?payment__exact=%00",
    "inventory/sale/?payment__exact=maybe",
    "inventory/sale/?pk__exact=abc",
    "orders/order/?sale=abc",
    f"orders/order/?sale={HUGE}",
    "orders/deadletter/?resolution=maybe",
    "orders/deadletter/?q=%00",
    "orders/paymentnotice/?state=%00",
    "orders/endpoint/?active__exact=maybe",
    "orders/endpoint/?client=abc",
    "orders/reconciliationrecord/?result=maybe",
    "orders/order/?no_such_field=1",
    "search/?s=abc&page=abc&extended=1",
    f"inventory/sale/1/live.json?after={HUGE}",
]


def test_a_filter_that_is_wrong_is_answered_400_and_by_a_page(sale: Sale, careless: Client) -> None:
    for url in WRONG:
        answer = careless.get(f"/admin/{url}")
        assert (answer.status_code, url) == (400, url)
        assert "This cannot be asked for." in answer.content.decode()


def test_rows_that_an_action_names_and_there_cannot_be_are_answered_400(
    sale: Sale, careless: Client
) -> None:
    actions = (("inventory/sale", "close"), ("orders/deadletter", "reject"))
    for (model, action), value in product(actions, VALUES):
        data = {"action": action, "_selected_action": value, "confirmed": "yes"}
        answer = careless.post(f"/admin/{model}/", data)
        assert answer.status_code == 400, (model, value[:20])
    assert Sale.objects.get().closed_at is None
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize("value", VALUES)
def test_a_live_page_and_its_switches_take_no_wrong_value_for_a_fault(
    value: str, sale: Sale, careless: Client
) -> None:
    page = f"/admin/inventory/sale/{sale.pk}/"
    assert careless.get(f"{page}live.json?after={quote(value)}").status_code in (200, 400)
    for switch, name in (
        ("pause", "version"),
        ("limit", "limit"),
        ("stock", "units"),
        ("stock", "allocation"),
        ("window", "closes_at"),
    ):
        data = {"version": sale.version, "units": "1", "confirmed": "yes", name: value}
        assert careless.post(f"{page}switch/{switch}/", data).status_code in (200, 302, 400)
    assert careless.get(f"/admin/inventory/sale/{quote(value)}/live/").status_code in (302, 404)


def test_a_database_that_is_away_and_what_programs_write_stay_what_they_are() -> None:
    judge = WrongValuesMiddleware(None)  # type: ignore[arg-type]
    requests = RequestFactory()
    judge.process_exception(requests.get("/admin/?q=x"), OperationalError("away"))
    judge.process_exception(requests.post("/api/v1/payments/callback"), DataError("too long"))
    judge.process_exception(requests.get("/admin/"), ValueError("a fault of ours"))
