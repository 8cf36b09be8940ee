"""One reading for all viewers: a hundred open pages ask the servers as often as one does."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Shared(Generic[Value]):
    """A value read at most `fresh_seconds` ago. Concurrent callers wait for one reading."""

    def __init__(self, read: Callable[[], Value], *, fresh_seconds: float) -> None:
        self._read = read
        self._fresh_seconds = fresh_seconds
        self._lock = Lock()
        self._known: tuple[float, Value] | None = None

    def get(self) -> Value:
        """Return a reading that is young enough. An error of `read` is raised to its caller."""
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] >= self._fresh_seconds:
                value = self._read()
                self._known = time.monotonic(), value
            return self._known[1]
