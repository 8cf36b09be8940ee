"""Is this Redis the one that knew all that the ledger knows, or an older copy of it?"""

import logging

from django.db.models import Max

from inventory import counters
from inventory.errors import CountersLost
from inventory.models import Sale
from inventory.selectors import sales_on_record
from orders.models import Order
from shop.core import clock

from .release import last_place

logger = logging.getLogger(__name__)


def attest_counters() -> list[str]:
    """Compare the counters of every sale with the ledger, and close those that are behind it.

    A closed sale answers 503 until `rebuild_stock`. Returns the sales that Redis does not hold as
    they are now. Raises CountersUnavailable, django.db.DatabaseError.
    """
    return [sale.slug for sale in sales_on_record(now=clock.now()) if not _attest(sale)]


def _attest(sale: Sale) -> bool:
    # The ledger first: what it knows now, the counters have counted before.
    orders = Order.objects.filter(sale=sale)
    position = orders.aggregate(last=Max("position"))["last"] or 0
    releases = last_place(sale)
    try:
        seen = counters.snapshot(sale.pk, sale.slug)
    except CountersLost:
        return False
    if seen.epoch != sale.epoch:  # these do not answer anyway
        return False
    if seen.position >= position and seen.releases >= releases:
        return True
    logger.error(
        "Redis holds an older copy of sale %s, which is closed now. Rebuild it: "
        "manage.py rebuild_stock %s",
        *(sale.slug, sale.slug),
    )
    counters.fence(sale.pk)
    return False
