"""Where a sale's comparisons stand, so that the next one costs what has changed since."""

import logging
from collections.abc import Mapping

from django.db import DatabaseError, transaction

from inventory.models import Allocation, Sale
from orders.models import ReconciliationCheckpoint
from shop.core import clock

logger = logging.getLogger(__name__)


def last_of(sale: Sale, *, releases: int) -> ReconciliationCheckpoint | None:
    """Return the checkpoint of a sale's present counters, which have made so many releases."""
    return ReconciliationCheckpoint.objects.filter(
        sale=sale, epoch=sale.epoch, releases__lte=releases
    ).first()


def keep(checkpoint: ReconciliationCheckpoint) -> None:
    """Save a checkpoint where that can be done; the next comparison is dearer where it cannot."""
    try:
        with transaction.atomic():
            _save(checkpoint)
    except DatabaseError as error:
        logger.warning("sale %s: no checkpoint was kept: %s", checkpoint.sale_id, error)


def begin_anew(sale: Sale, *, releases: int) -> None:
    """Begin with counters that are rebuilt: all that the ledger has released is counted in.

    The caller's transaction keeps the stock rows as they are.
    """
    released = dict(Allocation.objects.filter(sale=sale).values_list("pk", "released"))
    _save(
        ReconciliationCheckpoint(
            sale=sale,
            epoch=sale.epoch,
            releases=releases,
            offsets=_negative(released),
            thorough_at=clock.now(),
        )
    )


def _negative(units: Mapping[int, int]) -> dict[str, int]:
    return {str(key): -count for key, count in units.items()}


def _save(checkpoint: ReconciliationCheckpoint) -> None:
    ReconciliationCheckpoint.objects.bulk_create(
        [checkpoint],
        update_conflicts=True,
        unique_fields=["sale"],
        update_fields=["epoch", "releases", "offsets", "thorough_at"],
    )
