"""The few pages for people: the front page, the kinds of problems, the API reference."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from inventory.domain import SaleState
from inventory.models import Sale
from inventory.selectors import open_sales, state_of
from orders.http import problems
from orders.http.problems import Problem
from shop.core import clock
from shop.core.processes.threads import Overloaded, in_thread

from .endpoint import endpoint, problem_response
from .html import REFERENCE, html_page
from .openapi import DEMO_SALE, DEMO_SKU, cases_of, document, operations_with

LIVE_SALES = 6  # whose stock the front page shows live: each costs a request every few seconds


@dataclass(frozen=True, slots=True)
class Front:
    """The data of the front page: sales with their states, and an order that can be placed."""

    sales: list[tuple[Sale, SaleState]] | None  # None: PostgreSQL is away
    example_sale: str = DEMO_SALE
    example_sku: str = DEMO_SKU


async def index(request: HttpRequest) -> HttpResponse:
    """Show the front page: an introduction with links, and the open sales."""
    try:
        front = await in_thread(_read_front, clock.now())
    except (DatabaseError, Overloaded):
        front = Front(None)
    context = {
        "front": front,
        "live": LIVE_SALES,
        "flower_url": settings.FLOWER_URL,
        "orders_url": request.build_absolute_uri(reverse("orders")),
    }
    return html_page(request, "index", context)


def problem_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Explain one kind of problem, at the URL that is its `type`."""
    kind = problems.ALL.get(slug)
    if kind is None:
        raise Http404
    context = {
        "problem": kind,
        "phrase": HTTPStatus(kind.status).phrase,
        "cases": [(case.happened, _as_sent(case.problem)) for case in cases_of(kind)],
        "operations": operations_with(kind),
    }
    return html_page(request, "problem", context)


def problem_list(request: HttpRequest) -> HttpResponse:
    """List all kinds of problems by status."""
    by_status = attrgetter("status")
    groups = [
        (HTTPStatus(status), [(kind, cases_of(kind)) for kind in kinds])
        for status, kinds in groupby(sorted(problems.ALL.values(), key=by_status), by_status)
    ]
    return html_page(request, "problems", {"groups": groups})


def api_docs(request: HttpRequest) -> HttpResponse:
    """Show the API reference, to read and to try."""
    return html_page(request, "docs", policy=REFERENCE)


@endpoint("GET", "HEAD")
async def openapi(request: HttpRequest) -> HttpResponse:
    """Answer with the API as OpenAPI 3.1."""
    response = HttpResponse(_encoded_document(), content_type="application/json")
    response["Access-Control-Allow-Origin"] = "*"
    return response


@cache
def _encoded_document() -> bytes:
    """Return the document as it is sent: encoding it takes as long as forty orders."""
    return json.dumps(document()).encode()


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400 with a problem for programs, a page for people: for a host name that is not served
    here, or a filter by a value that does not exist."""
    if isinstance(exception, BadRequest) and request.path.startswith(reverse("admin:index")):
        detail = str(exception) or "The request is not one that can be answered."
        return html_page(request, "bad_request", {"detail": detail}, status=400)
    if isinstance(exception, BadRequest):
        return problem_response(Problem(problems.BAD_REQUEST, str(exception)))
    detail = "The host name or the request itself is not one that is served here."
    return problem_response(Problem(problems.BAD_REQUEST, detail))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 with a problem for programs, a page for people."""
    if request.path.startswith("/api/"):
        return problem_response(Problem(problems.NOT_FOUND, f"There is nothing at {request.path}."))
    return html_page(request, "not_found", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours with a problem; Django has logged it with the request id."""
    return problem_response(
        Problem(problems.UNAVAILABLE, "Something failed on our side.", retry_after=1)
    )


def _read_front(now: datetime) -> Front:
    sales = [(sale, state_of(sale, now)) for sale in open_sales(now=now)]
    for sale, state in sales:
        allocation = sale.allocations.select_related("product").first()
        if state is SaleState.OPEN and allocation is not None:
            return Front(sales, sale.slug, allocation.product.sku)
    return Front(sales)


def _as_sent(problem: Problem) -> str:
    """Return a problem as it goes over the wire, its body indented for reading."""
    response = problem_response(problem)
    head = [f"HTTP/1.1 {response.status_code} {response.reason_phrase}"]
    head += [f"{name}: {value}" for name, value in response.items()]
    body = json.dumps(json.loads(problem.body()), indent=2, ensure_ascii=False)
    return "\n".join([*head, "", body])
