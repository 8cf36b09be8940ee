"""A thread for each store that collects its figures, so that one that hangs delays no other.

A source that fails costs its own figures. A store that does not answer one source is not asked by
the next.
"""

import contextvars
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

import psycopg2.errors
import redis
from django.db import InterfaceError, OperationalError, close_old_connections
from prometheus_client.core import Metric

from shop.core.error_text import first_line

from .context import ScrapeContext

logger = logging.getLogger(__name__)

R = TypeVar("R")
Source = Callable[[ScrapeContext], Iterable[Metric]]

_AWAY = (OperationalError, InterfaceError, redis.ConnectionError, redis.TimeoutError)


class Answer(NamedTuple):
    """The metric families of one source, or None if it failed, and the seconds it took."""

    families: list[Metric] | None
    seconds: float


class StoreAnswers(NamedTuple):
    """A store's answers in one scrape; a source without an answer was not asked or hangs."""

    store: str
    is_up: bool
    answers: dict[str, Answer | None]


class Store:
    """A server with its sources, asked one after the other and by one scrape at a time."""

    def __init__(self, name: str, sources: Mapping[str, Source]) -> None:
        self.name = name
        self.sources = sources
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"metrics of {name}")

    def submit(self, function: Callable[[], R]) -> Future[R]:
        """Let `function` run in the store's thread. It waits there for what runs already."""
        in_context = partial(contextvars.copy_context().run, function)
        return self._thread.submit(_with_connections, in_context)


class StoreScrape:
    """One scrape of a store, under way from the start; no source is asked after `until`."""

    def __init__(self, store: Store, context: ScrapeContext, *, until: float) -> None:
        self._store = store
        self._context = context
        self._until = until
        self._answers: dict[str, Answer] = {}
        self._running = store.submit(self._ask_all)

    def answers(self) -> StoreAnswers:
        """Return the answers that came in time. Later ones are dropped."""
        try:
            is_up = wait_for(self._running, self._until - time.monotonic())
        except TimeoutError:
            logger.warning("metrics: %s does not answer in time", self._store.name)
            is_up = False
        answers = self._answers.copy()
        return StoreAnswers(
            self._store.name, is_up, {name: answers.get(name) for name in self._store.sources}
        )

    def _ask_all(self) -> bool:
        """Ask every source while there is time. Returns whether the store was there for them."""
        for name, source in self._store.sources.items():
            if time.monotonic() > self._until:
                break
            try:
                self._answers[name] = self._ask(name, source)
            except _AWAY as error:
                logger.warning("metrics: %s is away: %s", self._store.name, first_line(error))
                return False
        return True

    def _ask(self, name: str, source: Source) -> Answer:
        began = time.monotonic()
        try:
            families = list(source(self._context))
        except Exception as error:
            if isinstance(error, _AWAY) and not _took_too_long(error):
                raise
            logger.warning("metrics: %s of %s failed: %r", name, self._store.name, error)
            return Answer(None, time.monotonic() - began)
        return Answer(families, time.monotonic() - began)


def wait_for(running: Future[R], seconds: float) -> R:
    """Return the result. Raises TimeoutError after `seconds`; a call not begun is cancelled."""
    try:
        return running.result(max(0.0, seconds))
    finally:
        running.cancel()


def _took_too_long(error: Exception) -> bool:
    """Tell whether PostgreSQL is there and has ended a statement that took too long."""
    return isinstance(error.__cause__, psycopg2.errors.QueryCanceled)


def _with_connections(function: Callable[[], R]) -> R:
    close_old_connections()
    try:
        return function()
    finally:
        close_old_connections()
