"""The X-Request-ID: the caller's if it is a sane one, else made here; it is in every log line."""

import contextvars
import logging
import os
import re
from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponse

_SANE = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_current: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")


def sane_request_id(sent: bytes) -> str:
    """Return what the caller sent if it is 1-128 letters, digits and ._:- , else a new id."""
    return sent.decode("ascii") if _SANE.fullmatch(sent) else os.urandom(12).hex()


class RequestIdMiddleware:
    """Gives each request an id, and each response the header."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = sane_request_id(
            request.headers.get("X-Request-ID", "").encode("latin-1", "replace")
        )
        _current.set(request_id)
        response = await self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class RequestIdFilter(logging.Filter):
    """Adds the current request's id to log records."""

    def filter(self, record: logging.LogRecord) -> bool:
        request_id = _current.get()
        record.request_id_suffix = f" [{request_id}]" if request_id else ""
        return True
