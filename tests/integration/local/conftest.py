"""What the tests of the local stack share: a clean environment, state folders, live programs."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from shop.local.processes.service import wait_until
from shop.local.servers.embedded import temporary_state

REPOSITORY = Path(__file__).parents[3]
OURS = ("DATABASE_URL", "REDIS_URL", "SHOP_STATE_DIR", "SHOP_POSTGRES_BIN", "SHOP_REDIS_SERVER")
OTHERS = ("PORT", "FLOWER_PORT", "FLOWER_ADDRESS", "FLOWER_BASIC_AUTH", "NO_COLOR", "FORCE_COLOR")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test see the servers and choices of the run itself."""
    for name in (*OURS, *OTHERS):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def state() -> Iterator[Path]:
    with temporary_state() as folder:
        yield folder


@pytest.fixture
def launch() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts another Python; what still runs is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **options: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def gone(pid: int) -> bool:
    """Return whether the process has ended; a zombie that nobody reaps has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def assert_soon(condition: Callable[[], bool]) -> None:
    """Wait for what has to come true; the bound is far from any time that a test would take."""
    assert wait_until(condition, timeout=30)
