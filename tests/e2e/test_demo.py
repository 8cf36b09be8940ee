"""`make demo` as its users run it: a whole sale on servers of its own, and no trace of it after."""

import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from tests.processes import ROOT

from .stacks import environment, processes_of


def start_demo(
    state: Path, *, orders: int, stock: int, profile: str = "small"
) -> subprocess.Popen[str]:
    size = {"DEMO_ORDERS": str(orders), "DEMO_STOCK": str(stock)}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "proof", "demo"],
        cwd=ROOT,
        env=environment(state, SHOP_PROFILE=profile, **size),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_process_of(state: Path, word: str) -> None:
    """Kill what runs for `state` with `word` in its command line."""
    for process in processes_of(state):
        with suppress(psutil.Error):
            if any(word in argument for argument in process.cmdline()):
                process.kill()


def figure(output: str, name: str) -> int:
    """Return a figure of the summary."""
    found = re.search(rf"^  {name} +([\d,]+)  ", output, re.MULTILINE)
    assert found, f"{name} in {output}"
    return int(found[1].replace(",", ""))


def balance(output: str, sku: str) -> list[int]:
    """Return the row of a SKU in the table of units."""
    found = re.search(rf"^  {sku} +([\d, ]+)$", output, re.MULTILINE)
    assert found, f"{sku} in {output}"
    return [int(amount.replace(",", "")) for amount in found[1].split()]


def test_a_demo_whose_processes_are_killed_sells_out_proves_it_and_leaves_nothing_running(
    state: Path,
) -> None:
    demo = start_demo(state, orders=1_000, stock=200, profile="full")
    assert demo.stdout is not None
    before = []
    with demo:
        for line in demo.stdout:
            before.append(line)
            if "of 1,000 orders" in line:
                break
        for name in ("uvicorn", "persist"):
            kill_process_of(state, name)
        output, errors = demo.communicate(timeout=110)
    output = "".join(before) + output
    assert (demo.returncode, errors) == (0, ""), output
    for line in (
        r"Opened a sale of 200 units on http://127\.0\.0\.1:\d+",
        r"offered +1,000 +orders for 200 units",
        r"sent +1,\d{3} +requests",
        r"accepted +[1-9]\d* +\d{3} units",
        r"sold out +[1-9]",
        r"over the limit +[1-9]",
        r"replayed +[1-9]\d* +0 differed",
        r"persisted +\d+ +all within",
        r"rejected +0",
        r"paid +[1-9]",
        r"failed +\d+",
        r"cancelled +\d+",
        r"expired +\d+",
        r"refunded +\d+",
        r"mails +\d+",
        r"paid late +\d+ +\d+ got stock again, \d+ to be refunded",
        r"oversold +0",
        r"drift +0 +units; looked [1-9] × during the sale",
        r"accept p50/p99 +[\d.]+ / [\d.]+ +ms",
        r"orders/s +\d+",
        r"restarted +[2-9]",
        r"All \d+ invariants held\.",
    ):
        assert re.search(line, output), f"{line} in {output}"
    assert figure(output, "accepted") == figure(output, "persisted") == figure(output, "notified")
    assert figure(output, "events") == figure(output, "delivered")
    for sku in ("TEE-BLACK", "TEE-WHITE", "CAP"):
        allocated, available, held, sold, _, oversold, drift = balance(output, sku)
        assert allocated == available + sold
        assert held == oversold == drift == 0
    assert "✗" not in output
    assert processes_of(state) == []


def test_an_interrupted_demo_stops_everything_and_proves_nothing(state: Path) -> None:
    demo = start_demo(state, orders=20_000, stock=100)
    assert demo.stdout is not None
    with demo:
        for line in demo.stdout:
            if "of 20,000 orders" in line:
                break
        assert len(processes_of(state)) > 6
        demo.send_signal(signal.SIGINT)
        output, errors = demo.communicate(timeout=110)
    assert (demo.returncode, errors) == (130, ""), output
    assert "Interrupted" in output
    assert "invariants" not in output
    assert processes_of(state) == []
