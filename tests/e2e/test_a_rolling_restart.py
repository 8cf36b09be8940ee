"""SIGHUP to `make up`: another web process serves, and no client has noticed."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path

import psutil
import psycopg2

from shop.local import discovery
from tests.processes import ROOT, await_condition

from .stacks import Up, environment

CLIENTS = 4
PAUSE_SECONDS = 0.02  # of each, between its orders: what is ordered has to be worked off


class Crowd:
    """Clients that order without pause, each order over a new connection and sent only once."""

    def __init__(self, up: Up, sale: str) -> None:
        self.told: Counter[str] = Counter()
        self.over = threading.Event()
        self._port = int(up.url.rpartition(":")[2])
        self._sale = sale
        credentials = json.loads((up.state / "credentials.json").read_text())
        self._api_key = credentials["demo_api_key"]
        self._numbers = count()
        self._lock = threading.Lock()

    def order_on(self) -> None:
        while not self.over.is_set():
            outcome = self.order()
            with self._lock:
                self.told[outcome] += 1
            self.over.wait(PAUSE_SECONDS)

    def order(self) -> str:
        """Return the status of an answer that is whole, or the name of what broke it off."""
        key = f"{self._sale}-{next(self._numbers)}"
        lines = [{"sku": "TEE", "quantity": 1}]
        headers = {"Authorization": f"Bearer {self._api_key}", "Idempotency-Key": key}
        body = json.dumps({"sale": self._sale, "customer": key, "lines": lines})
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        with closing(connection):
            try:
                connection.request(
                    "POST",
                    "/api/v1/orders",
                    body,
                    {**headers, "Content-Type": "application/json"},
                )
                reply = connection.getresponse()
                json.loads(reply.read())
            except (OSError, http.client.HTTPException) as error:
                return type(error).__name__
            return str(reply.status)


def create_sale(state: Path, slug: str) -> None:
    words = ["create_sale", slug, "--sku", "TEE:100000:25.00", "--payment", "none"]
    subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment(state),
        check=True,
        capture_output=True,
    )


def persisted(state: Path, slug: str) -> int:
    sql = "SELECT count(*) FROM orders_order WHERE request_key LIKE %s"
    with (
        closing(psycopg2.connect(discovery.database_url(state))) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, [f"{slug}-%"])
        [(found,)] = cursor.fetchall()
    return int(found)


def roll(up: Up) -> None:
    """Send SIGHUP, and wait until one web process runs again, which is another one."""
    before = up.web_pid()
    assert before is not None
    up.process.send_signal(signal.SIGHUP)
    await_condition("the old process has ended", lambda: not psutil.pid_exists(before))
    assert up.web_pid() not in (None, before)


def test_a_rolling_restart_refuses_resets_and_loses_nothing(up: Up) -> None:
    create_sale(up.state, "rolling")
    crowd = Crowd(up, "rolling")
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(crowd.order_on) for _ in range(CLIENTS)]
        try:
            for _ in range(2):
                before = crowd.told["202"]
                await_condition("orders flow", lambda n=before: crowd.told["202"] > n + 50)
                roll(up)
            before = crowd.told["202"]
            await_condition("orders flow on", lambda: crowd.told["202"] > before + 50)
        finally:
            crowd.over.set()
        for each in running:
            each.result()
    assert set(crowd.told) <= {"202", "503"}
    await_condition(
        "all are persisted", lambda: persisted(up.state, "rolling") >= crowd.told["202"]
    )
    assert persisted(up.state, "rolling") - crowd.told["202"] <= crowd.told["503"]


def test_an_order_waits_for_a_killed_web_process_to_be_back(up: Up) -> None:
    create_sale(up.state, "waiting")
    killed = up.web_pid()
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await_condition("it has ended", lambda: up.web_pid() != killed)
    assert Crowd(up, "waiting").order() == "202"
