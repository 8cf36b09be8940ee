"""Cancelling over HTTP: who may, when, and what the answer is."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import psutil
import pytest
from httpx2 import Response

from inventory.counters import snapshot
from inventory.models import Sale
from orders.domain import new_order_id
from orders.models import ApiClient, LostOrder, Order
from orders.services.clients import create_client
from orders.services.holds import expire_holds
from tests.conftest import MakeSale
from tests.factories import dead_letter
from tests.life import pay, refund
from tests.processes import Processes, Web, await_condition

from .conformance import assert_documented


def cancel(web: Web, order_id: object, **headers: str) -> Response:
    """Cancel an order; the answer has to be as the API's document says."""
    response = web.http.post(f"/api/v1/orders/{order_id}/cancel", headers=headers)
    assert_documented("cancelOrder", response)
    return response


def said(response: Response) -> tuple[int, str]:
    """An answer's status, and the order's status or the kind of problem."""
    answer = response.json()
    return response.status_code, answer.get("type", answer["status"])


@contextmanager
def nobody_persists(processes: Processes) -> Iterator[None]:
    """Let the workers stand still in this block."""
    worker = psutil.Process(processes.running["worker"].pid)
    family = [worker, *worker.children(recursive=True)]
    for process in family:
        process.suspend()
    try:
        yield
    finally:
        for process in family:
            process.resume()


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50})


def persisted(web: Web, key: str = "k", *, sale: str = "drop") -> Order:
    response = web.order(key, sale=sale, headers={"Prefer": "wait=20"})
    assert response.status_code == 201
    return Order.objects.get(pk=response.json()["id"])


def test_an_unpaid_order_is_cancelled_and_its_stock_is_on_sale_again(web: Web, sale: Sale) -> None:
    order = persisted(web)
    first = cancel(web, order.pk)
    assert said(first) == (200, "cancelled")
    assert first.json() == web.http.get(f"/api/v1/orders/{order.pk}").json()
    assert cancel(web, order.pk).json() == first.json()
    [allocation] = sale.allocations.all()
    await_condition(
        "the stock is back",
        lambda: snapshot(sale.pk, sale.slug).skus[allocation.pk].available == 50,
    )


def test_an_order_that_is_accepted_is_cancelled_once_it_is_persisted(
    web: Web, processes: Processes, sale: Sale
) -> None:
    with ThreadPoolExecutor() as threads:
        with nobody_persists(processes):
            order_id = web.order("k").json()["id"]
            cancelling = threads.submit(cancel, web, order_id)
            # Meanwhile the cancellation has come to an order that is not persisted.
            waited = web.http.get(f"/api/v1/orders/{order_id}", params={"wait": 1})
            assert waited.json()["status"] == "accepted"
            assert not cancelling.done()
        assert said(cancelling.result()) == (200, "cancelled")


def test_an_order_that_nobody_persists_is_not_cancelled_for_now(web: Web, sale: Sale) -> None:
    letter = dead_letter(sale, persisted(web).client)
    response = cancel(web, letter.order_id)
    assert said(response) == (503, "/problems/unavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_what_is_not_unpaid_any_more_is_not_cancelled(web: Web, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 50})
    make_sale("free", {"TEE": 5}, payment="none")
    paid, refunded, expired = (persisted(web, f"k-{n}") for n in range(3))
    confirmed = persisted(web, "c", sale="free")
    pay(paid)
    pay(refunded)
    refund(refunded)
    assert expired.hold_expires_at is not None
    expire_holds(now=expired.hold_expires_at)
    details = set()
    for order in (paid, refunded, expired, confirmed):
        response = cancel(web, order.pk)
        assert said(response) == (409, "/problems/not-cancellable")
        details.add(response.json()["detail"])
    assert len(details) == 4


def test_to_other_clients_and_to_nobody_the_order_does_not_exist(web: Web, sale: Sale) -> None:
    order = persisted(web)
    _, other_key = create_client(name="another")
    for response in (
        cancel(web, order.pk, Authorization=f"Bearer {other_key}"),
        cancel(web, UUID(int=7)),
        cancel(web, "42"),
    ):
        assert said(response) == (404, "/problems/not-found")
    assert said(cancel(web, order.pk, Authorization="Bearer no")) == (
        401,
        "/problems/unauthenticated",
    )
    assert Order.objects.get().status == "awaiting_payment"


def test_an_order_that_is_lost_is_said_to_be_lost_to_its_client(
    web: Web, sale: Sale, api_client: tuple[ApiClient, str]
) -> None:
    order_id = UUID(bytes=new_order_id(sale.pk, 1_795_780_800_123))
    LostOrder.objects.create(order_id=order_id, client=api_client[0], sale=sale, confirmed=True)
    assert said(cancel(web, order_id)) == (410, "/problems/order-lost")
    shown = web.http.get(f"/api/v1/orders/{order_id}")
    assert said(shown) == (410, "/problems/order-lost")
    assert_documented("getOrder", shown)


def test_only_post_cancels(web: Web, sale: Sale) -> None:
    response = web.http.get(f"/api/v1/orders/{persisted(web).pk}/cancel")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert_documented("cancelOrder", response)


def test_the_body_of_a_cancellation_is_not_looked_at(web: Web, sale: Sale) -> None:
    order = persisted(web)
    url = f"/api/v1/orders/{order.pk}/cancel"
    response = web.http.post(url, content=b"{" * 1000, headers={"Content-Type": "text/plain"})
    assert said(response) == (200, "cancelled")
