"""400 for a request that names what no row can have: a page that is answered with a fault of ours
would send people to look for one."""

import logging
from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import InvalidPage
from django.db import DataError
from django.http import HttpRequest, HttpResponse

SAFE = ("GET", "HEAD", "OPTIONS")
PEOPLE = "/admin/"  # where wrong forms are a person's, too
# What Django and PostgreSQL make of a value that does not fit: an id that is no number, a date that
# there is not, a page behind the last, a NUL in a text, a number that no column holds.
WRONG = (DataError, InvalidPage, ValidationError, ValueError)

logger = logging.getLogger(__name__)


class WrongValuesMiddleware:
    """Makes a value that does not fit the request's fault, wherever a view stumbles over it.

    Not what programs write: a payment provider that hears 400 does not come again, and a storefront
    takes it for a no. The log keeps the traceback, in case the value was right after all.
    """

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on: the work is in `process_exception`."""
        return await self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        """Raises BadRequest in the place of a value that does not fit."""
        if not isinstance(error, WRONG) or not _brought_values(request):
            return
        if request.method in SAFE or request.path.startswith(PEOPLE):
            logger.warning("A request with a value that does not fit", exc_info=error)
            raise BadRequest("It names a value that there cannot be.") from error


def _brought_values(request: HttpRequest) -> bool:
    match = request.resolver_match
    named = bool(match and (match.args or match.kwargs))
    return named or bool(request.GET) or request.method not in SAFE
