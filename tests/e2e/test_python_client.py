"""The example client against a real web process: lost answers, a killed server, real signatures."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from orders.models import Order
from tests.conftest import MakeSale
from tests.processes import PLAIN, ROOT, Processes, Web, await_condition

CLIENT = ROOT / "examples" / "python_client"
ORDER = {"sale": "drop", "customer": "ada", "lines": [{"sku": "TEE", "quantity": 1}]}
SECRET = "whsec_c2VjcmV0IG9mIHRoZSBzaG9wJ3Mgb3duIHRlc3Rz"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module as those who copy it import it."""
    monkeypatch.syspath_prepend(str(CLIENT))
    import flash_sale

    return flash_sale


class Proxy(ThreadingHTTPServer):
    """Passes requests on to `upstream`, and loses as many of the answers as `to_lose` says."""

    def __init__(self, upstream: str, to_lose: int) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.upstream, self.to_lose = upstream, to_lose
        self.keys: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Passing(BaseHTTPRequestHandler):
    server: Proxy

    def do_POST(self) -> None:
        self.server.keys.append(self.headers["Idempotency-Key"])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = httpx2.post(
            self.server.upstream + self.path, content=body, headers=dict(self.headers), **PLAIN
        )
        if self.server.to_lose:
            self.server.to_lose -= 1
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy(web: Web) -> Iterator[Proxy]:
    with Proxy(web.base_url, to_lose=2) as proxy:
        Thread(target=proxy.serve_forever).start()
        yield proxy
        proxy.shutdown()


def test_answers_that_were_lost_are_asked_for_again_and_it_is_one_order(
    client: Any, web: Web, make_sale: MakeSale, proxy: Proxy, tmp_path: Path
) -> None:
    make_sale()
    attempt = client.Attempt.kept_at(tmp_path / "basket.json", ORDER)
    with client.Shop(proxy.url, web.api_key) as shop:
        placed = shop.place(attempt)
    assert proxy.keys == [attempt.key] * 3
    with client.Shop(web.base_url, web.api_key) as shop:
        persisted = shop.follow(placed)
    assert (persisted["id"], persisted["status"]) == (placed["id"], "awaiting_payment")
    assert Order.objects.count() == 1


def test_the_key_is_on_disk_before_it_is_sent_and_is_never_made_twice(
    client: Any, tmp_path: Path
) -> None:
    path = tmp_path / "basket.json"
    first = client.Attempt.kept_at(path, ORDER)
    assert json.loads(path.read_text())["key"] == first.key
    assert client.Attempt.kept_at(path, {"sale": "another"}) == first
    assert [each.name for each in tmp_path.iterdir()] == ["basket.json"]


def test_a_no_is_raised_at_once_and_names_the_problem(
    client: Any, web: Web, make_sale: MakeSale, tmp_path: Path
) -> None:
    make_sale("drop", {"TEE": 1})
    web.order("the-last-one")
    attempt = client.Attempt.kept_at(tmp_path / "basket.json", ORDER)
    with (
        client.Shop(web.base_url, web.api_key) as shop,
        pytest.raises(client.Refused) as refusal,
    ):
        shop.place(attempt)
    assert refusal.value.slug == "sold-out"


def test_an_order_that_is_cancelled(
    client: Any, web: Web, make_sale: MakeSale, tmp_path: Path
) -> None:
    make_sale()
    with client.Shop(web.base_url, web.api_key) as shop:
        placed = shop.place(client.Attempt.kept_at(tmp_path / "basket.json", ORDER))
        assert shop.cancel(placed["id"])["status"] == "cancelled"
        assert shop.get(placed["id"])["status"] == "cancelled"


def test_patience_ends_with_no_answer_at_all(client: Any, tmp_path: Path) -> None:
    attempt = client.Attempt.kept_at(tmp_path / "basket.json", ORDER)
    with (
        client.Shop("http://127.0.0.1:9", "fso_key", patience=0.5) as nobody,
        pytest.raises(client.Undecided, match="no answer"),
    ):
        nobody.place(attempt)


def test_an_order_outlives_a_web_process_that_is_killed_between_the_tries(
    web: Web, processes: Processes, make_sale: MakeSale, tmp_path: Path
) -> None:
    make_sale()
    processes.kill("web")
    basket = tmp_path / "basket.json"
    buying = buy(web, basket)
    try:
        await_condition("the attempt is kept", basket.exists)
        assert buying.poll() is None  # tries on, though nobody answers
    finally:
        processes.start_web()
    first = outcome(buying)
    assert [line.split()[1] for line in first] == ["accepted", "awaiting_payment"]

    processes.kill("web")
    again = buy(web, basket)
    processes.start_web()
    assert outcome(again)[0] == first[0]  # the answer of the first time, to the same key
    assert Order.objects.count() == 1


def buy(web: Web, basket: Path) -> subprocess.Popen[str]:
    wish = ("--sale", "drop", "--sku", "TEE", "--customer", "ada")
    return subprocess.Popen(
        [sys.executable, str(CLIENT / "buy.py"), str(basket), *wish],
        env={**os.environ, "SHOP_URL": web.base_url, "SHOP_API_KEY": web.api_key},
        stdout=subprocess.PIPE,
        text=True,
    )


def outcome(buying: subprocess.Popen[str]) -> list[str]:
    printed, _ = buying.communicate(timeout=60)
    assert buying.returncode == 0, printed
    return printed.splitlines()


def test_webhooks_are_believed_only_as_they_were_signed(client: Any) -> None:
    body, now = b'{"type": "order.paid"}', datetime.now(UTC)
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("evt_1", now, body.decode()),
    }
    assert client.read_event(SECRET, headers, body) == {"type": "order.paid"}
    with pytest.raises(WebhookVerificationError):
        client.read_event(SECRET, headers, body.replace(b"paid", b"lost"))


def test_it_stays_as_small_as_it_promises() -> None:
    assert len((CLIENT / "flash_sale.py").read_text().splitlines()) < 150
