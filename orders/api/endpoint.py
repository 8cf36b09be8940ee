"""What all endpoints share: their methods, and a problem for whatever goes wrong."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

import redis
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from inventory.errors import CountersLost, CountersUnavailable, SaleUnknown
from orders.http import problems
from orders.http.problems import Problem, Refused
from orders.http.replies import unavailable
from orders.reads.reference_cache import ReferenceCacheUnavailable
from shop.core.processes.threads import Overloaded

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
    if problem.type in (problems.UNAUTHENTICATED, problems.NO_METRICS_TOKEN):
        response["WWW-Authenticate"] = "Bearer"
    return response


def endpoint(*methods: str) -> Callable[[View[P]], View[P]]:
    """Make a coroutine an endpoint: only these methods, and a problem for whatever goes wrong.

    Nothing that it answers is to be kept by anybody.
    """

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
                response = await view(request, *args, **kwargs)
            except Exception as error:
                return problem_response(problem_of(error))
            response["Cache-Control"] = "no-store"
            return response

        return csrf_exempt(cast(View[P], guarded))

    return decorate


def problem_of(error: Exception) -> Problem:
    """Return what a caller is told of an error. Raises the error where that is not known."""
    match error:
        case Refused():
            return error.problem
        case SaleUnknown():
            return Problem(problems.NOT_FOUND, str(error))
        case DatabaseError() | ReferenceCacheUnavailable():
            return unavailable("PostgreSQL does not answer.")
        case redis.RedisError() | CountersUnavailable():
            return unavailable("Redis does not answer.")
        case CountersLost():
            return unavailable("The sale's counters are not there.")
        case Overloaded():
            return unavailable(str(error))
    raise error
