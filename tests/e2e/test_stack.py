"""The stack of `make up`: it answers, outlives its parts, and leaves nothing when it ends."""

import json
import signal
from typing import Any

import httpx2
import psutil

from tests.processes import PLAIN, await_condition

from .stacks import Up


def test_a_stack_that_is_up_answers_and_is_ready(up: Up) -> None:
    assert up.ready()
    sale = up.get("/api/v1/sales/demo-drop")
    assert sale is not None
    assert sale.json()["state"] == "open"
    assert up.order("first").status_code == 202


def test_who_has_started_it_can_buy_on_the_drop_page_at_once(up: Up) -> None:
    page = up.get("/sales/demo-drop")
    key = json.loads((up.state / "credentials.json").read_text())["drop_page_api_key"]
    assert page is not None
    assert f'data-key="{key}"' in page.text
    assert "Pay (test)" in page.text
    unknown = httpx2.get(
        f"{up.url}/api/v1/orders/0", headers={"Authorization": f"Bearer {key}"}, **PLAIN
    )
    assert unknown.status_code == 404  # the key is known


def test_a_killed_web_process_is_back_and_answers(up: Up) -> None:
    up.kill(up.web_pid)
    await_condition("it is ready again", up.ready)
    assert up.order("after-web").status_code == 202


def test_a_killed_redis_is_back_with_the_orders_it_had_accepted(up: Up) -> None:
    accepted = up.order("before-redis").json()
    up.kill(up.redis_pid)
    again = up.order("before-redis")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == accepted

    def persisted() -> dict[str, Any] | None:
        found = up.get(f"/api/v1/orders/{accepted['id']}")
        order: dict[str, Any] = found.json() if found and found.status_code == 200 else {}
        return order if order.get("status") == "awaiting_payment" else None

    order = await_condition("the order is persisted", persisted)
    assert order | {"status": "accepted"} == accepted
    await_condition("it is ready again", up.ready)


def test_a_stopped_stack_ends_with_0_and_leaves_no_process(up: Up) -> None:
    family = psutil.Process(up.process.pid).children(recursive=True)
    assert len(family) > 6
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(60) == 0, (up.state / "output").read_text()[-2000:]
    assert not [process for process in family if _alive(process)]
    assert up.get("/healthz") is None


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
