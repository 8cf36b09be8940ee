"""The endpoints of orders, and those of health: parse, one call, map the outcome."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from orders import problems
from orders.domain import Status
from orders.errors import NotCancellable, OrderUnknown
from orders.intake.directory import Client
from orders.intake.replies import unavailable
from orders.intake.service import intake
from orders.problems import Problem, Refused
from orders.representation import encode_order
from orders.services.holds import cancel_order
from shop.core.threads import in_thread

from .endpoint import endpoint
from .following import find, follow

# How long a cancellation waits for an order that is about to be persisted.
CANCEL_WAIT_SECONDS = 5.0
_WHY_NOT = {
    Status.CONFIRMED: "The order is confirmed: its sale takes no payment, so it is sold.",
    Status.PAID: "The order is paid: refund it at the payment provider, which tells us of it.",
    Status.EXPIRED: "The order's hold has ended, and its stock is on sale again.",
    Status.REJECTED: "The order was rejected: it holds nothing.",
    Status.REFUNDED: "The order is paid back already.",
}


@endpoint("POST")
async def orders(request: HttpRequest) -> HttpResponse:
    """Place an order, for servers that have no intake in front of Django."""
    body = request.read(settings.INTAKE_MAX_BODY_BYTES + 1)
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in request.headers.items()
    ]
    reply = await intake().place_order(headers, body)
    response = HttpResponse(reply.body, status=reply.status)
    for name, value in reply.headers:
        response[name.decode("latin-1")] = value.decode("latin-1")
    return response


@endpoint("GET", "HEAD")
async def order(request: HttpRequest, order_id: str) -> HttpResponse:
    """Show an order to the client that placed it. Most GETs are answered by `window` instead."""
    body = await follow(await _client(request), order_id, request.GET.get("wait"))
    return _order_response(body)


@endpoint("POST")
async def cancel(request: HttpRequest, order_id: str) -> HttpResponse:
    """Cancel an unpaid order; one that is cancelled already is answered the same."""
    client = await _client(request)
    parsed, view = await find(client, order_id)
    if view.status == Status.ACCEPTED:
        await _persisted(parsed)
    try:
        await in_thread(cancel_order, parsed, client_id=client.id)
    except NotCancellable as error:
        raise _not_cancellable(error.status) from error
    except OrderUnknown as error:  # given up before it was persisted
        raise _not_cancellable(view.status) from error
    _, view = await find(client, order_id)
    return _order_response(encode_order(view))


async def _client(request: HttpRequest) -> Client:
    """Return who asks. Raises Refused."""
    return await intake().authenticate(
        request.headers.get("Authorization", "").encode("latin-1", "replace")
    )


async def _persisted(order_id: UUID) -> None:
    """Return once an accepted order is in the ledger. Raises Refused if that takes too long."""
    watch = intake().watch
    if await watch.next_status(order_id, Status.ACCEPTED, CANCEL_WAIT_SECONDS) is None:
        raise Refused(unavailable("The order is not persisted yet."))


def _not_cancellable(status: str) -> Refused:
    return Refused(Problem(problems.NOT_CANCELLABLE, _WHY_NOT[Status(status)]))


def _order_response(body: bytes) -> HttpResponse:
    response = HttpResponse(body, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
