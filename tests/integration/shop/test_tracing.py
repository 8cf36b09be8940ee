"""Spans of HTTP requests and blocks, as a real collector gets them."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shop.core.tracing import process
from shop.core.tracing.process import Message, Receive, Scope, Send, traced, until_shutdown
from tests.collector import Collector

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"
Record = Callable[..., None]


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Iterator[Record]:
    """Record this process's traces, with these variables."""

    def start(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        process.start("test")

    yield start
    process.stop()


async def site(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers as its path says, and notes the trace that it is called in."""
    if scope["path"] == "/broken":
        raise ValueError("a fault")
    process.name_route("pages/<slug:slug>")
    status = 503 if scope["path"] == "/busy" else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": scope.get("traceparent", "").encode()})


def get(application: Any, path: str, traceparent: str = "") -> str:
    """Return the body of the answer."""
    headers = [(b"host", b"shop"), (b"traceparent", traceparent.encode())]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers}
    return ask(application, scope)[-1]["body"].decode()


def ask(application: Any, scope: dict[str, Any]) -> list[Message]:
    sent: list[Message] = []

    async def run() -> None:
        async def receive() -> Message:
            return {"type": "lifespan.shutdown"}

        async def send(message: Message) -> None:
            sent.append(message)

        await application(scope, receive, send)

    asyncio.run(run())
    return sent


def test_off_the_application_is_left_as_it_is() -> None:
    assert traced(site) is site
    with process.span("anything", parent=SAMPLED) as own:
        assert own == ""


def test_a_sampled_request_is_a_span_named_after_its_route(record: Record) -> None:
    with Collector() as collector:
        record(**collector.environment)
        own = get(traced(site), "/pages/about", SAMPLED)
        get(traced(site), "/busy", SAMPLED)
        process.stop()
    fine, busy = sorted(collector.spans, key=lambda span: span.start_ns)
    assert own == f"00-{TRACE}-{fine.span_id}-01"
    assert (fine.name, fine.trace_id, fine.parent_id) == ("GET /pages/<slug:slug>", TRACE, SPAN)
    assert fine.attributes == {
        "http.request.method": "GET",
        "http.route": "/pages/<slug:slug>",
        "http.response.status_code": 200,
        "url.path": "/pages/about",
    }
    assert (fine.failed, busy.failed) == (False, True)


def test_an_error_that_leaves_the_application_is_its_spans(record: Record) -> None:
    with Collector() as collector:
        record(**collector.environment)
        with pytest.raises(ValueError, match="a fault"):
            get(traced(site), "/broken", SAMPLED)
        process.stop()
    [span] = collector.spans
    assert (span.name, span.failed) == ("GET", True)


def test_a_request_that_is_not_sampled_leaves_nothing_and_keeps_its_trace(record: Record) -> None:
    with Collector() as collector:
        record(**collector.environment, OTEL_TRACES_SAMPLER="parentbased_always_off")
        application = traced(site)
        assert get(application, "/pages/about", UNSAMPLED) == UNSAMPLED
        assert get(application, "/pages/about") == ""
        assert get(application, "/pages/about", "nonsense") == ""
        process.stop()
    assert collector.spans == []


def test_the_names_of_service_and_resource_are_the_standard_variables(record: Record) -> None:
    with Collector() as collector:
        record(**collector.environment, OTEL_SERVICE_NAME="tickets")
        get(traced(site), "/pages/about", SAMPLED)
        process.stop()
    assert [span.service for span in collector.spans] == ["tickets"]


def test_the_last_spans_are_exported_when_the_server_stops(record: Record) -> None:
    async def live(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with Collector() as collector:
        record(**collector.environment | {"OTEL_BSP_SCHEDULE_DELAY": "600000"})
        get(traced(site), "/pages/about", SAMPLED)
        assert ask(until_shutdown(live), {"type": "lifespan"}) == [
            {"type": "lifespan.shutdown.complete"}
        ]
        assert [span.trace_id for span in collector.spans] == [TRACE]
    assert process.active is None


def test_a_collector_that_never_answers_holds_up_no_end(record: Record) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        record(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}", OTEL_EXPORTER_OTLP_TIMEOUT="1"
        )
        get(traced(site), "/pages/about", SAMPLED)
        process.stop(0.1)
        assert "last-traces" in {thread.name for thread in threading.enumerate()}  # goes on alone
