"""Rows that wait for a person: PostgreSQL."""

from collections.abc import Iterator

from django.db.models import Count
from prometheus_client.core import Metric

from orders.reads.selectors import waiting_for_a_person

from .context import ScrapeContext
from .families import gauge
from .postgresql import count


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield what waits for a person, and of what kind the dead letters are."""
    waiting = waiting_for_a_person()
    yield gauge(
        "shop_waiting_for_a_person",
        "What a person has to look at.",
        ["what"],
        [(what, count(rows)) for what, rows in waiting.items()],
    )
    letters = waiting["dead letters"].filter(sale__in=context.sales).order_by()
    by_reason = letters.values_list("sale", "reason").annotate(Count("pk"))
    yield gauge(
        "shop_dead_letters",
        "Accepted orders that cannot be persisted as they are.",
        ["sale", "reason"],
        [(context.sales[sale].slug, reason, letters) for sale, reason, letters in by_reason],
    )
