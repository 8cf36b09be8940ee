"""The drop page: one sale for its customers, as an example of a shop's own front end.

The server writes what stays the same; the script in static/orders/drop keeps it alive and takes
the order, by the public API alone.
"""

from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from inventory.errors import SaleUnknown
from inventory.selectors import Offer, read_offer, state_of
from orders.payments.adapters import sandbox
from shop.core import clock
from shop.core.processes.threads import Overloaded, in_thread

from .html import html_page

# The statuses after which the page stops following an order.
SETTLED = "confirmed paid cancelled expired rejected refunded"
MOST_UNITS = 10  # that one order on this page may ask for
RETRY_SECONDS = 2


@require_safe
async def drop_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a sale, and take orders for it where the page has an API key."""
    try:
        offer = await in_thread(read_offer, slug)
    except SaleUnknown:
        return html_page(request, "no_sale", {"slug": slug[:64]}, status=404)
    except (DatabaseError, Overloaded):
        response = html_page(request, "no_answer", status=503)
        response["Retry-After"] = str(RETRY_SECONDS)
        return response
    return html_page(request, "drop", _context(offer))


def _context(offer: Offer) -> dict[str, Any]:
    sale = offer.sale
    return {
        "sale": sale,
        "state": state_of(sale, clock.now()).value,
        "rows": offer.rows,
        "quantities": range(1, min(sale.limit or MOST_UNITS, MOST_UNITS) + 1),
        "takes_payment": sale.payment == sale.Payment.REQUIRED,
        "hold": _duration(sale.hold_seconds),
        "settled": SETTLED,
        "api_key": settings.DROP_PAGE_API_KEY,
        "test_payments": reverse("test-payment", args=["-"])[:-1] if sandbox.is_on() else "",
    }


def _duration(seconds: int) -> str:
    """Return seconds in the largest unit that they fill: "10 minutes"."""
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    unit, size = next(each for each in units if seconds % each[1] == 0)
    count = seconds // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
