"""What only a socket can send: bodies without a length, too long, too slow, or never whole."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.conftest import MakeSale
from tests.persisting import backlog
from tests.processes import Web

GOOD = {"sale": "drop", "customer": "ada", "lines": [{"sku": "TEE", "quantity": 1}]}


@pytest.fixture(autouse=True)
def sale(web: Web, make_sale: MakeSale) -> Any:
    return make_sale("drop", {"TEE": 50})


def test_a_chunked_body_without_a_length_is_read(web: Web) -> None:
    body = json.dumps(GOOD).encode()
    reply = web.http.post(
        "/api/v1/orders",
        content=iter([body[:10], body[10:]]),
        headers={"Idempotency-Key": "k-1", "Content-Type": "application/json"},
    )
    assert reply.status_code == 202


def test_a_chunked_body_over_16_kib_is_413_however_small_its_chunks(web: Web, sale: Any) -> None:
    reply = web.http.post(
        "/api/v1/orders",
        content=iter([b" " * 1000] * 30),
        headers={"Idempotency-Key": "k-1", "Content-Type": "application/json"},
    )
    assert reply.status_code == 413
    assert reply.json()["type"] == "/problems/body-too-large"
    assert backlog(sale) == 0


def test_a_body_of_20_kb_is_413(web: Web) -> None:
    reply = web.order("k-1", metadata={"a": "x" * 20_000})
    assert (reply.status_code, reply.json()["type"]) == (413, "/problems/body-too-large")


def test_a_caller_who_leaves_half_way_has_ordered_nothing(web: Web, sale: Any) -> None:
    host, port = web.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Idempotency-Key: k-1\r\nContent-Length: 500\r\nAuthorization: Bearer "
            + web.api_key.encode()
            + b"\r\n\r\n{"
        )
    assert web.order("k-2").status_code == 202  # served after the other one was dropped
    assert web.http.get(f"/api/v1/sales/{sale.slug}").json()["skus"][0]["available"] == 49


def test_other_methods_on_orders_are_405(web: Web) -> None:
    reply = web.http.get("/api/v1/orders")
    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")
    assert reply.json()["type"] == "/problems/method-not-allowed"


def test_a_body_that_no_endpoint_takes_is_413_before_it_is_read(web: Web) -> None:
    for path in ("/admin/login/", "/api/v1/payments/callback"):
        reply = web.http.post(path, content=b"x" * 3_000_000)
        assert (reply.status_code, reply.json()["type"]) == (413, "/problems/body-too-large")


def test_a_chunked_body_without_end_is_cut_off(web: Web) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(10_000):
            yield b"x" * 65_536

    try:
        reply = web.http.post("/api/v1/payments/callback", content=endless())
    except httpx2.TransportError:
        return  # hung up on: nothing was stored
    assert reply.status_code >= 400
