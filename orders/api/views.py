"""The endpoints of orders, and those of health: parse, one call, map the outcome."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from orders.intake.placing import intake
from orders.reads.reference_cache import Client

from .cancelling import cancelled
from .endpoint import endpoint
from .order_reads import follow


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
    """Cancel an unpaid order. Most are cancelled in front of Django, by `cancelling`."""
    return _order_response(await cancelled(await _client(request), order_id))


async def _client(request: HttpRequest) -> Client:
    """Return who asks. Raises Refused."""
    return await intake().authenticate(
        request.headers.get("Authorization", "").encode("latin-1", "replace")
    )


def _order_response(body: bytes) -> HttpResponse:
    response = HttpResponse(body, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
