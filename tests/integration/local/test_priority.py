"""Background processes leave the processor to those that answer people."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from shop.local.processes.priority import BEHIND, BETWEEN, put_behind
from shop.local.processes.service import Service
from tests.processes import await_condition

AUTOGROUP = Path("/proc/self/autogroup")


def started(*, nice: int) -> Service:
    child = "import os, time; os.fork(); time.sleep(60)"
    service = Service("sleeper", [sys.executable, "-c", child])
    service.nice = nice
    service.start()
    return service


@pytest.mark.parametrize("nice", [0, BETWEEN, BEHIND])
def test_only_a_background_process_is_put_behind_and_only_once_it_has_settled(nice: int) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    service = started(nice=nice)
    try:
        assert service.pid is not None
        assert os.getpriority(os.PRIO_PROCESS, service.pid) == own
        await_condition("it has a child", lambda: children(service))
        service.settle()
        assert [os.getpriority(os.PRIO_PROCESS, each) for each in children(service)] == [
            max(own, nice)
        ]
        assert os.getpriority(os.PRIO_PROCESS, service.pid) == max(own, nice)
        if AUTOGROUP.exists():
            await_condition("it has a session of its own", lambda: group(service.pid) != group())
            assert group(service.pid).endswith(f"nice {nice}")
    finally:
        service.stop()


def children(service: Service) -> list[int]:
    return [each.pid for each in psutil.Process(service.pid).children(recursive=True)]


def test_a_process_that_has_ended_is_no_error() -> None:
    put_behind(2**22 + 1, BEHIND)  # above the highest id that there is


def group(pid: int | None = None) -> str:
    return Path(f"/proc/{pid or 'self'}/autogroup").read_text().strip()
