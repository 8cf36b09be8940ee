"""`make drill` as its users run it: one fault on a real stack, and no trace of it after."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from shop.local.embedded import temporary_state
from tests.processes import ROOT, free_port

SERVERS = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL", "DATABASE_CONN_MAX_AGE")
FAULTS = ("everything-killed",)


def run_drill(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name not in SERVERS}
    env |= {"SHOP_STATE_DIR": str(state), "WEB_CONCURRENCY": "1"}
    env |= {"PORT": str(free_port()), "FLOWER_PORT": str(free_port())}
    command = [sys.executable, "-W", "error", "-m", "shop.local", "drill", *words]
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=110, check=False
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


def test_killing_everything_loses_doubles_and_oversells_nothing() -> None:
    with temporary_state() as state:
        results = state / "drill.json"
        done = run_drill(state, "--rate", "150", "--json", str(results), "--only", *FAULTS)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        document = json.loads(results.read_text())
        assert processes_of(state) == []
    assert [drill["fault"] for drill in document["drills"]] == [*FAULTS]
    for drill in document["drills"]:
        findings = drill["findings"]
        assert findings["accepted"] == findings["persisted"] > 300
        assert (findings["lost"], findings["duplicated"], findings["oversold"]) == (0, 0, 0)
        assert drill["drift"] == 0
        assert drill["restarts"] > 0
        assert drill["fault"] in done.stdout
    assert document["held"]
