"""`python -m shop.local pay`: an order paid by hand, as its users do it."""

import os
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import MakeSale
from tests.processes import ROOT, Processes, Web, await_condition, free_port


@pytest.fixture
def order_id(web: Web, make_sale: MakeSale) -> str:
    """An order that waits for its payment."""
    make_sale("drop", {"TEE": 5}, price="12.50")
    order_id: str = web.order("k-1", headers={"Prefer": "wait=20"}).json()["id"]
    await_condition("the order is persisted", lambda: shown(web, order_id)["status"] != "accepted")
    return order_id


def shown(web: Web, order_id: str) -> dict[str, Any]:
    document: dict[str, Any] = web.http.get(f"/api/v1/orders/{order_id}").json()
    return document


def pay(processes: Processes, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the environment of the running processes."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "shop.local", "pay", *arguments],
        cwd=ROOT,
        env={**os.environ, **processes.env, "PORT": str(processes.port), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_order_is_paid_once_and_refunded_by_hand(
    web: Web, processes: Processes, order_id: str
) -> None:
    failed = pay(processes, order_id, "--type", "failed")
    assert (failed.returncode, failed.stderr) == (0, "")
    assert shown(web, order_id)["status"] == "awaiting_payment"

    for _ in range(2):
        paid = pay(processes, order_id)
        assert (paid.returncode, paid.stderr) == (0, "")
        assert paid.stdout.startswith("200 ")
    await_condition("it is paid", lambda: shown(web, order_id)["status"] == "paid")
    assert "refund_due" not in shown(web, order_id)

    assert pay(processes, order_id, "--type", "refunded").returncode == 0
    await_condition("it is refunded", lambda: shown(web, order_id)["status"] == "refunded")


def test_a_refused_message_is_a_failure(processes: Processes, order_id: str) -> None:
    refused = pay(processes, order_id, PAYMENT_WEBHOOK_SECRET="whsec_" + "A" * 32)
    assert refused.returncode == 1
    assert refused.stdout.startswith("401 ")


def test_an_order_that_there_is_not_cannot_be_paid(web: Web, processes: Processes) -> None:
    unknown = pay(processes, str(uuid4()))
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "there is no order" in unknown.stderr


def test_what_is_no_order_id_is_refused_at_once(processes: Processes) -> None:
    assert pay(processes, "drop-1").returncode == 1


@pytest.mark.parametrize(
    "away", [{"DATABASE_URL": "postgresql://shop@127.0.0.1:1/shop"}, {"PORT": ""}]
)
def test_without_a_running_stack_it_says_how_to_start_one(
    processes: Processes, order_id: str, away: dict[str, str]
) -> None:
    alone = pay(processes, order_id, **{name: away[name] or str(free_port()) for name in away})
    assert (alone.returncode, alone.stdout) == (1, "")
    assert "make up" in alone.stderr
