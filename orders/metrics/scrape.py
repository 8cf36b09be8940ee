"""One scrape: every store at the same time, within a bounded time, and the answers of each."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from django.db import Error
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from shop.core import clock

from .context import SaleOnRecord, ScrapeContext, read_sales
from .families import gauge
from .postgresql import read_only
from .sources import POSTGRESQL, STORES
from .stores import StoreAnswers, StoreScrape, wait_for

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = 4.0  # for a whole scrape; Prometheus gives up after 10
SALES_SECONDS = 1.5  # of these, until the sales are known


def render() -> bytes:
    """Return all figures in Prometheus' text format, after at most SECONDS.

    The figures of a source that fails are missing, and `shop_scrape_error` says so.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Scrape())
    return generate_latest(registry)


class _Scrape(Collector):
    def collect(self) -> Iterator[Metric]:
        until = time.monotonic() + SECONDS
        context = _known_sales.context()
        scrapes = [StoreScrape(store, context, until=until) for store in STORES]
        per_store = [each.answers() for each in scrapes]
        yield from _merged(
            family
            for each in per_store
            for answer in each.answers.values()
            if answer
            for family in answer.families or ()
        )
        yield from _of_the_scrape(per_store)


class _KnownSales:
    """The sales on record, or while PostgreSQL is away those that were when it was last there."""

    def __init__(self) -> None:
        self._last: dict[int, SaleOnRecord] = {}

    def context(self) -> ScrapeContext:
        now = clock.now()
        with suppress(Error, TimeoutError):  # the store's own scrape says what is wrong with it
            self._last = wait_for(POSTGRESQL.submit(partial(_sales, now)), SALES_SECONDS)
        return ScrapeContext(now, self._last)


_known_sales = _KnownSales()


def _sales(now: datetime) -> dict[int, SaleOnRecord]:
    with read_only():
        return read_sales(now)


def _merged(families: Iterable[Metric]) -> Iterable[Metric]:
    """Join families of one name from two servers: each may stand in the text once."""
    by_name: dict[str, Metric] = {}
    for family in families:
        by_name.setdefault(family.name, family)
        if by_name[family.name] is not family:
            by_name[family.name].samples += family.samples
    return by_name.values()


def _of_the_scrape(per_store: Sequence[StoreAnswers]) -> Iterator[Metric]:
    answers = [item for each in per_store for item in each.answers.items()]
    yield gauge(
        "shop_up",
        "Whether a store answers.",
        ["store"],
        [(each.store, each.is_up) for each in per_store],
    )
    yield gauge(
        "shop_scrape_error",
        "Whether a source failed to tell its figures.",
        ["source"],
        [(source, answer is None or answer.families is None) for source, answer in answers],
    )
    yield gauge(
        "shop_scrape_duration_seconds",
        "How long a source took to tell its figures.",
        ["source"],
        [(source, answer.seconds) for source, answer in answers if answer],
    )
