"""Mending drift: each correction is relative, made once, and a line in the stock ledger."""

import logging
from dataclasses import dataclass

from django.db import transaction

from inventory import counters
from inventory.models import Allocation
from inventory.services import correct_stock
from shop.core.stores.locks import alone

from .compare import reconcile
from .diagnose import row_differences

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Correction:
    """Units that a repair adds to a SKU: to the columns of its stock row, or to Redis' counter."""

    sku: str
    held: int = 0
    sold: int = 0
    counter: int = 0


def repair(sale_id: int, slug: str) -> list[Correction]:
    """Mend what reconciliation finds, while orders flow. Returns the corrections made.

    First the stock rows, by what their orders hold and have bought; then, by what drift is left,
    Redis' counters. Raises what `reconcile` raises, and StockRefused where the orders of a SKU are
    more than its allocation: a person has to decide which of them to give up.
    """
    with alone("repair", sale_id):
        return [*_mend_stock_rows(sale_id), *_mend_counters(sale_id, slug)]


def _mend_stock_rows(sale_id: int) -> list[Correction]:
    made = []
    skus = dict(Allocation.objects.filter(sale=sale_id).values_list("pk", "product__sku"))
    # Looked for without a lock: a sale of a million orders would stand still meanwhile.
    for pk in row_differences(sale_id, list(skus)):
        with transaction.atomic():
            # A move of this row's units waits here, or has committed orders and row alike.
            Allocation.objects.select_for_update(no_key=True).get(pk=pk)
            held, sold = row_differences(sale_id, [pk]).get(pk, (0, 0))
            if held or sold:
                correct_stock(pk, held=held, sold=sold)
                made.append(Correction(skus[pk], held=held, sold=sold))
                logger.warning("%s: stock row corrected by %+d held, %+d sold", pk, held, sold)
    return made


def _mend_counters(sale_id: int, slug: str) -> list[Correction]:
    made = []
    server = counters.server()  # where the drift is read, it is mended
    ids = dict(Allocation.objects.filter(sale=sale_id).values_list("product__sku", "pk"))
    for sku in reconcile(sale_id, slug).skus:
        if sku.drift:
            with transaction.atomic():
                correct_stock(ids[sku.sku], counter=sku.drift)
                # Last, so that a refusal above leaves Redis as it is.
                counters.adjust_available(sale_id, ids[sku.sku], sku.drift, server=server)
            made.append(Correction(sku.sku, counter=sku.drift))
            logger.warning("sale %s: counter of %s corrected by %+d", slug, sku.sku, sku.drift)
    return made
