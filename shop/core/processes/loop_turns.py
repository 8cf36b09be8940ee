"""Steps that wait for a turn of the event loop, and a bound on those that each turn does.

Between two turns the loop reads what has come and answers orders. So whatever may come in any
number at once, as requests do that were sent without waiting for answers, goes through here: it
costs each turn a bounded time, and the orders a bounded delay.
"""

import asyncio
from collections import deque
from collections.abc import Callable

Step = Callable[[], None]


class Turns:
    """Steps that are done in the order in which they came. Belongs to one event loop."""

    def __init__(self, at_once: int) -> None:
        """Do `at_once` steps in each turn of the loop."""
        self._at_once = at_once
        self._waiting: deque[Step] = deque()
        self._is_scheduled = False

    def put(self, step: Step) -> None:
        """Let a step wait. Where it is not wanted any more when its turn comes, it does nothing."""
        self._waiting.append(step)
        if not self._is_scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._is_scheduled = True
        asyncio.get_running_loop().call_soon(self._take)

    def _take(self) -> None:
        self._is_scheduled = False
        try:
            for _ in range(min(self._at_once, len(self._waiting))):
                self._waiting.popleft()()
        finally:  # a step that fails costs itself, and none of those behind it
            if self._waiting and not self._is_scheduled:
                self._schedule()
