"""The place up to which the ledger knows Redis' sequence of releases."""

from django.db.models import Max

from inventory.models import Sale
from orders.models import DeadLetter, Order


def last_place(sale: Sale) -> int:
    """Return the last place in Redis' sequence of releases that the ledger knows of."""
    orders, letters = Order.objects.filter(sale=sale), DeadLetter.objects.filter(sale=sale)
    places = (
        orders.aggregate(last=Max("release_place")),
        orders.aggregate(last=Max("gap_end")),
        letters.aggregate(last=Max("release_place")),
    )
    return max(place["last"] or 0 for place in places)
