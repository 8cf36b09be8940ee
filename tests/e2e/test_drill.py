"""`make drill` as its users run it: one fault on a real stack, and no trace of it after."""

import json
import subprocess
import sys
from pathlib import Path

from tests.processes import ROOT

from .stacks import environment, processes_of

FAULTS = ("everything-killed",)


def run_drill(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "proof", "drill", *words]
    env = environment(state, WEB_CONCURRENCY="1")
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=110, check=False
    )


def begin_where_others_ended(state: Path) -> None:
    """Let the drill, which has a folder of its own, find the tables of a stack that ran before."""
    folder = state / "drill"
    folder.mkdir()
    for kind in ("postgres-*", "valkey-*", "redis-*"):
        for data in state.glob(kind):
            subprocess.run(["cp", "-a", str(data), str(folder)], check=True)


def test_killing_everything_loses_doubles_and_oversells_nothing(state: Path) -> None:
    begin_where_others_ended(state)
    results = state / "drill.json"
    done = run_drill(state, "--rate", "80", "--json", str(results), "--only", *FAULTS)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    document = json.loads(results.read_text())
    assert processes_of(state) == []
    assert [drill["fault"] for drill in document["drills"]] == [*FAULTS]
    for drill in document["drills"]:
        findings = drill["findings"]
        assert findings["accepted"] == findings["persisted"] > 200
        assert (findings["lost"], findings["duplicated"], findings["oversold"]) == (0, 0, 0)
        assert drill["drift"] == 0
        assert drill["restarts"] > 0
        assert drill["fault"] in done.stdout
    assert document["held"]
