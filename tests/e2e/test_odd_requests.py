"""What no library would send: unknown methods, NUL in paths, headers twice, bodies without end."""

import json
import re
import socket
from collections.abc import Iterator

import httpx2
import pytest

from tests.conftest import MakeSale
from tests.integration.orders.api.conformance import assert_documented
from tests.processes import Web

ORDER = {"sale": "drop", "customer": "ada", "lines": [{"sku": "TEE", "quantity": 1}]}
PATHS = {
    "placeOrder": "/api/v1/orders",
    "getOrder": "/api/v1/orders/01a1fd85-43c5-8000-8005-239ea9662356",
    "cancelOrder": "/api/v1/orders/01a1fd85-43c5-8000-8005-239ea9662356/cancel",
    "takePayment": "/api/v1/payments/callback",
    "takeStripeEvent": "/api/v1/payments/stripe",
    "getSale": "/api/v1/sales/drop",
    "getOpenApi": "/api/v1/openapi.json",
    "getLiveness": "/healthz",
    "getReadiness": "/readyz",
    "getMetrics": "/metrics",
}
ALLOWED = {"placeOrder": {"POST"}, "cancelOrder": {"POST"}, "takePayment": {"POST"}}
ALLOWED["takeStripeEvent"] = {"POST"}


@pytest.fixture(autouse=True)
def _sale(web: Web, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 50})


def exchange(web: Web, request: bytes) -> httpx2.Response:
    """Send bytes as they are, and return what comes back until the server closes."""
    host, port = web.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, content = received.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
    assert status, received
    lines = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:]]
    return httpx2.Response(int(status[1]), headers=[(k, v) for k, v in lines], content=content)


def raw(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def order(web: Web, *headers: str, body: bytes = json.dumps(ORDER).encode()) -> bytes:
    length = f"Content-Length: {len(body)}"
    key = f"Authorization: Bearer {web.api_key}"
    return raw(
        "POST", PATHS["placeOrder"], key, "Content-Type: application/json", length, *headers,
        body=body,
    )  # fmt: skip


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "CONNECT", "PATCH", "PROPFIND", "PURGE"])
def test_any_other_method_is_405_with_those_there_are(web: Web, method: str) -> None:
    for operation, path in PATHS.items():
        response = exchange(web, raw(method, path))
        assert response.status_code == 405, operation
        allowed = ALLOWED.get(operation, {"GET", "HEAD"})
        assert set(response.headers["Allow"].split(", ")) == allowed, operation
        assert response.json()["type"] == "/problems/method-not-allowed", operation


def test_a_method_that_nobody_has_heard_of_is_501(web: Web) -> None:
    response = exchange(web, raw("BREW", "/api/v1/orders", "X-Request-ID: mine"))
    assert response.status_code == 501
    assert response.json()["type"] == "/problems/not-implemented"
    assert response.headers["X-Request-ID"] == "mine"


def test_a_sale_of_an_impossible_name_is_404(web: Web) -> None:
    for name in ("%00", "a%00b", "%FF%FE", "%0d%0aX:1"):
        for method in ("GET", "HEAD"):
            assert exchange(web, raw(method, f"/api/v1/sales/{name}")).status_code == 404, name


def test_an_order_of_an_impossible_id_is_404(web: Web) -> None:
    key = f"Authorization: Bearer {web.api_key}"
    for name in ("%00", "a%00b", "%FF", "x" * 5000, "%F0%9F%8E%AB"):
        for method, path in (("GET", name), ("HEAD", name), ("POST", f"{name}/cancel")):
            response = exchange(web, raw(method, f"/api/v1/orders/{path}", key))
            assert response.status_code == 404, path


@pytest.mark.parametrize("operation", ["getSale", "getLiveness", "getOpenApi"])
def test_whatever_is_accepted_gets_the_one_form_there_is(web: Web, operation: str) -> None:
    for accept in ("text/html", "*/*;q=0", ";;;", "image/png, ,", "a" * 5000):
        response = exchange(web, raw("GET", PATHS[operation], f"Accept: {accept}"))
        assert response.status_code == 200, accept
        assert_documented(operation, response)


def test_headers_that_come_twice_or_are_no_ascii(web: Web) -> None:
    for twice, status in (
        (("Idempotency-Key: k", "Idempotency-Key: k"), 400),
        (("Idempotency-Key: k", "Content-Type: application/json"), 400),
        (("Idempotency-Key: k", "Prefer: wait=0", "Prefer: respond-async"), 202),
        (("Idempotency-Key: k", "X-Request-ID: a", "X-Request-ID: b"), 202),
        (("Idempotency-Key: k", "Authorization: Bearer nobody"), 400),
        (("Idempotency-Key: \xe9",), 400),
        (("Idempotency-Key: k", "X-Request-ID: \xff"), 202),
        (("Idempotency-Key: k", "traceparent: 00-\xff", "traceparent: ff-0-0-0"), 202),
    ):
        response = exchange(web, order(web, *twice))
        assert response.status_code == status, twice
        assert_documented("placeOrder", response)


def test_a_body_that_is_no_order(web: Web) -> None:
    for body in (b"\0" * 100, b"\xff\xfe", b"[" * 10_000, b'{"sale": "\\ud800"}', b"", b"null"):
        response = exchange(web, order(web, "Idempotency-Key: k", body=body))
        assert response.status_code in (400, 422), body
        assert_documented("placeOrder", response)


def test_a_body_that_is_announced_too_large_is_413_everywhere(web: Web) -> None:
    for operation in sorted(set(PATHS) - {"placeOrder"}):
        method = "GET" if operation.startswith("get") else "POST"
        response = exchange(web, raw(method, PATHS[operation], "Content-Length: 3000000"))
        answer = (response.status_code, response.json()["type"])
        assert answer == (413, "/problems/body-too-large"), operation
        assert_documented(operation, response)


def test_a_body_of_five_megabytes_is_no_order(web: Web) -> None:
    def endless() -> Iterator[bytes]:
        yield from [b" " * 65_536] * 80

    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    response = web.http.post(PATHS["placeOrder"], content=endless(), headers=headers)
    assert response.status_code == 413
    assert_documented("placeOrder", response)


def test_a_wait_that_is_no_number_is_422(web: Web) -> None:
    for query in ("wait=1&wait=x", "wait=%00", "wait=", "wait=-1", "wait=1e3"):
        response = web.http.get(f"{PATHS['getOrder']}?{query}")
        assert response.status_code == 422, query
        assert_documented("getOrder", response)


def test_fields_of_a_query_that_nobody_knows_are_ignored(web: Web) -> None:
    response = web.http.get(f"{PATHS['getSale']}?%00=%FF&a[]=1;b")
    assert response.status_code == 200
    assert_documented("getSale", response)
