"""Buyers who race for the same units, over real HTTP, with a real worker that persists."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from inventory.models import Allocation, Sale
from orders.models import Order, OrderLine
from orders.reconciliation.compare import reconcile
from tests.conftest import MakeSale
from tests.processes import PLAIN, Processes, Web

Placed = tuple[str, dict[str, Any]]  # idempotency key, body


def place_at_once(web: Web, orders: Sequence[Placed]) -> list[httpx2.Response]:
    """Send all orders at the same time, each over a connection of its own."""

    async def run() -> list[httpx2.Response]:
        limits = httpx2.Limits(max_connections=len(orders))
        headers = {"Authorization": f"Bearer {web.api_key}"}
        async with httpx2.AsyncClient(
            base_url=web.base_url, headers=headers, limits=limits, timeout=30, **PLAIN
        ) as http:
            return await asyncio.gather(
                *(
                    http.post("/api/v1/orders", json=body, headers={"Idempotency-Key": key})
                    for key, body in orders
                )
            )

    return asyncio.run(run())


def order(customer: str, sale: str = "drop", **lines: int) -> dict[str, Any]:
    return {
        "sale": sale,
        "customer": customer,
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()],
    }


def assert_settled(sale: Sale, processes: Processes, *, orders: int, units: int) -> None:
    """All is persisted, nothing drifted, and the ledger holds just what was accepted."""
    processes.wait_until_quiet()
    assert Order.objects.filter(sale=sale).count() == orders
    assert not Order.objects.filter(status="rejected").exists()
    rows = Allocation.objects.filter(sale=sale)
    assert sum(row.held + row.sold for row in rows) == units
    assert reconcile(sale.pk, sale.slug).drift == 0


def test_200_buyers_racing_for_50_units_get_exactly_50_yes(
    web: Web, processes: Processes, make_sale: MakeSale
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    replies = place_at_once(web, [(f"k-{n}", order(f"c-{n}", TEE=1)) for n in range(200)])
    assert Counter(reply.status_code for reply in replies) == {202: 50, 409: 150}
    assert {reply.json()["type"] for reply in replies if reply.status_code == 409} == {
        "/problems/sold-out"
    }
    ids = {reply.json()["id"] for reply in replies if reply.status_code == 202}
    assert_settled(sale, processes, orders=50, units=50)
    assert {str(pk) for pk in Order.objects.values_list("pk", flat=True)} == ids


def test_two_buyers_of_the_last_unit_get_one_yes_and_one_no(
    web: Web, processes: Processes, make_sale: MakeSale
) -> None:
    for round_ in range(10):
        make_sale(f"drop-{round_}", {f"TEE-{round_}": 1})
        body = order("c", sale=f"drop-{round_}", **{f"TEE-{round_}": 1})
        replies = place_at_once(web, [(f"a-{round_}", body), (f"b-{round_}", body)])
        assert sorted(reply.status_code for reply in replies) == [202, 409]
    processes.wait_until_quiet()
    assert Order.objects.count() == 10


def test_one_key_fifty_times_at_once_is_one_order(
    web: Web, processes: Processes, make_sale: MakeSale
) -> None:
    sale = make_sale("drop", {"TEE": 100})
    replies = place_at_once(web, [("one-key", order("ada", TEE=2))] * 50)
    assert {reply.status_code for reply in replies} == {202}
    assert len({reply.content for reply in replies}) == 1
    replayed = [reply.headers.get("Idempotent-Replayed") for reply in replies]
    assert Counter(replayed) == {None: 1, "true": 49}
    assert_settled(sale, processes, orders=1, units=2)


def test_a_limit_of_2_holds_against_20_racing_requests_over_two_skus(
    web: Web, processes: Processes, make_sale: MakeSale
) -> None:
    sale = make_sale("drop", {"TEE": 100, "CAP": 100}, limit=2)
    replies = place_at_once(
        web,
        [(f"k-{n}", order("ada", **{"TEE" if n % 2 else "CAP": 1})) for n in range(20)],
    )
    assert Counter(reply.status_code for reply in replies) == {202: 2, 409: 18}
    assert {reply.json()["type"] for reply in replies if reply.status_code == 409} == {
        "/problems/purchase-limit"
    }
    assert_settled(sale, processes, orders=2, units=2)


def test_a_multi_line_order_holds_all_or_nothing(
    web: Web, processes: Processes, make_sale: MakeSale
) -> None:
    sale = make_sale("drop", {"TEE": 100, "CAP": 10, "PIN": 30})
    replies = place_at_once(
        web, [(f"k-{n}", order(f"c-{n}", TEE=2, CAP=1, PIN=1)) for n in range(40)]
    )
    assert Counter(reply.status_code for reply in replies) == {202: 10, 409: 30}
    for reply in replies:
        if reply.status_code == 409:
            assert [error["sku"] for error in reply.json()["errors"]] == ["CAP"]
    assert_settled(sale, processes, orders=10, units=40)
    taken = {row.product.sku: row.held for row in Allocation.objects.select_related("product")}
    assert taken == {"TEE": 20, "CAP": 10, "PIN": 10}
    assert OrderLine.objects.count() == 30


@pytest.mark.parametrize("payment", ["required", "none"])
def test_replays_return_the_stored_outcome_after_persistence_too(
    web: Web, processes: Processes, make_sale: MakeSale, payment: str
) -> None:
    make_sale("drop", {"TEE": 5}, payment=payment, limit=4)
    placed = [
        ("accepted", order("ada", TEE=4)),
        ("limited", order("ada", TEE=1)),
        ("sold-out", order("eve", TEE=2)),
    ]
    first = [place_at_once(web, [one])[0] for one in placed]
    assert [reply.status_code for reply in first] == [202, 409, 409]
    processes.wait_until_quiet()
    again = [place_at_once(web, [one])[0] for one in placed]
    assert [reply.status_code for reply in again] == [202, 409, 409]
    assert [reply.content for reply in again] == [reply.content for reply in first]
    assert {reply.headers["Idempotent-Replayed"] for reply in again} == {"true"}
    assert Order.objects.count() == 1


def test_an_answer_given_after_persistence_is_replayed_as_it_was(
    web: Web, make_sale: MakeSale
) -> None:
    make_sale("drop", {"TEE": 5})
    waited = web.order("k-1", headers={"Prefer": "wait=10"})
    assert waited.status_code == 201
    assert waited.headers["Preference-Applied"] == "wait=10"
    assert waited.json()["status"] == "awaiting_payment"
    for headers in ({}, {"Prefer": "wait=10"}):
        again = web.order("k-1", headers=headers)
        assert (again.status_code, again.content) == (201, waited.content)
        assert again.headers["Idempotent-Replayed"] == "true"


def test_a_sale_without_payment_confirms_at_once(web: Web, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 5}, payment="none")
    order_ = web.order("k-1", headers={"Prefer": "wait=10"}).json()
    assert (order_["status"], order_["hold_expires_at"]) == ("confirmed", None)
    assert Allocation.objects.get().sold == 1
