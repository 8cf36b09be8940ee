"""The few pages for people: what this is, what a problem means, the API reference."""

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from inventory.selectors import open_sales, state_of
from orders import problems
from orders.problems import Problem
from shop.core import clock

from .openapi import document
from .views import problem_response


def index(request: HttpRequest) -> HttpResponse:
    """Say what this is and link to everything, with the open sales."""
    now = clock.now()
    try:
        sales = [(sale, state_of(sale, now)) for sale in open_sales(now=now)]
    except DatabaseError:
        sales = None
    context = {"sales": sales, "flower_url": settings.FLOWER_URL}
    return render(request, "orders/index.html", context)


def problem_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Explain one kind of problem to whoever opens its `type`."""
    kind = problems.ALL.get(slug)
    if kind is None:
        raise Http404
    return render(request, "orders/problem.html", {"problem": kind})


def problem_list(request: HttpRequest) -> HttpResponse:
    return render(request, "orders/problems.html", {"problems": problems.ALL.values()})


def api_docs(request: HttpRequest) -> HttpResponse:
    """The API reference, to read and to try."""
    return render(request, "orders/docs.html")


def openapi(request: HttpRequest) -> JsonResponse:
    """The API as OpenAPI 3.1."""
    response = JsonResponse(document())
    response["Access-Control-Allow-Origin"] = "*"
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A problem for programs, a page for people."""
    if request.path.startswith("/api/"):
        return problem_response(Problem(problems.NOT_FOUND, f"There is nothing at {request.path}."))
    return render(request, "orders/problem.html", {"problem": problems.NOT_FOUND}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours: logged with the request id, and answered as a problem."""
    return problem_response(
        Problem(problems.UNAVAILABLE, "Something failed on our side.", retry_after=1)
    )
