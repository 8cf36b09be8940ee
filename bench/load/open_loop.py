"""The open loop: orders arrive when they are due, whether or not those before are answered.

`python -m bench.load.open_loop URL --rate R --seconds S …` prints figures as one line of JSON.

A latency counts from the moment at which the request was due, not from when it was sent: a server
that stands still is charged for all that it kept waiting. A closed loop, which stops asking
meanwhile, leaves them out: Gil Tene's "coordinated omission", see github.com/giltene/wrk2. The
timer's resolution is a millisecond, and what it is late by is part of the latency.
"""

import argparse
import asyncio
import json
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import uvloop

from .connection import Connection
from .requests import Requests, due_times
from .tally import Tally

TICK_SECONDS = 0.001
PATIENCE_SECONDS = 10.0  # after the end of the schedule, for the last answers
MOST_WAITING = 50_000  # requests that are due and find no connection; beyond, they are dropped


async def until(moment: float) -> None:
    """Return once it is `moment` by `perf_counter`, or a little later.

    It waits in whole ticks: to wait more exactly is to spin, on a core that others need.
    """
    while perf_counter() < moment:  # noqa: ASYNC110 - there is no event, time passes by itself
        await asyncio.sleep(TICK_SECONDS)


class Load:
    """Sends requests when they are due, over whatever connection is idle."""

    def __init__(self, requests: Requests, due: Iterator[float], tally: Tally) -> None:
        self.idle: deque[Connection] = deque()
        self._requests = requests
        self._due = due
        self._tally = tally
        self._waiting: deque[tuple[int, float]] = deque()  # number and due time
        self._under_way = 0

    def connected(self, connection: Connection) -> None:
        """Use a connection from now on."""
        self.idle.append(connection)

    async def run(self) -> int:
        """Send everything and wait for the answers. Returns how many requests were due."""
        began, due = perf_counter(), 0
        for number, at in enumerate(self._due):
            await until(began + at)
            self._take(number, began + at)
            due = number + 1
        await self._last_answers()
        self._tally.broken += self._under_way + len(self._waiting)
        return due

    async def _last_answers(self) -> None:
        deadline = perf_counter() + PATIENCE_SECONDS
        while (self._under_way or self._waiting) and perf_counter() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(TICK_SECONDS)

    def answered(self, connection: Connection, status: int, due: float, answer: bytes) -> None:
        """Count an answer, and give its connection the next request."""
        self._under_way -= 1
        self._tally.note(status, perf_counter() - due, answer)
        if self._waiting:
            self._send(connection, *self._waiting.popleft())
        else:
            self.idle.append(connection)

    def lost(self, connection: Connection, *, under_way: bool) -> None:
        """Go on without a connection that was closed."""
        if under_way:
            self._under_way -= 1
            self._tally.broken += 1
        elif connection in self.idle:
            self.idle.remove(connection)

    def _take(self, number: int, due: float) -> None:
        if self.idle:
            self._send(self.idle.popleft(), number, due)
        elif len(self._waiting) < MOST_WAITING:
            self._waiting.append((number, due))
        else:
            self._tally.dropped += 1

    def _send(self, connection: Connection, number: int, due: float) -> None:
        self._under_way += 1
        connection.send(self._requests[number], due)


async def offer(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do what the command line says, and return the figures."""
    bodies = arguments.bodies.read_text().splitlines()
    requests = Requests(arguments.url, arguments.api_key, arguments.key_prefix, bodies)
    random = None if arguments.even else Random(arguments.rate)  # noqa: S311 - the same each time
    tally = Tally(arguments.tell_every)
    load = Load(requests, due_times(arguments.rate, arguments.seconds, random), tally)
    address, loop = urlsplit(arguments.url), asyncio.get_running_loop()
    for _ in range(arguments.connections):
        await loop.create_connection(lambda: Connection(load), address.hostname, address.port)
    due = await load.run()
    return {"due": due, "seconds": arguments.seconds, **tally.figures()}


def main() -> int:
    """Offer the load and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.load.open_loop", description=__doc__)
    parser.add_argument("url", help="where orders are placed")
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--key-prefix", required=True, help="each Idempotency-Key begins with it")
    parser.add_argument("--bodies", type=Path, required=True, help="file with a template a line")
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--even", action="store_true", help="at even distances, not as Poisson has")
    parser.add_argument("--tell-every", type=int, default=0, metavar="N")
    print(json.dumps(uvloop.run(offer(parser.parse_args()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
