"""Test payments: the server plays the payment provider, where it is told to."""

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from orders.checks import check_test_payments
from orders.http import problems
from orders.models import Order, PaymentNotice
from orders.payments.late import settle_payments
from tests.conftest import MakeSale
from tests.life import events, placed, status
from tests.placing import Request

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(make_sale: MakeSale, api_key: str) -> Order:
    """An order that awaits its payment."""
    [order] = placed(make_sale("drop", {"TEE": 5}, price="12.50"), api_key, Request("k-1"))
    return order


@pytest.fixture(autouse=True)
def _test_payments(settings: Settings) -> None:
    settings.TEST_PAYMENTS = True


def pay(order_id: object, **form: str) -> HttpResponse:
    response: HttpResponse = Client().post(f"/test-payments/{order_id}", form)
    return response


def test_a_test_payment_pays_the_order_as_a_provider_would(order: Order) -> None:
    answer = pay(order.pk)
    assert (answer.status_code, answer.json()["state"]) == (200, "pending")
    settle_payments()
    assert status(order) == "paid"
    assert events(order) == [(1, "order.placed"), (2, "order.paid")]
    notice = PaymentNotice.objects.get()
    assert (notice.provider, notice.reference) == ("standard", f"test-{order.pk}")


def test_it_can_fail_and_be_tried_again_and_pays_once(order: Order) -> None:
    assert pay(order.pk, outcome="failed").status_code == 200
    assert status(order) == "awaiting_payment"
    assert [pay(order.pk).status_code for _ in range(2)] == [200, 200]
    settle_payments()
    assert status(order) == "paid"


def test_an_outcome_that_there_is_not_is_refused(order: Order) -> None:
    answer = pay(order.pk, outcome="maybe")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "/outcome", "detail": "is succeeded or failed"}]
    assert status(order) == "awaiting_payment"


@pytest.mark.parametrize(
    "order_id",
    ["1", "6f1c1e0e-3c5b-4d3a-9a53-0f6d1c3b2a10", "01a1fd85-43c5-8000-8005-239ea9662356"],
)
def test_an_order_that_is_not_in_the_ledger_cannot_be_paid(order_id: object) -> None:
    answer = pay(order_id)
    assert (answer.status_code, answer["Content-Type"]) == (404, problems.MEDIA_TYPE)
    assert not PaymentNotice.objects.exists()


@pytest.mark.parametrize(("on", "https"), [(False, False), (True, True)])
def test_where_they_are_off_and_under_https_there_are_none(
    order: Order, settings: Settings, on: bool, https: bool
) -> None:
    settings.TEST_PAYMENTS, settings.HTTPS = on, https
    assert pay(order.pk).status_code == 404
    assert status(order) == "awaiting_payment"


def test_a_payment_is_never_a_link(order: Order) -> None:
    assert Client().get(f"/test-payments/{order.pk}").status_code == 405


@pytest.mark.parametrize(
    ("on", "https", "wrong"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_nothing_starts_with_test_payments_under_https(
    settings: Settings, on: bool, https: bool, wrong: bool
) -> None:
    settings.TEST_PAYMENTS, settings.HTTPS = on, https
    found = [error.id for error in check_test_payments(None)]
    assert found == (["orders.E002"] if wrong else [])
