"""The endpoint of sales: live stock for everybody, however many ask at once."""

import asyncio
from collections import OrderedDict
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse

from inventory.errors import SaleUnknown
from inventory.selectors import Offer, live_sale, read_offer
from orders import problems
from orders.problems import Problem, Refused
from shop.core import clock
from shop.core.threads import in_thread

from .endpoint import endpoint

MOST_OFFERS = 1000  # sales that are remembered


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
        self._offers: OrderedDict[str, Offer] = OrderedDict()  # for while PostgreSQL is away

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
            return await in_thread(self._look, slug)
        finally:
            if self._current.get(slug) is task:
                del self._current[slug]

    def _look(self, slug: str) -> dict[str, Any]:
        try:
            offer = self._offers[slug] = read_offer(slug)
        except OperationalError:
            if slug not in self._offers:
                raise
            offer = self._offers[slug]
        self._offers.move_to_end(slug)
        while len(self._offers) > MOST_OFFERS:
            self._offers.popitem(last=False)
        return live_sale(offer, now=clock.now())


_live_sales = _SharedReads()
