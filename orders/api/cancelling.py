"""Cancelling orders: all that are cancelled at the same moment, in one transaction.

In front of Django, whose request handling costs more than the cancellation itself. In a rush many
customers change their minds.
"""

from collections.abc import Collection
from uuid import UUID

from orders.domain import Status
from orders.errors import NotCancellable
from orders.http import problems
from orders.http.asgi import Application, Receive, Scope, Send, send_reply
from orders.http.failures import problem_of
from orders.http.gathered import Together
from orders.http.headers import read_headers
from orders.http.problems import Problem, Refused
from orders.http.replies import Reply, plain_reply, problem_reply, unavailable
from orders.http.representation import OrderView, encode_order
from orders.intake.placing import intake
from orders.reads.known import client_of
from orders.reads.order_reads import order_id_of, require_order
from orders.reads.reference_cache import Client
from orders.reads.selectors import Asked, find_orders
from orders.services.holds import cancel_orders
from shop.core.tracing import process

ORDERS, CANCEL = "/api/v1/orders/", "/cancel"
ROUTE = "api/v1/orders/<str:order_id>/cancel"  # as Django would name it in a trace
WAIT_SECONDS = 5.0  # of a cancellation, for an order that is about to be persisted
_WHY_NOT = {
    Status.AWAITING_PAYMENT: "A payment was received in time and is being applied: the order is as "
    "good as paid.",
    Status.CONFIRMED: "The order is confirmed: its sale takes no payment, so it is sold.",
    Status.PAID: "The order is paid: refund it at the payment provider, which tells us of it.",
    Status.EXPIRED: "The order's hold has ended, and its stock is on sale again.",
    Status.REJECTED: "The order was rejected: it holds nothing.",
    Status.REFUNDED: "The order is paid back already.",
}


def with_cancelling(application: Application) -> Application:
    """Return an ASGI application that cancels orders itself, and leaves the rest."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if order_id := _order_of(scope):
            process.name_route(ROUTE)
            await send_reply(send, await _reply(order_id, scope))
        else:
            await application(scope, receive, send)

    return serve


async def cancelled(client: Client, order_id: str) -> bytes:
    """Cancel an unpaid order, and return it in JSON; one that is cancelled already is, too.

    Raises Refused, and what `problem_of` knows.
    """
    asked = order_id_of(order_id), client.id
    try:
        view = await require_order(order_id, _cancel_together(asked))
        if view.status == Status.ACCEPTED:
            await _persisted(asked[0])
            view = await require_order(order_id, _cancel_together(asked))
    except NotCancellable as error:
        raise _not_cancellable(error.status) from error
    if view.status != Status.CANCELLED:  # given up before it was persisted
        raise _not_cancellable(view.status)
    return encode_order(view)


def _cancel_and_find(asked: Collection[Asked]) -> dict[Asked, OrderView | Exception | None]:
    """Cancel orders, and return what has become of each; why not, where it cannot be cancelled.

    Both in one call: the reply shows the order, and would wait for three calls otherwise.
    """
    refused = cancel_orders(asked)
    found: dict[Asked, OrderView | Exception | None] = {
        each: error for each, error in refused.items() if isinstance(error, NotCancellable)
    }
    return found | find_orders([each for each in asked if each not in found])


def _order_of(scope: Scope) -> str:
    """Return the id of the order that is to be cancelled, "" for any other request."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return ""
    path = str(scope["path"])
    if not (path.startswith(ORDERS) and path.endswith(CANCEL)):
        return ""
    order_id = path[len(ORDERS) : -len(CANCEL)]
    return "" if "/" in order_id else order_id


async def _reply(order_id: str, scope: Scope) -> Reply:
    headers = read_headers(scope["headers"])
    try:
        client = await client_of(intake().references, headers.authorization)
        body = await cancelled(client, order_id)
    except Exception as error:
        return problem_reply(headers, problem_of(error))
    return plain_reply(headers, 200, b"application/json", body)


async def _persisted(order_id: UUID) -> None:
    """Return once an accepted order is in the ledger. Raises Refused if that takes too long."""
    watch = intake().watch
    if await watch.next_status(order_id, Status.ACCEPTED, WAIT_SECONDS) is None:
        raise Refused(unavailable("The order is not persisted yet."))


def _not_cancellable(status: str) -> Refused:
    return Refused(Problem(problems.NOT_CANCELLABLE, _WHY_NOT[Status(status)]))


_cancel_together: Together[Asked, OrderView | None] = Together(_cancel_and_find)
