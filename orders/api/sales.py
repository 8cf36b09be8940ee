"""The endpoint of sales: live stock for everybody, however many ask at once."""

import asyncio
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from inventory.errors import SaleUnknown
from inventory.selectors import live_sale
from orders import problems
from orders.problems import Problem, Refused
from shop.core import clock
from shop.core.threads import in_thread

from .endpoint import endpoint


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
            return await in_thread(live_sale, slug, now=clock.now())
        finally:
            if self._current.get(slug) is task:
                del self._current[slug]


_live_sales = _SharedReads()
