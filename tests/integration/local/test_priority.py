"""Background processes leave the processor to those that answer people."""

import os
import sys
from pathlib import Path

import pytest

from shop.local.priority import BEHIND, BETWEEN, put_behind
from shop.local.service import Service
from tests.processes import await_condition

AUTOGROUP = Path("/proc/self/autogroup")


def started(*, nice: int) -> Service:
    service = Service("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"])
    service.nice = nice
    service.start()
    return service


@pytest.mark.parametrize("nice", [0, BETWEEN, BEHIND])
def test_only_a_background_process_is_put_behind(nice: int) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    service = started(nice=nice)
    try:
        assert service.pid is not None
        assert os.getpriority(os.PRIO_PROCESS, service.pid) == max(own, nice)
        if AUTOGROUP.exists():
            await_condition("it has a session of its own", lambda: group(service.pid) != group())
            assert group(service.pid).endswith(f"nice {nice}")
    finally:
        service.stop()


def test_a_process_that_has_ended_is_no_error() -> None:
    put_behind(2**22 + 1, BEHIND)  # above the highest id that there is


def group(pid: int | None = None) -> str:
    return Path(f"/proc/{pid or 'self'}/autogroup").read_text().strip()
