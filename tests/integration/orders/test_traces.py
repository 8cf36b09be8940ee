"""Traces on their way through the ledger, with and without somebody who records them."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from inventory.models import Sale
from orders.models import ApiClient, Order, OrderEvent
from orders.notifications.webhook.deliver import deliver_webhooks
from orders.notifications.webhook.endpoints import create_webhook
from shop.core.tracing import process
from tests.collector import Collector
from tests.conftest import MakeSale
from tests.integration.orders.notifications.receiver import Receiver
from tests.persisting import persist
from tests.placing import Request, headers, place_raw
from tests.processes import ROOT, await_condition

pytestmark = pytest.mark.django_db(transaction=True)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50})


@pytest.fixture
def receiver(settings: object) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOW_PRIVATE = True  # type: ignore[attr-defined]
    with Receiver() as running:
        create_webhook(url=running.url())
        yield running


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector to which this process exports."""
    with Collector() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        process.start("test")
        yield running
        process.stop()


def order(api_key: str, sale: Sale, key: str = "k-1", **more: str) -> Order:
    """Place an order with these headers, and persist it."""
    reply = place_raw(headers(api_key, key, **more), Request(key).body())
    assert reply.status == 202
    persist(sale)
    return Order.objects.get(request_key=key)


# --- Nobody records -----------------------------------------------------------------------------


def test_a_callers_trace_goes_along_to_the_webhook_in_one_piece(
    sale: Sale, api_key: str, receiver: Receiver
) -> None:
    assert order(api_key, sale, traceparent=SAMPLED).traceparent == SAMPLED
    deliver_webhooks()
    [call] = receiver.calls
    assert call.headers["traceparent"] == SAMPLED


@pytest.mark.parametrize("sent", [{}, {"traceparent": "00-not-a-trace-01"}])
def test_without_a_sane_trace_there_is_none(
    sale: Sale, api_key: str, receiver: Receiver, sent: dict[str, str]
) -> None:
    assert order(api_key, sale, **sent).traceparent is None
    deliver_webhooks()
    [call] = receiver.calls
    assert "traceparent" not in call.headers


@pytest.mark.parametrize(
    "said", [{}, {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}]
)
def test_a_web_process_that_records_nothing_imports_nothing_for_it(said: dict[str, str]) -> None:
    program = (
        "import orders.asgi, sys; from django.urls import get_resolver;"
        "get_resolver().url_patterns;"
        "import workers.tasks, flower.command, uvicorn, redis.asyncio, redis.cluster;"
        "own = ('opentelemetry', 'shop.core.tracing.otel');"
        "print([m for m in sys.modules if m.startswith(own)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **said},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


# --- Somebody records ---------------------------------------------------------------------------


def test_a_sampled_order_is_seen_on_its_whole_way(
    sale: Sale, api_key: str, receiver: Receiver, collector: Collector
) -> None:
    placed = order(api_key, sale, traceparent=SAMPLED, x_request_id="r-1")
    deliver_webhooks()
    [call] = receiver.calls

    def whole() -> bool:
        return {"persist order", "webhook order.placed"} <= set(collector.of_trace(TRACE))

    await_condition("the spans have arrived", whole)
    spans = collector.of_trace(TRACE)
    intake = str(placed.traceparent).split("-")[2]
    persisted, told = spans["persist order"], spans["webhook order.placed"]
    assert {persisted.parent_id, told.parent_id} == {intake}
    assert intake != SPAN
    assert persisted.attributes["shop.order_id"] == str(placed.pk)
    assert told.attributes["shop.event_id"] == OrderEvent.objects.get().pk
    assert told.attributes["shop.response.status"] == 200
    assert call.headers["traceparent"] == f"00-{TRACE}-{told.span_id}-01"
    [batch] = [span for span in collector.spans if span.name == "persist batch"]
    assert batch.trace_id != TRACE
    assert (batch.links, batch.attributes["shop.batch.orders"]) == ([(TRACE, intake)], 1)
    assert persisted.links == [(batch.trace_id, batch.span_id)]


def test_the_intake_and_its_script_call_are_spans_of_a_sampled_order(
    sale: Sale, api_key: str, collector: Collector
) -> None:
    placed = order(api_key, sale, traceparent=SAMPLED, x_request_id="r-1")
    intake_id = str(placed.traceparent).split("-")[2]
    await_condition("both have arrived", lambda: len(collector.of_trace(TRACE)) >= 3)
    spans = collector.of_trace(TRACE)
    intake, call = spans["POST /api/v1/orders"], spans["EVALSHA reserve.lua"]
    assert (intake.span_id, intake.parent_id, intake.failed) == (intake_id, SPAN, False)
    assert (
        intake.attributes
        | {
            "shop.sale": "drop",
            "shop.order_id": str(placed.pk),
            "shop.request_id": "r-1",
            "shop.outcome": "accepted",
            "http.response.status_code": 202,
        }
        == intake.attributes
    )
    assert call.parent_id == intake_id
    assert intake.start_ns <= call.start_ns <= call.end_ns <= intake.end_ns
    assert (intake.service, intake.instance.partition("-")[0]) == ("flash-sale-orders", "test")


def test_an_order_that_its_caller_does_not_record_is_not_recorded(
    sale: Sale, api_key: str, receiver: Receiver, collector: Collector
) -> None:
    assert order(api_key, sale, traceparent=UNSAMPLED).traceparent == UNSAMPLED
    deliver_webhooks()
    assert receiver.calls[0].headers["traceparent"] == UNSAMPLED
    process.stop()
    assert collector.spans == []


def test_of_orders_without_a_trace_the_share_that_is_asked_for_is_recorded(
    sale: Sale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector() as collector:
        for name, value in collector.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
        process.start("test")
        placed = order(api_key, sale)
        process.stop()
    assert placed.traceparent
    names = collector.of_trace(placed.traceparent.split("-")[1])
    assert names["persist order"].parent_id == placed.traceparent.split("-")[2]


@pytest.mark.parametrize("answer", [400, 503])
def test_a_collector_that_takes_nothing_disturbs_nobody(
    sale: Sale, api_key: str, monkeypatch: pytest.MonkeyPatch, answer: int
) -> None:
    with Collector(answer) as collector:
        for name, value in collector.environment.items():
            monkeypatch.setenv(name, value)
        process.start("test")
        assert order(api_key, sale, traceparent=SAMPLED).status == "awaiting_payment"
        await_condition("the collector was asked", lambda: collector.asked)
        process.stop()
    assert process.active is None


@pytest.mark.parametrize(
    "said", [{"OTEL_TRACES_EXPORTER": "carrier-pigeon"}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}]
)
def test_what_cannot_be_exported_to_is_said_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, said: dict[str, str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    process.start("test")
    assert process.active is None
    assert next(iter(said.values())) in caplog.text


def test_a_failed_batch_is_a_failed_span(
    sale: Sale, api_client: tuple[ApiClient, str], collector: Collector
) -> None:
    reply = place_raw(headers(api_client[1], "k-1", traceparent=SAMPLED), Request("k-1").body())
    assert reply.status == 202
    Sale.objects.filter(pk=sale.pk)  # the row stays; its units go
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE orders_orderline ADD CONSTRAINT none_at_all CHECK (false) NOT VALID"
        )
    try:
        persist(sale)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE orders_orderline DROP CONSTRAINT none_at_all")
    await_condition("the span has arrived", lambda: "persist order" in collector.of_trace(TRACE))
    assert collector.of_trace(TRACE)["persist order"].failed
