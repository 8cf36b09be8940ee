"""The stack of `make up`: it answers, outlives its parts, and leaves nothing when it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from shop.local.embedded import temporary_state
from tests.processes import ROOT, await_condition, free_port

SERVERS = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL", "DATABASE_CONN_MAX_AGE")


class Up:
    """A running `up`, its processes and its API."""

    def __init__(self, state: Path, process: subprocess.Popen[bytes], port: int) -> None:
        self.state = state
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> httpx2.Response | None:
        """Return the answer, None where there is none."""
        try:
            return httpx2.get(f"{self.url}{path}", headers=self._headers(), timeout=10)
        except httpx2.TransportError:
            return None

    def order(self, key: str) -> httpx2.Response:
        """Place an order in the demo sale, again and again until it is judged."""
        order = {
            "sale": "demo-drop",
            "customer": key,
            "lines": [{"sku": "TEE-BLACK", "quantity": 1}],
        }

        def place() -> httpx2.Response | None:
            try:
                reply = httpx2.post(
                    f"{self.url}/api/v1/orders",
                    json=order,
                    headers={**self._headers(), "Idempotency-Key": key},
                )
            except httpx2.TransportError:
                return None
            return None if reply.status_code == 503 else reply

        found: httpx2.Response = await_condition("an order is judged", place)
        return found

    def web_pid(self) -> int | None:
        for child in psutil.Process(self.process.pid).children():
            try:
                if "uvicorn" in child.cmdline():
                    return child.pid
            except psutil.Error:
                continue  # ended just now
        return None

    def redis_pid(self) -> int:
        servers = json.loads((self.state / "run" / "servers.json").read_text())
        return int(servers["redis"]["pid"])

    def kill(self, find: Callable[[], int | None]) -> None:
        """Kill the process that `find` finds, and wait until it finds another one."""
        killed = find()
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await_condition("it was started again", lambda: find() not in (None, killed))

    def ready(self) -> bool:
        reply = self.get("/readyz")
        return reply is not None and reply.status_code == 200

    def _headers(self) -> dict[str, str]:
        credentials: dict[str, str] = json.loads((self.state / "credentials.json").read_text())
        return {"Authorization": f"Bearer {credentials['demo_api_key']}"}


@contextmanager
def running_up(state: Path) -> Iterator[Up]:
    env = {name: value for name, value in os.environ.items() if name not in SERVERS}
    port, flower_port = free_port(), free_port()
    env |= {"SHOP_STATE_DIR": str(state), "PORT": str(port), "FLOWER_PORT": str(flower_port)}
    with (state / "output").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "shop.local", "up"],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        await_condition("it is up", lambda: _opened(process, state), seconds=60)
        yield Up(state, process, port)
    finally:
        process.terminate()
        process.wait(60)


def _opened(process: subprocess.Popen[bytes], state: Path) -> bool:
    output = (state / "output").read_text()
    assert process.poll() is None, output
    return "Ready after" in output


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """One stack for all tests of this module; the last of them ends it."""
    with temporary_state() as state, running_up(state) as running:
        yield running


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
    unknown = httpx2.get(f"{up.url}/api/v1/orders/0", headers={"Authorization": f"Bearer {key}"})
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
