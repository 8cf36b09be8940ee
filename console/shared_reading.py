"""One reading for all who look: a hundred open pages ask the servers as often as one does."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Shared(Generic[Value]):
    """What `read` returned at most `fresh_seconds` ago. Who comes while it is read waits for it."""

    def __init__(self, read: Callable[[], Value], *, fresh_seconds: float) -> None:
        self._read = read
        self._fresh_seconds = fresh_seconds
        self._lock = Lock()
        self._known: tuple[float, Value] | None = None

    def get(self) -> Value:
        """Return a reading that is young enough. Raises what reading raises, to each who asks."""
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] >= self._fresh_seconds:
                value = self._read()
                self._known = time.monotonic(), value
            return self._known[1]
