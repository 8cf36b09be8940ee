"""Turns the first signal to stop into an orderly end, and lets no second one disturb it."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_until_signal(work: Coroutine[Any, Any, int]) -> int:
    """Run `work` and return its exit code, or 0 after a signal has cancelled it."""

    async def main() -> int:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in _wanted():
            loop.add_signal_handler(number, _cancel_once, task)
        try:
            return await task
        except asyncio.CancelledError:
            return 0

    return asyncio.run(main())


def on_hang_up(renew: Callable[[], None]) -> None:
    """Let SIGHUP call `renew` in the running task, as daemons understand it.

    It stops the task all the same where it says what its name says: the terminal is gone. Does
    nothing where `nohup` has turned the signal off.
    """
    task = asyncio.current_task()
    assert task is not None
    had_terminal = _has_terminal()

    def hang_up() -> None:
        if had_terminal and not _has_terminal():
            _cancel_once(task)
        else:
            renew()

    if signal.SIGHUP in _wanted():
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)


def exit_on_signal() -> None:
    """Make the first signal to stop raise SystemExit(128 + its number) in the main thread."""

    def leave(number: int, _frame: object) -> None:
        for each in _wanted():
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in _wanted():
        signal.signal(number, leave)


def _cancel_once(task: "asyncio.Task[Any]") -> None:
    if not task.cancelling():
        task.cancel()


def _has_terminal() -> bool:
    """Return whether this process has a controlling terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _wanted() -> list[signal.Signals]:
    """Return the signals to act on: without SIGHUP where `nohup` has turned it off."""
    nohup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [number for number in STOP_SIGNALS if not (nohup and number == signal.SIGHUP)]
