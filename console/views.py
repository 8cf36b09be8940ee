"""The console's pages and the endpoints that keep them up to date."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods

from inventory.models import Sale
from inventory.selectors import state_of
from shop.core import clock

from .access import feed, page
from .live import live_reading
from .overview import overview
from .switches import SWITCHES, Switch
from .switching import show_switch

Context = dict[str, Any]


def dashboard_context(request: HttpRequest, context: Context) -> Context:
    """Add the dashboard's values to the context of the admin's first page."""
    sees = request.user.has_perm("inventory.view_sale")
    return {**context, "sees_sales": sees, "flower_url": settings.FLOWER_URL}


@require_GET
@feed("inventory.view_sale")
def overview_feed(request: HttpRequest) -> HttpResponse:
    """Answer with the data of the dashboard."""
    return _answer(overview)


@require_GET
@page("inventory.view_sale")
def live_page(request: HttpRequest, sale_id: int) -> HttpResponse:
    """Show a sale live, with the switches that this person may use."""
    sale = get_object_or_404(Sale, pk=sale_id)
    context = {
        **admin.site.each_context(request),
        "title": f"{sale.name}, live",
        "sale": sale,
        "state": state_of(sale, clock.now()).value,
        "switches": _switches(request, sale),
        "is_fullwidth": "1",
    }
    return TemplateResponse(request, "console/live.html", context)


@require_GET
@feed("inventory.view_sale")
def live_feed(request: HttpRequest, sale_id: int) -> HttpResponse:
    """Answer with the data of the live page; of its seconds only those after `?after=`."""
    after = request.GET.get("after", "")
    since = int(after) if after.isdecimal() else 0  # ValueError, thus 400, from 4,300 digits on

    def read() -> Context:
        reading = live_reading(sale_id)
        return {**reading, "seconds": [each for each in reading["seconds"] if each.at > since]}

    return _answer(read)


@require_http_methods(["GET", "POST"])
@page("inventory.view_sale")
def switch_page(request: HttpRequest, sale_id: int, name: str) -> HttpResponse:
    """Ask for the change, show its consequences, and apply it once it is confirmed."""
    if (switch := SWITCHES.get(name)) is None:
        raise Http404
    return show_switch(request, get_object_or_404(Sale, pk=sale_id), switch)


def _switches(request: HttpRequest, sale: Sale) -> list[Context]:
    """Return the switches that fit a sale, and whether this person may use each."""
    now = clock.now()
    fitting: list[type[Switch]] = [each for each in SWITCHES.values() if each.fits(sale, now=now)]
    return [{"switch": each, "allowed": request.user.has_perm(each.permission)} for each in fitting]


def _answer(read: Any) -> HttpResponse:
    try:
        return JsonResponse(read())
    except Sale.DoesNotExist:
        return JsonResponse({"detail": "There is no such sale."}, status=404)
    except DatabaseError:
        return JsonResponse({"detail": "PostgreSQL does not answer."}, status=503)
