"""Bounds of connections over real sockets, on both ways of an order."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from orders.intake import placing
from orders.intake.connection import protocol as connection_protocol
from orders.intake.connection.protocol import BoundedProtocol
from orders.intake.short_way import OrderProtocol
from tests.conftest import MakeSale
from tests.placing import Request
from tests.unit.orders.intake.connection.malformed import CASES

from .test_edges import Connection, Site, serving

pytestmark = pytest.mark.django_db(transaction=True)

Scenario = Callable[[Site], Coroutine[Any, Any, None]]
GET = b"GET /%b HTTP/1.1\r\nHost: shop\r\n\r\n"


@pytest.fixture(params=[BoundedProtocol, OrderProtocol], ids=["asgi", "short"])
def run(request: pytest.FixtureRequest, api_key: str, make_sale: MakeSale) -> Iterator[Any]:
    """Run a scenario against a server with a sale, that is reached by one of the two ways."""
    make_sale("drop", {"TEE": 500})

    async def play(scenario: Scenario, **more: Any) -> None:
        async with serving(request.param, api_key, **more) as site:
            await scenario(site)

    placing.intake.cache_clear()
    yield lambda scenario, **more: asyncio.run(play(scenario, **more))
    placing.intake.cache_clear()


async def order(site: Site, key: str) -> int:
    """Place an order on a connection of its own, and return the status."""
    client = await site.connect()
    await client.send(site.request(key))
    status = (await client.answer()).status
    await client.leave()
    return status


async def connect(site: Site, number: int) -> list[Connection]:
    """Return so many connections that the server knows of."""
    known = site.server.server_state.connections
    before = len(known)
    clients = [await site.connect() for _ in range(number)]
    await soon(lambda: len(known) >= before + number)
    return clients


async def soon(condition: Callable[[], Any]) -> None:
    """Return when the condition holds."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)


def test_a_body_behind_an_offer_to_upgrade_is_the_orders(run: Any) -> None:
    async def scenario(site: Site) -> None:
        client = await site.connect()
        for n, offer in enumerate(("h2c", "websocket", "TLS/1.0")):
            request = site.request(f"k-{n}", connection="Upgrade", upgrade=offer)
            cut = request.index(b"\r\n\r\n") + 4
            await client.send(request[:cut])
            await asyncio.sleep(0.02)  # a packet of its own
            await client.send(request[cut:])
            assert (await client.answer()).status == 202

    run(scenario)


def test_a_smuggled_request_behind_an_offer_to_upgrade_is_not_answered(run: Any) -> None:
    async def scenario(site: Site) -> None:
        client = await site.connect()
        inner = site.request("stolen")
        request = site.request("k-1", inner, connection="Upgrade", upgrade="h2c")
        cut = request.index(b"\r\n\r\n") + 4
        await client.send(request[:cut])
        await asyncio.sleep(0.02)
        await client.send(request[cut:])
        assert (await client.answer()).status == 400
        await client.send(site.request("k-2", x_request_id="honest"))
        answer = await client.answer()
        assert (answer.status, answer.headers["x-request-id"]) == (202, "honest")

    run(scenario)


def test_credentials_in_trailers_are_no_credentials(run: Any) -> None:
    async def scenario(site: Site) -> None:
        client = await site.connect()
        head = site.request(
            "k-1", b"", authorization="", content_length="", transfer_encoding="chunked"
        )
        body = Request("k-1").body()
        trailer = f"Authorization: Bearer {site.api_key}\r\n\r\n".encode()
        await client.send(head, b"%x\r\n%b\r\n0\r\n" % (len(body), body), trailer)
        assert (await client.answer()).status == 401
        await client.send(site.request("k-2"))
        assert (await client.answer()).status == 202

    run(scenario)


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        ("Authorization: Bearer other\r\n", {}, 400),
        ("Host: other\r\n", {}, 400),
        ("X: y\r\n" * 100, {}, 431),
        ("X: " + "y" * 66_000 + "\r\n", {}, 431),
        ("Expect: 200-ok\r\n", {}, 417),
        ("Content-Encoding: gzip\r\n", {}, 415),
        ("", {"host": ""}, 400),
        ("", {"transfer_encoding": "gzip, chunked", "content_length": ""}, 501),
        ("", {"version": "2.0"}, 505),
    ],
)
def test_an_order_that_is_not_as_http_has_it_is_refused_as_a_problem(
    run: Any, line: str, headers: dict[str, str], status: int
) -> None:
    async def scenario(site: Site) -> None:
        client = await site.connect()
        request = site.request("k-1", x_request_id="mine", **headers)
        await client.send(request.replace(b"\r\n\r\n", b"\r\n" + line.encode() + b"\r\n", 1))
        answer = await client.answer()
        assert (answer.status, answer.body["status"]) == (status, status)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-request-id"] == "mine"
        assert answer.headers["connection"] == "close"
        assert await client.is_closed()

    run(scenario)


def test_malformed_requests_disturb_neither_each_other_nor_honest_ones(run: Any) -> None:
    async def scenario(site: Site) -> None:
        for name in list(CASES)[::6]:
            status, request = CASES[name]
            if status == 200:
                continue
            client = await site.connect()
            await client.send(request + GET % b"honest")
            assert (await client.answer()).status == status, name
            assert await client.is_closed(), name
        assert await order(site, "k-1") == 202

    run(scenario)


def test_a_client_that_half_closes_after_its_order_is_answered(run: Any) -> None:
    async def scenario(site: Site) -> None:
        client = await site.connect()
        await client.send(site.request("k-1"))
        client.close_own_side()
        assert (await client.answer()).status == 202
        assert await client.is_closed()

    run(scenario)


def test_a_connection_is_closed_after_a_body_that_did_not_come(
    run: Any, settings: Settings
) -> None:
    settings.INTAKE_BODY_TIMEOUT_SECONDS = 0.1

    async def scenario(site: Site) -> None:
        client = await site.connect()
        await client.send(site.request("k-1", b"{}", content_length="1000"))
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert await client.is_closed()

    run(scenario)


@pytest.mark.parametrize("announced", [16_385, 2_097_153, 1_000_000_000, 10**15 - 1])
def test_a_body_that_announces_itself_too_large_is_refused_before_it_comes(
    run: Any, announced: int
) -> None:
    async def scenario(site: Site) -> None:
        client = await site.connect()
        await client.send(site.request("k-1", b"", content_length=str(announced)))
        answer = await client.answer()
        assert (answer.status, answer.body["type"]) == (413, "/problems/body-too-large")
        assert answer.headers["connection"] == "close"
        assert await client.is_closed()

    run(scenario)


def test_a_connection_is_closed_after_a_body_that_was_too_large_and_whole(run: Any) -> None:
    async def scenario(site: Site) -> None:
        client = await site.connect()
        await client.send(site.request("k-1", b" " * 70_000))
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert await client.is_closed()

    run(scenario)


def test_a_silent_a_slow_and_an_idle_connection_are_ended(run: Any, settings: Settings) -> None:
    settings.WEB_HEAD_SECONDS = 0.2

    async def scenario(site: Site) -> None:
        silent, slow, idle = [await site.connect() for _ in range(3)]
        await idle.send(site.request("k-1"))
        assert (await idle.answer()).status == 202
        await slow.send(site.request("k-2")[:30])
        answer = await slow.answer()
        assert (answer.status, answer.body["type"]) == (408, "/problems/request-timeout")
        for client in (silent, slow, idle):
            assert await client.is_closed()

    run(scenario, timeout_keep_alive=0.3)


def test_a_head_in_drips_is_not_waited_for_longer(run: Any, settings: Settings) -> None:
    settings.WEB_HEAD_SECONDS = 0.2

    async def scenario(site: Site) -> None:
        client = await site.connect()

        async def drip() -> None:
            for at in range(10_000):
                await client.send(b"GET / HTTP/1.1\r\nX: "[at : at + 1] or b"y")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        assert (await client.answer()).status == 408
        dripping.cancel()

    run(scenario)


def test_silent_connections_make_room_for_orders(run: Any) -> None:
    async def scenario(site: Site) -> None:
        await connect(site, 20)
        for n in range(30):
            assert await order(site, f"k-{n}") == 202

    run(scenario, limit_concurrency=20)


def test_where_every_place_is_at_work_orders_are_503_and_health_is_told(run: Any) -> None:
    async def scenario(site: Site) -> None:
        for client in await connect(site, 3):
            await client.send(GET % b"slow")
        await soon(lambda: len(site.server.server_state.tasks) == 3)
        for _ in range(3):
            assert await order(site, "k-1") == 503
            client = await site.connect()
            await client.send(GET % b"healthz")
            assert b" 404 " in await client.line()  # the application stands for the product's
            await client.leave()
        release.set()
        await soon(lambda: not site.server.server_state.tasks)
        assert await order(site, "k-2") == 202

    release = asyncio.Event()
    run(scenario, limit_concurrency=3, release=release)


def test_a_client_that_never_reads_is_ended_and_holds_nobody_up(
    run: Any, settings: Settings
) -> None:
    settings.WEB_UNREAD_SECONDS = 0.3

    async def scenario(site: Site) -> None:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", site.port))
            deaf.setblocking(False)
            deaf.send(GET % b"big" * 100)
            await soon(lambda: site.server.server_state.connections)
            assert await order(site, "k-1") == 202
            await soon(lambda: not site.server.server_state.connections)

    run(scenario)


def test_pipelined_requests_hold_nobody_up(run: Any) -> None:
    async def scenario(site: Site) -> None:
        flood = await connect(site, 5)
        for client in flood:
            client.send_soon(GET % b"any" * 5000)
        assert await order(site, "k-1") == 202
        async with asyncio.timeout(30):
            for client in flood:
                for _ in range(20):
                    assert await client.line()

    run(scenario)


def test_an_address_that_has_all_its_places_is_told_so(
    run: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEB_MAX_CONNECTIONS_PER_ADDRESS = 2
    monkeypatch.setattr(connection_protocol, "counted_address", lambda client: "192.0.2.1")

    async def scenario(site: Site) -> None:
        one, _two = await connect(site, 2)
        third = await site.connect()
        answer = await third.answer()
        assert (answer.status, answer.body["type"]) == (429, "/problems/too-many-connections")
        assert await third.is_closed()
        await one.leave()
        await soon(lambda: len(site.server.server_state.connections) == 1)
        client = await site.connect()
        await client.send(site.request("k-1"))
        assert (await client.answer()).status == 202

    run(scenario)


def test_requests_that_are_kept_take_so_much_memory_and_no_more(
    run: Any, settings: Settings
) -> None:
    settings.WEB_MAX_KEPT_BYTES = 100_000

    async def scenario(site: Site) -> None:
        slow = await connect(site, 5)
        for client in slow:
            await client.send(b"GET / HTTP/1.1\r\nX: " + b"y" * 50_000)
        assert await slow[0].is_closed()
        assert await order(site, "k-1") == 202

    run(scenario)
