"""What rows name is there, although no foreign key checks each row: see docs/adr/0015."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from django.db import IntegrityError, connection, models, transaction

from inventory.models import Allocation, Sale
from orders.models import ApiClient, DeadLetter, Delivery, Endpoint, Order, OrderEvent
from orders.persistence.drain import persist_entries
from tests.conftest import MakeSale
from tests.factories import entry_of, order_record, persisted_order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50})


@pytest.fixture
def storefront(api_client: tuple[ApiClient, str]) -> ApiClient:
    return api_client[0]


@pytest.mark.parametrize(
    ("named", "by"),
    [
        (Allocation, "inventory_stockmovement"),
        (Sale, "orders_order"),
        (ApiClient, "orders_order"),
        (Order, "orders_orderline|orders_orderevent"),
        (OrderEvent, "orders_delivery"),
        (Endpoint, "orders_delivery"),
    ],
)
def test_what_a_row_names_cannot_be_deleted(
    sale: Sale, storefront: ApiClient, named: type[models.Model], by: str
) -> None:
    Endpoint.objects.create(url="https://example.com/hook", secret="whsec_x")
    persisted_order(sale, storefront)
    row = Delivery.objects.get().endpoint if named is Endpoint else named._default_manager.get()
    if named is Sale:  # its stock rows keep it by a foreign key as well
        by = f"{by}|foreign key"
    with pytest.raises(IntegrityError, match=by):
        _delete(row)
    assert named._default_manager.filter(pk=row.pk).exists()


def test_what_nothing_names_can_be_deleted(sale: Sale, storefront: ApiClient) -> None:
    _delete(storefront)
    assert not ApiClient.objects.filter(pk=storefront.pk).exists()


def test_an_order_of_nobody_is_a_dead_letter_and_holds_up_no_other(
    sale: Sale, storefront: ApiClient
) -> None:
    good = entry_of(order_record(sale, storefront), sale)
    odd = entry_of(order_record(sale, storefront, client_id=storefront.pk + 1), sale)
    persist_entries(sale.pk, [odd, good])
    assert Order.objects.get().client_id == storefront.pk
    letter = DeadLetter.objects.get()
    assert (letter.reason, letter.entry_id) == ("refused", odd.entry_id.decode())
    assert "client_id" in letter.detail


def test_a_client_cannot_be_deleted_while_its_order_is_being_written(
    sale: Sale, storefront: ApiClient, separate: Callable[[], Any]
) -> None:
    entry = entry_of(order_record(sale, storefront), sale)
    with separate() as other, other.cursor() as cursor:
        with transaction.atomic():
            persist_entries(sale.pk, [entry])
            cursor.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                cursor.execute("DELETE FROM orders_apiclient WHERE id = %s", [storefront.pk])
            other.rollback()
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            cursor.execute("DELETE FROM orders_apiclient WHERE id = %s", [storefront.pk])


@pytest.fixture
def separate() -> Callable[[], Any]:
    """Another connection to the database."""
    return lambda: closing(psycopg2.connect(**connection.get_connection_params()))


def _delete(row: models.Model) -> None:
    """Delete a row past Django, which would look for what names it."""
    type(row)._default_manager.filter(pk=row.pk)._raw_delete("default")
