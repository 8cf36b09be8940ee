"""manage.py show_order: an order, wherever it is."""

import json
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from inventory.models import Sale
from orders.models import ApiClient, Delivery
from orders.payments.late import settle_payments
from orders.payments.note import note
from orders.persistence import dead_letter_actions
from tests.conftest import MakeSale
from tests.factories import dead_letter
from tests.life import news, pay, place, placed
from tests.placing import Request

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop")


def show(order_id: UUID | str, *arguments: str) -> str:
    out = StringIO()
    call_command("show_order", str(order_id), *arguments, stdout=out)
    return out.getvalue()


def document(order_id: UUID) -> dict[str, Any]:
    return dict(json.loads(show(order_id, "--json")))


def happened(order_id: UUID) -> list[str]:
    return [entry["what"] for entry in document(order_id)["history"]]


def test_an_order_is_shown_with_what_happened_to_it(sale: Sale, api_key: str) -> None:
    (order,) = placed(sale, api_key, Request("k-1"))
    pay(order)
    shown = show(order.pk)
    assert shown.startswith(f"order         {order.pk}\nstatus        paid\n")
    assert happened(order.pk)[0] == "accepted"
    assert set(happened(order.pk)) == {
        *("accepted", "persisted", "order.placed", "order.paid"),
        *("payment.succeeded", "stock.hold", "stock.sell"),
    }


def test_its_json_has_the_order_as_the_api_shows_it(sale: Sale, api_key: str) -> None:
    (order,) = placed(sale, api_key, Request("k-1", customer="bob"))
    found = document(order.pk)
    assert found["client"] == "storefront"
    assert found["order"]["id"] == str(order.pk)
    assert (found["order"]["customer"], found["order"]["total"]) == ("bob", "12.50")


@pytest.mark.parametrize(
    ("state", "attempts", "said"),
    [("pending", 0, "not tried yet"), ("pending", 1, "no answer yet"), ("delivered", 1, "taken")],
)
def test_a_mail_that_was_taken_is_not_called_untried(
    sale: Sale, api_key: str, state: str, attempts: int, said: str
) -> None:
    (order,) = placed(sale, api_key, Request("k-1", extra={"email": "ada@example.com"}))
    assert Delivery.objects.update(state=state, attempts=attempts) == 1
    assert f"order.placed to E-mail, attempt {attempts}: {said}\n" in show(order.pk)


def test_an_order_in_the_outbox_is_found(sale: Sale, api_key: str) -> None:
    (order_id,) = place(api_key, Request("k-1"))
    assert document(order_id)["order"]["status"] == "accepted"
    assert "in the outbox" in show(order_id)


@pytest.mark.parametrize("resolved", [False, True])
def test_a_dead_letter_is_found(
    sale: Sale, api_client: tuple[ApiClient, str], resolved: bool
) -> None:
    letter = dead_letter(sale, api_client[0])
    if resolved:
        dead_letter_actions.reject(letter)
    assert letter.order_id is not None
    assert happened(letter.order_id)[0] == "dead_letter"
    assert document(letter.order_id)["order"]["status"] == ("rejected" if resolved else "accepted")


@pytest.mark.parametrize(
    ("order_id", "error"),
    [
        ("01a1fd85-43c5-8000-8005-239ea9662356", "There is no order"),
        ("00000000-0000-4000-8000-000000000000", "no order id"),
        ("x", "no order id"),
        ("", "blank"),
    ],
)
def test_an_order_that_never_was_is_an_error(order_id: str, error: str) -> None:
    with pytest.raises(CommandError, match=error):
        show(order_id)


def test_an_order_whose_payment_is_being_applied_says_so(sale: Sale, api_key: str) -> None:
    (order,) = placed(sale, api_key, Request("k-1"))
    note([news(order)])
    assert "received, being applied" in show(order.pk)
    settle_payments()
    assert "being applied" not in show(order.pk)
