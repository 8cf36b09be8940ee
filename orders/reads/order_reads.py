"""Orders as their clients follow them. Concurrent requests share one query."""

from collections.abc import Awaitable
from uuid import UUID

from orders.domain import parse_order_id
from orders.errors import OrderLost
from orders.http import problems
from orders.http.gathered import Together
from orders.http.headers import MAX_WAIT_SECONDS
from orders.http.problems import Problem, Refused
from orders.http.representation import OrderView, encode_order

from . import selectors
from .reference_cache import Client
from .selectors import Asked
from .status_watch import StatusWatch


async def follow(client: Client, order_id: str, *, wait: str | None, watch: StatusWatch) -> bytes:
    """Return an order of `client` in JSON; with `wait`, in seconds, at its next change of status.

    Raises Refused, and what `problem_of` knows.
    """
    seconds = _wait_seconds(wait)
    parsed, view = await find(client, order_id)
    if seconds and await watch.next_status(parsed, view.status, seconds):
        _, view = await find(client, order_id)
    return encode_order(view)


async def find(client: Client, order_id: str) -> tuple[UUID, OrderView]:
    """Return an order of `client`. Raises Refused where it has none such."""
    parsed = order_id_of(order_id)
    return parsed, await require_order(order_id, _find_together((parsed, client.id)))


def order_id_of(text: str) -> UUID:
    """Return the id that a client names. Raises Refused where it is none of ours."""
    parsed = parse_order_id(text)
    if parsed is None:
        raise _no_such_order(text)
    return parsed


async def require_order(order_id: str, finding: Awaitable[OrderView | None]) -> OrderView:
    """Return the order that `finding` finds. Raises Refused where there is none."""
    try:
        view = await finding
    except OrderLost as error:
        raise Refused(Problem(problems.ORDER_LOST, str(error))) from error
    if view is None:
        raise _no_such_order(order_id)
    return view


def _no_such_order(order_id: str) -> Refused:
    return Refused(Problem(problems.NOT_FOUND, f"There is no order {order_id[:64]}."))


def _wait_seconds(text: str | None) -> float:
    if text is None:
        return 0.0
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        error = {"pointer": "", "parameter": "wait", "detail": "is a whole number of seconds"}
        raise Refused(Problem(problems.INVALID_REQUEST, "The query is not valid.", [error]))
    return float(min(int(text), MAX_WAIT_SECONDS))


_find_together: Together[Asked, OrderView | None] = Together(selectors.find_orders)
