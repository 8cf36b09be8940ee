"""Limits on how long a task works before it hands over to a fresh one."""

import time
from collections.abc import Callable


def endless() -> bool:
    """The limit of work that goes on until it is done."""
    return False


def after(seconds: float) -> Callable[[], bool]:
    """Return a limit: whether `seconds` have gone by since this call."""
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline
