"""A limit on the requests that Django works on at once: in a rush the others wait.

A request costs Django milliseconds of the processor that takes orders, and a thread. Without a
limit a rush of them would take the processor from orders.
"""

import asyncio
from collections import deque
from contextlib import suppress

MOST_INSIDE = 32  # requests, with those that take long
MOST_WAITING = 1000
TURN_SECONDS = 0.25  # a longer request waits for something else, so the next one may begin
PATIENCE_SECONDS = 5.0  # outside


class AtCapacity(Exception):
    """Too many wait already, or none left in time."""


class ConcurrencyLimit:
    """A number of requests at work at once, in the order of arrival. Belongs to one event loop.

    A turn ends after TURN_SECONDS: a report that takes a minute waits for PostgreSQL, and does not
    keep others out. Those inside altogether have a bound, too.
    """

    def __init__(self, at_once: int) -> None:
        """Let `at_once` requests have their turn at the same time."""
        self._turns_left = at_once
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> "Slot":
        """Wait for a place, which has to be left. Raises AtCapacity."""
        if self._waiting or not self._is_free:
            await self._wait()
        else:
            self._take()
        return Slot(self)

    def end_turn(self) -> None:
        """Give the next request a turn: this one takes long, or leaves."""
        self._turns_left += 1
        self._admit()

    def leave(self) -> None:
        """Give a place back."""
        self._inside -= 1
        self._admit()

    @property
    def _is_free(self) -> bool:
        return self._turns_left > 0 and self._inside < MOST_INSIDE

    def _take(self) -> None:
        self._turns_left -= 1
        self._inside += 1

    async def _wait(self) -> None:
        """Return when a place was taken for the caller."""
        if len(self._waiting) >= MOST_WAITING:
            raise AtCapacity(f"{MOST_WAITING} requests are waiting already.")
        entrance: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(entrance)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await entrance
        except BaseException as error:
            self._give_up(entrance)
            if isinstance(error, TimeoutError):
                raise AtCapacity(f"There was no room for {PATIENCE_SECONDS:g} seconds.") from None
            raise

    def _give_up(self, entrance: asyncio.Future[None]) -> None:
        with suppress(ValueError):
            self._waiting.remove(entrance)
        if entrance.done() and not entrance.cancelled():  # a place was taken in the same moment
            self._inside -= 1
            self.end_turn()

    def _admit(self) -> None:
        while self._waiting and self._is_free:
            entrance = self._waiting.popleft()
            if not entrance.done():
                self._take()
                entrance.set_result(None)


class Slot:
    """The place of one request, and its turn."""

    def __init__(self, limit: ConcurrencyLimit) -> None:
        self._limit: ConcurrencyLimit | None = limit
        self._has_turn = True
        self._timer = asyncio.get_running_loop().call_later(TURN_SECONDS, self._end_turn, limit)

    def leave(self) -> None:
        """Give the place back; a second call does nothing."""
        limit, self._limit = self._limit, None
        if limit is not None:
            self._timer.cancel()
            limit.leave()
            self._end_turn(limit)

    def _end_turn(self, limit: ConcurrencyLimit) -> None:
        if self._has_turn:
            self._has_turn = False
            limit.end_turn()
