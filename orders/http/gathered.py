"""Blocking work for many requests of the same moment: one call for all of them.

Each client that got a 202 comes back for the rest. Order by order, some hundred could be shown or
cancelled a second; a call for some hundred of them costs little more than one for one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, Generic, TypeVar, cast

from shop.core.processes.threads import in_thread

MOST_IN_A_CALL = 500
# One call at a time: requests that come meanwhile make up the next, so that calls grow with the
# load and cost less for each request. Only beside one that takes long, as behind a lock, another
# one begins, and never a third: the threads are there for others, too.
MOST_CALLS = 2
LONG_SECONDS = 0.1

Asked = TypeVar("Asked", bound=Hashable)
Answer = TypeVar("Answer")


class Together(Generic[Asked, Answer]):
    """Calls for all that was asked since the last call began.

    A call never begins before its requests came, so no reply is older than its request.
    """

    def __init__(
        self,
        function: Callable[[Collection[Asked]], Mapping[Asked, Answer | Exception]],
        run: Callable[..., Awaitable[Any]] | None = None,
    ) -> None:
        """Let `function`, which blocks, answer. An exception is raised to its own caller alone.

        `run(function, asked)` has it do so; where it is not given, one of our threads does.
        """
        self._function, self._run = function, run
        self._asked: dict[Asked, asyncio.Future[Answer]] = {}
        self._calling: set[asyncio.Task[None]] = set()
        self._long = 0  # of the calls under way: those that take long

    async def __call__(self, asked: Asked) -> Answer:
        """Return the answer to `asked`. Raises what the function gave or raised."""
        if asked not in self._asked:
            self._asked[asked] = asyncio.get_running_loop().create_future()
        self._begin()
        return await asyncio.shield(self._asked[asked])

    def _begin(self) -> None:
        """Begin another call where none is under way but such as take long."""
        if self._asked and self._long == len(self._calling) < MOST_CALLS:
            self._calling.add(asyncio.create_task(self._keep_calling()))

    async def _keep_calling(self) -> None:
        # Begins in the event loop's next turn: requests of this one are among them.
        try:
            while self._asked:
                some = list(islice(self._asked, MOST_IN_A_CALL))
                await self._call({asked: self._asked.pop(asked) for asked in some})
        finally:
            # Without an await between the last check and this, no request can be left behind.
            self._calling.discard(cast(asyncio.Task[None], asyncio.current_task()))

    async def _call(self, waiting: dict[Asked, asyncio.Future[Answer]]) -> None:
        try:
            with self._watched():
                found = await (self._run or in_thread)(self._function, waiting.keys())
            for asked, future in waiting.items():
                _resolve(future, found[asked])
        except Exception as error:
            for future in waiting.values():
                _resolve(future, error)
        finally:
            for future in waiting.values():
                future.cancel()  # does nothing, unless this is cancelled

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Count the call of a block among those that take long from when it does."""
        was_long = False

        def takes_long() -> None:
            nonlocal was_long
            was_long = True
            self._long += 1
            self._begin()

        timer = asyncio.get_running_loop().call_later(LONG_SECONDS, takes_long)
        try:
            yield
        finally:
            timer.cancel()
            self._long -= was_long


def _resolve(future: asyncio.Future[Answer], found: Answer | Exception) -> None:
    if future.done():
        return
    if isinstance(found, Exception):
        future.set_exception(found)
        future.exception()  # retrieved, also where its caller has gone
    else:
        future.set_result(found)
