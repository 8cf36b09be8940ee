"""Orders over real connections, by the short way and by ASGI: both answer alike."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from pytest_django import Settings
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from orders.intake import placing
from orders.intake.connection.protocol import BoundedProtocol
from orders.intake.handler import with_intake
from orders.intake.short_way import OrderProtocol
from orders.models import ApiClient
from shop.core.processes.threads import in_thread
from tests.conftest import MakeSale
from tests.placing import Request
from tests.processes import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


class Connection:
    """One client's connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, *parts: bytes) -> None:
        """Send the parts, each as a packet of its own."""
        for part in parts:
            self._writer.write(part)
            await self._writer.drain()
            await asyncio.sleep(0)

    async def answer(self) -> Answer:
        """Return the next answer."""
        async with asyncio.timeout(30):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(head[0].split()[1]), headers, json.loads(body) if body else None)

    async def line(self) -> bytes:
        """Return the next line of the answer."""
        async with asyncio.timeout(30):
            return await self._reader.readline()

    async def is_closed(self) -> bool:
        """Wait for the end of the connection."""
        async with asyncio.timeout(30):
            return await self._reader.read() == b""

    def send_soon(self, data: bytes) -> None:
        """Send without waiting for it to be taken."""
        self._writer.write(data)

    def close_own_side(self) -> None:
        """Send no more, and go on reading."""
        self._writer.write_eof()

    async def leave(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


class Site:
    """A server with the intake, and requests to it."""

    def __init__(self, server: Server, port: int, api_key: str) -> None:
        self.server, self.port, self.api_key = server, port, api_key
        self._clients: list[Connection] = []

    async def connect(self) -> Connection:
        client = Connection(*await asyncio.open_connection("127.0.0.1", self.port))
        self._clients.append(client)
        return client

    async def part(self) -> None:
        """Let all clients leave."""
        for client in self._clients:
            await client.leave()

    def request(
        self, key: str, body: bytes | None = None, *, version: str = "1.1", **headers: str
    ) -> bytes:
        """Return a request as bytes; `headers` come on top, an empty one leaves it out."""
        body = Request(key).body() if body is None else body
        given = {
            "host": "shop",
            "authorization": f"Bearer {self.api_key}",
            "content-type": "application/json",
            "idempotency-key": key,
            "content-length": str(len(body)),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        lines = [f"{name}: {value}" for name, value in given.items() if value]
        head = "\r\n".join([f"POST /api/v1/orders HTTP/{version}", *lines, "", ""])
        return head.encode() + body


@asynccontextmanager
async def serving(
    http: type[HttpToolsProtocol],
    api_key: str,
    release: asyncio.Event | None = None,
    **more: Any,
) -> AsyncIterator[Site]:
    """Run a server whose connections speak `http`, and see it end. `/slow` waits for `release`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        application = with_intake(partial(only_orders, release))
        server = Server(Config(application, http=http, log_config=None, access_log=False, **more))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        site = Site(server, listener.getsockname()[1], api_key)
        try:
            yield site
        finally:
            await site.part()
            server.should_exit = True
            async with asyncio.timeout(30):
                await running


Scenario = Callable[[Site], Coroutine[Any, Any, None]]
Run = Callable[[Scenario], None]


async def only_orders(release: asyncio.Event | None, scope: Any, receive: Any, send: Any) -> None:
    """Stand where Django stands."""
    if scope["path"] == "/slow" and release is not None:
        await release.wait()
    body = b"x" * 1_000_000 if scope["path"] == "/big" else b""
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(params=[BoundedProtocol, OrderProtocol], ids=["asgi", "short"])
def run(request: pytest.FixtureRequest, api_key: str) -> Iterator[Run]:
    """Run a scenario against a server that is reached by one of the two ways."""

    async def play(scenario: Scenario) -> None:
        async with serving(request.param, api_key) as site:
            await scenario(site)

    placing.intake.cache_clear()
    yield lambda scenario: asyncio.run(play(scenario))
    placing.intake.cache_clear()


def test_an_order_is_answered_and_the_connection_takes_the_next(
    run: Run, make_sale: MakeSale
) -> None:
    make_sale()

    async def scenario(site: Site) -> None:
        client = await site.connect()
        await client.send(site.request("k-1", x_request_id="mine-1"))
        first = await client.answer()
        assert (first.status, first.body["status"]) == (202, "accepted")
        assert first.headers["location"] == f"/api/v1/orders/{first.body['id']}"
        assert first.headers["x-request-id"] == "mine-1"
        assert first.headers["retry-after"] == "1"
        assert first.headers["content-type"] == "application/json"
        assert first.headers["cache-control"] == "no-store"
        assert "date" in first.headers
        await client.send(site.request("k-1"))
        again = await client.answer()
        assert (again.status, again.body) == (202, first.body)
        assert again.headers["idempotent-replayed"] == "true"

    run(scenario)


def test_a_request_in_single_bytes_is_one_request(run: Run, make_sale: MakeSale) -> None:
    make_sale()

    async def scenario(site: Site) -> None:
        client = await site.connect()
        request = site.request("k-1")
        await client.send(*(request[at : at + 1] for at in range(len(request))))
        assert (await client.answer()).status == 202

    run(scenario)


def test_a_chunked_body_is_put_together(run: Run, make_sale: MakeSale) -> None:
    make_sale()

    async def scenario(site: Site) -> None:
        client = await site.connect()
        head = site.request("k-1", b"", content_length="", transfer_encoding="chunked")
        body = Request("k-1").body()
        chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:20], body[20:])]
        await client.send(head, *chunks, b"0\r\n\r\n")
        assert (await client.answer()).status == 202

    run(scenario)


def test_requests_sent_without_waiting_are_answered_in_turn(run: Run, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 50})

    async def scenario(site: Site) -> None:
        client = await site.connect()
        requests = [site.request(f"k-{n}", x_request_id=f"r-{n}") for n in range(20)]
        await client.send(b"".join(requests))
        answers = [await client.answer() for _ in requests]
        assert [answer.headers["x-request-id"] for answer in answers] == [
            f"r-{n}" for n in range(20)
        ]
        assert {answer.status for answer in answers} == {202}

    run(scenario)


def test_a_body_that_does_not_come_is_given_up(
    run: Run, make_sale: MakeSale, settings: Settings
) -> None:
    make_sale()
    settings.INTAKE_BODY_TIMEOUT_SECONDS = 0.05

    async def scenario(site: Site) -> None:
        for part in (0, 5):  # nothing of the body, and a piece of it
            client = await site.connect()
            request = site.request("k-1")
            await client.send(request[: request.index(b"\r\n\r\n") + 4 + part])
            answer = await client.answer()
            assert (answer.status, answer.body["type"]) == (408, "/problems/body-timeout")

    run(scenario)


def test_a_body_that_is_too_large_is_refused_before_it_is_whole(
    run: Run, make_sale: MakeSale
) -> None:
    make_sale()

    async def scenario(site: Site) -> None:
        client = await site.connect()
        request = site.request("k-1", b"{" * 30_000, content_length="1000000")
        await client.send(request)
        answer = await client.answer()
        assert (answer.status, answer.body["type"]) == (413, "/problems/body-too-large")

    run(scenario)


def test_who_asks_before_sending_a_body_is_told_to_go_on(run: Run, make_sale: MakeSale) -> None:
    make_sale()

    async def scenario(site: Site) -> None:
        client = await site.connect()
        body = Request("k-1").body()
        request = site.request("k-1", expect="100-continue")
        await client.send(request.removesuffix(body))
        assert await client.line() == b"HTTP/1.1 100 Continue\r\n"
        assert await client.line() == b"\r\n"
        await client.send(body)
        assert (await client.answer()).status == 202

    run(scenario)


@pytest.mark.parametrize(
    ("version", "connection"), [("1.1", "close"), ("1.0", ""), ("1.0", "keep-alive")]
)
def test_a_last_request_is_answered_and_the_connection_closed(
    run: Run, make_sale: MakeSale, version: str, connection: str
) -> None:
    make_sale()

    async def scenario(site: Site) -> None:
        client = await site.connect()
        await client.send(site.request("k-1", version=version, connection=connection))
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (202, "close")
        assert await client.is_closed()

    run(scenario)


def test_refusals_and_waiting_are_the_same_by_either_way(run: Run, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 1})

    async def scenario(site: Site) -> None:
        client = await site.connect()

        async def status(request: bytes) -> tuple[int, str]:
            await client.send(request)
            answer = await client.answer()
            return answer.status, answer.body.get("type", "")

        assert await status(site.request("k-1", authorization="")) == (
            401,
            "/problems/unauthenticated",
        )
        assert await status(site.request("k-1", authorization="Bearer nobody")) == (
            401,
            "/problems/unauthenticated",
        )
        assert await status(site.request("k-1", b"{")) == (400, "/problems/malformed-json")
        assert await status(site.request("k-1", idempotency_key="")) == (
            400,
            "/problems/idempotency-key-missing",
        )
        two = Request("k-2", lines={"TEE": 2}).body()
        assert await status(site.request("k-2", two)) == (409, "/problems/sold-out")
        other = Request("k-3", sale="none").body()
        assert await status(site.request("k-3", other)) == (422, "/problems/unknown-sale")
        await client.send(site.request("k-4", prefer="wait=1"))
        assert (await client.answer()).status == 202  # nobody persists here

    run(scenario)


def test_who_leaves_in_the_middle_disturbs_nobody(run: Run, make_sale: MakeSale) -> None:
    make_sale()

    async def scenario(site: Site) -> None:
        gone, whole, other = [await site.connect() for _ in range(3)]
        await gone.send(site.request("k-1")[:-10])
        await whole.send(site.request("k-2"))
        await gone.leave()
        await whole.leave()
        await other.send(site.request("k-3"))
        assert (await other.answer()).status == 202

    run(scenario)


def test_what_is_no_order_goes_to_django(run: Run) -> None:
    async def scenario(site: Site) -> None:
        client = await site.connect()
        await client.send(b"GET /api/v1/orders HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert await client.line() == b"HTTP/1.1 404 Not Found\r\n"

    run(scenario)


def test_at_the_end_an_order_under_way_is_answered_and_says_so(
    run: Run, make_sale: MakeSale
) -> None:
    make_sale()

    async def scenario(site: Site) -> None:
        client = await site.connect()
        request = site.request("k-1")
        await client.send(request[:-10])
        while not any(  # noqa: ASYNC110 - uvicorn has no event for it
            connection.cycle for connection in site.server.server_state.connections
        ):
            await asyncio.sleep(0.01)
        site.server.should_exit = True
        await asyncio.sleep(0.2)  # it looks every tenth of a second
        await client.send(request[-10:])
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (202, "close")

    run(scenario)


def test_an_order_for_a_sale_that_is_not_in_the_copy_yet_counts_once_for_the_rate(
    run: Run, make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, _ = api_client
    client.rate_limit = 3
    client.save()
    make_sale("drop", {"TEE": 50})

    async def scenario(site: Site) -> None:
        connection = await site.connect()
        await connection.send(site.request("k-1"))
        assert (await connection.answer()).status == 202
        await in_thread(make_sale, "later", {"CAP": 50})
        for n in (2, 3):
            later = Request(f"k-{n}", sale="later", lines={"CAP": 1})
            await connection.send(site.request(later.key, later.body()))
            assert (await connection.answer()).status == 202

    run(scenario)


def test_a_fresh_process_finds_the_short_way() -> None:
    # uvicorn's workers load the protocol before the application, and with it Django.
    load = (
        "from uvicorn import Config\n"
        "Config('orders.asgi:application', http='orders.asgi:OrderProtocol').load()\n"
    )
    done = subprocess.run([sys.executable, "-c", load], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
