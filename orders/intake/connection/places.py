"""The places for connections in one process: how many there are, and how long each may be kept.

A connection lies on the shelf of the thing that it is waited for. All on a shelf are waited for
equally long, so the oldest is the next one to be late. One check a second of the front of each
shelf stands in for a timer for each request.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from operator import methodcaller
from typing import Protocol

from shop.core.processes.loop_turns import Turns

from .ended import Ended

YOUNG_SECONDS = 1.0  # for so long a connection that has just come is spared while others are idle
CLOSING_SECONDS = 10.0  # until what was written has to be sent
LINGER_SECONDS = 2.0  # for a client to see its answer and stop sending (RFC 9112, 9.6)
RESERVE = 16  # places that are kept for probes

# In one turn of the event loop, over all connections. Orders that come by themselves are not among
# them: they are taken as they come.
FOLLOWING = 4  # requests that were sent without waiting for an answer, and parts of bodies
URGENT = 8  # calls of the application that others wait for
ORDINARY = 4  # of it, for readers


class Connection(Protocol):
    """A connection as the places know it."""

    address: str  # for the bound per address; empty where it has none
    kept_bytes: int

    def give_way(self) -> None:
        """End at once, for one that needs the place more."""

    def end_quietly(self) -> None:
        """End, for nothing is under way."""

    def head_is_late(self) -> None:
        """Answer that the head took too long."""

    def body_is_late(self) -> None:
        """Answer that the body took too long."""

    def is_not_read(self) -> None:
        """End if the client takes nothing of what was written."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of the connections of one process."""

    connections: int
    per_address: int  # connections; 0: all
    small_body_bytes: int  # of which it is not known from the head that they are too many
    kept_bytes: int  # of requests that have come and are not answered, over all connections
    head_seconds: float
    body_seconds: float
    idle_seconds: float
    unread_seconds: float


class Shelf:
    """Connections of which the same is expected, the oldest first."""

    def __init__(self, seconds: float, late: str) -> None:
        """Call the method `late` of each that is here for `seconds`."""
        self.seconds = seconds
        self.since: dict[Connection, float] = {}
        self._late = methodcaller(late)

    def put(self, connection: Connection, now: float) -> None:
        """Put it where the youngest is."""
        self.since.pop(connection, None)
        self.since[connection] = now

    def oldest(self, *, before: float) -> Connection | None:
        """Return the one that is here for the longest time, if it came before that."""
        connection, since = next(iter(self.since.items()), (None, 0.0))
        return connection if since <= before else None

    def clear_late(self, now: float) -> None:
        """Take the late ones off, and call what each is late for."""
        while connection := self.oldest(before=now - self.seconds):
            del self.since[connection]
            self._late(connection)


class Places:
    """The connections of one event loop, the shelves that they lie on, and what they keep."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bounds: Bounds) -> None:
        self.bounds = bounds
        self.silent = Shelf(bounds.head_seconds, "end_quietly")  # not a byte yet
        self.head = Shelf(bounds.head_seconds, "head_is_late")
        self.body = Shelf(bounds.body_seconds, "body_is_late")
        self.idle = Shelf(bounds.idle_seconds, "end_quietly")  # between two requests
        self.half_closed = Shelf(bounds.idle_seconds, "end_quietly")  # the client may have left
        self.unread = Shelf(bounds.unread_seconds, "is_not_read")
        self.closing = Shelf(CLOSING_SECONDS, "is_not_read")
        self.lingering = Shelf(LINGER_SECONDS, "give_way")
        self.following = Turns(FOLLOWING)
        self.urgent = Turns(URGENT)
        self.ordinary = Turns(ORDINARY)
        self.ended = Ended()
        self.taken: set[Connection] = set()
        self.kept_bytes = 0
        # The oldest of the first makes room; a connection that is being answered never does.
        self._shelves = (
            *(self.lingering, self.silent, self.head, self.idle),
            *(self.body, self.half_closed, self.unread, self.closing),
        )
        self._addresses: Counter[str] = Counter()
        self._loop = loop
        self._ticking = False

    # --- Having a place -------------------------------------------------------------------------

    def is_crowded(self, address: str) -> bool:
        """Tell whether as many connections are open from an address as one may have."""
        return 0 < self.bounds.per_address <= self._addresses[address]

    def take(self, connection: Connection) -> bool | None:
        """Give a place to a connection, for which the oldest one that does nothing makes room.

        Returns True for a place of its own, False for one of the reserve, None for none at all.
        """
        has_own = len(self.taken) < self.bounds.connections or self._make_room()
        if not has_own and len(self.taken) >= self.bounds.connections + RESERVE:
            return None
        self.taken.add(connection)
        if connection.address:
            self._addresses[connection.address] += 1
        self._keep_ticking()
        return has_own

    def leave(self, connection: Connection) -> None:
        """Take a place back, and the connection from every shelf."""
        for shelf in self._shelves:
            shelf.since.pop(connection, None)
        self.kept_bytes -= connection.kept_bytes
        connection.kept_bytes = 0
        if connection in self.taken:
            self.taken.discard(connection)
            self._addresses[connection.address] -= 1
            if self._addresses[connection.address] <= 0:
                del self._addresses[connection.address]

    def _make_room(self) -> bool:
        now = self._loop.time()
        for before in (now - YOUNG_SECONDS, now):
            for shelf in self._shelves:
                if oldest := shelf.oldest(before=before):
                    self._end(oldest, "no-place")
                    return True
        return False

    def _end(self, connection: Connection, reason: str) -> None:
        self.ended.note(reason)
        self.leave(connection)
        connection.give_way()

    # --- Keeping bytes --------------------------------------------------------------------------

    def keep(self, connection: Connection, amount: int) -> bool:
        """Note that `amount` bytes are kept for it; the oldest unfinished requests make room.

        Returns False where there is no room even so.
        """
        self.kept_bytes += amount - connection.kept_bytes
        connection.kept_bytes = amount
        while self.kept_bytes > self.bounds.kept_bytes:
            oldest = self._oldest_unfinished()
            if oldest is None or oldest is connection:
                return False
            self._end(oldest, "no-memory")
        return True

    def _oldest_unfinished(self) -> Connection | None:
        now = self._loop.time()
        return self.body.oldest(before=now) or self.head.oldest(before=now)

    # --- The clock ------------------------------------------------------------------------------

    def _keep_ticking(self) -> None:
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(self._interval(), self._tick)

    def _interval(self) -> float:
        return min(1.0, *(shelf.seconds / 4 for shelf in self._shelves))

    def _tick(self) -> None:
        """Look for late connections, as long as there are any connections."""
        now = self._loop.time()
        self._ticking = False
        for shelf in self._shelves:
            shelf.clear_late(now)
        self.ended.report(now)
        if self.taken or self.ended or any(shelf.since for shelf in self._shelves):
            self._keep_ticking()
