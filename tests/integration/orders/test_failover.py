"""A Redis that was primary before, or was started from old files, judges nothing before it was
compared with the ledger."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from inventory import outbox
from inventory.counters.keys import Keys
from inventory.errors import CountersLost
from inventory.models import Sale
from inventory.services import add_stock, close_sale
from orders.intake.placing import Intake
from orders.models import Order
from orders.persistence.drain import persist_entries
from orders.reconciliation.compare import reconcile
from orders.reconciliation.rebuild import rebuild_stock
from orders.services.holds import cancel_order
from orders.services.release import release_stock
from shop.core import clock
from shop.core.stores import redis as core_redis
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.moving import Address, Servers
from tests.persisting import persist
from tests.placing import Request, headers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with Servers(tmp_path) as running:
        yield running


@pytest.fixture
def address(settings: Settings) -> Iterator[Address]:
    """Where the product finds its Redis, for the time of a test."""
    moving = Address()
    settings.REDIS_URL = moving.url
    _forget_connections()
    yield moving
    moving.close()
    _forget_connections()


def _forget_connections() -> None:
    core_redis.client.cache_clear()
    core_redis.script.cache_clear()


class Shop:
    """One web process after another, in front of whatever the address leads to."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key
        self._intake = Intake()

    async def orders(self, *keys: str) -> list[int]:
        """Place an order for one TEE under each key, one after the other."""
        told = []
        for key in keys:
            reply = await self._intake.place_order(headers(self._api_key, key), _body(key))
            told.append(reply.status)
        return told

    async def restart(self) -> None:
        await self._intake.close()
        self._intake = Intake()

    async def close(self) -> None:
        await self._intake.recent_accepts.reported()
        await self._intake.close()


def _body(key: str) -> bytes:
    return Request(key, customer=key).body()


Play = Callable[[Callable[[Shop], Awaitable[None]]], None]


@pytest.fixture
def play(api_key: str) -> Play:
    """Play a story in which the web process lives in one event loop."""

    def run(story: Callable[[Shop], Awaitable[None]]) -> None:
        async def live() -> None:
            shop = Shop(api_key)
            try:
                await story(shop)
            finally:
                await shop.close()

        asyncio.run(live())

    return run


async def persisted(sale: Sale) -> None:
    def work() -> None:
        persist(sale)
        connection.close()

    await asyncio.to_thread(work)


@pytest.mark.parametrize("web_restarts", [True, False])
def test_a_primary_that_was_one_before_is_compared_before_it_judges(
    servers: Servers, address: Address, play: Play, make_sale: MakeSale, web_restarts: bool
) -> None:
    address.leads_to(servers.start("a"))
    servers.start("b")
    sale = make_sale("drop", {"TEE": 9})

    async def story(shop: Shop) -> None:
        assert await shop.orders("a-1", "a-2") == [202, 202]
        await persisted(sale)
        servers.follow("b", "a")
        address.leads_to(servers.promote("b"))
        servers.follow("a", "b")
        servers.cut_off("a")
        assert await shop.orders(*(f"b-{n}" for n in range(5))) == [202] * 5
        await persisted(sale)
        servers.kill("b")
        address.leads_to(servers.promote("a"))
        if web_restarts:
            await shop.restart()
        assert await shop.orders(*(f"c-{n}" for n in range(7))) == [503] * 7

    play(story)
    rebuild_stock(sale.pk)

    async def afterwards(shop: Shop) -> None:
        assert await shop.orders("d-1", "d-2", "d-3") == [202, 202, 409]

    play(afterwards)
    persist(sale)
    assert not Order.objects.filter(status="rejected").exists()
    assert reconcile(sale.pk, "drop").drift == 0


def test_a_server_that_went_on_by_itself_is_found_out_although_it_accepted_the_last_order(
    servers: Servers, address: Address, play: Play, make_sale: MakeSale
) -> None:
    a, b = servers.start("a"), servers.start("b")
    address.leads_to(a)
    sale = make_sale("drop", {"TEE": 20})

    async def story(shop: Shop) -> None:
        assert await shop.orders("a-1") == [202]
        await persisted(sale)
        servers.follow("b", "a")
        servers.promote("b")
        address.leads_to(b)
        await shop.restart()
        assert await shop.orders("b-1", "b-2", "b-3") == [202] * 3
        await persisted(sale)
        address.leads_to(a)
        await _knows_only(shop, servers, "a")
        assert await shop.orders("a-2", "a-3") == [503] * 2

    async def _knows_only(shop: Shop, servers: Servers, name: str) -> None:
        # Somebody whom B's promotion had not reached went on at A, and was the last of all.
        with servers.ask(name) as client:
            client.xadd(Keys.of(sale.pk).outbox, {"x": ""})
            client.hincrby(Keys.of(sale.pk).stock, "orders", 1)
        await shop.restart()

    play(story)


@pytest.mark.parametrize("persists", [True, False])
def test_what_a_server_has_counted_and_nobody_persisted_is_no_reason_to_close_it(
    servers: Servers, address: Address, play: Play, make_sale: MakeSale, persists: bool
) -> None:
    address.leads_to(servers.start("a"))
    sale = make_sale("drop", {"TEE": 20})

    async def story(shop: Shop) -> None:
        assert await shop.orders("a-1", "a-2") == [202] * 2
        if persists:
            await persisted_and_not_acknowledged(sale)
        servers.start("b")
        servers.follow("b", "a")
        servers.kill("a")
        address.leads_to(servers.promote("b"))
        assert await shop.orders("a-1", "b-1") == [202] * 2
        await shop.restart()
        assert await shop.orders("b-2") == [202]

    play(story)
    persist(sale)
    assert Order.objects.count() == 4
    assert reconcile(sale.pk, "drop").drift == 0


async def persisted_and_not_acknowledged(sale: Sale) -> None:
    def work() -> None:
        persist_entries(sale.pk, outbox.read_new(sale.pk, consumer="dying", count=10))
        connection.close()

    await asyncio.to_thread(work)


def test_a_server_that_starts_from_old_files_is_compared_before_it_judges(
    servers: Servers, address: Address, play: Play, make_sale: MakeSale, tmp_path: Path
) -> None:
    address.leads_to(servers.start("a"))
    sale = make_sale("drop", {"TEE": 9})
    copy = tmp_path / "copy"

    async def story(shop: Shop) -> None:
        assert await shop.orders("k-1") == [202]
        shutil.copytree(tmp_path / "a", copy)
        assert await shop.orders("k-2", "k-3") == [202] * 2
        await persisted(sale)
        servers.kill("a")
        shutil.rmtree(tmp_path / "a")
        copy.rename(tmp_path / "a")
        address.leads_to(servers.start("a"))
        await shop.restart()
        assert await shop.orders("k-4") == [503]

    play(story)


def test_a_server_that_is_no_primary_any_more_is_left_for_the_one_that_is(
    servers: Servers, address: Address, play: Play, make_sale: MakeSale
) -> None:
    address.leads_to(servers.start("a"))
    servers.start("b")
    sale = make_sale("drop", {"TEE": 9})

    async def story(shop: Shop) -> None:
        assert await shop.orders("k-1") == [202]
        servers.follow("b", "a")
        # Connections to A stay open, as they do behind an address that has moved.
        address.leads_to(servers.promote("b"), disconnect=False)
        servers.follow("a", "b")
        assert await shop.orders("k-2") == [202]
        await persisted(sale)

    play(story)
    assert Order.objects.count() == 2
    assert reconcile(sale.pk, "drop").drift == 0


def test_what_an_old_primary_would_give_back_is_not_given_back_there(
    servers: Servers, address: Address, play: Play, make_sale: MakeSale
) -> None:
    address.leads_to(servers.start("a"))
    servers.start("b")
    sale = make_sale("drop", {"TEE": 3})

    async def story(shop: Shop) -> None:
        assert await shop.orders("k-1") == [202]
        await persisted(sale)
        servers.follow("b", "a")
        address.leads_to(servers.promote("b"))
        servers.follow("a", "b")
        servers.cut_off("a")
        assert await shop.orders("k-2", "k-3") == [202] * 2
        await persisted(sale)
        servers.kill("b")
        address.leads_to(servers.promote("a"))

    play(story)
    order = Order.objects.get(request_key="k-3")
    cancel_order(order.pk, client_id=order.client_id)
    with pytest.raises(CountersLost):
        release_stock(sale.pk)
    rebuild_stock(sale.pk)
    release_stock(sale.pk)
    assert reconcile(sale.pk, "drop").skus[0].available == 1
    assert reconcile(sale.pk, "drop").drift == 0


def test_rules_and_units_that_a_promoted_copy_lacks_are_brought_to_it(
    servers: Servers, address: Address, play: Play, make_sale: MakeSale
) -> None:
    address.leads_to(servers.start("a"))
    servers.start("b")
    sale = make_sale("drop", {"TEE": 1})
    other = make_sale("other", {"TEE": 1})

    async def story(shop: Shop) -> None:
        assert await shop.orders("k-1") == [202]
        await persisted(sale)
        servers.follow("b", "a")
        servers.cut_off("b")
        await asyncio.to_thread(changes)
        servers.kill("a")
        address.leads_to(servers.promote("b"))
        assert await shop.orders("k-2", "k-3") == [202, 409]

    def changes() -> None:
        add_stock(sale, version=sale.version, now=clock.now(), allocation_id=tee.pk, units=1)
        close_sale(other, now=clock.now())
        connection.close()

    tee = sale.allocations.get()
    play(story)
    assert client().hget(Keys.of(other.pk).config, "state") == b"closed"
    persist(sale)
    assert reconcile(sale.pk, "drop").drift == 0
