"""SIGHUP: a wish to begin afresh, unless the terminal has gone."""

import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

SCRIPT = """
import asyncio, fcntl, sys, termios

from shop.local.processes.interrupts import on_hang_up, run_until_signal

if len(sys.argv) > 1:
    fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0)

async def main():
    on_hang_up(lambda: print("renewed", flush=True))
    print("up", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("stopped", flush=True)

sys.exit(run_until_signal(main()))
"""

Launch = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def _no_nohup() -> Iterator[None]:
    """Let children have SIGHUP as a terminal leaves it, also where the tests run under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def test_sighup_renews_and_sigterm_stops(launch: Launch) -> None:
    process = launch("-c", SCRIPT, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    for _ in range(2):
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "renewed\n"
    process.terminate()
    assert process.stdout.readline() == "stopped\n"
    assert process.wait(30) == 0


def test_a_terminal_that_closes_stops_what_ran_in_it(launch: Launch) -> None:
    terminal, line = pty.openpty()
    try:
        process = launch("-c", SCRIPT, str(line), start_new_session=True, pass_fds=[line])
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "renewed\n"
    finally:
        os.close(line)
        with suppress(OSError):
            os.close(terminal)
    assert process.stdout.readline() == "stopped\n"
    assert process.wait(30) == 0
