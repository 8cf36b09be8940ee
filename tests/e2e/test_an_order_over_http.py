"""An order's way through every real part, over HTTP."""

from typing import Any

import pytest

from tests.conftest import MakeSale
from tests.processes import Web, await_condition


@pytest.fixture(autouse=True)
def _a_sale(web: Web, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 50, "CAP": 10}, limit=5)


def test_an_accepted_order_is_found_at_once_and_is_persisted_soon(web: Web) -> None:
    reply = web.order("k-1", metadata={"basket": "b-1"})
    assert reply.status_code == 202
    order = reply.json()
    assert order["status"] == "accepted"
    assert reply.headers["Location"] == f"/api/v1/orders/{order['id']}"
    assert reply.headers["Retry-After"] == "1"

    at_once = web.http.get(reply.headers["Location"])
    assert at_once.status_code == 200
    assert at_once.json() | {"status": "accepted"} == order

    def persisted() -> dict[str, Any] | None:
        seen: dict[str, Any] = web.http.get(reply.headers["Location"]).json()
        return seen if seen["status"] == "awaiting_payment" else None

    later = await_condition("the order is persisted", persisted)
    assert later | {"status": "accepted"} == order
