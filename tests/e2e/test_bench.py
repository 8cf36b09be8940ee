"""`make bench` as its users run it: a short look at the product, and no trace of it after."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from shop.local.servers.embedded import temporary_state
from tests.processes import ROOT, await_condition

SERVERS = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL", "DATABASE_CONN_MAX_AGE")
needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")


def start_bench(state: Path, *words: str, **changes: str) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if name not in SERVERS}
    env |= {"SHOP_STATE_DIR": str(state), **changes}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "bench", *words],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(state: Path) -> list[list[str]]:
    """Return the command lines of all that runs for `state`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SHOP_STATE_DIR", "").startswith(str(state)):
                found.append(process.cmdline())
        except psutil.Error:
            continue  # ended just now, or none of ours
    return found


def runs(state: Path, program: str) -> bool:
    """Tell whether a program runs for `state`."""
    return any(program in words for words in processes_of(state))


def only_run(document: dict[str, Any], scenario: str, row: str) -> dict[str, float]:
    """Return the figures of a row that was measured once."""
    found = document["scenarios"][scenario]["rows"][row]
    assert found["runs"] == [found["median"]]
    return dict(found["median"])


@needs_wrk
def test_what_is_counted_as_accepted_is_in_postgresql_and_in_the_json() -> None:
    with temporary_state() as state:
        file = state / "figures.json"
        bench = start_bench(
            state,
            *("--smoke", "--only", "end-to-end"),
            *("--contestants", "product", "--json", str(file)),
        )
        output, errors = bench.communicate(timeout=110)
        assert (bench.returncode, errors) == (0, ""), output
        document = json.loads(file.read_text())
        assert processes_of(state) == []
    assert [*document["scenarios"]] == ["end-to-end"]
    figures = only_run(document, "end-to-end", "product")
    assert figures["accepted"] == figures["persisted"] > 0
    assert figures["refused"] == figures["errors"] == 0
    assert 0 < figures["persisted/s"] <= figures["accepted/s"]
    assert document["scenarios"]["end-to-end"]["skipped"] == {"django-rest": "not asked for"}
    assert document["scenarios"]["end-to-end"]["failed"] == {}
    assert document["machine"]["cores"] == os.cpu_count()
    assert {"python", "redis", "postgresql", "wrk"} <= document["versions"].keys()
    assert (document["settings"]["runs"], document["settings"]["seconds"]) == (1, 1)
    assert "persisted/s" in output
    assert "- django-rest: not asked for" in output


@needs_wrk
def test_an_interrupted_benchmark_stops_everything() -> None:
    with temporary_state() as state:
        bench = start_bench(state, "--only", "accept", "--contestants", "product")
        try:
            await_condition("the product runs", lambda: runs(state, "uvicorn"))
        finally:
            bench.send_signal(signal.SIGINT)
            output, errors = bench.communicate(timeout=110)
        assert (bench.returncode, errors) == (130, ""), output
        assert "Interrupted" in output
        assert processes_of(state) == []


def test_without_wrk_it_says_what_to_install(tmp_path: Path) -> None:
    bench = start_bench(tmp_path, "--smoke", PATH=str(tmp_path))
    output, errors = bench.communicate(timeout=60)
    assert (bench.returncode, output) == (2, "")
    assert "needs wrk" in errors
    assert "apt-get install wrk" in errors
    assert [*tmp_path.iterdir()] == []


def test_the_scenarios_are_listed_without_measuring_any(tmp_path: Path) -> None:
    bench = start_bench(tmp_path, "--list", PATH=str(tmp_path))
    output, errors = bench.communicate(timeout=60)
    assert (bench.returncode, errors) == (0, "")
    names = {line.split()[0] for line in output.splitlines()}
    assert {"accept", "sold-out", "end-to-end", "sustained", "latency", "shapes"} <= names
    assert {"durability", "growth", "memory", "cpu", "scaling", "limits"} <= names
