"""The streams of accepted orders, and the counters beside them: Redis."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from prometheus_client.core import Metric

from inventory import outbox
from inventory.counters.keys import PERSIST_GROUP, Keys
from shop.core import clock
from shop.core.stores.redis import client

from .context import ScrapeContext
from .families import counter, gauge


def figures(context: ScrapeContext) -> Iterator[Metric]:
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
    """Yield what workers have taken. Who persists an entry deletes it, so the rest is untouched."""
    pending, epochs = _groups_and_epochs(list(context.sales))
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
            (slug, max(0, waiting[pk] - pending[pk].get(PERSIST_GROUP, 0)))
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
    with client().pipeline(transaction=False) as pipe:
        for keys in map(Keys.of, context.sales):
            pipe.hget(keys.stock, "forgotten")
        replies: list[Any] = pipe.execute()
    yield counter(
        "shop_refusals_forgotten_total",
        "Refusals that were forgotten before their time, since there were too many.",
        ["sale"],
        [
            (sale.slug, int(forgotten or 0))
            for sale, forgotten in zip(context.sales.values(), replies, strict=True)
        ],
    )


def _groups_and_epochs(
    sale_ids: list[int],
) -> tuple[dict[int, dict[str, int]], dict[int, int | None]]:
    """Return how many entries each group of a sale has taken, and the epoch of its counters."""
    with client().pipeline(transaction=False) as pipe:
        for sale_id in sale_ids:
            pipe.xinfo_groups(Keys.of(sale_id).outbox)
            pipe.hget(Keys.of(sale_id).config, "epoch")
        # A sale without an outbox is an error to Redis, and no group to us.
        replies: list[Any] = pipe.execute(raise_on_error=False)
    groups = dict(zip(sale_ids, map(_pending, replies[::2]), strict=True))
    epochs = dict(zip(sale_ids, map(_epoch, replies[1::2]), strict=True))
    return groups, epochs


def _pending(reply: Any) -> dict[str, int]:
    if isinstance(reply, Exception):
        return {}
    return {group["name"].decode(): int(group["pending"]) for group in reply}


def _epoch(reply: Any) -> int | None:
    return int(reply) if isinstance(reply, bytes) else None
