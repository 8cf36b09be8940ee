"""Adding units of one SKU to what a sale has to sell, while it sells."""

from datetime import datetime

from inventory.models import Allocation, Sale

from .receive_stock import add_delivery


def add_stock(
    sale: Sale, *, version: int, now: datetime, allocation_id: int, units: int
) -> Allocation:
    """Add `units` of one SKU to a sale. Returns the stock row as it is now.

    Raises what `add_delivery` raises.
    """
    add_delivery(sale, version=version, now=now, units={allocation_id: units})
    return Allocation.objects.select_related("product").get(pk=allocation_id)
