"""Turns the first signal to stop into an orderly end, and lets no second one disturb it."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_until_signal(work: Coroutine[Any, Any, int]) -> int:
    """Run `work` and return its exit code, or 0 after a signal has cancelled it."""

    async def main() -> int:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in _wanted():
            loop.add_signal_handler(number, lambda: task.cancelling() or task.cancel())
        try:
            return await task
        except asyncio.CancelledError:
            return 0

    return asyncio.run(main())


def exit_on_signal() -> None:
    """Make the first signal to stop raise SystemExit(128 + its number) in the main thread."""

    def leave(number: int, _frame: object) -> None:
        for each in _wanted():
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in _wanted():
        signal.signal(number, leave)


def _wanted() -> list[signal.Signals]:
    """Return the signals to act on: without SIGHUP where `nohup` has turned it off."""
    nohup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [number for number in STOP_SIGNALS if not (nohup and number == signal.SIGHUP)]
