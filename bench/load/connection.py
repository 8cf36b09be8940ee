"""A raw HTTP/1.1 connection: next to no work for each request, on a machine that others measure."""

import asyncio
from typing import Protocol, cast


class Sender(Protocol):
    """A source of requests to send."""

    def connected(self, connection: "Connection") -> None:
        """Take a connection that is there for requests."""

    def answered(self, connection: "Connection", status: int, due: float, answer: bytes) -> None:
        """Take the answer to the request that was due at that time."""

    def lost(self, connection: "Connection", *, under_way: bool) -> None:
        """Take note that a connection is closed, with a request under way or without."""


class Connection(asyncio.Protocol):
    """A keep-alive connection with one request at a time."""

    def __init__(self, load: Sender) -> None:
        self._load = load
        self._received = b""
        self._due: float | None = None  # when the request under way was due

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own are none by birth
        self._load.connected(self)

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was `due` at that time."""
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Collect an answer; with its last byte, go on with what is due."""
        answer = self._received = self._received + data if self._received else data
        end = answer_length(answer)
        if end is None or len(answer) < end or self._due is None:
            return
        self._received, due, self._due = b"", self._due, None
        self._load.answered(self, int(answer[9:12]), due, answer)

    def connection_lost(self, _error: Exception | None) -> None:
        """Count a request that gets no answer any more."""
        self._load.lost(self, under_way=self._due is not None)


def answer_length(answer: bytes) -> int | None:
    """Return how long an answer is in all, None while its head is not there."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return None
    _, _, rest = answer[:end].lower().partition(b"content-length:")
    return end + 4 + int(rest.partition(b"\r\n")[0] or 0)
