"""SIGTERM in the middle of the rush: no answer is broken off, and nothing accepted is lost."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx2

from orders.models import Order
from orders.reconciliation.compare import reconcile
from tests.conftest import MakeSale
from tests.processes import PLAIN, Processes, Web, await_condition

CLIENTS = 4
PAUSE_SECONDS = 0.02  # of each, between its orders: what is ordered has to be worked off


class Rush:
    """Clients that order without pause, each over a connection of its own, until told to end."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.over = threading.Event()
        self.told: Counter[str] = Counter()
        self.doubtful: list[str] = []
        self._lock = threading.Lock()

    def order(self, client: int) -> None:
        headers = {"Authorization": f"Bearer {self.web.api_key}"}
        lines = [{"sku": "TEE", "quantity": 1}]
        url = self.web.base_url
        with httpx2.Client(base_url=url, headers=headers, timeout=20, **PLAIN) as http:
            for number in range(1_000_000):
                if self.over.is_set():
                    return
                key = f"{client}-{number}"
                body = {"sale": "drop", "customer": key, "lines": lines}
                try:
                    reply = http.post("/api/v1/orders", json=body, headers={"Idempotency-Key": key})
                    outcome = str(reply.status_code)
                except httpx2.TransportError as error:
                    outcome = type(error).__name__
                with self._lock:
                    self.told[outcome] += 1
                    if outcome != "202":
                        self.doubtful.append(key)
                self.over.wait(PAUSE_SECONDS)


def test_a_web_process_that_is_told_to_stop_answers_what_it_has_begun(
    web: Web, processes: Processes, make_sale: MakeSale
) -> None:
    sale = make_sale("drop", {"TEE": 100_000}, payment="none")
    rush = Rush(web)
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(rush.order, client) for client in range(CLIENTS)]
        await_condition("the rush is on", lambda: rush.told["202"] > 50)
        processes.stop("web")
        processes.start_web()
        processes.wait_until_ready()
        before = rush.told["202"]
        await_condition("the rush goes on", lambda: rush.told["202"] > before + 50)
        rush.over.set()
        for each in running:
            each.result()
    # A connection that is closed before an answer begins is one the client may use again; what must
    # not be is an answer broken off, a 5xx without a problem, or a time-out.
    assert set(rush.told) <= {"202", "503", "ConnectError", "RemoteProtocolError", "ReadError"}
    for key in rush.doubtful:
        assert web.order(key, customer=key).status_code == 202
    processes.wait_until_quiet()
    keys = list(Order.objects.filter(sale=sale).values_list("request_key", flat=True))
    assert len(keys) == len(set(keys)) == rush.told["202"] + len(rush.doubtful)
    assert reconcile(sale.pk, "drop").drift == 0


def test_a_worker_that_is_told_to_stop_loses_nothing(
    web: Web, processes: Processes, make_sale: MakeSale
) -> None:
    sale = make_sale("drop", {"TEE": 100_000}, payment="none")
    rush = Rush(web)
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(rush.order, client) for client in range(CLIENTS)]
        await_condition("orders are being persisted", lambda: Order.objects.count() > 100)
        processes.stop("worker")
        processes.start_worker()
        rush.over.set()
        for each in running:
            each.result()
    assert set(rush.told) == {"202"}
    processes.wait_until_quiet()
    assert Order.objects.filter(sale=sale).count() == rush.told["202"]
    assert reconcile(sale.pk, "drop").drift == 0
