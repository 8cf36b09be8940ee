"""Adding units of one SKU to what a sale has to sell, while it sells."""

from datetime import datetime

from inventory.models import Allocation, Sale

from .receive_stock import receive_stock


def add_stock(
    sale: Sale, *, version: int, now: datetime, allocation_id: int, units: int
) -> Allocation:
    """Add `units` of one SKU to a sale. Returns the stock row as it is now.

    Raises what `receive_stock` raises.
    """
    receive_stock(sale, version=version, now=now, units={allocation_id: units})
    return Allocation.objects.select_related("product").get(pk=allocation_id)
