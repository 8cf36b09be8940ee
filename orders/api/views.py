"""The REST endpoints: parse, one call, map the outcome."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

import redis
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from inventory import selectors as inventory_selectors
from inventory.errors import CountersLost, CountersUnavailable, SaleUnknown
from orders import problems, selectors
from orders.domain import parse_order_id
from orders.intake.directory import DirectoryUnavailable
from orders.intake.headers import MAX_WAIT_SECONDS
from orders.intake.service import intake
from orders.problems import Problem, Refused
from orders.representation import encode_order
from shop.core import clock, health
from shop.core.threads import Overloaded, in_thread

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], Coroutine[Any, Any, HttpResponse]]


def problem_response(problem: Problem) -> HttpResponse:
    """Return a problem as an HTTP response (RFC 9457)."""
    response = HttpResponse(
        problem.body(), status=problem.type.status, content_type=problems.MEDIA_TYPE
    )
    response["Cache-Control"] = "no-store"
    if problem.retry_after is not None:
        response["Retry-After"] = str(problem.retry_after)
    if problem.type is problems.UNAUTHENTICATED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def endpoint(*methods: str) -> Callable[[View[P]], View[P]]:
    """Make a coroutine an endpoint: only these methods, and a problem for whatever goes wrong."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        async def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method not in methods:
                response = problem_response(
                    Problem(problems.METHOD_NOT_ALLOWED, f"{request.method} is not for this URL.")
                )
                response["Allow"] = ", ".join(methods)
                return response
            try:
                return await view(request, *args, **kwargs)
            except Refused as refused:
                return problem_response(refused.problem)
            except (DatabaseError, DirectoryUnavailable):
                return _unavailable("PostgreSQL does not answer.")
            except (redis.RedisError, CountersUnavailable):
                return _unavailable("Redis does not answer.")
            except CountersLost:
                return _unavailable("The sale's counters are not there.")
            except Overloaded as error:
                return _unavailable(str(error))

        return csrf_exempt(cast(View[P], guarded))

    return decorate


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
    """Show an order to the client that placed it; with ?wait= at its next change of status."""
    client = await intake().authenticate(
        request.headers.get("Authorization", "").encode("latin-1", "replace")
    )
    seconds = _wait_seconds(request)
    parsed = parse_order_id(order_id)
    view = None
    if parsed is not None:
        view = await in_thread(selectors.find_order, parsed, client_id=client.id)
    if parsed is None or view is None:
        raise Refused(Problem(problems.NOT_FOUND, f"There is no order {order_id[:64]}."))
    if seconds and await intake().watch.next_status(parsed, view.status, seconds):
        view = await in_thread(selectors.find_order, parsed, client_id=client.id) or view
    response = HttpResponse(encode_order(view), content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


@endpoint("GET", "HEAD")
async def sale(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a sale with live availability; public."""
    try:
        live = await _live_sales(slug)
    except SaleUnknown as error:
        raise Refused(Problem(problems.NOT_FOUND, str(error))) from error
    response = JsonResponse(live)
    response["Cache-Control"] = "no-store"
    response["Access-Control-Allow-Origin"] = "*"
    return response


@endpoint("GET", "HEAD")
async def healthz(request: HttpRequest) -> HttpResponse:
    """This process is alive."""
    return JsonResponse({"status": "ok"})


@endpoint("GET", "HEAD")
async def readyz(request: HttpRequest) -> HttpResponse:
    """Everything that orders need is there; 503 names what is not."""
    ready, parts = await in_thread(health.readiness)
    failing = [name for name, part in parts.items() if not part["ok"]]
    return JsonResponse(
        {"status": "ready" if ready else "not ready", "failing": failing, "checks": parts},
        status=200 if ready else 503,
    )


class _SharedReads:
    """One read of a sale at a time per process: who asks meanwhile shares the next one.

    A read never started before the caller asked, so nobody is shown the time before their order.
    """

    def __init__(self) -> None:
        self._next: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self._current: dict[str, asyncio.Task[dict[str, Any]]] = {}

    async def __call__(self, slug: str) -> dict[str, Any]:
        if slug not in self._next:
            self._next[slug] = asyncio.create_task(self._read(slug, self._current.get(slug)))
        return await asyncio.shield(self._next[slug])

    async def _read(self, slug: str, before: asyncio.Task[dict[str, Any]] | None) -> dict[str, Any]:
        if before is not None:
            await asyncio.wait([before])
        task = self._next.pop(slug)
        self._current[slug] = task
        try:
            return await in_thread(inventory_selectors.live_sale, slug, now=clock.now())
        finally:
            if self._current.get(slug) is task:
                del self._current[slug]


_live_sales = _SharedReads()


def _wait_seconds(request: HttpRequest) -> float:
    text = request.GET.get("wait")
    if text is None:
        return 0.0
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        error = {"pointer": "", "parameter": "wait", "detail": "is a whole number of seconds"}
        raise Refused(Problem(problems.INVALID_REQUEST, "The query is not valid.", [error]))
    return float(min(int(text), MAX_WAIT_SECONDS))


def _unavailable(reason: str) -> HttpResponse:
    return problem_response(Problem(problems.UNAVAILABLE, reason, retry_after=1))
