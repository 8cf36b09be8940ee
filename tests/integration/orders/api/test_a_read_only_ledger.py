"""PostgreSQL takes no writes: orders go on, what has to write is 503, and /readyz says it."""

import json
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client

from orders.models import Order
from shop.core.processes import health
from tests.conftest import MakeSale
from tests.life import placed
from tests.persisting import backlog
from tests.placing import Request, place_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(make_sale: MakeSale, api_key: str) -> Order:
    (order,) = placed(make_sale(), api_key, Request("k-1"))
    return order


@pytest.fixture
def _read_only(order: Order) -> Iterator[None]:
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    connection.close()
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off")
        cursor.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    connection.close()


@pytest.mark.usefixtures("_read_only")
def test_orders_are_accepted_and_wait(order: Order, api_key: str) -> None:
    (reply,) = place_all(api_key, [Request("k-2")])
    assert reply.status == 202
    assert backlog(order.sale) == 1


@pytest.mark.usefixtures("_read_only")
def test_what_has_to_write_is_unavailable_and_never_a_fault(order: Order, api_key: str) -> None:
    caller = Client(headers={"Authorization": f"Bearer {api_key}"}, raise_request_exception=False)
    answer = caller.post(f"/api/v1/orders/{order.pk}/cancel")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert json.loads(answer.content)["type"] == "/problems/unavailable"
    assert caller.get(f"/api/v1/orders/{order.pk}").status_code == 200
    assert caller.get("/").status_code == 200


@pytest.mark.usefixtures("_read_only")
def test_readyz_names_it() -> None:
    ready, parts = health.readiness()
    assert not ready
    assert "read-only" in parts["postgresql"]["detail"]
