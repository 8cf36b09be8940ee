"""GET of orders: who asks at the same moment shares a look, and is shown their own order alone."""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from pytest_django import Settings

from orders.http.problems import Refused
from orders.models import ApiClient
from orders.reads import order_reads
from orders.reads.reference_cache import Client
from orders.services.clients import create_client
from tests.conftest import MakeSale
from tests.persisting import persist
from tests.placing import Request, document, place_all
from tests.processes import free_port

pytestmark = pytest.mark.django_db(transaction=True)

Ask = tuple[Client, str]


def ask_at_once(asks: list[Ask]) -> list[str]:
    """Ask for orders in one event loop. Returns each one's status, or the problem's slug."""

    async def one(client: Client, order_id: str) -> str:
        try:
            _, view = await order_reads.find(client, order_id)
        except Refused as refused:
            return refused.problem.type.slug
        return view.status

    async def run() -> list[str]:
        return await asyncio.gather(*(one(*ask) for ask in asks))

    return asyncio.run(run())


def placed(api_key: str, number: int, prefix: str = "k") -> list[str]:
    requests = [Request(f"{prefix}-{n}", f"{prefix}-c-{n}") for n in range(number)]
    return [document(reply)["id"] for reply in place_all(api_key, requests)]


@pytest.fixture
def shopper(api_key: str) -> Client:
    row = ApiClient.objects.get()
    return Client(row.pk, row.name, None)


def test_hundreds_of_orders_are_shown_wherever_they_are(
    make_sale: MakeSale, api_key: str, shopper: Client
) -> None:
    sale = make_sale(skus={"TEE": 1000})
    persisted = placed(api_key, 150)
    persist(sale)
    on_their_way = placed(api_key, 150, "later")
    unknown = [str(uuid.uuid4()) for _ in range(3)]

    seen = ask_at_once([(shopper, each) for each in [*persisted, *on_their_way, *unknown]])

    assert seen == ["awaiting_payment"] * 150 + ["accepted"] * 150 + ["not-found"] * 3


def test_an_order_is_shown_to_nobody_else_also_in_the_same_look(
    make_sale: MakeSale, api_key: str, shopper: Client
) -> None:
    sale = make_sale(skus={"TEE": 10})
    (persisted,) = placed(api_key, 1)
    persist(sale)
    (waiting,) = placed(api_key, 1, "later")
    create_client(name="another")
    other = Client(ApiClient.objects.get(name="another").pk, "another", None)

    seen = ask_at_once(
        [(client, each) for each in (persisted, waiting) for client in (other, shopper, other)]
    )

    assert seen == [
        *("not-found", "awaiting_payment", "not-found"),
        *("not-found", "accepted", "not-found"),
    ]


def test_a_look_costs_as_many_queries_for_a_hundred_as_for_one(
    make_sale: MakeSale,
    api_key: str,
    shopper: Client,
    django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    sale = make_sale(skus={"TEE": 1000})
    orders = [(uuid.UUID(each), shopper.id) for each in placed(api_key, 100)]
    persist(sale)

    for asked in (orders[:1], orders):
        with django_assert_num_queries(2):
            found = order_reads.selectors.find_orders(asked)
        assert len(found) == len(asked)


def test_while_redis_is_away_persisted_orders_are_shown(
    make_sale: MakeSale, api_key: str, shopper: Client, settings: Settings
) -> None:
    sale = make_sale(skus={"TEE": 10})
    (persisted,) = placed(api_key, 1)
    persist(sale)
    asked = [(uuid.UUID(persisted), shopper.id), (uuid.uuid4(), shopper.id)]
    order_reads.selectors.outbox.client.cache_clear()
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    try:
        found = order_reads.selectors.find_orders(asked)
    finally:
        order_reads.selectors.outbox.client.cache_clear()

    shown, unknown = (found[each] for each in asked)
    assert shown is not None
    assert not isinstance(shown, Exception)
    assert shown.status == "awaiting_payment"
    assert isinstance(unknown, Exception) or unknown is None
