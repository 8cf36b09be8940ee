"""The frame of all endpoints: their methods, and a problem for each error."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from orders.http import problems
from orders.http.failures import problem_of
from orders.http.problems import Problem

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], Coroutine[Any, Any, HttpResponse]]


def problem_response(problem: Problem) -> HttpResponse:
    """Return a problem as an HTTP response (RFC 9457)."""
    response = HttpResponse(
        problem.body(), status=problem.type.status, content_type=problems.MEDIA_TYPE
    )
    response["Cache-Control"] = "no-store"
    for name, value in problem.header_lines():
        response[name.decode("latin-1")] = value.decode("latin-1")
    return response


def endpoint(*methods: str) -> Callable[[View[P]], View[P]]:
    """Make a coroutine an endpoint: only these methods, and a problem for each error.

    No cache keeps its replies.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        async def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method not in methods:
                return problem_response(
                    Problem(
                        problems.METHOD_NOT_ALLOWED,
                        f"{request.method} is not for this URL.",
                        headers=((b"Allow", ", ".join(methods).encode()),),
                    )
                )
            try:
                response = await view(request, *args, **kwargs)
            except Exception as error:
                return problem_response(problem_of(error))
            response["Cache-Control"] = "no-store"
            return response

        return csrf_exempt(cast(View[P], guarded))

    return decorate
