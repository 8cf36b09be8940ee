"""The context of a scrape: the moment, and the sales that figures are labelled with."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from inventory.selectors import sales_on_record

MAX_SALES = 500  # each is some fifty time series; only the newest are shown


class SaleOnRecord(NamedTuple):
    """A sale that Redis has to hold the counters of."""

    slug: str
    epoch: int


@dataclass(frozen=True, slots=True)
class ScrapeContext:
    """The moment of a scrape, and the sales on record by their id."""

    now: datetime
    sales: dict[int, SaleOnRecord]


def read_sales(now: datetime) -> dict[int, SaleOnRecord]:
    """Return the newest MAX_SALES sales on record."""
    newest = sales_on_record(now=now).order_by("-pk")[:MAX_SALES]
    return {
        pk: SaleOnRecord(slug, epoch)
        for pk, slug, epoch in newest.values_list("pk", "slug", "epoch")
    }
