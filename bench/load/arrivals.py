"""Runs the open loop in a process of its own, and reads its output."""

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.errors import LoadFailed

from .orders import Orders
from .process import GRACE_SECONDS, generator
from .wrk import ORDERS_PATH

ACCEPTED = 202
TAIL_LINES = 20


class Arrivals(msgspec.Struct, frozen=True):
    """The results of the requests of an open loop. Latencies in milliseconds, from when due."""

    due: int
    seconds: float
    answered: dict[int, int]  # by status
    dropped: int  # not even sent: too many waited already
    broken: int  # without an answer
    p50: float
    p99: float
    p999: float

    @property
    def accepted(self) -> int:
        """Orders that were accepted."""
        return self.answered.get(ACCEPTED, 0)

    @property
    def failed(self) -> int:
        """Orders that were not."""
        return self.due - self.accepted


class OpenLoop:
    """A load of `rate` orders a second on average, for so many `seconds`."""

    def __init__(self, folder: Path, *, rate: float, seconds: float, even: bool = False) -> None:
        """Let them arrive as a Poisson process, unless `even`. Files go into `folder`."""
        self.rate = rate
        self.seconds = seconds
        self._folder = folder
        self._options = ["--even"] if even else []

    async def place(
        self,
        url: str,
        orders: Orders,
        *,
        tell_every: int = 0,
        told: Callable[[str], None] = lambda order_id: None,
    ) -> Arrivals:
        """Place `orders` at `url`; tell the id of one in `tell_every` of them when accepted."""
        options = [
            *(f"--api-key={orders.api_key}", f"--key-prefix={orders.key_prefix}"),
            *(f"--bodies={orders.write(self._folder)}", f"--tell-every={tell_every}"),
            *(f"--rate={self.rate}", f"--seconds={self.seconds}", *self._options),
        ]
        module = [sys.executable, "-m", "bench.load.open_loop", url + ORDERS_PATH]
        async with generator([*module, *options]) as process:
            try:
                async with asyncio.timeout(self.seconds + GRACE_SECONDS):
                    return await _figures(process, told)
            except TimeoutError as error:
                raise LoadFailed("the open loop did not end in time") from error


async def _figures(process: asyncio.subprocess.Process, told: Callable[[str], None]) -> Arrivals:
    assert process.stdout is not None
    last_lines: deque[str] = deque(maxlen=TAIL_LINES)
    async for line in process.stdout:
        last_lines.append(line.decode(errors="replace").rstrip())
        if line.startswith(b"id "):
            told(last_lines[-1][3:])
    await process.wait()
    try:
        return msgspec.json.decode("".join([*last_lines][-1:]), type=Arrivals, strict=False)
    except msgspec.MsgspecError as error:
        raise LoadFailed("\n".join(["the open loop failed:", *last_lines])) from error
