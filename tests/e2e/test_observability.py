"""Logs, traces and profiles of the product's real processes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from orders.models import Order
from orders.notifications.webhook.endpoints import create_webhook
from shop.core.profiling import another_process
from tests.collector import Collector, Span
from tests.conftest import MakeSale
from tests.integration.orders.notifications.receiver import Receiver
from tests.processes import Processes, Web, await_condition

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture(autouse=True)
def _a_sale(web: Web, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 50})


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with Receiver() as running:
        create_webhook(url=running.url())
        yield running


def restart(processes: Processes, environment: Mapping[str, str]) -> None:
    before, processes.env = processes.env, {**processes.env, **environment}
    for name, start in (("web", processes.start_web), ("worker", processes.start_worker)):
        processes.stop(name)
        start()
    processes.env = before
    processes.wait_until_ready()


@pytest.fixture
def collector(web: Web, processes: Processes) -> Iterator[Collector]:
    """What web and worker export to, while they write their logs for programs."""
    with Collector() as running:
        more = {
            "LOG_FORMAT": "json",
            "WEBHOOK_ALLOW_PRIVATE": "1",
            "OTEL_TRACES_SAMPLER": "parentbased_always_off",
        }
        restart(processes, running.environment | more)
        yield running
        restart(processes, {})


def logged(file: Path, start: int) -> list[dict[str, Any]]:
    """Return the lines for programs that a log has got since it was `start` bytes long."""
    with file.open("rb") as log:
        log.seek(start)
        return [json.loads(line) for line in log if line.startswith(b"{")]


def test_one_trace_leads_from_the_request_through_the_ledger_to_the_webhook(
    web: Web, receiver: Receiver, collector: Collector, processes: Processes
) -> None:
    log = processes.logs / "worker.log"
    start = log.stat().st_size
    reply = web.order("k-1", headers={"traceparent": SAMPLED, "X-Request-ID": "r-1"})
    assert reply.status_code == 202
    await_condition("the webhook is told", lambda: receiver.calls)
    web.http.get(reply.headers["Location"], headers={"traceparent": SAMPLED})
    cancel = f"{reply.headers['Location']}/cancel"
    assert web.http.post(cancel, headers={"traceparent": SAMPLED}).status_code == 200
    looked, cancelled = (
        "GET /api/v1/orders/<str:order_id>",
        "POST /api/v1/orders/<str:order_id>/cancel",
    )
    expected = {"persist order", "webhook order.placed", "webhook order.cancelled"}

    def spans() -> dict[str, Span] | None:
        found = collector.of_trace(TRACE)
        return found if expected | {cancelled} <= set(found) else None

    found = await_condition("all spans have arrived", spans)
    placed, undone = sorted(receiver.calls, key=lambda call: call.message["sequence"])
    assert placed.headers["traceparent"] == f"00-{TRACE}-{found['webhook order.placed'].span_id}-01"
    assert undone.headers["traceparent"].split("-")[1] == TRACE
    intake = Order.objects.get().traceparent
    assert intake
    assert found["persist order"].parent_id == intake.split("-")[2]
    assert found[cancelled].parent_id == SPAN
    assert found[cancelled].attributes["http.response.status_code"] == 200
    assert looked not in found or found[looked].parent_id == SPAN  # the window may answer it
    assert found["persist order"].instance.startswith("celery-")
    assert found[cancelled].instance.startswith("web-")

    [line] = [line for line in logged(log, start) if "1 entries taken out" in line["event"]]
    assert line["task"] == "orders.persist"
    assert line["logger"] == "workers.tasks"
    assert len(line["task_id"]) == 36


def test_a_web_process_and_a_worker_are_profiled_while_they_work(web: Web) -> None:
    processes = {process.role: process for process in another_process.listening()}
    for role, frame in (("web", "run"), ("celery", "")):
        path = another_process.by_itself(processes[role], 0.3)
        document = json.loads(path.read_text())
        assert any(frame in name["name"] for name in document["shared"]["frames"])
        assert document["profiles"]
    assert web.order("k-1").status_code == 202
