"""The X-Request-ID: the caller's if it is a sane one, else made here; it is in every log line."""

import itertools
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, unbind_contextvars

from shop.core.tracing import process
from shop.core.tracing.traceparent import sane_traceparent

from . import correlation

# An id has to be another one each time, and is no secret. Asking the system for random bytes lets
# go of the interpreter, which under load costs a wait for other threads with each request.
_PROCESS = os.urandom(6).hex()
_numbers = itertools.count(int.from_bytes(os.urandom(4), "big"))
_SANE = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_LONGEST = 128  # characters of a URL's part, in a log line
_NAMED = ("order_id", "sale")  # what a URL may name


def sane_request_id(sent: bytes) -> str:
    """Return what the caller sent if it is 1-128 letters, digits and ._:- , else a new id."""
    return sent.decode("ascii") if _SANE.fullmatch(sent) else f"{_PROCESS}{next(_numbers):012x}"


class RequestIdMiddleware:
    """Gives each request an id, each response the header, and each log line what it is about."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request with its id, which all of its log lines have as well."""
        request_id = sane_request_id(_header(request, "X-Request-ID"))
        with correlation.request(request_id=request_id, traceparent=_traceparent(request)):
            try:
                response = await self.get_response(request)
            finally:
                unbind_contextvars(*_NAMED)  # of `process_view`
        response["X-Request-ID"] = request_id
        return response

    async def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: Mapping[str, Any]
    ) -> None:
        """Note which order or sale the URL names, and the route for the request's span."""
        route = request.resolver_match.route if request.resolver_match else ""
        sale = kwargs.get("slug") if "sales/" in route else None
        named = dict(zip(_NAMED, (kwargs.get("order_id"), sale), strict=True))
        bind_contextvars(**{name: str(part)[:_LONGEST] for name, part in named.items() if part})
        if route:
            process.name_route(route)


def _traceparent(request: HttpRequest) -> str:
    """Return the trace of a request: its own span's where one is recorded, else its caller's."""
    scope: Mapping[str, Any] = getattr(request, "scope", {})
    return scope.get("traceparent") or sane_traceparent(_header(request, "traceparent"))


def _header(request: HttpRequest, name: str) -> bytes:
    return request.headers.get(name, "").encode("latin-1", "replace")
