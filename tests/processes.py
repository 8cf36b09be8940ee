"""The product's processes for tests that need them for real: web, Celery worker and beat."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
import redis
from django.conf import settings
from django.db import connection

from inventory import outbox
from inventory.counters.keys import Keys
from inventory.models import Sale
from shop.core.stores.redis import client
from tests.signing import STRIPE_SECRET

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 30.0
# Of a client that speaks no TLS: to read the certificates of authorities takes it 25 ms of CPU.
PLAIN: dict[str, Any] = {"verify": False}
PAGE_KEY = "fso_of-the-drop-page"  # the web process's; a test that orders there makes its client


def await_condition(
    what: str, condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS
) -> Any:
    """Return the condition's value once it is true; fail the test if that takes too long."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
    return value


# Below the ports that the kernel gives to outgoing connections: one of those could take a port
# between its being found free and its being used. Each is given out once, and each process of the
# test run has a range of its own.
_FIRST = 10_000 + 2_500 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 4)
_ports = iter(random.sample(range(_FIRST, _FIRST + 2_500), 1000))


def free_port() -> int:
    """Return a port of the loopback on which nothing listens."""
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("no free port is left")


class Web:
    """The API over real HTTP, as one client uses it."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self.api_key = api_key
        self.http = httpx2.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {api_key}"}, timeout=35, **PLAIN
        )

    def order(
        self, key: str, *, sale: str = "drop", customer: str = "ada", **changes: Any
    ) -> httpx2.Response:
        """Place an order, one TEE unless `lines` says otherwise."""
        headers = {"Idempotency-Key": key, **changes.pop("headers", {})}
        body = {
            "sale": sale,
            "customer": customer,
            "lines": [{"sku": "TEE", "quantity": 1}],
            **changes,
        }
        return self.http.post("/api/v1/orders", json=body, headers=headers)


def _others_in_transactions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
        )
        return int(cursor.fetchone()[0])


class Processes:
    """Starts the processes, waits until they are ready, and stops them for good."""

    def __init__(self, database: str) -> None:
        self.port = free_port()
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()
        self.env = {
            **os.environ,
            "DATABASE_URL": url,
            "PERSIST_CLAIM_IDLE_MS": "1000",
            "DROP_PAGE_API_KEY": PAGE_KEY,
            "TEST_PAYMENTS": "true",
            "DROP_PAGE_ORDERS_PER_ADDRESS": "6000",  # all tests have one
            "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
            "WEBHOOK_ALLOW_PRIVATE": "1",  # as on `make up`
        }
        self.logs = Path(os.environ["SHOP_STATE_DIR"]) / "logs"
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start_all(self) -> None:
        """Start what does not run, and wait until everything is ready."""
        if self.running:
            return
        try:
            self.start_web()
            self.start_worker()
            self.start_beat()
            self.wait_until_ready()
        except BaseException:
            self.stop_all()
            raise

    def stop_all(self) -> None:
        """End what runs, the hard way where it does not end by itself."""
        if "beat" in self.running:
            self.running["beat"].send_signal(signal.SIGCONT)
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()

    def start_web(self) -> None:
        self._start(
            "web",
            *("uvicorn", "orders.asgi:application", "--port", str(self.port)),
            *("--http", "orders.asgi:OrderProtocol", "--no-access-log"),
            "--no-proxy-headers",
        )

    def start_worker(self) -> None:
        self._start(
            "worker",
            *("celery", "-A", "shop", "worker", "--concurrency", "2"),
            *("--queues", "persist,urgent,settle,notify,upkeep", "--loglevel", "INFO"),
        )

    def start_beat(self) -> None:
        self._start(
            "beat",
            *("celery", "-A", "workers.beat_app", "beat", "--pidfile="),
            *("--scheduler", "workers.beat:SteadyScheduler"),
        )

    def kill(self, name: str) -> None:
        """End a process and its children the hard way, as the kernel would when memory is short."""
        process = self.running.pop(name)
        family = [
            psutil.Process(process.pid),
            *psutil.Process(process.pid).children(recursive=True),
        ]
        for victim in family:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        process.wait(10)

    def stop(self, name: str) -> None:
        """Tell a process to stop, as a deployment does, and wait until it has."""
        process = self.running.pop(name)
        process.terminate()
        assert process.wait(30) in (0, -15), f"{name} did not end by itself"

    def wait_until_ready(self) -> None:
        """Wait until everything is there again."""
        await_condition("the product is ready", self._ready)

    def ring_in_vain(self, sale_id: int) -> None:
        """Make the reserve script believe that a persist task has been asked for."""
        client().set(Keys.of(sale_id).wakeup, "1")

    @contextmanager
    def web(self, api_key: str) -> Iterator[Web]:
        web = Web(f"http://127.0.0.1:{self.port}", api_key)
        with web.http:
            yield web

    def wait_until_quiet(self) -> None:
        """Wait until nothing is left to persist, so that the next test starts clean."""
        await_condition("the outboxes are empty", self._nothing_waits)

    def pause(self) -> None:
        """Let no task run until `resume`: tables can be emptied while nobody uses them."""
        self.running["beat"].send_signal(signal.SIGSTOP)
        await_condition("no task runs", self._no_task_runs)

    def resume(self) -> None:
        """Go on after a `pause`."""
        self.start_all()
        self.running["beat"].send_signal(signal.SIGCONT)

    def _no_task_runs(self) -> bool:
        """Nothing is asked for, and nobody but us is in a transaction, a few looks in a row."""
        with redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
            return all(
                not broker.exists("persist", "urgent", "settle", "upkeep", "notify")
                and not _others_in_transactions()
                for _ in range(5)
            )

    def _nothing_waits(self) -> bool:
        sale_ids = list(Sale.objects.values_list("pk", flat=True))
        return not any(outbox.backlogs(sale_ids).values())

    def _ready(self) -> bool:
        for name, process in self.running.items():
            if process.poll() is not None:
                raise AssertionError(f"{name} ended: {(self.logs / f'{name}.log').read_text()}")
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/readyz", **PLAIN).status_code == 200
        except httpx2.TransportError:
            return False

    def _start(self, name: str, module: str, *arguments: str) -> None:
        self.logs.mkdir(exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**self.env, "CELERY_BROKER_URL": settings.CELERY_BROKER_URL},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
