"""What the running product answers is what the OpenAPI document says it answers."""

import json
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from httpx2 import Response

from inventory import services
from orders.api.openapi import document
from orders.models import ApiClient, OrderEvent
from orders.notifications.event_payload import read_payloads
from orders.notifications.webhook.message import encode_message
from orders.services.holds import cancel_order
from shop.core import clock
from tests.conftest import MakeSale
from tests.life import pay, placed, refund
from tests.placing import Request
from tests.processes import Web, await_condition

from .conformance import assert_documented, assert_valid


def assert_problem(operation_id: str, response: Response, status: int, slug: str) -> None:
    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{slug}")
    assert_documented(operation_id, response)


def test_accepted_persisted_and_repeated_orders(web: Web, make_sale: MakeSale) -> None:
    make_sale()
    accepted = web.order("k-1", email="ada@example.com", metadata={"basket": {"id": 1}})
    persisted = web.order("k-2", headers={"Prefer": "wait=20"})
    repeated = web.order("k-2", headers={"Prefer": "wait=20"})
    assert [accepted.status_code, persisted.status_code] == [202, 201]
    assert repeated.headers["Idempotent-Replayed"] == "true"
    for response in (accepted, persisted, repeated):
        assert_documented("placeOrder", response)

    order = web.http.get(accepted.headers["Location"])
    assert order.status_code == 200
    assert_documented("getOrder", order)


def test_an_order_of_a_sale_without_payment(web: Web, make_sale: MakeSale) -> None:
    make_sale(payment="none")
    response = web.order("k-1", headers={"Prefer": "wait=20"})
    assert response.json()["status"] == "confirmed"
    assert response.json()["hold_expires_at"] is None
    assert_documented("placeOrder", response)


def test_refusals_by_the_counters(web: Web, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 2}, limit=1)
    make_sale("later", opens_at=clock.now() + timedelta(hours=1))
    services.close_sale(make_sale("over"), now=clock.now())
    two = [{"sku": "TEE", "quantity": 2}]
    three = [{"sku": "TEE", "quantity": 3}]
    make_sale("small", {"TEE": 2})
    assert_problem("placeOrder", web.order("k-1", lines=two), 409, "purchase-limit")
    assert_problem("placeOrder", web.order("k-2", sale="small", lines=three), 409, "sold-out")
    assert_problem("placeOrder", web.order("k-2", sale="small", lines=three), 409, "sold-out")
    assert_problem("placeOrder", web.order("k-3", sale="later"), 409, "sale-not-open")
    assert_problem("placeOrder", web.order("k-4", sale="over"), 409, "sale-closed")


def test_refusals_of_the_request(web: Web, make_sale: MakeSale) -> None:
    make_sale()
    web.order("used")
    unknown = [{"sku": "CAP", "quantity": 1}]
    for response, status, slug in [
        (web.order("used", customer="bob"), 422, "idempotency-key-reused"),
        (web.order("k", sale="drip"), 422, "unknown-sale"),
        (web.order("k", lines=unknown), 422, "unknown-sku"),
        (web.order("k", customer="", lines=[], surprise=1), 422, "invalid-request"),
        (web.order("two words"), 400, "idempotency-key-invalid"),
        (web.order("k", metadata={"long": "x" * 20_000}), 413, "body-too-large"),
        (web.order("k", headers={"Authorization": "Bearer nobody"}), 401, "unauthenticated"),
    ]:
        assert_problem("placeOrder", response, status, slug)


@pytest.mark.parametrize(
    ("headers", "content", "status", "slug"),
    [
        ({"Content-Type": "application/json"}, b"{}", 400, "idempotency-key-missing"),
        (
            {"Content-Type": "application/json", "Idempotency-Key": "k"},
            b'{"sale": ',
            400,
            "malformed-json",
        ),
        ({"Idempotency-Key": "k"}, b"sale=drop", 415, "unsupported-media-type"),
    ],
)
def test_refusals_of_what_is_no_order_at_all(
    web: Web, headers: dict[str, str], content: bytes, status: int, slug: str
) -> None:
    response = web.http.post("/api/v1/orders", headers=headers, content=content)
    assert_problem("placeOrder", response, status, slug)


def test_a_client_that_sends_too_fast(
    web: Web, make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    make_sale()
    ApiClient.objects.filter(pk=api_client[0].pk).update(rate_limit=1)
    responses = [web.order("k") for _ in range(5)]
    throttled = [response for response in responses if response.status_code == 429]
    assert_problem("placeOrder", throttled[0], 429, "rate-limited")


def test_orders_that_are_not_there_or_not_asked_for_rightly(web: Web, make_sale: MakeSale) -> None:
    make_sale()
    url = web.order("k").headers["Location"]
    nobody = {"Authorization": "Bearer nobody"}
    get = web.http.get
    assert_problem("getOrder", get("/api/v1/orders/42"), 404, "not-found")
    assert_problem("getOrder", get(url, headers=nobody), 401, "unauthenticated")
    assert_problem("getOrder", get(url, params={"wait": "soon"}), 422, "invalid-request")


def test_a_sale_for_everybody(web: Web, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 5, "CAP": 3}, limit=2)
    make_sale("later", opens_at=clock.now() + timedelta(hours=1), closes_at=None)
    make_sale("short", closes_at=clock.now() + timedelta(hours=1))
    del web.http.headers["Authorization"]
    for slug in ("drop", "later", "short"):
        response = web.http.get(f"/api/v1/sales/{slug}")
        assert response.status_code == 200
        assert_documented("getSale", response)
    assert_problem("getSale", web.http.get("/api/v1/sales/drip"), 404, "not-found")


def test_a_sale_whose_counters_are_lost(web: Web, make_sale: MakeSale) -> None:
    make_sale()
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    assert_problem("getSale", web.http.get("/api/v1/sales/drop"), 503, "unavailable")
    assert_problem("placeOrder", web.order("k"), 503, "unavailable")


def test_a_product_that_becomes_ready(web: Web) -> None:
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    not_ready = web.http.get("/readyz")
    assert (not_ready.status_code, not_ready.json()["failing"]) == (503, ["worker"])
    assert_documented("getReadiness", not_ready)

    ready = await_condition(
        "the workers have been around",
        lambda: [found for found in [web.http.get("/readyz")] if found.status_code == 200],
    )
    assert_documented("getReadiness", ready[0])


@pytest.mark.parametrize(
    ("operation_id", "path"), [("getLiveness", "/healthz"), ("getOpenApi", "/api/v1/openapi.json")]
)
def test_what_load_balancers_and_tools_ask_for(web: Web, operation_id: str, path: str) -> None:
    response = web.http.get(path)
    assert response.status_code == 200
    assert_documented(operation_id, response)


def test_probes_are_answered_by_whatever_valid_host(web: Web) -> None:
    for host in ("10.0.0.7", "[::1]:8000", "who.ever:99"):
        for path in ("/healthz", "/readyz"):
            assert web.http.get(path, headers={"Host": host}).status_code in (200, 503), (
                host,
                path,
            )
        assert web.http.get("/", headers={"Host": host}).status_code == 400 or "::1" in host
    assert web.http.get("/healthz", headers={"Host": "a b"}).status_code == 400


@pytest.mark.parametrize(
    ("operation_id", "path", "allow"),
    [
        ("placeOrder", "/api/v1/orders", "POST"),
        ("getOrder", "/api/v1/orders/42", "GET, HEAD"),
        ("cancelOrder", "/api/v1/orders/42/cancel", "POST"),
        ("takePayment", "/api/v1/payments/callback", "POST"),
        ("takeStripeEvent", "/api/v1/payments/stripe", "POST"),
        ("getSale", "/api/v1/sales/drop", "GET, HEAD"),
        ("getLiveness", "/healthz", "GET, HEAD"),
        ("getReadiness", "/readyz", "GET, HEAD"),
        ("getOpenApi", "/api/v1/openapi.json", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_there_is_answered_with_those_that_are(
    web: Web, operation_id: str, path: str, allow: str
) -> None:
    response = web.http.delete(path)
    assert_problem(operation_id, response, 405, "method-not-allowed")
    assert response.headers["Allow"] == allow


def test_a_sane_request_id_comes_back(web: Web) -> None:
    for path in ("/api/v1/orders/42", "/healthz", "/api/v1/nothing"):
        response = web.http.get(path, headers={"X-Request-ID": "checkout-4711"})
        assert response.headers["X-Request-ID"] == "checkout-4711"


@pytest.mark.django_db(transaction=True)
def test_what_we_tell_of_events(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale()
    paid, cancelled = placed(sale, api_key, Request("k-1"), Request("k-2"))
    pay(paid)
    refund(paid)
    cancel_order(cancelled.pk, client_id=cancelled.client_id)
    notices = read_payloads(OrderEvent.objects.values_list("pk", flat=True))
    assert len(notices) == 5
    for notice in notices.values():
        post = document()["webhooks"][notice.type]["post"]
        schema = post["requestBody"]["content"]["application/json"]["schema"]
        assert_valid(json.loads(encode_message(notice)), schema)
