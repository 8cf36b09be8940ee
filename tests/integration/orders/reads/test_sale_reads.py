"""A sale is shown live, as far as the stores answer."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from orders.intake.placing import intake
from orders.reads import sale_reads
from orders.reads.public_reads import with_public_reads
from tests.conftest import MakeSale
from tests.life import place
from tests.placing import Request

pytestmark = pytest.mark.django_db(transaction=True)


def test_while_postgresql_is_away_a_sale_shown_before_is_shown_with_live_stock(
    make_sale: MakeSale, api_key: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sale("drop", {"TEE": 50})
    make_sale("other", {"CAP": 5})
    assert client.get("/api/v1/sales/drop").json()["skus"][0]["available"] == 50
    place(api_key, Request("k-1", lines={"TEE": 3}))

    def away(slug: str) -> None:
        raise OperationalError("PostgreSQL is away")

    monkeypatch.setattr(sale_reads, "read_offer", away)
    assert client.get("/api/v1/sales/drop").json()["skus"][0]["available"] == 47
    never_shown = client.get("/api/v1/sales/other")
    assert (never_shown.status_code, never_shown.json()["type"]) == (503, "/problems/unavailable")


async def django(scope: Any, receive: Any, send: Any) -> None:
    """Stand where Django stands."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def look(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Ask the public reads, and return status, headers and body."""
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("a GET has no body")

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    await with_public_reads(django, intake)(scope, receive, send)
    start, body = sent
    given = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], given, body["body"]


def run(scenario: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(scenario)


def test_the_window_shows_what_django_shows(make_sale: MakeSale, client: Client) -> None:
    make_sale("drop", {"TEE": 50, "CAP": 5})
    status, headers, body = run(look("/api/v1/sales/drop", x_request_id="mine"))
    shown = client.get("/api/v1/sales/drop", headers={"X-Request-ID": "mine"})
    assert (status, body) == (200, shown.content)
    for name in ("content-type", "cache-control", "access-control-allow-origin", "x-request-id"):
        assert headers[name] == shown.headers[name]


def test_a_sale_that_is_not_there_is_the_same_problem_by_either_way(client: Client) -> None:
    status, headers, body = run(look("/api/v1/sales/none"))
    answered = client.get("/api/v1/sales/none")
    assert (status, json.loads(body)) == (404, answered.json())
    assert headers["content-type"] == answered.headers["content-type"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/api/v1/sales/drop"),
        ("OPTIONS", "/api/v1/sales/drop"),
        ("GET", "/api/v1/sales/"),
        ("GET", "/api/v1/sales/drop/more"),
        ("GET", "/api/v1/orders"),
    ],
)
def test_what_is_no_look_at_a_sale_goes_to_django(method: str, path: str) -> None:
    assert run(look(path, method))[0] == 418


def test_a_thousand_who_look_at_once_share_two_readings(
    make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sale("drop", {"TEE": 50})
    readings: list[str] = []
    read = sale_reads.read_offer
    monkeypatch.setattr(
        sale_reads, "read_offer", lambda slug: (readings.append(slug), read(slug))[1]
    )

    async def crowd() -> list[Any]:
        first = asyncio.create_task(look("/api/v1/sales/drop"))
        while not readings:  # noqa: ASYNC110 - the first reading has begun
            await asyncio.sleep(0)
        return [
            await first,
            *await asyncio.gather(*(look("/api/v1/sales/drop") for _ in range(999))),
        ]

    assert {status for status, _, _ in run(crowd())} == {200}
    assert len(readings) == 2


def test_nobody_is_shown_the_time_before_their_order(make_sale: MakeSale, api_key: str) -> None:
    make_sale("drop", {"TEE": 50})

    async def buy_and_look() -> list[int]:
        seen = []
        for n in range(5):
            watcher = asyncio.create_task(look("/api/v1/sales/drop"))
            await asyncio.to_thread(place, api_key, Request(f"k-{n}"))
            _, _, body = await look("/api/v1/sales/drop")
            seen.append(json.loads(body)["skus"][0]["available"])
            await watcher
        return seen

    assert run(buy_and_look()) == [49, 48, 47, 46, 45]


def test_a_reading_that_fails_is_told_to_all_who_share_it_and_to_nobody_after(
    make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sale("drop", {"TEE": 50})

    def away(slug: str) -> None:
        raise OperationalError("PostgreSQL is away")

    async def ask() -> list[int]:
        with monkeypatch.context() as patch:
            patch.setattr(sale_reads, "read_offer", away)
            asked = await asyncio.gather(*(look("/api/v1/sales/drop") for _ in range(3)))
        return [status for status, _, _ in [*asked, await look("/api/v1/sales/drop")]]

    monkeypatch.setattr(sale_reads.live_sales, "_offers", type(sale_reads.live_sales._offers)())
    assert run(ask()) == [503, 503, 503, 200]
