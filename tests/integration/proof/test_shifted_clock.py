"""The clock of the drill jumps for the programs that were started with it, and for no other."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proof.drill.outcome import Skipped
from proof.drill.shifted_clock import ShiftedClock

CLOCK = """
import sys, time
from datetime import datetime

for _ in sys.stdin:
    print(time.time(), datetime.now().timestamp(), time.monotonic(), flush=True)
"""
HOUR = 3600
needs_compiler = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("cc"), reason="takes Linux and a C compiler"
)


@needs_compiler
def test_a_running_program_sees_its_time_jump_and_its_stopwatch_go_on(state: Path) -> None:
    with (
        ShiftedClock(state) as clock,
        subprocess.Popen(
            [sys.executable, "-c", CLOCK],
            env={**os.environ, **clock.env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as program,
    ):
        assert program.stdin is not None
        assert program.stdout is not None
        watches = [time.monotonic()]
        for ahead in (0, HOUR, 0, -HOUR):
            clock.shift(ahead)
            program.stdin.write("\n")
            program.stdin.flush()
            now, date, watch = map(float, program.stdout.readline().split())
            assert round((now - time.time()) / HOUR) * HOUR == ahead
            assert round((date - now) / HOUR) == 0
            watches.append(watch)
        assert watches == sorted(watches)
        program.stdin.close()


def test_without_a_compiler_the_fault_is_skipped(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(state))
    with pytest.raises(Skipped):
        ShiftedClock(state)
