"""Answers to orders, and their latencies: Redis, where all processes add what they have counted."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from orders.reads import live_stats as counted
from orders.reads.live_stats import BATCH_ORDERS, ENDED, LATENCY_MS, NO_SALE, OUTCOMES, Stats

from .context import ScrapeContext
from .families import counter, histogram

_SECONDS = [bound / 1000 for bound in LATENCY_MS]


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield answers, latencies and batches by sale; the sale is empty where none was known yet."""
    slugs = {NO_SALE: ""} | {pk: sale.slug for pk, sale in context.sales.items()}
    totals = counted.totals(list(slugs))
    yield counter(
        "shop_requests_total",
        "Order requests by how they were answered.",
        ["sale", "outcome"],
        [
            (slug, outcome, answers)
            for pk, slug in slugs.items()
            for outcome, answers in _outcomes(totals[pk]).items()
        ],
    )
    yield counter(
        "shop_connections_ended_total",
        "Connections that were ended because of what their clients did.",
        ["reason"],
        (dict.fromkeys(ENDED, 0) | totals[NO_SALE].ended).items(),
    )
    del slugs[NO_SALE]  # no order was reserved there
    yield histogram(
        "shop_answer_duration_seconds",
        "How long an order waited for its answer.",
        ["sale"],
        _SECONDS,
        [(slug, totals[pk].latency, totals[pk].latency_ms / 1000) for pk, slug in slugs.items()],
    )
    yield histogram(
        "shop_batch_orders",
        "Orders that were judged by one script call.",
        ["sale"],
        BATCH_ORDERS,
        [(slug, totals[pk].batches, totals[pk].batched) for pk, slug in slugs.items()],
    )
    yield counter(
        "shop_orders_persisted_total",
        "Orders that came into PostgreSQL.",
        ["sale"],
        [(slug, totals[pk].persisted) for pk, slug in slugs.items()],
    )


def _outcomes(found: Stats) -> dict[str, int]:
    """Return answers by outcome, also of those that did not occur: a rate begins at zero."""
    return dict.fromkeys(OUTCOMES, 0) | found.outcomes
