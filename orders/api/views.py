"""The endpoints of orders and sales: parse, one call, map the outcome."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from orders.http.failures import problem_of
from orders.intake.placing import intake
from orders.reads.known import client_of
from orders.reads.order_reads import follow
from orders.reads.reference_cache import Client
from orders.reads.sale_reads import live_sales

from .cancelling import cancelled
from .endpoint import endpoint, problem_response


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
    """Show an order to its client. Most GETs are answered by `public_reads` instead."""
    body = await follow(
        await _client(request), order_id, wait=request.GET.get("wait"), watch=intake().watch
    )
    return _order_response(body)


@endpoint("POST")
async def cancel(request: HttpRequest, order_id: str) -> HttpResponse:
    """Cancel an unpaid order. Most are cancelled in front of Django, by `cancelling`."""
    return _order_response(await cancelled(await _client(request), order_id))


@endpoint("GET", "HEAD")
async def sale(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a sale with live stock. Public. Most GETs are answered by `public_reads` instead."""
    try:
        response = HttpResponse(await live_sales(slug), content_type="application/json")
    except Exception as error:
        response = problem_response(problem_of(error))
    response["Access-Control-Allow-Origin"] = "*"  # problems, too: scripts are to understand them
    return response


async def _client(request: HttpRequest) -> Client:
    """Return the client that sent a request. Raises Refused."""
    authorization = request.headers.get("Authorization", "").encode("latin-1", "replace")
    return await client_of(intake().references, authorization)


def _order_response(body: bytes) -> HttpResponse:
    response = HttpResponse(body, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
