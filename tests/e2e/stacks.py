"""Whole stacks for tests: small ones, for each process costs over a second of CPU to start."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil

from tests.processes import PLAIN, ROOT, await_condition, free_port

SERVERS = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL", "DATABASE_CONN_MAX_AGE")


def environment(state: Path, **changes: str) -> dict[str, str]:
    """The environment of a stack that starts servers of its own in `state`."""
    env = {name: value for name, value in os.environ.items() if name not in SERVERS}
    env |= {"SHOP_STATE_DIR": str(state), "SHOP_PROFILE": "small"}
    return env | {"PORT": str(free_port()), "FLOWER_PORT": str(free_port()), **changes}


def processes_of(state: Path) -> list[psutil.Process]:
    """Return all that runs for `state`, or for a folder in it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SHOP_STATE_DIR", "").startswith(str(state)):
                found.append(process)
        except psutil.Error:
            continue  # ended just now, or none of ours
    return found


class Up:
    """A running `up`, its processes and its API."""

    def __init__(self, state: Path, process: subprocess.Popen[bytes], port: int) -> None:
        self.state = state
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> httpx2.Response | None:
        """Return the answer, None where there is none."""
        try:
            return httpx2.get(f"{self.url}{path}", headers=self._headers(), timeout=10, **PLAIN)
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
                    **PLAIN,
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
    env = environment(state)
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
        yield Up(state, process, int(env["PORT"]))
    finally:
        process.terminate()
        process.wait(60)


def _opened(process: subprocess.Popen[bytes], state: Path) -> bool:
    output = (state / "output").read_text()
    assert process.poll() is None, output
    return "Ready after" in output
