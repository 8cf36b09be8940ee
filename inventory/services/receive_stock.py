"""Adding units of many SKUs to a sale at once: all of them, or none."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from inventory import errors
from inventory.domain import MAX_QUANTITY, SaleState
from inventory.models import Allocation, Sale, StockMovement
from inventory.selectors import state_of

from .publishing import sync_to_redis
from .rules import raise_version


def receive_stock(sale: Sale, *, version: int, now: datetime, units: Mapping[int, int]) -> None:
    """Add units to stock rows of a sale: `units` of each, by the row's id.

    The rows and their movements are written first; then Redis gets the number of units that the
    sale has had in all, which may be repeated. Reconciliation knows how far Redis got, so nothing
    drifts in between. Raises RuleRefused, SaleChanged (someone changed the sale since `version`,
    maybe this very request); CountersLost, CountersUnavailable once it is written.
    """
    _check(sale, now=now, units=units)
    with transaction.atomic():
        raise_version(sale, version=version)
        for pk, more in sorted(units.items()):  # in the order in which all services lock these rows
            row = Allocation.objects.filter(pk=pk, sale=sale)
            if row.filter(allocated__gt=MAX_QUANTITY - more).exists():
                raise errors.RuleRefused(f"A sale has at most {MAX_QUANTITY:,} units of a SKU.")
            if row.update(allocated=F("allocated") + more) != 1:
                raise errors.RuleRefused("The sale does not offer one of these SKUs.")
        StockMovement.objects.bulk_create(
            StockMovement(allocation_id=pk, kind=StockMovement.Kind.ALLOCATE, allocated=more)
            for pk, more in units.items()
        )
    sync_to_redis(sale)


def _check(sale: Sale, *, now: datetime, units: Mapping[int, int]) -> None:
    if not all(1 <= more <= MAX_QUANTITY for more in units.values()):
        raise errors.RuleRefused(f"Add between 1 and {MAX_QUANTITY:,} units at once.")
    if state_of(sale, now) is SaleState.CLOSED:
        raise errors.RuleRefused("The sale is closed: nobody could buy what is added.")
