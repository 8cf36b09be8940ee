"""The streams of accepted orders, and the counters beside them: Redis."""

from collections.abc import Iterator

from django.conf import settings
from prometheus_client.core import Metric

from inventory import counters, outbox
from shop.core import clock

from .context import ScrapeContext
from .families import counter, gauge


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield how much waits in each sale's outbox, since when, and who has taken it."""
    now_ms = clock.to_ms(outbox.clock())
    waiting = outbox.waiting(list(context.sales))
    named = [(context.sales[pk].slug, *found) for pk, found in waiting.items()]
    yield gauge(
        "shop_outbox_entries",
        "Accepted orders that are not persisted yet.",
        ["sale"],
        [(slug, entries) for slug, entries, _ in named],
    )
    yield gauge(
        "shop_outbox_oldest_seconds",
        "How long the oldest of them waits.",
        ["sale"],
        [
            (slug, max(0, now_ms - since_ms) / 1000 if entries else 0)
            for slug, entries, since_ms in named
        ],
    )
    yield gauge(
        "shop_outbox_limit_entries",
        "As many may wait for each sale; beyond, orders are answered 503.",
        [],
        [(settings.OUTBOX_MAX_BACKLOG,)],
    )
    yield from _refusals(context)
    yield from _taken(context, {pk: entries for pk, (entries, _) in waiting.items()})


def _taken(context: ScrapeContext, waiting: dict[int, int]) -> Iterator[Metric]:
    """Yield how many entries workers have taken, and how many none has: done ones are deleted."""
    pending, epochs = outbox.taken(list(context.sales)), counters.epochs(list(context.sales))
    slugs = {pk: sale.slug for pk, sale in context.sales.items()}
    yield gauge(
        "shop_outbox_pending_entries",
        "Entries that a consumer group has taken and not persisted yet.",
        ["sale", "group"],
        [
            (slugs[pk], group, entries)
            for pk, groups in pending.items()
            for group, entries in groups.items()
        ],
    )
    yield gauge(
        "shop_outbox_unclaimed_entries",
        "Entries that no worker has taken.",
        ["sale"],
        [
            (slug, max(0, waiting[pk] - pending[pk].get(outbox.PERSIST_GROUP, 0)))
            for pk, slug in slugs.items()
        ],
    )
    yield gauge(
        "shop_counters_present",
        "Whether Redis holds a sale's counters; without them its orders are answered 503.",
        ["sale"],
        [(sale.slug, epochs[pk] == sale.epoch) for pk, sale in context.sales.items()],
    )


def _refusals(context: ScrapeContext) -> Iterator[Metric]:
    forgotten = counters.forgotten_refusals(list(context.sales))
    yield counter(
        "shop_refusals_forgotten_total",
        "Refusals that were forgotten before their time, since there were too many.",
        ["sale"],
        [(sale.slug, forgotten[pk]) for pk, sale in context.sales.items()],
    )
