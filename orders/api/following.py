"""Orders as their clients follow them: who asks at the same moment shares one look.

Everyone who was told 202 comes back for the rest. Looking each order up by itself, some hundred
could be shown a second; a look at two hundred of them costs little more than one at one.
"""

import asyncio
from itertools import islice
from typing import cast
from uuid import UUID

from orders import problems, selectors
from orders.domain import parse_order_id
from orders.errors import OrderLost
from orders.intake.directory import Client
from orders.intake.headers import MAX_WAIT_SECONDS
from orders.intake.service import intake
from orders.problems import Problem, Refused
from orders.representation import OrderView, encode_order
from orders.selectors import Asked
from shop.core.threads import in_thread

MOST_IN_A_LOOK = 200
MOST_LOOKS = 2  # at once: the threads are there for others, too


async def follow(client: Client, order_id: str, wait: str | None) -> bytes:
    """Return an order of `client` in JSON; with `wait`, in seconds, at its next change of status.

    Raises Refused, and what `endpoint.problem_of` knows.
    """
    seconds = _wait_seconds(wait)
    parsed, view = await find(client, order_id)
    if seconds and await intake().watch.next_status(parsed, view.status, seconds):
        _, view = await find(client, order_id)
    return encode_order(view)


async def find(client: Client, order_id: str) -> tuple[UUID, OrderView]:
    """Return an order of `client`. Raises Refused where it has none such."""
    parsed = parse_order_id(order_id)
    if parsed is not None:
        try:
            view = await _looks((parsed, client.id))
        except OrderLost as error:
            raise Refused(Problem(problems.ORDER_LOST, str(error))) from error
        if view is not None:
            return parsed, view
    raise Refused(Problem(problems.NOT_FOUND, f"There is no order {order_id[:64]}."))


def _wait_seconds(text: str | None) -> float:
    if text is None:
        return 0.0
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        error = {"pointer": "", "parameter": "wait", "detail": "is a whole number of seconds"}
        raise Refused(Problem(problems.INVALID_REQUEST, "The query is not valid.", [error]))
    return float(min(int(text), MAX_WAIT_SECONDS))


class _SharedLooks:
    """Looks for all orders that were asked for since the last look began.

    A look never began before the caller asked, so nobody is shown the time before.
    """

    def __init__(self) -> None:
        self._asked: dict[Asked, asyncio.Future[OrderView | None]] = {}
        self._looking: set[asyncio.Task[None]] = set()

    async def __call__(self, asked: Asked) -> OrderView | None:
        """Return an order, None where there is none. Raises what `selectors.find_order` raises."""
        if asked not in self._asked:
            self._asked[asked] = asyncio.get_running_loop().create_future()
        if len(self._looking) < MOST_LOOKS:
            self._looking.add(asyncio.create_task(self._keep_looking()))
        return await asyncio.shield(self._asked[asked])

    async def _keep_looking(self) -> None:
        # Begins in the event loop's next turn: who asks in this one is among them.
        try:
            while self._asked:
                some = list(islice(self._asked, MOST_IN_A_LOOK))
                await self._look({asked: self._asked.pop(asked) for asked in some})
        finally:
            # Without an await between nobody asking and this, nobody can be left behind.
            self._looking.discard(cast(asyncio.Task[None], asyncio.current_task()))

    async def _look(self, askers: dict[Asked, asyncio.Future[OrderView | None]]) -> None:
        try:
            found = await in_thread(selectors.find_orders, askers.keys())
            for asked, asker in askers.items():
                _tell(asker, found[asked])
        except Exception as error:
            for asker in askers.values():
                _tell(asker, error)
        finally:
            for asker in askers.values():
                asker.cancel()  # does nothing, unless this is cancelled


def _tell(asker: asyncio.Future[OrderView | None], found: OrderView | Exception | None) -> None:
    if isinstance(found, Exception):
        asker.set_exception(found)
        asker.exception()  # seen, also where whoever asked has gone
    else:
        asker.set_result(found)


_looks = _SharedLooks()
